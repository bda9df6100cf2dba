"""The part of a connection that both roles and both versions share: records in, events out, requests and answers.

How it works. `receive` only buffers. `next_event` does one small step at a time until there is an event to tell: it
runs the next entry of the *plan* (a queue of method names of the handshake: what this side has to do), or else reads
one message and hands it to the handshake, which may put entries on the plan. A `Request` halts both until it is
answered; what happens then is again a method name. So between two events everything a connection is lies in plain
attributes, and it can be copied.

What may be sent and received when is decided by the tables in `states`; the handshake's methods are called
`receive_client_hello`, `send_client_hello`, `sent_client_hello`, after the messages. Each may return the state to go to
where the table has several.
"""

from __future__ import annotations

import copy
from collections import deque
from typing import TYPE_CHECKING, Any, Self

from trustlab.tls.alerts import (
    Alert,
    LocalProtocolError,
    Truncated,
    Unanswered,
    UserCanceled,
)
from trustlab.tls.events import (
    ApplicationDataSent,
    Event,
    KeyOperationWanted,
    Request,
)
from trustlab.tls.incoming import Incoming
from trustlab.tls.keys import is_local, perform
from trustlab.tls.outgoing import CLOSED, CLOSING, PEER_CLOSED, TITLES
from trustlab.tls.records import MAX_PLAINTEXT, HandshakeJoiner, RecordLayer, missing, unfinished_record
from trustlab.tls.registry import ContentType, Version
from trustlab.tls.transcript import Transcript

if TYPE_CHECKING:
    from collections.abc import Iterator


LONGEST_LABEL = 255 - len("tls13 ")  # of HkdfLabel (RFC 8446 7.1)
LONGEST_CONTEXT = 2**16 - 1  # RFC 5705 4
MOST_EXPORTED = 255 * 32  # RFC 5869 2.3, with SHA-256
_DEAF = frozenset((PEER_CLOSED, CLOSED))
_COPIED = (deque, dict, list, Transcript, RecordLayer, HandshakeJoiner)
"""What a copied connection must have of its own; everything else it holds never changes."""


class Connection(Incoming):
    """One end of a TLS connection; see `Client` and `Server`."""

    def copy(self) -> Self:
        """Return an independent copy, to be resumed later; configuration and immutable parts are shared."""
        other = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, _COPIED):
                setattr(other, name, value.copy())
        other.handshake = self.handshake.copy(other)
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.copy()

    @property
    def closed(self) -> bool:
        """Whether this side has said its last word (or the connection has failed)."""
        return self._close_sent or self.state == CLOSED

    @property
    def peer_closed(self) -> bool:
        """Whether the peer has said its last word (or the connection has failed): no more data comes."""
        return self.state in {PEER_CLOSED, CLOSED}

    @property
    def waits_for(self) -> str:
        """What this side waits for and how much of it is here, in words; empty when it is over.

        Ask when there is no event to read any more.
        """
        if self.state == CLOSED:
            return ""
        if self._waiting is not None:
            return f"its own answer to {type(self._waiting[0]).__name__}"
        if self.state == PEER_CLOSED:
            return "its own program, which may still write or close"
        what = "close_notify" if self.state == CLOSING else "application data"
        if not self.handshake_complete and self.state != CLOSING:
            what = " or ".join(self.table.expected(self.state)) or "the handshake"
        parts = [unfinished_record(self.records.input)] if self.records.input else []
        if self.joiner.buffer:
            kind, length = self.joiner.header() or (0, 0)
            parts.append(missing(len(self.joiner.buffer), 4 + length, TITLES.get(kind, "a message's header")))
        return f"{what}: {' and '.join(parts) or 'no octet of it is here'}"

    def receive(self, data: bytes) -> None:
        """Take octets from the stream; nothing is processed before `next_event`.

        What follows the peer's close_notify is ignored (RFC 8446 6.1).
        """
        if self.state not in _DEAF:
            self.records.feed(data, self.config.limits.buffered)

    def next_event(self) -> Event | None:
        """Return the next event; None if nothing happens before more octets, an answer or a call of the program."""
        events = self._events
        while not events and self._step():
            pass
        return events.popleft() if events else None

    def data_to_send(self) -> bytes:
        """Return the octets to put on the stream; what can be processed without an answer is processed first."""
        while self._step():
            pass
        self.flush()
        return self.records.drain()

    def answer(self, request: Request, value: Any = None) -> None:  # noqa: ANN401 - each request has its own
        """Answer a request; what it takes is said at the request's class."""
        if self._waiting is None or self._waiting[0] is not request:
            raise LocalProtocolError(f"nobody waits for an answer to this {type(request).__name__}")
        then = self._waiting[1]
        self._waiting = None
        try:
            if isinstance(value, Alert):
                raise value
            if then == "_emit_ready":
                self._emit_ready(value)
            else:
                getattr(self.handshake, then)(value)
        except Alert as alert:
            self.fail(alert)

    def send(self, data: bytes) -> None:
        """Send application data."""
        self._before_sending("application data")
        self.flush()
        self.handshake.before_application_data()
        for start in range(0, len(data), MAX_PLAINTEXT):
            piece = data[start : start + MAX_PLAINTEXT]
            position = self.records.write_offset
            ranges = self.records.write_message(ContentType.APPLICATION_DATA, piece)
            self._events.append(
                ApplicationDataSent(
                    piece,
                    self.records.written(position),
                    position,
                    ranges,
                    self.version or Version.TLS12,
                    self.cipher_suite,
                )
            )

    def update_keys(self, *, request_peer: bool = False) -> None:
        """Move on to the next traffic keys, and ask the peer to do so (TLS 1.3)."""
        self._before_sending("keys")
        self.handshake.update_keys(request_peer=request_peer)

    def _before_sending(self, what: str) -> None:
        if self.closed:
            raise LocalProtocolError(f"the connection is closed: no more {what}")
        if not self.handshake_complete:
            raise LocalProtocolError(f"the handshake is not complete ({self.state}): no {what} yet")

    def close(self) -> None:
        """Send close_notify, in a handshake after user_canceled; until the peer sends its own, its data can be read.

        Where the peer has sent its own before (TLS 1.3), this ends the connection.
        """
        if self.closed:
            return
        if not self.handshake_complete and (self.records.write_offset or self._held):
            self._send_alert(UserCanceled("the program gave up"), fatal=False)
        self._send_close_notify()
        if self.state == PEER_CLOSED:
            self._end(None)
            return
        self.plan.clear()
        self._waiting = None
        self.enter(CLOSING)

    def eof_received(self) -> None:
        """Say that the stream ended; without the peer's close_notify before it this is a truncation, in every state.

        After this side's own close_notify it is an `Unanswered`. After the peer's (TLS 1.3) it is in order and closes
        this side too: a program that still has an answer to write says it first.
        """
        while self._step():
            pass
        if self.state == CLOSING:
            self._end(Unanswered("the stream ended after this side's close_notify, without the peer's"))
        elif self.state == PEER_CLOSED:
            self.close()
        elif self.state != CLOSED:
            self._end(Truncated(f"the stream ended in {self.state} without close_notify"))

    def abort(self, alert: Alert) -> None:
        """Give up with this alert, for reasons of the program's own."""
        if not self.closed:
            self.fail(alert)

    def export(self, label_: str, context: bytes | None, length: int) -> bytes:
        """Return keying material for another protocol (RFC 5705; RFC 8446 7.5).

        The label has up to 249 octets, the context up to 65535; there are up to 8160 octets to have.
        """
        if not self.handshake_complete:
            raise LocalProtocolError("there is nothing to export before the handshake is complete")
        label = label_.encode()
        if len(label) > LONGEST_LABEL or len(context or b"") > LONGEST_CONTEXT or not 0 <= length <= MOST_EXPORTED:
            raise LocalProtocolError(
                f"no exporter for a label of {len(label)}, a context of {len(context or b'')}, {length} octets"
            )
        return self.handshake.export(label, context, length)


def pump(connection: Connection) -> Iterator[Event]:
    """Yield a connection's events; operations of local `cryptography` keys are answered here and not yielded."""
    events, step = connection._events, connection._step  # noqa: SLF001 - as `next_event`, a call less an event
    while events or step():
        while events:
            event = events.popleft()
            if isinstance(event, KeyOperationWanted) and is_local(event.key):
                connection.answer(event, perform(event))
            else:
                yield event
