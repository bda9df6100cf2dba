"""Numbers of the TPM 2.0 Library, Part 2 (revision 1.59), under the names it gives them."""

from __future__ import annotations

import enum

TPM_GENERATED_VALUE = 0xFF544347
"""Part 2, 6.2: the first four octets of everything a TPM signs about itself."""

TPM_ST_ATTEST_CERTIFY = 0x8017
TPM_ST_ATTEST_QUOTE = 0x8018
TPM_ST_ATTEST_CREATION = 0x801A

TPM_RH_ENDORSEMENT = 0x4000000B

TPM_CC_POLICY_LOCALITY = 0x0000016F
TPM_CC_POLICY_PCR = 0x0000017F

ALG_RSA = 0x0001
ALG_SHA1 = 0x0004
ALG_AES = 0x0006
ALG_KEYEDHASH = 0x0008
ALG_XOR = 0x000A
ALG_SHA256 = 0x000B
ALG_SHA384 = 0x000C
ALG_SHA512 = 0x000D
ALG_NULL = 0x0010
ALG_SM3_256 = 0x0012
ALG_RSASSA = 0x0014
ALG_RSAES = 0x0015
ALG_RSAPSS = 0x0016
ALG_OAEP = 0x0017
ALG_ECDSA = 0x0018
ALG_ECDH = 0x0019
ALG_ECDAA = 0x001A
ALG_SM2 = 0x001B
ALG_ECSCHNORR = 0x001C
ALG_ECC = 0x0023
ALG_CAMELLIA = 0x0026
ALG_SM4 = 0x0013

ALGORITHM_NAMES = {
    ALG_RSA: "rsa",
    ALG_SHA1: "sha1",
    ALG_AES: "aes",
    ALG_KEYEDHASH: "keyedhash",
    ALG_SHA256: "sha256",
    ALG_SHA384: "sha384",
    ALG_SHA512: "sha512",
    ALG_NULL: "null",
    ALG_SM3_256: "sm3_256",
    ALG_RSASSA: "rsassa",
    ALG_RSAES: "rsaes",
    ALG_RSAPSS: "rsapss",
    ALG_OAEP: "oaep",
    ALG_ECDSA: "ecdsa",
    ALG_ECDH: "ecdh",
    ALG_ECDAA: "ecdaa",
    ALG_ECC: "ecc",
    0x0043: "cfb",
}

HASH_NAMES = {ALG_SHA1: "sha1", ALG_SHA256: "sha256", ALG_SHA384: "sha384", ALG_SHA512: "sha512"}
"""The hash algorithms this room computes, by their `hashlib` names."""

HASH_SIZES = {ALG_SHA1: 20, ALG_SHA256: 32, ALG_SHA384: 48, ALG_SHA512: 64, ALG_SM3_256: 32}
HASH_IDS = {name: number for number, name in HASH_NAMES.items()}

ECC_NIST_P256 = 0x0003
ECC_NIST_P384 = 0x0004
ECC_NIST_P521 = 0x0005


class ObjectAttributes(enum.IntFlag, boundary=enum.KEEP):
    """TPMA_OBJECT (Part 2, 8.3): what an object may be used for, and by whom; reserved bits are kept as they are."""

    FIXED_TPM = 0x00000002
    ST_CLEAR = 0x00000004
    FIXED_PARENT = 0x00000010
    SENSITIVE_DATA_ORIGIN = 0x00000020
    USER_WITH_AUTH = 0x00000040
    ADMIN_WITH_POLICY = 0x00000080
    NO_DA = 0x00000400
    ENCRYPTED_DUPLICATION = 0x00000800
    RESTRICTED = 0x00010000
    DECRYPT = 0x00020000
    SIGN_ENCRYPT = 0x00040000
    X509_SIGN = 0x00080000


ATTRIBUTE_NAMES = {
    ObjectAttributes.FIXED_TPM: "fixedTPM",
    ObjectAttributes.ST_CLEAR: "stClear",
    ObjectAttributes.FIXED_PARENT: "fixedParent",
    ObjectAttributes.SENSITIVE_DATA_ORIGIN: "sensitiveDataOrigin",
    ObjectAttributes.USER_WITH_AUTH: "userWithAuth",
    ObjectAttributes.ADMIN_WITH_POLICY: "adminWithPolicy",
    ObjectAttributes.NO_DA: "noDA",
    ObjectAttributes.ENCRYPTED_DUPLICATION: "encryptedDuplication",
    ObjectAttributes.RESTRICTED: "restricted",
    ObjectAttributes.DECRYPT: "decrypt",
    ObjectAttributes.SIGN_ENCRYPT: "sign",
    ObjectAttributes.X509_SIGN: "x509sign",
}


def algorithm_name(number: int) -> str:
    """Return the short name of a TPM_ALG_ID, or its number in hex."""
    return ALGORITHM_NAMES.get(number, f"{number:#06x}")


def attribute_names(attributes: int) -> str:
    """Return the names of the attributes that are set, as Part 2 spells them."""
    names = [name for flag, name in ATTRIBUTE_NAMES.items() if attributes & flag]
    return ", ".join(names) or "none"
