"""The command log's eyes: a span for every octet of a command and of its response.

Octets that cannot be read as their layout says (Alice may send anything) become one span named `unparsed`: nothing
raises.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustlab.attest import (
    AttestError,
    attest_spans,
    creation_data_spans,
    public_spans,
    signature_spans,
)
from trustlab.tpm.commands import COMMANDS, Command, command_name
from trustlab.tpm.marshal import HEADER_SIZE, ST_SESSIONS
from trustlab.tpm.responses import rc_clause, rc_name
from trustlab.tpm.shapes import Shapes, hexadecimal
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
_TAGS = {0x8001: "TPM_ST_NO_SESSIONS", 0x8002: "TPM_ST_SESSIONS"}
_DIGEST_SIZES = {0x0004: 20, 0x000B: 32, 0x000C: 48, 0x000D: 64}
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


@dataclass
class Decoded:
    """One command or response in fields; `secrets` are the ranges that must not stay in the trace."""

    name: str
    code: int
    spans: Sequence[Span] = ()
    secrets: list[tuple[str, int, int]] = field(default_factory=list)

    def redacted(self, raw: bytes) -> bytes:
        """Return `raw` with the secret ranges blanked by zeros."""
        if not self.secrets:
            return raw
        octets = bytearray(raw)
        for _, start, end in self.secrets:
            octets[start:end] = bytes(end - start)
        return bytes(octets)


class _Short(Exception):  # noqa: N818 - the data are short, nobody else sees this
    """The octets end before the field does."""


class _Walk:
    """Goes through the octets once and writes down a span for each field."""

    def __init__(self, raw: bytes, decoded: Decoded) -> None:
        self.raw = raw
        self.end = len(raw)
        self.at = 0
        self.spans: list[Span] = []
        decoded.spans = self.spans
        self.secrets = decoded.secrets

    def number(self, name: str, width: int, value: str = "", note: str = "", clause: str = "") -> int:
        start, end = self.at, self.at + width
        if end > self.end:
            raise _Short(name)
        number = int.from_bytes(self.raw[start:end], "big")
        self.spans.append(Span(name, start, end, value or str(number), note, clause))
        self.at = end
        return number

    def peek(self, width: int) -> int:
        if self.at + width > self.end:
            raise _Short("number")
        return int.from_bytes(self.raw[self.at : self.at + width], "big")

    def octets(self, name: str, count: int, note: str = "") -> None:
        start, end = self.at, self.at + count
        if end > self.end:
            raise _Short(name)
        if count:
            self.spans.append(Span(name, start, end, hexadecimal(self.raw[start:end]), note))
        self.at = end

    def handle(self, name: str) -> None:
        self.number(name, 4, handle_name(self.peek(4)))

    def algorithm(self, name: str) -> int:
        return self.number(name, 2, _ALGORITHMS.get(self.peek(2), ""))

    def field(self, name: str, kind: str) -> None:
        start = self.at
        head, _, inner = kind.partition("/")
        getattr(self, "_" + head)(name, inner) if head not in _WIDTHS else self.number(name, _WIDTHS[head])
        if self.at - start > 2 and head not in _WIDTHS and head not in ("rest", "2b"):
            self._whole(name, start)

    def _whole(self, name: str, start: int) -> None:
        """Put the parent's span before its children's."""
        index = next(i for i in range(len(self.spans) - 1, -2, -1) if i < 0 or self.spans[i].start < start) + 1
        self.spans.insert(index, Span(name, start, self.at))

    def _2b(self, name: str, inner: str) -> None:
        size = self.number(f"{name}.size", 2)
        start = self.at
        if start + size > self.end:
            raise _Short(name)
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

    def _signature(self, name: str, _: str) -> None:
        start = self.at
        if self.peek(2) == 0x0010:
            self.algorithm(f"{name}.sigAlg")
            return
        count = 2 if self.peek(2) in (0x0018, 0x001A, 0x001B, 0x001C) else 1
        end = start + 4
        for _i in range(count):
            if end + 2 > self.end:
                raise _Short(name)
            end += 2 + int.from_bytes(self.raw[end : end + 2], "big")
        if end > self.end:
            raise _Short(name)
        self._nested(name, self.raw[start:end], start, signature_spans)
        self.at = end

    def _scheme(self, name: str, _: str) -> None:
        if self.algorithm(f"{name}.scheme") not in (0x0010, 0x0015):
            self.algorithm(f"{name}.hashAlg")

    def _symmetric(self, name: str, _: str) -> None:
        if self.algorithm(f"{name}.algorithm") != 0x0010:
            self.number(f"{name}.keyBits", 2)
            self.algorithm(f"{name}.mode")

    def _pcrs(self, name: str, _: str) -> None:
        for i in range(self.number(f"{name}.count", 4)):
            self.algorithm(f"{name}[{i}].hash")
            size = self.number(f"{name}[{i}].sizeofSelect", 1)
            bits = int.from_bytes(self.raw[self.at : self.at + size], "little")
            chosen = ", ".join(str(n) for n in range(8 * size) if bits >> n & 1)
            start = self.at
            self.octets(f"{name}[{i}].pcrSelect", size)
            self.spans[-1] = Span(f"{name}[{i}].pcrSelect", start, self.at, f"PCR {chosen}" if chosen else "none")

    def _digests(self, name: str, _: str) -> None:
        for i in range(self.number(f"{name}.count", 4)):
            self._2b(f"{name}[{i}]", "")

    def _hashes(self, name: str, _: str) -> None:
        for i in range(self.number(f"{name}.count", 4)):
            size = _DIGEST_SIZES.get(self.algorithm(f"{name}[{i}].hashAlg"))
            if size is None:
                raise _Short(name)
            self.octets(f"{name}[{i}].digest", size)

    def _ticket(self, name: str, _: str) -> None:
        self.number(f"{name}.tag", 2, f"{self.peek(2):#06x}")
        self.handle(f"{name}.hierarchy")
        self._2b(f"{name}.digest", "")

    def _locality(self, name: str, _: str) -> None:
        bits = self.peek(1)
        chosen = [str(n) for n in range(5) if bits >> n & 1] if bits < 32 else [str(bits)]
        self.number(name, 1, f"locality {', '.join(chosen)}")

    def _rest(self, name: str, _: str) -> None:
        self.octets(name, self.end - self.at)


_commands = Shapes()
_responses = Shapes()
_WIDTHS = {"u8": 1, "u16": 2, "u32": 4, "u64": 8}


def decode_command(raw: bytes) -> Decoded:
    """Name every octet of a command."""
    code = int.from_bytes(raw[6:10], "big") if len(raw) >= HEADER_SIZE else 0
    key = (code, len(raw), raw[10:18])
    spans = _commands.fit(key, raw)
    if spans is not None:
        return Decoded(command_name(code), code, spans)
    decoded = _decode_command(raw)
    if not decoded.secrets:
        _commands.learn(key, raw, decoded.spans)
    return decoded


def _decode_command(raw: bytes) -> Decoded:
    code = int.from_bytes(raw[6:10], "big") if len(raw) >= HEADER_SIZE else 0
    row = COMMANDS.get(code)
    decoded = Decoded(command_name(code), code)
    walk = _Walk(raw, decoded)
    try:
        tag = walk.number("tag", 2, _TAGS.get(walk.peek(2), ""))
        walk.number("commandSize", 4)
        walk.number("commandCode", 4, decoded.name, row.sentence if row else "", row.reference if row else "")
        for handle in row.handles if row else ():
            walk.handle(handle)
        if tag == ST_SESSIONS:
            _authorisations(walk)
        _parameters(walk, row.parameters if row else ())
    except _Short:
        pass
    _leftover(walk)
    return decoded


def _authorisations(walk: _Walk) -> None:
    size = walk.number("authorizationSize", 4, clause="TPM 2.0 Part 1, 18.4")
    end = walk.at + size
    if end > walk.end:
        raise _Short("authorizationSize")
    index = 0
    while walk.at < end:
        name = f"auth[{index}]"
        password = walk.peek(4) == 0x40000009
        walk.handle(f"{name}.sessionHandle")
        walk._2b(f"{name}.nonce", "")  # noqa: SLF001 - the walker's own helper
        walk.number(f"{name}.sessionAttributes", 1, f"{walk.peek(1):#04x}")
        walk._2b(f"{name}.hmac", "secret" if password else "")  # noqa: SLF001
        index += 1


def _parameters(walk: _Walk, layout: tuple[tuple[str, str], ...]) -> None:
    for name, kind in layout:
        walk.field(name, kind)
    if walk.at < walk.end and not layout:
        walk.octets("parameters", walk.end - walk.at)


def _leftover(walk: _Walk) -> None:
    """Whatever no field claimed still gets a span, so that every octet has one."""
    if walk.at < walk.end:
        walk.spans.append(Span("unparsed", walk.at, walk.end, hexadecimal(walk.raw[walk.at :])))


def decode_response(raw: bytes, code: int) -> Decoded:
    """Name every octet of the response to the command with this code."""
    key = (code, len(raw))
    spans = _responses.fit(key, raw)
    if spans is not None:
        return Decoded(command_name(code), code, spans)
    decoded = _decode_response(raw, code)
    if not decoded.secrets:
        _responses.learn(key, raw, decoded.spans)
    return decoded


def _decode_response(raw: bytes, code: int) -> Decoded:
    row = COMMANDS.get(code)
    decoded = Decoded(command_name(code), code)
    walk = _Walk(raw, decoded)
    try:
        tag = walk.number("tag", 2, _TAGS.get(walk.peek(2), ""))
        walk.number("responseSize", 4)
        rc = walk.peek(4)
        walk.number("responseCode", 4, rc_name(rc), rc_clause(rc) if rc else "", "TPM 2.0 Part 2, 6.6.3")
        if rc == 0:
            _answer(walk, row, sessions=tag == ST_SESSIONS)
    except _Short:
        pass
    _leftover(walk)
    return decoded


def _answer(walk: _Walk, row: Command | None, *, sessions: bool) -> None:
    if row is not None and row.answer_handle:
        walk.handle(row.answer_handle)
    whole = walk.end
    if sessions:
        size = walk.number("parameterSize", 4)
        walk.end = min(walk.at + size, whole)
    try:
        _parameters(walk, row.answer if row else ())
        _leftover(walk)
        walk.at = walk.end
    finally:
        walk.end = whole
    index = 0
    while sessions and walk.at < walk.end:
        walk._2b(f"auth[{index}].nonce", "")  # noqa: SLF001
        walk.number(f"auth[{index}].sessionAttributes", 1, f"{walk.peek(1):#04x}")
        walk._2b(f"auth[{index}].hmac", "")  # noqa: SLF001
        index += 1
