"""Public-area templates (TPMT_PUBLIC, TPM 2.0 Part 2, 12.2.4), put together by hand.

The EK templates are the TCG's low-range ones (TCG EK Credential Profile 2.5, B.3.3 and B.3.4): whoever uses them gets
the same EK from the same TPM. The AK and the TLS keys have the attributes of the lab's protocol.
"""

from __future__ import annotations

from typing import Literal

from trustlab.attest import ObjectAttributes as Attr
from trustlab.tpm.marshal import sized, u16, u32

ALG_RSA, ALG_AES, ALG_SHA256, ALG_NULL = 0x0001, 0x0006, 0x000B, 0x0010
ALG_RSASSA, ALG_RSAES, ALG_RSAPSS, ALG_ECDSA, ALG_ECC, ALG_CFB = 0x0014, 0x0015, 0x0016, 0x0018, 0x0023, 0x0043
CURVE_P256 = 0x0003
RSA_BITS = 2048

Kind = Literal["rsa-decrypt", "rsa-sign", "ecdsa"]

EK_POLICY = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
"""PolicyA of the EK profile: PolicySecret(TPM_RH_ENDORSEMENT)."""

_MADE_HERE = Attr.FIXED_TPM | Attr.FIXED_PARENT | Attr.SENSITIVE_DATA_ORIGIN
EK_ATTRIBUTES = _MADE_HERE | Attr.ADMIN_WITH_POLICY | Attr.RESTRICTED | Attr.DECRYPT
SRK_ATTRIBUTES = _MADE_HERE | Attr.USER_WITH_AUTH | Attr.NO_DA | Attr.RESTRICTED | Attr.DECRYPT
AK_ATTRIBUTES = _MADE_HERE | Attr.NO_DA | Attr.RESTRICTED | Attr.SIGN_ENCRYPT
"""restricted: signs only what the TPM itself made. userWithAuth clear: no password opens it.

AdminWithPolicy clear: credential activation works with the empty password. noDA: a policy failure by Alice does not
lock it.
"""
TLS_KEY_ATTRIBUTES = _MADE_HERE | Attr.NO_DA

_AES_128_CFB = u16(ALG_AES) + u16(128) + u16(ALG_CFB)
_NO_SYMMETRIC = u16(ALG_NULL)


def public_area(algorithm: int, attributes: int, policy: bytes, parameters: bytes, unique: bytes) -> bytes:
    """Return a TPMT_PUBLIC with nameAlg SHA-256."""
    return u16(algorithm) + u16(ALG_SHA256) + u32(attributes) + sized(policy) + parameters + unique


def ecc(
    attributes: int, policy: bytes, *, symmetric: bytes = _NO_SYMMETRIC, scheme: int = ALG_NULL, low_range: bool = False
) -> bytes:
    """Return an ECC P-256 template; a signature scheme other than NULL has SHA-256."""
    hashed = u16(scheme) + (u16(ALG_SHA256) if scheme != ALG_NULL else b"")
    empty = sized(bytes(32)) * 2 if low_range else sized(b"") * 2
    return public_area(ALG_ECC, attributes, policy, symmetric + hashed + u16(CURVE_P256) + u16(ALG_NULL), empty)


def rsa(
    attributes: int, policy: bytes, *, symmetric: bytes = _NO_SYMMETRIC, scheme: int = ALG_NULL, low_range: bool = False
) -> bytes:
    """Return an RSA-2048 template (exponent 65537)."""
    hashed = u16(scheme) + (u16(ALG_SHA256) if scheme in (ALG_RSASSA, ALG_RSAPSS) else b"")
    unique = sized(bytes(RSA_BITS // 8)) if low_range else sized(b"")
    return public_area(ALG_RSA, attributes, policy, symmetric + hashed + u16(RSA_BITS) + u32(0), unique)


def ek_template(kind: Literal["ecc", "rsa"]) -> bytes:
    """Return the TCG's low-range EK template L-2 (ECC P-256) or L-1 (RSA 2048)."""
    make = ecc if kind == "ecc" else rsa
    return make(EK_ATTRIBUTES, EK_POLICY, symmetric=_AES_128_CFB, low_range=True)


def srk_template() -> bytes:
    """Return the storage root key's template: ECC P-256, a restricted decryption key with an empty password."""
    return ecc(SRK_ATTRIBUTES, b"", symmetric=_AES_128_CFB)


def ak_template(policy: bytes, attributes: int = AK_ATTRIBUTES) -> bytes:
    """Return an attestation key's template: ECC P-256, ECDSA with SHA-256."""
    return ecc(attributes, policy, scheme=ALG_ECDSA)


def tls_key_template(kind: Kind, policy: bytes) -> bytes:
    """Return a TLS key's template; without a policy the empty password opens it (userWithAuth)."""
    base = TLS_KEY_ATTRIBUTES | (Attr(0) if policy else Attr.USER_WITH_AUTH)
    if kind == "rsa-decrypt":
        return rsa(base | Attr.DECRYPT, policy, scheme=ALG_RSAES)
    if kind == "rsa-sign":
        return rsa(base | Attr.SIGN_ENCRYPT, policy)
    return ecc(base | Attr.SIGN_ENCRYPT, policy, scheme=ALG_ECDSA)
