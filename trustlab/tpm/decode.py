"""The command log's eyes: a span for every octet of a command and of its response.

Octets that cannot be read as their layout says (Alice may send anything) become one span named `unparsed`: nothing
raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.tpm.commands import COMMANDS, Command, command_name
from trustlab.tpm.fields import ShortError, Walk
from trustlab.tpm.marshal import HEADER_SIZE, ST_SESSIONS
from trustlab.tpm.responses import rc_clause, rc_name
from trustlab.tpm.shapes import Shapes, hexadecimal
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Sequence

_TAGS = {0x8001: "TPM_ST_NO_SESSIONS", 0x8002: "TPM_ST_SESSIONS"}


class Decoded(msgspec.Struct):
    """One command or response in fields; `secrets` are the ranges that must not stay in the trace."""

    name: str
    code: int
    spans: Sequence[Span]
    secrets: Sequence[tuple[str, int, int]] = ()

    def redacted(self, raw: bytes) -> bytes:
        """Return `raw` with the secret ranges blanked by zeros."""
        if not self.secrets:
            return raw
        octets = bytearray(raw)
        for _, start, end in self.secrets:
            octets[start:end] = bytes(end - start)
        return bytes(octets)


_commands = Shapes()
_responses = Shapes()


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
    walk = Walk(raw)
    try:
        tag = walk.number("tag", 2, _TAGS.get(walk.peek(2), ""))
        walk.number("commandSize", 4)
        walk.number("commandCode", 4, command_name(code), row.sentence if row else "", row.reference if row else "")
        for handle in row.handles if row else ():
            walk.handle(handle)
        if tag == ST_SESSIONS:
            _authorisations(walk)
        _parameters(walk, row.parameters if row else ())
    except ShortError:
        pass  # what is left becomes one span
    _leftover(walk)
    return Decoded(command_name(code), code, walk.spans, walk.secrets)


def _authorisations(walk: Walk) -> None:
    size = walk.number("authorizationSize", 4, clause="TPM 2.0 Part 1, 18.4")
    end = walk.at + size
    if end > walk.end:
        raise ShortError("authorizationSize")
    index = 0
    while walk.at < end:
        name = f"auth[{index}]"
        password = walk.peek(4) == 0x40000009
        walk.handle(f"{name}.sessionHandle")
        walk.sized(f"{name}.nonce", "")
        walk.number(f"{name}.sessionAttributes", 1, f"{walk.peek(1):#04x}")
        walk.sized(f"{name}.hmac", "secret" if password else "")
        index += 1


def _parameters(walk: Walk, layout: tuple[tuple[str, str], ...]) -> None:
    for name, kind in layout:
        walk.field(name, kind)
    if walk.at < walk.end and not layout:
        walk.octets("parameters", walk.end - walk.at)


def _leftover(walk: Walk) -> None:
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
    walk = Walk(raw)
    try:
        tag = walk.number("tag", 2, _TAGS.get(walk.peek(2), ""))
        walk.number("responseSize", 4)
        rc = walk.peek(4)
        walk.number("responseCode", 4, rc_name(rc), rc_clause(rc) if rc else "", "TPM 2.0 Part 2, 6.6.3")
        if rc == 0:
            _answer(walk, row, sessions=tag == ST_SESSIONS)
    except ShortError:
        pass  # what is left becomes one span
    _leftover(walk)
    return Decoded(command_name(code), code, walk.spans, walk.secrets)


def _answer(walk: Walk, row: Command | None, *, sessions: bool) -> None:
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
        walk.sized(f"auth[{index}].nonce", "")
        walk.number(f"auth[{index}].sessionAttributes", 1, f"{walk.peek(1):#04x}")
        walk.sized(f"auth[{index}].hmac", "")
        index += 1
