"""A walk through a command's or response's octets that writes down a span for each field.

The kinds of fields: `u8` to `u64`; `2b` (a sized buffer), with what is inside after a slash (`2b/public`, `2b/secret`);
`pcrs`, `digests`, `hash`, `hashes`, `codes`, `algorithms`, `ticket`, `scheme`, `symmetric`, `signature`, `locality`
(structures of TPM 2.0 Part 2); `rest`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import (
    AttestError,
    attest_spans,
    creation_data_spans,
    public_spans,
    signature_spans,
)
from trustlab.tpm.commands import command_name
from trustlab.tpm.shapes import hexadecimal
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_HANDLES = {
    0x40000001: "TPM_RH_OWNER",
    0x40000007: "TPM_RH_NULL",
    0x40000009: "TPM_RS_PW",
    0x4000000A: "TPM_RH_LOCKOUT",
    0x4000000B: "TPM_RH_ENDORSEMENT",
    0x4000000C: "TPM_RH_PLATFORM",
}
_HANDLE_KINDS = {0x00: "PCR", 0x01: "NV", 0x02: "HMAC session", 0x03: "policy session", 0x80: "loaded", 0x81: "kept"}
_ALGORITHMS = {
    0x0001: "RSA", 0x0004: "SHA-1", 0x0005: "HMAC", 0x0006: "AES", 0x0008: "KEYEDHASH", 0x000B: "SHA-256",
    0x000C: "SHA-384", 0x000D: "SHA-512", 0x0010: "NULL", 0x0014: "RSASSA", 0x0015: "RSAES", 0x0016: "RSAPSS",
    0x0017: "OAEP", 0x0018: "ECDSA", 0x0023: "ECC", 0x0043: "CFB",
}  # fmt: skip
_DIGEST_SIZES = {0x0004: 20, 0x000B: 32, 0x000C: 48, 0x000D: 64}
_WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}
_NESTED: dict[str, Callable[[bytes], Sequence[Span]]] = {
    "attest": attest_spans,
    "public": public_spans,
    "creation": creation_data_spans,
}


def handle_name(handle: int) -> str:
    """Say in words what a handle stands for."""
    if handle in _HANDLES:
        return _HANDLES[handle]
    kind = _HANDLE_KINDS.get(handle >> 24)
    if kind == "PCR":
        return f"PCR {handle}"
    return f"{kind} {handle:#010x}" if kind else f"{handle:#010x}"


class ShortError(Exception):
    """The octets end before the field does."""


class Walk:
    """Goes through the octets once and writes down a span for each field."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.end = len(raw)
        self.at = 0
        self.spans: list[Span] = []
        self.secrets: list[tuple[str, int, int]] = []

    def number(self, name: str, width: int, value: str = "", note: str = "", clause: str = "") -> int:
        """Take a number of `width` octets; ShortError where they are not there."""
        start, end = self.at, self.at + width
        if end > self.end:
            raise ShortError(name)
        number = int.from_bytes(self.raw[start:end], "big")
        self.spans.append(Span(name, start, end, value or str(number), note, clause))
        self.at = end
        return number

    def peek(self, width: int) -> int:
        """Return the number that comes next, and stay where we are."""
        if self.at + width > self.end:
            raise ShortError("number")
        return int.from_bytes(self.raw[self.at : self.at + width], "big")

    def octets(self, name: str, count: int, note: str = "") -> None:
        """Take so many octets."""
        start, end = self.at, self.at + count
        if end > self.end:
            raise ShortError(name)
        if count:
            self.spans.append(Span(name, start, end, hexadecimal(self.raw[start:end]), note))
        self.at = end

    def handle(self, name: str) -> None:
        """Take a handle."""
        self.number(name, 4, handle_name(self.peek(4)))

    def algorithm(self, name: str) -> int:
        """Take a TPM_ALG_ID."""
        return self.number(name, 2, _ALGORITHMS.get(self.peek(2), ""))

    def field(self, name: str, kind: str) -> None:
        """Take a field of one of the kinds above."""
        start = self.at
        head, _, inner = kind.partition("/")
        if head in _WIDTHS:
            self.number(name, _WIDTHS[head])
            return
        _KINDS[head](self, name, inner)
        if self.at - start > 2 and head not in ("rest", "2b"):
            self._whole(name, start)

    def _whole(self, name: str, start: int) -> None:
        """Put the parent's span before its children's."""
        index = next(i for i in range(len(self.spans) - 1, -2, -1) if i < 0 or self.spans[i].start < start) + 1
        self.spans.insert(index, Span(name, start, self.at))

    def sized(self, name: str, inner: str) -> None:
        """Take a TPM2B: its size, then its contents, read or blanked as `inner` says."""
        size = self.number(f"{name}.size", 2)
        start = self.at
        if start + size > self.end:
            raise ShortError(name)
        body = self.raw[start : start + size]
        if inner in ("secret", "sensitive"):
            self._secret(name, start, start + size, inner)
        elif inner and size:
            self.spans.append(Span(name, start, start + size))
            self._nested(name, body, start, _NESTED[inner])
        elif size:
            self.spans.append(Span(name, start, start + size, hexadecimal(body)))
        self.at = start + size

    def _secret(self, name: str, start: int, end: int, inner: str) -> None:
        """Blank it; a sensitive area of nothing but two empty buffers hides nothing."""
        if inner == "sensitive" and not any(self.raw[start:end]):
            self.spans.append(Span(name, start, end, "no password, no data"))
        elif end > start:
            self.spans.append(Span(name, start, end, f"{end - start} octets", "secret: blanked in this record"))
            self.secrets.append((name, start, end))

    def _nested(self, name: str, body: bytes, start: int, read: Callable[[bytes], Sequence[Span]]) -> None:
        try:
            inner = read(body)
        except AttestError as error:
            self.spans.append(Span(f"{name}.unparsed", start, start + len(body), note=str(error)))
            return
        self.spans += [
            Span(f"{name}.{s.name}", s.start + start, s.end + start, s.value, s.note, s.clause) for s in inner
        ]

    def signature(self, name: str, _: str) -> None:
        """Take a TPMT_SIGNATURE (Part 2, 11.3.4)."""
        start = self.at
        if self.peek(2) == 0x0010:
            self.algorithm(f"{name}.sigAlg")
            return
        count = 2 if self.peek(2) in (0x0018, 0x001A, 0x001B, 0x001C) else 1
        end = start + 4
        for _i in range(count):
            if end + 2 > self.end:
                raise ShortError(name)
            end += 2 + int.from_bytes(self.raw[end : end + 2], "big")
        if end > self.end:
            raise ShortError(name)
        self._nested(name, self.raw[start:end], start, signature_spans)
        self.at = end

    def scheme(self, name: str, _: str) -> None:
        """Take a TPMT_SIG_SCHEME or TPMT_RSA_DECRYPT: only NULL and RSAES have no hash."""
        if self.algorithm(f"{name}.scheme") not in (0x0010, 0x0015):
            self.algorithm(f"{name}.hashAlg")

    def symmetric(self, name: str, _: str) -> None:
        """Take a TPMT_SYM_DEF."""
        if self.algorithm(f"{name}.algorithm") != 0x0010:
            self.number(f"{name}.keyBits", 2)
            self.algorithm(f"{name}.mode")

    def pcrs(self, name: str, _: str) -> None:
        """Take a TPML_PCR_SELECTION."""
        for i in range(self.number(f"{name}.count", 4)):
            self.algorithm(f"{name}[{i}].hash")
            size = self.number(f"{name}[{i}].sizeofSelect", 1)
            bits = int.from_bytes(self.raw[self.at : self.at + size], "little")
            chosen = ", ".join(str(n) for n in range(8 * size) if bits >> n & 1)
            start = self.at
            self.octets(f"{name}[{i}].pcrSelect", size)
            if size:
                self.spans[-1] = Span(f"{name}[{i}].pcrSelect", start, self.at, f"PCR {chosen}" if chosen else "none")

    def digests(self, name: str, _: str) -> None:
        """Take a TPML_DIGEST."""
        for i in range(self.number(f"{name}.count", 4)):
            self.sized(f"{name}[{i}]", "")

    def hash(self, name: str, _: str) -> None:
        """Take a TPMT_HA; a digest has no size of its own there."""
        size = _DIGEST_SIZES.get(self.algorithm(f"{name}.hashAlg"))
        if size is None:
            raise ShortError(name)
        self.octets(f"{name}.digest", size)

    def hashes(self, name: str, _: str) -> None:
        """Take a TPML_DIGEST_VALUES."""
        for i in range(self.number(f"{name}.count", 4)):
            self.hash(f"{name}[{i}]", "")

    def codes(self, name: str, _: str) -> None:
        """Take a TPML_CC."""
        for i in range(self.number(f"{name}.count", 4)):
            self.number(f"{name}[{i}]", 4, command_name(self.peek(4)))

    def algorithms(self, name: str, _: str) -> None:
        """Take a TPML_ALG."""
        for i in range(self.number(f"{name}.count", 4)):
            self.algorithm(f"{name}[{i}]")

    def ticket(self, name: str, _: str) -> None:
        """Take a ticket (Part 2, 10.7)."""
        self.number(f"{name}.tag", 2, f"{self.peek(2):#06x}")
        self.handle(f"{name}.hierarchy")
        self.sized(f"{name}.digest", "")

    def locality(self, name: str, _: str) -> None:
        """Take a TPMA_LOCALITY: a bit for each of 0 to 4, or a number from 32."""
        bits = self.peek(1)
        chosen = [str(n) for n in range(5) if bits >> n & 1] if bits < 32 else [str(bits)]
        self.number(name, 1, f"locality {', '.join(chosen)}")

    def rest(self, name: str, _: str) -> None:
        """Take all that is left."""
        self.octets(name, self.end - self.at)


_KINDS: dict[str, Callable[[Walk, str, str], None]] = {
    "2b": Walk.sized,
    "pcrs": Walk.pcrs,
    "digests": Walk.digests,
    "hash": Walk.hash,
    "hashes": Walk.hashes,
    "codes": Walk.codes,
    "algorithms": Walk.algorithms,
    "ticket": Walk.ticket,
    "scheme": Walk.scheme,
    "symmetric": Walk.symmetric,
    "signature": Walk.signature,
    "locality": Walk.locality,
    "rest": Walk.rest,
}
