"""The generic event: who did what, with which bytes, and where each named field lies in them."""

from __future__ import annotations

from typing import Any

import msgspec

Value = str | int | float | bool | None | list[Any] | dict[str, Any]
"""What `TraceEvent.data` may hold: JSON values only."""


class Span(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A named field of an event's `raw` bytes: the half-open range `start:end`, in octets.

    `name` is the standard's own field name; nested fields are dotted (`extensions.attestation.nonce`) and their
    ranges lie inside their parent's. `value` is a short rendering for people, `note` says in a sentence why
    the field is there, `clause` where the standard defines it.
    """

    name: str
    start: int
    end: int
    value: str = ""
    note: str = ""
    clause: str = ""


class Link(msgspec.Struct, frozen=True, gc=False):
    """A reference from one event to another: `rel` says how they belong together (`response-to`, `inside`, ...)."""

    rel: str
    party: str
    seq: int


class TraceEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened at one party.

    `kind` is dotted, the room that emits it first (`tls.message`, `tpm.command`, `frame`, `verdict`, ...);
    `party` and `seq` identify the event: `seq` counts that party's events from 0. Where bytes crossed a connection,
    `connection` names it, `direction` says which end wrote them (`client` or `server`), `offset` is the position of
    the first octet in that direction's stream, and `sent` tells the writer's event (True) from the reader's (False).
    `time` is seconds since the trace began and serves display only. Events whose kind is `secret` hold key material or
    private plaintext in `raw`: they are left out of exports unless asked for.
    """

    kind: str
    party: str
    seq: int
    time: float = 0.0
    name: str = ""
    connection: str = ""
    direction: str = ""
    offset: int | None = None
    sent: bool | None = None
    raw: bytes = b""
    spans: tuple[Span, ...] = ()
    links: tuple[Link, ...] = ()
    data: dict[str, Value] = msgspec.field(default_factory=dict)

    @property
    def secret(self) -> bool:
        """Whether default exports, pictures and logs must drop this event."""
        return self.kind == "secret"

    def __repr__(self) -> str:
        where = f" {self.connection}/{self.direction}@{self.offset}" if self.connection else ""
        return f"<{self.party}#{self.seq} {self.kind} {self.name!r}{where} {len(self.raw)} octets>"

    def __rich_repr__(self) -> Any:  # noqa: ANN401 - rich's own protocol
        yield repr(self)
