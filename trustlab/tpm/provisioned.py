"""What a TPM's maker left in it: EK certificates in non-volatile memory, and EKs kept under persistent handles.

Indices and handles as in the TCG EK Credential Profile 2.5, 2.2.1.4 and 2.2.1.5, and TCG's registry of reserved
handles. `swtpm_setup` manufactures an emulated TPM in this way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from trustlab.tpm.errors import TpmError, TpmResponseError
from trustlab.tpm.keys import LoadedKey, create_ek

if TYPE_CHECKING:
    from trustlab.tpm.client import TpmClient

EkKind = Literal["rsa", "ecc", "ecc-p384"]
CERTIFICATE_INDEX: dict[EkKind, int] = {"rsa": 0x01C00002, "ecc": 0x01C0000A, "ecc-p384": 0x01C00016}
_KEPT_P384 = 0x81010016
_CHUNK = 512
MAX_CERTIFICATE = 8192


def read_ek_certificate(client: TpmClient, kind: EkKind) -> bytes:
    """Return the EK certificate (DER) that the maker stored; TpmResponseError if there is none."""
    index = CERTIFICATE_INDEX[kind]
    esys = client.esys
    resource = esys.resource(index)
    public, _ = esys.nv_read_public(resource)
    size = int(public.nvPublic.dataSize)
    if not 4 < size <= MAX_CERTIFICATE:
        raise TpmError(f"NV index {index:#010x} has {size} octets: that is not an EK certificate")
    octets = b""
    while len(octets) < size:
        part = bytes(esys.nv_read(resource, min(_CHUNK, size - len(octets)), len(octets)))
        if not part:
            raise TpmError(f"NV index {index:#010x} ended after {len(octets)} of {size} octets")
        octets += part
    return _without_padding(octets)


def _without_padding(octets: bytes) -> bytes:
    """Cut off what follows the outer DER SEQUENCE: an index may be larger than its certificate."""
    if octets[:2] == b"\x30\x82":
        return octets[: 4 + int.from_bytes(octets[2:4], "big")]
    return octets


def kept_key(client: TpmClient, handle: int) -> LoadedKey:
    """Return the key under a persistent handle (0x81......); TpmResponseError if there is none."""
    public, _, _ = client.esys.read_public(client.esys.resource(handle))
    return LoadedKey(handle, public.publicArea.marshal())


def provisioned_ek(client: TpmClient) -> tuple[LoadedKey, bytes]:
    """Return an EK that its maker certified, and the certificate (DER); TpmError if the maker left none.

    ECC P-256 and RSA-2048 EKs are derived from the profile's low-range templates, a P-384 EK is the one kept in the
    TPM.
    """
    kinds: tuple[EkKind, ...] = ("ecc", "rsa", "ecc-p384")
    for kind in kinds:
        try:
            certificate = read_ek_certificate(client, kind)
        except TpmResponseError:
            continue  # no such index in this TPM
        return (kept_key(client, _KEPT_P384) if kind == "ecc-p384" else create_ek(client, kind)), certificate
    raise TpmError("this TPM's maker did not leave an EK certificate in it")
