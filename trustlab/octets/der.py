"""One encoding for each certificate: a strict look at the octets that a certificate's signature does not cover.

A certificate is `SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }` (RFC 5280 4.1), and its issuer signs
the first part only. Whoever carries it may write the rest differently, and a lenient parser takes it all the same: one
certificate then has several encodings, and several digests. DER (X.690 10, 11) allows one, and nothing else is let
through here. The library `cryptography` reads what is inside; its leniency may change from one version to the next.
"""

from __future__ import annotations

INTEGER = 0x02
BIT_STRING = 0x03
SEQUENCE = 0x30
VERSION = 0xA0
"""[0] EXPLICIT, which holds the version of a certificate."""

_ECDSA = (
    bytes.fromhex("06072a8648ce3d0401"),  # ecdsa-with-SHA1
    bytes.fromhex("06082a8648ce3d0403"),  # ecdsa-with-SHA224 to -SHA512: one more octet tells them apart
)
"""How the OBJECT IDENTIFIER of an ECDSA signature begins (RFC 3279 2.2.3, RFC 5758 3.2)."""


class NotDer(ValueError):  # noqa: N818 - says what the octets are
    """Octets that are not the one DER encoding of what they should be; says which part, and why."""


class Element:
    """A DER element within `octets`: its tag, and where it begins (`start`), its content begins and it ends."""

    __slots__ = ("content", "end", "octets", "start", "tag")

    def __init__(self, octets: bytes, start: int, limit: int, what: str) -> None:
        if limit - start < 2:
            raise NotDer(f"{what} is missing or cut off")
        length, content = octets[start + 1], start + 2
        if length >= 0x80:
            size = length & 0x7F
            if content + size > limit:
                raise NotDer(f"{what} is cut off")
            written = octets[content : content + size]
            length = int.from_bytes(written, "big")
            content += size
            if length < 0x80 or written[0] == 0:  # also the indefinite form, which has no octets here
                raise NotDer(f"the length of {what} is not in its shortest form (X.690 10.1)")
        self.octets, self.tag, self.start = octets, octets[start], start
        self.content, self.end = content, content + length
        if self.end > limit:
            raise NotDer(f"{what} is cut off")

    @property
    def raw(self) -> bytes:
        """The whole element."""
        return self.octets[self.start : self.end]

    @property
    def value(self) -> bytes:
        """The content."""
        return self.octets[self.content : self.end]

    def parts(self, *wanted: tuple[int, str]) -> list[Element]:
        """Return what this element holds: exactly these, each with its tag."""
        found, at = [], self.content
        for tag, what in wanted:
            part = _expect(self.octets, at, self.end, tag, what)
            found.append(part)
            at = part.end
        if at != self.end:
            raise NotDer(f"further octets follow {wanted[-1][1]}")
        return found


def elements(octets: bytes, what: str) -> list[Element]:
    """Cut octets into DER elements; NotDer if one does not end within them."""
    found: list[Element] = []
    at = 0
    while at < len(octets):
        found.append(Element(octets, at, len(octets), what))
        at = found[-1].end
    return found


def _expect(octets: bytes, start: int, limit: int, tag: int, what: str) -> Element:
    element = Element(octets, start, limit, what)
    if element.tag != tag:
        raise NotDer(f"{what} has the tag 0x{element.tag:02x}, not 0x{tag:02x}")
    return element


def _whole(octets: bytes, what: str) -> Element:
    element = _expect(octets, 0, len(octets), SEQUENCE, what)
    if element.end != len(octets):
        raise NotDer(f"further octets follow {what}")
    return element


def check_certificate(octets: bytes) -> None:
    """Check what a certificate's signature does not cover: NotDer if it could be written differently (RFC 5280 4.1)."""
    tbs, algorithm, signature = _whole(octets, "the Certificate").parts(
        (SEQUENCE, "tbsCertificate"), (SEQUENCE, "signatureAlgorithm"), (BIT_STRING, "signatureValue")
    )
    if algorithm.raw != _signed_algorithm(tbs).raw:
        raise NotDer("signatureAlgorithm is not the one inside tbsCertificate (RFC 5280 4.1.1.2)")
    value = signature.value
    if value[:1] != b"\0":
        raise NotDer("signatureValue is not a whole number of octets: it has unused bits (X.690 8.6)")
    if algorithm.value.startswith(_ECDSA):
        check_ecdsa_signature(value[1:])


def _signed_algorithm(tbs: Element) -> Element:
    """Return the AlgorithmIdentifier inside tbsCertificate, behind version and serialNumber."""
    first = Element(tbs.octets, tbs.content, tbs.end, "version or serialNumber")
    if first.tag == VERSION:
        first = _expect(tbs.octets, first.end, tbs.end, INTEGER, "serialNumber")
    return _expect(tbs.octets, first.end, tbs.end, SEQUENCE, "the signature algorithm inside tbsCertificate")


def check_ecdsa_signature(octets: bytes) -> None:
    """Check an ECDSA-Sig-Value: a SEQUENCE of two positive INTEGERs in their shortest form (RFC 3279 2.2.3)."""
    for number in _whole(octets, "the ECDSA-Sig-Value").parts((INTEGER, "r"), (INTEGER, "s")):
        value = number.value
        padded = value[:1] == b"\0" and value[1:2] < b"\x80"
        if not value or value[0] >= 0x80 or padded:
            raise NotDer("r or s is not a positive INTEGER in its shortest form (X.690 8.3.2)")
