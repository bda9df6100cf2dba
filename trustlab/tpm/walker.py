"""Walking through a command's or response's octets, to write down a span for each field.

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
from trustlab.octets import Reader, SpanReader
from trustlab.tpm.commands import command_name
from trustlab.tpm.span_cache import hexadecimal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustlab.trace import Span

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


class SpanWalker(SpanReader):
    """A `SpanReader` for fields that are known by their kind; `secrets` are those that must not be shown."""

    __slots__ = ("secrets",)

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.secrets: list[tuple[str, int, int]] = []

    def text(self, octets: bytes) -> str:
        """Show the first octets, as everywhere in the log."""
        return hexadecimal(octets)

    def handle(self, name: str) -> int:
        return self.uint(4, name, handle_name)

    def algorithm(self, name: str) -> int:
        """Take a TPM_ALG_ID."""
        return self.uint(2, name, _algorithm_name)

    def field(self, name: str, kind: str) -> None:
        """Take a field of one of the kinds above."""
        start, place = self.position, len(self.spans)
        head, _, inner = kind.partition("/")
        if head in _WIDTHS:
            self.uint(_WIDTHS[head], name)
            return
        _KINDS[head](self, name, inner)
        if self.position - start > 2 and head not in ("rest", "2b"):
            self.enclose(name, start, place)

    def buffer(self, name: str, inner: str = "") -> None:
        """Take a TPM2B: its size, then its contents, read or blanked as `inner` says."""
        size = self.uint(2, f"{name}.size")
        if not inner:
            self.octets(size, name)
            return
        start = self.skip(size, name)
        if inner in ("secret", "sensitive"):
            self._secret(name, start, inner)
        elif size:
            self.record(name, start, self.position)
            self._nested(name, start, _NESTED[inner])

    def _secret(self, name: str, start: int, inner: str) -> None:
        """Blank it; a sensitive area of nothing but two empty buffers hides nothing."""
        end = self.position
        if inner == "sensitive" and not any(self.data[start:end]):
            self.record(name, start, end, "no password, no data")
        elif end > start:
            self.record(name, start, end, f"{end - start} bytes", "Secret: these bytes are left out of the trace.")
            self.secrets.append((name, start, end))

    def _nested(self, name: str, start: int, read: Callable[[bytes], Sequence[Span]]) -> None:
        try:
            inner = read(self.data[start : self.position])
        except AttestError as error:
            self.record(f"{name}.unparsed", start, self.position, note=str(error))
            return
        for s in inner:
            self.record(f"{name}.{s.name}", s.start + start, s.end + start, s.value, s.note, s.clause)

    def signature(self, name: str, _: str) -> None:
        """Take a TPMT_SIGNATURE (Part 2, 11.3.4)."""
        start = self.position
        ahead = Reader(self.data, start, self.end)
        algorithm = ahead.uint(2, name)
        if algorithm == 0x0010:
            self.algorithm(f"{name}.sigAlg")
            return
        ahead.skip(2, name)
        for _i in range(2 if algorithm in (0x0018, 0x001A, 0x001B, 0x001C) else 1):
            ahead.vector(2, name)
        self.position = ahead.position
        self._nested(name, start, signature_spans)

    def scheme(self, name: str, _: str) -> None:
        """Take a TPMT_SIG_SCHEME or TPMT_RSA_DECRYPT: only NULL and RSAES have no hash."""
        if self.algorithm(f"{name}.scheme") not in (0x0010, 0x0015):
            self.algorithm(f"{name}.hashAlg")

    def symmetric(self, name: str, _: str) -> None:
        """Take a TPMT_SYM_DEF."""
        if self.algorithm(f"{name}.algorithm") != 0x0010:
            self.uint(2, f"{name}.keyBits")
            self.algorithm(f"{name}.mode")

    def pcrs(self, name: str, _: str) -> None:
        """Take a TPML_PCR_SELECTION."""
        for i in range(self.uint(4, f"{name}.count")):
            self.algorithm(f"{name}[{i}].hash")
            self.octets(self.uint(1, f"{name}[{i}].sizeofSelect"), f"{name}[{i}].pcrSelect", _selected)

    def digests(self, name: str, _: str) -> None:
        """Take a TPML_DIGEST."""
        for i in range(self.uint(4, f"{name}.count")):
            self.buffer(f"{name}[{i}]")

    def hash(self, name: str, _: str) -> None:
        """Take a TPMT_HA; a digest has no size of its own there."""
        algorithm = self.algorithm(f"{name}.hashAlg")
        if algorithm not in _DIGEST_SIZES:
            self.fail(name, f"is of the unknown algorithm {algorithm:#06x}")
        self.octets(_DIGEST_SIZES[algorithm], f"{name}.digest")

    def hashes(self, name: str, _: str) -> None:
        """Take a TPML_DIGEST_VALUES."""
        for i in range(self.uint(4, f"{name}.count")):
            self.hash(f"{name}[{i}]", "")

    def codes(self, name: str, _: str) -> None:
        """Take a TPML_CC."""
        for i in range(self.uint(4, f"{name}.count")):
            self.uint(4, f"{name}[{i}]", command_name)

    def algorithms(self, name: str, _: str) -> None:
        """Take a TPML_ALG."""
        for i in range(self.uint(4, f"{name}.count")):
            self.algorithm(f"{name}[{i}]")

    def ticket(self, name: str, _: str) -> None:
        """Take a ticket (Part 2, 10.7)."""
        self.uint(2, f"{name}.tag", "{:#06x}".format)
        self.handle(f"{name}.hierarchy")
        self.buffer(f"{name}.digest")

    def locality(self, name: str, _: str) -> None:
        """Take a TPMA_LOCALITY."""
        self.uint(1, name, _localities)

    def remainder(self, name: str, _: str) -> None:
        """Take all that is left."""
        self.rest(name)


def _algorithm_name(number: int) -> str:
    return _ALGORITHMS.get(number, str(number))


def _selected(bits: bytes) -> str:
    """Say which PCRs a bit field selects."""
    number = int.from_bytes(bits, "little")
    chosen = ", ".join(str(n) for n in range(8 * len(bits)) if number >> n & 1)
    return f"PCR {chosen}" if chosen else "none"


def _localities(bits: int) -> str:
    """Name a bit for each of 0 to 4, or a number from 32."""
    chosen = [str(n) for n in range(5) if bits >> n & 1] if bits < 32 else [str(bits)]
    return f"locality {', '.join(chosen)}"


_KINDS: dict[str, Callable[[SpanWalker, str, str], None]] = {
    "2b": SpanWalker.buffer,
    "pcrs": SpanWalker.pcrs,
    "digests": SpanWalker.digests,
    "hash": SpanWalker.hash,
    "hashes": SpanWalker.hashes,
    "codes": SpanWalker.codes,
    "algorithms": SpanWalker.algorithms,
    "ticket": SpanWalker.ticket,
    "scheme": SpanWalker.scheme,
    "symmetric": SpanWalker.symmetric,
    "signature": SpanWalker.signature,
    "locality": SpanWalker.locality,
    "rest": SpanWalker.remainder,
}
