"""The command log's eyes: a span for every octet of a command and of its response.

Octets that cannot be read as their layout says (Alice may send anything) become one span named `unparsed`: nothing
raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.octets import OctetsError
from trustlab.tpm.commands import COMMANDS, Command, command_name
from trustlab.tpm.framing import HEADER_SIZE, RS_PW, ST_SESSIONS
from trustlab.tpm.responses import rc_clause, rc_name
from trustlab.tpm.span_cache import SpanCache
from trustlab.tpm.walker import SpanWalker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.trace import Span

_TAGS = {0x8001: "TPM_ST_NO_SESSIONS", 0x8002: "TPM_ST_SESSIONS"}


class DecodedCommand(msgspec.Struct):
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


def _tag_name(tag: int) -> str:
    return _TAGS.get(tag, str(tag))


_commands = SpanCache()
_responses = SpanCache()


def decode_command(raw: bytes) -> DecodedCommand:
    """Name every octet of a command."""
    code = int.from_bytes(raw[6:10], "big") if len(raw) >= HEADER_SIZE else 0
    key = (code, len(raw), raw[10:18])
    spans = _commands.fit(key, raw)
    if spans is not None:
        return DecodedCommand(command_name(code), code, spans)
    decoded = _decode_command(raw)
    if not decoded.secrets:
        _commands.learn(key, raw, decoded.spans)
    return decoded


def _decode_command(raw: bytes) -> DecodedCommand:
    code = int.from_bytes(raw[6:10], "big") if len(raw) >= HEADER_SIZE else 0
    row = COMMANDS.get(code)
    walker = SpanWalker(raw)
    try:
        tag = walker.uint(2, "tag", _tag_name)
        walker.uint(4, "commandSize")
        walker.uint(4, "commandCode", command_name, row.sentence if row else "", row.reference if row else "")
        for handle in row.handles if row else ():
            walker.handle(handle)
        if tag == ST_SESSIONS:
            _authorisations(walker)
        _parameters(walker, row.parameters if row else ())
    except OctetsError:
        pass  # what is left becomes one span
    _leftover(walker)
    return DecodedCommand(command_name(code), code, walker.spans, walker.secrets)


def _authorisations(walker: SpanWalker) -> None:
    size = walker.uint(4, "authorizationSize", clause="TPM 2.0 Part 3, 4.3")
    end = walker.position + size
    if end > walker.end:
        walker.short(size, "authorizationSize")
    index = 0
    while walker.position < end:
        name = f"auth[{index}]"
        session = walker.handle(f"{name}.sessionHandle")
        _session(walker, name, "secret" if session == RS_PW else "")
        index += 1


def _session(walker: SpanWalker, name: str, inner: str = "") -> None:
    """Take what commands and responses alike say of a session."""
    walker.buffer(f"{name}.nonce")
    walker.uint(1, f"{name}.sessionAttributes", "{:#04x}".format)
    walker.buffer(f"{name}.hmac", inner)


def _parameters(walker: SpanWalker, layout: tuple[tuple[str, str], ...]) -> None:
    for name, kind in layout:
        walker.field(name, kind)
    if walker.position < walker.end and not layout:
        walker.rest("parameters")


def _leftover(walker: SpanWalker) -> None:
    """Whatever no field claimed still gets a span, so that every octet has one."""
    walker.rest("unparsed")


def decode_response(raw: bytes, code: int) -> DecodedCommand:
    """Name every octet of the response to the command with this code."""
    key = (code, len(raw))
    spans = _responses.fit(key, raw)
    if spans is not None:
        return DecodedCommand(command_name(code), code, spans)
    decoded = _decode_response(raw, code)
    if not decoded.secrets:
        _responses.learn(key, raw, decoded.spans)
    return decoded


def _decode_response(raw: bytes, code: int) -> DecodedCommand:
    row = COMMANDS.get(code)
    walker = SpanWalker(raw)
    try:
        tag = walker.uint(2, "tag", _tag_name)
        walker.uint(4, "responseSize")
        rc = int.from_bytes(raw[6:10], "big")
        walker.uint(4, "responseCode", rc_name, rc_clause(rc) if rc else "", "TPM 2.0 Part 2, 6.6.3")
        if rc == 0:
            _answer(walker, row, sessions=tag == ST_SESSIONS)
    except OctetsError:
        pass  # what is left becomes one span
    _leftover(walker)
    return DecodedCommand(command_name(code), code, walker.spans, walker.secrets)


def _answer(walker: SpanWalker, row: Command | None, *, sessions: bool) -> None:
    if row is not None and row.answer_handle:
        walker.handle(row.answer_handle)
    whole = walker.end
    if sessions:
        size = walker.uint(4, "parameterSize")
        walker.end = min(walker.position + size, whole)
    try:
        _parameters(walker, row.answer if row else ())
        _leftover(walker)
        walker.position = walker.end
    finally:
        walker.end = whole
    index = 0
    while sessions and walker.position < walker.end:
        _session(walker, f"auth[{index}]")
        index += 1
