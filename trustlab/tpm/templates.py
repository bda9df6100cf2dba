"""Public-area templates (TPMT_PUBLIC, TPM 2.0 Part 2, 12.2.4), as octets.

The EK templates are the TCG's low-range ones (TCG EK Credential Profile 2.5, B.3.3 and B.3.4): whoever uses them gets
the same EK from the same TPM. The AK and the TLS keys have the attributes of the lab's protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tpm2_pytss import TPM2B_PUBLIC_KEY_RSA, TPMA_OBJECT, TPMS_ECC_POINT, TPMT_PUBLIC

from trustlab.attest import ObjectAttributes as Attr
from trustlab.tpm.esys import structure

if TYPE_CHECKING:
    from collections.abc import Mapping

ALG_SHA256, ALG_NULL = 0x000B, 0x0010
ALG_RSASSA, ALG_RSAES, ALG_RSAPSS, ALG_ECDSA = 0x0014, 0x0015, 0x0016, 0x0018

Kind = Literal["rsa-decrypt", "rsa-sign", "ecdsa"]

AkKind = Literal["ecc", "ecc-p384", "rsa", "rsapss"]
AK_KINDS: dict[AkKind, str] = {
    "ecc": "ecc256:ecdsa-sha256:null",
    "ecc-p384": "ecc384:ecdsa-sha384:null",
    "rsa": "rsa2048:rsassa-sha256:null",
    "rsapss": "rsa2048:rsapss-sha256:null",
}

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


def template(
    description: str, attributes: int, policy: bytes = b"", *, unique: Mapping[str, object] | None = None
) -> bytes:
    """Return a TPMT_PUBLIC with nameAlg SHA-256; `description` is in the words of tpm2-tools, e.g. `rsa2048:rsaes`.

    TssError if the TSS does not know the words.
    """
    area = structure(
        TPMT_PUBLIC.parse,
        description,
        objectAttributes=TPMA_OBJECT(attributes),
        nameAlg="sha256",
        authPolicy=policy,
    )
    for name, value in (unique or {}).items():
        setattr(area.unique, name, value)
    return bytes(area.marshal())


def ek_template(kind: Literal["ecc", "rsa"]) -> bytes:
    """Return the TCG's low-range EK template L-2 (ECC P-256) or L-1 (RSA 2048): their unique fields are zeros."""
    if kind == "ecc":
        zeros: dict[str, object] = {"ecc": TPMS_ECC_POINT(x=bytes(32), y=bytes(32))}
        return template("ecc256:aes128cfb", EK_ATTRIBUTES, EK_POLICY, unique=zeros)
    zeros = {"rsa": TPM2B_PUBLIC_KEY_RSA(bytes(256))}
    return template("rsa2048:aes128cfb", EK_ATTRIBUTES, EK_POLICY, unique=zeros)


def srk_template() -> bytes:
    """Return the storage root key's template: ECC P-256, a restricted decryption key with an empty password."""
    return template("ecc256:aes128cfb", SRK_ATTRIBUTES)


def ak_template(policy: bytes, attributes: int = AK_ATTRIBUTES, kind: AkKind = "ecc") -> bytes:
    """Return an attestation key's template; the lab's own are ECC P-256, ECDSA with SHA-256."""
    return template(AK_KINDS[kind], attributes, policy)


def tls_key_template(kind: Kind, policy: bytes) -> bytes:
    """Return a TLS key's template; without a policy the empty password opens it (userWithAuth)."""
    base = TLS_KEY_ATTRIBUTES | (Attr(0) if policy else Attr.USER_WITH_AUTH)
    if kind == "rsa-decrypt":
        return template("rsa2048:rsaes:null", base | Attr.DECRYPT, policy)
    if kind == "rsa-sign":
        return template("rsa2048:null:null", base | Attr.SIGN_ENCRYPT, policy)
    return template("ecc256:ecdsa-sha256:null", base | Attr.SIGN_ENCRYPT, policy)
