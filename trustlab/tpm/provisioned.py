"""What a TPM's maker left in it: EK certificates in non-volatile memory, templates, and EKs under persistent handles.

Indices and handles as in the TCG EK Credential Profile 2.5, 2.2.1.4 and 2.2.1.5, and TCG's registry of reserved
handles. `swtpm_setup` manufactures an emulated TPM in this way.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from trustlab.octets.der import NotDer
from trustlab.tpm.ekchain import load_ek_certificate
from trustlab.tpm.ektemplates import TEMPLATES, EkKind, EkTemplate
from trustlab.tpm.errors import EnrolmentRefused, TpmError, TpmResponseError, TssError
from trustlab.tpm.framing import RH_ENDORSEMENT
from trustlab.tpm.keys import LoadedKey, create_primary
from trustlab.x509 import Bundle, read_bundle, unwrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.tpm.client import TpmClient

CERTIFICATE_INDEX: dict[EkKind, int] = {kind: template.certificate for kind, template in TEMPLATES.items()}
ON_DIE = range(0x01C00100, 0x01C00200)
"""Where Intel's on-die authorities keep their certificates, cut to the size of an index (2.2.1.5.2)."""
KEPT = (0x81010001, 0x81010002, *range(0x81010012, 0x81010020))
"""Persistent handles of EKs (TCG's registry of reserved TPM 2.0 handles, 2.3.1)."""
_CHUNK = 512
MAX_CERTIFICATE = 8192


def read_index(client: TpmClient, index: int) -> bytes:
    """Return what an index of non-volatile memory holds; TpmResponseError if there is none."""
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
    return octets


def read_ek_certificate(client: TpmClient, kind: EkKind) -> bytes:
    """Return the EK certificate that the maker stored, without what is around it; TpmResponseError if there is none."""
    octets = read_index(client, CERTIFICATE_INDEX[kind])
    try:
        return unwrapped(octets)
    except NotDer:
        return octets  # whoever reads it as a certificate says what is wrong with it


def read_on_die_certificates(client: TpmClient) -> Bundle:
    """Return the certificates of on-die authorities; an empty bundle if the TPM has none."""
    octets = b""
    for index in ON_DIE:
        try:
            octets += read_index(client, index)
        except TpmError:
            break
    return read_bundle(octets, "the TPM's own authorities") if octets else Bundle()


def kept_key(client: TpmClient, handle: int) -> LoadedKey:
    """Return the key under a persistent handle (0x81......); TpmResponseError if there is none."""
    public, _, _ = client.esys.read_public(client.esys.resource(handle))
    return LoadedKey(handle, public.publicArea.marshal())


def provisioned_ek(client: TpmClient) -> tuple[LoadedKey, bytes]:
    """Return an EK that its maker certified, and the certificate (DER); TpmError if there is none to be had.

    The EK is the one kept in the TPM, or made again from the maker's template or the profile's: whichever has the key
    that the certificate names.
    """
    unusable = []
    for kind, template in TEMPLATES.items():
        try:
            certificate = read_ek_certificate(client, kind)
        except TpmResponseError:
            continue  # no such index in this TPM
        except TpmError as error:
            unusable.append(str(error))
            continue
        try:
            spki = load_ek_certificate(certificate).spki
        except EnrolmentRefused as error:
            unusable.append(f"NV index {template.certificate:#010x}: {error.sentence}")
            continue
        for ek in _candidates(client, template):
            if ek.spki == spki:
                return ek, certificate
            if ek.handle not in KEPT:
                client.flush(ek)
        unusable.append(f"NV index {template.certificate:#010x}: this TPM does not make the key that it certifies")
    why = f" that can be used ({'; '.join(unusable)})" if unusable else ""
    raise TpmError(f"this TPM's maker did not leave an EK certificate in it{why}")


def _candidates(client: TpmClient, template: EkTemplate) -> Iterator[LoadedKey]:
    """Give the keys that may be the EK of a certificate: those that are kept, then those that templates make."""
    for handle in KEPT:
        try:
            yield kept_key(client, handle)
        except TpmError:
            continue
    for area in _templates(client, template):
        try:
            yield create_primary(client, RH_ENDORSEMENT, area)
        except (TpmResponseError, TssError):
            continue  # not a kind of key that this TPM makes


def _templates(client: TpmClient, template: EkTemplate) -> Iterator[bytes]:
    """Give the maker's template, if there is one, then the profile's: with the maker's nonce, and without."""
    with suppress(TpmError):
        yield read_index(client, template.template_index)
    if template.nonce_index is not None:
        with suppress(TpmError):
            yield template.template(read_index(client, template.nonce_index))
    yield template.template()
