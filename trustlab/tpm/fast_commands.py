"""The TPM commands that a handshake waits for, marshalled by hand because the TPM library takes longer than the TPM.

They are Quote, CertifyCreation, Sign and RSA_Decrypt, and Certify, which the design `machine-linked-key` needs in every
handshake. All other commands go through `esys`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from trustlab.attest import parse_signature, pcr_selection
from trustlab.attest.constants import HASH_IDS
from trustlab.octets import sized, u16, u32
from trustlab.tpm.errors import TpmError
from trustlab.tpm.framing import PASSWORD, RH_NULL
from trustlab.tpm.policy import authorized
from trustlab.tpm.templates import ALG_ECDSA, ALG_NULL, ALG_RSAES, ALG_RSAPSS, ALG_RSASSA, ALG_SHA256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.tpm.client import TpmClient
    from trustlab.tpm.framing import TpmReader
    from trustlab.tpm.keys import CreatedKey, LoadedKey

ST_HASHCHECK = 0x8024
_OWN_SCHEME = u16(ALG_NULL)
_NO_TICKET = u16(ST_HASHCHECK) + u32(RH_NULL) + sized(b"")
"""An unrestricted key signs any digest without proof of where it comes from."""
_SCHEMES = {"ecdsa": ALG_ECDSA, "rsassa": ALG_RSASSA, "rsapss": ALG_RSAPSS}


@dataclass(frozen=True)
class Attestation:
    """What an AK signed: a TPMS_ATTEST and its TPMT_SIGNATURE, as octets."""

    attest: bytes
    signature: bytes = field(repr=False)


def quote(
    client: TpmClient,
    ak: LoadedKey,
    qualifying: bytes,
    pcrs: Sequence[int] = (17, 18, 19, 20),
    bank: str = "sha256",
) -> Attestation:
    """Have the AK sign the PCRs `pcrs` of a bank and `qualifying` (the binder, at most 64 octets)."""
    parameters = sized(qualifying) + _OWN_SCHEME + pcr_selection(pcrs, HASH_IDS[bank])
    return _attestation(authorized(client, ak.policy, "Quote", (ak.handle,), parameters))


def certify_creation(client: TpmClient, ak: LoadedKey, key: CreatedKey, qualifying: bytes) -> Attestation:
    """Have the AK sign that this TPM made `key`, with which creation data; only the key's own ticket will do."""
    parameters = sized(qualifying) + sized(key.creation_hash) + _OWN_SCHEME + key.creation_ticket
    return _attestation(authorized(client, ak.policy, "CertifyCreation", (ak.handle, key.handle), parameters))


def certify(client: TpmClient, ak: LoadedKey, key: LoadedKey, qualifying: bytes) -> Attestation:
    """Have the AK sign that an object with this Name is loaded; it says nothing about who made it.

    The certified object must be authorised too, in the ADMIN role: here by its empty password.
    """
    parameters = sized(qualifying) + _OWN_SCHEME
    return _attestation(authorized(client, ak.policy, "Certify", (key.handle, ak.handle), parameters, (PASSWORD,)))


def _attestation(answer: TpmReader) -> Attestation:
    return Attestation(answer.sized("attest"), answer.rest("signature"))


def rsa_decrypt(client: TpmClient, key: LoadedKey, ciphertext: bytes) -> bytes:
    """Decrypt PKCS#1 v1.5. Bad padding is TpmResponseError (TPM_RC_FAILURE or TPM_RC_VALUE), and is answered faster.

    An emulator on OpenSSL 3.2 or later answers bad padding with noise instead, the same each time (implicit rejection):
    whoever decrypts must look at what came out, as TLS does.
    """
    parameters = sized(ciphertext) + u16(ALG_RSAES) + sized(b"")
    return authorized(client, key.policy, "RSA_Decrypt", (key.handle,), parameters).sized("message")


def sign(
    client: TpmClient, key: LoadedKey, digest: bytes, scheme: Literal["ecdsa", "rsassa", "rsapss"] = "ecdsa"
) -> bytes:
    """Sign a SHA-256 digest (32 octets); returns a DER ECDSA-Sig-Value, or an RSA signature's octets."""
    if scheme not in _SCHEMES:
        raise TpmError(f"signature scheme '{scheme}' is unknown; choose from {', '.join(_SCHEMES)}")
    parameters = sized(digest) + u16(_SCHEMES[scheme]) + u16(ALG_SHA256) + _NO_TICKET
    return parse_signature(authorized(client, key.policy, "Sign", (key.handle,), parameters).rest("signature")).value
