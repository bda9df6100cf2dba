"""Certificates out of whatever holds them: PEM, DER one after the other, PKCS#7, and what TPMs keep in their memory.

One damaged certificate does not spoil a bundle: it is left out, and named in `Bundle.skipped`.

What a TPM's non-volatile memory holds is a certificate with something around it: the header of the PC Client
specification for TPM 1.2 (7.3.2: tag 0x1001, type, length, tag 0x1002), or padding with 0x00 or 0xff to the size of
the index. Intel's on-die authorities stand in several indices, one certificate behind the other (EK Credential Profile
2.5, 2.2.1.5.2). Its service for older chips answers in JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustlab.octets.ber import CONSTRUCTED, BerNode, read_ber
from trustlab.octets.der import SEQUENCE, NotDer
from trustlab.x509.lenient import LenientCertificate, read_lenient

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STORED_CERTIFICATE, FULL_CERTIFICATE = b"\x10\x01", b"\x10\x02"
PADDING = b"\0\xff"
SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_PEM = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----\s*(.*?)-----END \1-----", re.DOTALL)
_PEM_CERTIFICATES = {b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"}
_PEM_PKCS7 = {b"PKCS7", b"CMS"}
MAX_CERTIFICATES = 2000


@dataclass
class Bundle:
    """The certificates that could be read, in their order, and a sentence for each that could not."""

    certificates: list[LenientCertificate] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def add(self, other: Bundle) -> None:
        """Take over what another bundle holds, each certificate once."""
        known = {certificate.octets for certificate in self.certificates}
        self.certificates += [c for c in other.certificates if c.octets not in known]
        self.skipped += other.skipped

    def below(self, others: Bundle) -> Bundle:
        """Return what of this bundle may stand between an anchor of the others and a leaf: nothing that is a top."""
        subjects = {c.subject for c in (*self.certificates, *others.certificates)}
        return Bundle([c for c in self.certificates if not c.self_issued and c.issuer in subjects], self.skipped)

    @property
    def anchors(self) -> list[LenientCertificate]:
        """The certificates at the top: those that name themselves as issuer, and those whose issuer is not here.

        A root that somebody else signed as well is an anchor if that somebody is missing.
        """
        subjects = {certificate.subject for certificate in self.certificates}
        return [c for c in self.certificates if c.self_issued or c.issuer not in subjects]

    @property
    def between(self) -> list[LenientCertificate]:
        """The others."""
        anchors = {anchor.octets for anchor in self.anchors}
        return [certificate for certificate in self.certificates if certificate.octets not in anchors]


def read_bundle(octets: bytes, source: str = "") -> Bundle:
    """Read every certificate that the octets of a file hold; `source` names the file in what is said of others."""
    bundle = Bundle()
    where = f"{source}: " if source else ""
    for number, piece in enumerate(_pieces(octets), start=1):
        if number > MAX_CERTIFICATES:
            bundle.skipped.append(f"{where}more than {MAX_CERTIFICATES} certificates")
            break
        try:
            if isinstance(piece, NotDer):
                raise piece
            bundle.certificates.append(read_lenient(piece))
        except NotDer as error:
            bundle.skipped.append(f"{where}certificate {number} cannot be read: {error}")
    return bundle


def unwrapped(octets: bytes) -> bytes:
    """Return the one certificate in what a TPM's memory holds: without header and padding. NotDer if there is none."""
    for piece in _unpadded(octets):
        if isinstance(piece, NotDer):
            raise piece
        return piece
    raise NotDer("it holds no certificate")


def _pieces(octets: bytes) -> Iterator[bytes | NotDer]:
    blocks = _PEM.findall(octets)
    if blocks:
        for label, body in blocks:
            if label in _PEM_CERTIFICATES | _PEM_PKCS7:
                try:
                    decoded = base64.b64decode(b"".join(body.split()), validate=True)
                except binascii.Error:
                    yield NotDer("it is not base64")
                    continue
                yield from _first(_unpadded(decoded)) if label in _PEM_CERTIFICATES else _of_pkcs7(decoded)
    elif octets.lstrip()[:1] in (b"{", b"["):
        yield from _of_json(octets)
    elif octets[:1] == b"M" and (decoded := _base64(octets)):
        yield from _unpadded(decoded)
    else:
        yield from _unpadded(octets)


def _first(pieces: Iterable[bytes | NotDer]) -> Iterator[bytes | NotDer]:
    """Give the certificate of a PEM block; OpenSSL's TRUSTED ones have something behind it."""
    for piece in pieces:
        yield piece
        return
    yield NotDer("it is empty")


def _base64(octets: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(octets.split()), validate=True)
    except binascii.Error:
        return b""


def _unpadded(octets: bytes) -> Iterator[bytes | NotDer]:
    """Give the elements of DER that stand one after the other, without headers before and padding between them."""
    at = 0
    while at < len(octets):
        if octets[at] in PADDING:
            at += 1
        elif octets[at : at + 2] == STORED_CERTIFICATE:
            end = at + 5 + int.from_bytes(octets[at + 3 : at + 5], "big")
            if end > len(octets) or end == at + 5:
                yield NotDer("its header announces more than there is")
                return
            start = at + 5 + (2 if octets[at + 5 : at + 7] == FULL_CERTIFICATE else 0)
            yield from _first(_unpadded(octets[start:end]))
            at = end
        elif octets[at] != SEQUENCE:
            yield NotDer(f"octet {at} does not begin a certificate: it is {octets[at]:02x}, not {SEQUENCE:02x}")
            return
        else:
            try:
                node = read_ber(octets, "it", at)
            except NotDer as error:
                yield error
                return
            if node.raw[:64].find(SIGNED_DATA) >= 0 and node.parts[0].raw == SIGNED_DATA:
                yield from _of_pkcs7(node.raw)
            else:
                yield node.raw
            at += len(node.raw)


def _of_pkcs7(octets: bytes) -> Iterator[bytes | NotDer]:
    """Give the certificates in a SignedData (RFC 5652 5.1)."""
    try:
        content = read_ber(octets, "the PKCS#7 file").parts[1].parts[0]
        listed = next(part for part in content.parts if part.tag == 0xA0)
    except (NotDer, IndexError, StopIteration):
        yield NotDer("the PKCS#7 file holds no certificates")
        return
    yield from (part.raw for part in listed.parts if _is_sequence(part))


def _is_sequence(node: BerNode) -> bool:
    return node.tag == 0x10 | CONSTRUCTED


def _of_json(octets: bytes) -> Iterator[bytes | NotDer]:
    """Give the certificate in an answer of Intel's service: `{"pubhash": ..., "certificate": base64url}`."""
    try:
        text = json.loads(octets)["certificate"]
        decoded = base64.urlsafe_b64decode(re.sub(r"\s|%3D|%3d", "", text).rstrip("=") + "===")
    except (ValueError, KeyError, TypeError, RecursionError):
        yield NotDer("it is JSON without a certificate")
        return
    yield from _unpadded(decoded)
