"""ASN.1 as makers really write it: a lenient reader of BER (X.690 8), and a writer that gives DER (X.690 10, 11).

`octets.der` lets one encoding through, because whoever carries evidence could otherwise change it. A TPM maker's
certificate is different: it was signed once, in a factory, with whatever mistakes the factory's program made, and it
will not be signed again. This reader takes those octets apart; what it gives back can be put together as DER, for
libraries that take nothing else. The signature is always verified over the octets that came.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from trustlab.octets.der import BIT_STRING, INTEGER, NotDer

BOOLEAN, OCTET_STRING, NULL, OID = 0x01, 0x04, 0x05, 0x06
SET = 0x31
CONSTRUCTED = 0x20
UNIVERSAL_LIMIT = 0x40
MAX_DEPTH = 32
MAX_NODES = 20_000
_STRINGS = {BIT_STRING, OCTET_STRING, 0x0C, 0x12, 0x13, 0x14, 0x16, 0x1A, 0x1C, 0x1E}
"""Types that BER may write in pieces."""


@dataclass
class BerNode:
    """An element: its tag, its content (primitive) or its parts (constructed).

    `raw` are the octets it was read from, `written` the content of a simple value as it stood there.
    """

    tag: int
    content: bytes = b""
    parts: list[BerNode] = field(default_factory=list)
    raw: bytes = b""
    written: bytes = b""

    @property
    def constructed(self) -> bool:
        return bool(self.tag & CONSTRUCTED)

    def encode(self) -> bytes:
        """Return the element in DER: definite, shortest lengths; the parts of a SET in ascending order (11.6)."""
        content = self.content
        if self.constructed:
            encoded = [part.encode() for part in self.parts]
            content = b"".join(sorted(encoded) if self.tag == SET else encoded)
        return encode_element(self.tag, content)

    def expect(self, tag: int, what: str) -> BerNode:
        """Return itself; NotDer if it has another tag."""
        if self.tag != tag:
            raise NotDer(f"{what} has the tag 0x{self.tag:02x}, not 0x{tag:02x}")
        return self


def encode_element(tag: int, content: bytes) -> bytes:
    """Return an element of DER."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def read_ber(octets: bytes, what: str, start: int = 0) -> BerNode:
    """Read the element that begins at `start`; octets behind it are left alone. NotDer if it does not end in time.

    Simple values come out as DER has them: numbers without superfluous octets, truth as 0xff, the unused bits of a
    BIT STRING as zeros, a string in one piece.
    """
    return _BerReader(octets, what).element(start, len(octets), 0)[0]


class _BerReader:
    def __init__(self, octets: bytes, what: str) -> None:
        self.octets, self.what, self.nodes = octets, what, 0

    def fail(self, why: str) -> NotDer:
        return NotDer(f"{self.what} {why}")

    def element(self, start: int, limit: int, depth: int) -> tuple[BerNode, int]:
        """Return the element at `start`, and where it ends."""
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            raise self.fail("has more elements, or deeper ones, than any certificate")
        if limit - start < 2:
            raise self.fail("is cut off")
        tag, length, at = self.octets[start], self.octets[start + 1], start + 2
        if tag & 0x1F == 0x1F:
            raise self.fail(f"has a tag of several octets at octet {start}")
        if length == 0x80:
            return self._indefinite(tag, start, at, limit, depth)
        if length > 0x80:
            size = length & 0x7F
            if size > limit - at:
                raise self.fail("is cut off")
            length = int.from_bytes(self.octets[at : at + size], "big")
            at += size
        end = at + length
        if end > limit:
            raise self.fail("is cut off")
        if not tag & CONSTRUCTED:
            written = self.octets[at:end]
            return BerNode(tag, _simple(tag, written, self.what), [], self.octets[start:end], written), end
        parts = []
        while at < end:
            part, at = self.element(at, end, depth + 1)
            parts.append(part)
        return self._joined(BerNode(tag, parts=parts, raw=self.octets[start:end])), end

    def _indefinite(self, tag: int, start: int, at: int, limit: int, depth: int) -> tuple[BerNode, int]:
        if not tag & CONSTRUCTED:
            raise self.fail(f"has a simple value without a length at octet {start}")
        parts = []
        while self.octets[at : at + 2] != b"\0\0":
            part, at = self.element(at, limit, depth + 1)
            parts.append(part)
        if at + 2 > limit:
            raise self.fail("is cut off")
        return self._joined(BerNode(tag, parts=parts, raw=self.octets[start : at + 2])), at + 2

    def _joined(self, node: BerNode) -> BerNode:
        """Return a string that came in pieces as one."""
        tag = node.tag & ~CONSTRUCTED
        if node.tag >= UNIVERSAL_LIMIT or tag not in _STRINGS:
            return node
        if any(part.tag != tag for part in node.parts):
            raise self.fail("has a string with pieces of another type")
        pieces = [part.content for part in node.parts]
        if tag == BIT_STRING:
            joined = (pieces[-1][:1] if pieces else b"\0") + b"".join(piece[1:] for piece in pieces)
        else:
            joined = b"".join(pieces)
        return BerNode(tag, joined, raw=node.raw, written=joined)


def _simple(tag: int, content: bytes, what: str) -> bytes:
    if tag == INTEGER:
        return shortest_integer(content, what)
    if tag == BOOLEAN and len(content) == 1:
        return b"\xff" if content[0] else b"\0"
    if tag == BIT_STRING:
        unused = content[0] if content else 8
        if unused > 7 or (unused and len(content) == 1):
            raise NotDer(f"{what} has a BIT STRING with an impossible number of unused bits")
        return content[:-1] + bytes([content[-1] & 0xFF << unused & 0xFF]) if unused else content
    return content


def shortest_integer(content: bytes, what: str) -> bytes:
    """Return the content of an INTEGER in its shortest form (X.690 8.3.2); the number stays the same."""
    if not content:
        raise NotDer(f"{what} has an INTEGER without an octet")
    while len(content) > 1 and ((content[0] == 0 and content[1] < 0x80) or (content[0] == 0xFF and content[1] >= 0x80)):
        content = content[1:]
    return content
