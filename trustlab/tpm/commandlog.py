"""Writes every command and response of a TPM into the trace, decoded; secrets go there as events of their own kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tpm.decode import DecodedCommand, decode_command, decode_response
from trustlab.tpm.responses import rc_name
from trustlab.trace import Link, Party, TraceEvent

if TYPE_CHECKING:
    from trustlab.trace import Value


class CommandLog:
    """The emitter of one machine's TPM."""

    def __init__(self, party: Party) -> None:
        self.party = party

    def command(self, raw: bytes, client: str, locality: int) -> tuple[TraceEvent, int]:
        """Record a command as it goes to the TPM; returns its event and its command code."""
        decoded = decode_command(raw)
        event = self.party.emit(
            "tpm.command",
            decoded.name,
            raw=decoded.redacted(raw),
            spans=decoded.spans,
            sent=True,
            client=client,
            locality=locality,
            redacted=_redactions(decoded),
        )
        if decoded.secrets:
            self._secrets(decoded, raw, event, client)
        return event, decoded.code

    def response(self, raw: bytes, command: tuple[TraceEvent, int], client: str, milliseconds: float) -> TraceEvent:
        asked, code = command
        decoded = decode_response(raw, code)
        rc = int.from_bytes(raw[6:10], "big")
        event = self.party.emit(
            "tpm.response",
            decoded.name,
            raw=decoded.redacted(raw),
            spans=decoded.spans,
            links=(Link("response-to", asked.party, asked.seq),),
            sent=False,
            client=client,
            rc=rc,
            rc_name=rc_name(rc),
            ms=round(milliseconds, 3),
            redacted=_redactions(decoded),
        )
        if decoded.secrets:
            self._secrets(decoded, raw, event, client)
        return event

    def _secrets(self, decoded: DecodedCommand, raw: bytes, event: TraceEvent, client: str) -> None:
        for name, start, end in decoded.secrets:
            self.party.secret(
                f"{decoded.name} {name}",
                raw[start:end],
                links=(Link("inside", event.party, event.seq),),
                label=f"{decoded.name} {name}",
                client=client,
                inputs=[],
            )


def _redactions(decoded: DecodedCommand) -> Value:
    """Which octets of `raw` are blanked, as [start, end] ranges."""
    return [[start, end] for _, start, end in decoded.secrets]
