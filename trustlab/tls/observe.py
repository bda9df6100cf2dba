"""From a connection's events to a trace's: messages with named octets, states, and secrets as events of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls.describe import describe, describe_record, sentence
from trustlab.tls.events import (
    ApplicationData,
    ApplicationDataSent,
    Event,
    MessageReceived,
    MessageSent,
    SecretDerived,
    StateChanged,
)
from trustlab.tls.registry import ContentType
from trustlab.trace import Link, other_role

if TYPE_CHECKING:
    from trustlab.trace import Emitter, Value


class TraceObserver:
    """Writes what one end of one connection does into the trace of its party.

    `role` is this end's: `client` or `server`. `secrets=False` leaves key material and plaintext out altogether.
    """

    def __init__(self, party: Emitter, connection: str, role: str, *, secrets: bool = True) -> None:
        self.party = party
        self.connection = connection
        self.role = role
        self.secrets = secrets

    def observe(self, event: Event) -> None:
        """Write an event of the engine; those that have no place in a trace are passed over."""
        if isinstance(event, SecretDerived):
            self._secret(event)
        elif isinstance(event, StateChanged):
            data: dict[str, Value] = {"role": self.role, "old": str(event.old)}
            self.party.emit("tls.state", str(event.new), connection=self.connection, data=data)
        elif isinstance(event, MessageSent):
            self._message(event, sent=True)
        elif isinstance(event, MessageReceived):
            self._message(event, sent=False)
        elif isinstance(event, ApplicationData | ApplicationDataSent):
            self._data(event)

    def _secret(self, event: SecretDerived) -> None:
        if not self.secrets:
            return
        self.party.secret(
            event.label,
            event.value,
            connection=self.connection,
            label=event.label,
            inputs=list(event.inputs),
            client_random=event.client_random.hex(),
        )

    def _direction(self, *, sent: bool) -> str:
        return self.role if sent else other_role(self.role)

    def _message(self, event: MessageSent | MessageReceived, *, sent: bool) -> None:
        self.party.emit(
            "tls.message",
            event.name,
            raw=event.raw,
            spans=describe(event.raw, event.content_type, event.suite, event.version),
            connection=self.connection,
            direction=self._direction(sent=sent),
            offset=event.offset,
            sent=sent,
            data={
                "content_type": event.content_type,
                "version": event.version.title,
                "encrypted": event.encrypted,
                "records": list(map(list, event.records)),
                "passive": False,
                "sentence": sentence(event.message),
            },
        )

    def _data(self, event: ApplicationData | ApplicationDataSent) -> None:
        sent = isinstance(event, ApplicationDataSent)
        direction = self._direction(sent=sent)
        message = self.party.emit(
            "tls.message",
            "ApplicationData",
            raw=event.raw,
            spans=describe_record(event.raw, suite=event.suite, protected=True),
            connection=self.connection,
            direction=direction,
            offset=event.offset,
            sent=sent,
            content_type=int(ContentType.APPLICATION_DATA),
            version=event.version.title,
            encrypted=True,
            records=list(map(list, event.records)),
            passive=False,
            sentence="Application data: only the two ends can read it.",
        )
        if self.secrets:
            self.party.secret(
                "application data",
                event.data,
                links=[Link("inside", message.party, message.seq)],
                connection=self.connection,
                label="application data",
                inputs=[],
                direction=direction,
            )
