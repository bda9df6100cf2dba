"""Attestation outside the handshake: a question and an answer as frames of a byte stream, sans-IO.

`attest-then-connect` asks on a connection of its own, `connect-then-attest` inside TLS; `session-hash` has both ends
ask and answer as the first application data after Finished. A frame is a length (u16, big-endian) and that many octets:
first a nonce of 32 octets, then Evidence.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from trustlab import tls

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.passage.application import Application
    from trustlab.passage.guard import Guard

NONCE = 32
MAX_FRAME = 65_535


class ExchangeError(Exception):
    """The peer broke the rules of the exchange, or its Evidence was refused; the message says which."""


def frame(octets: bytes) -> bytes:
    """Return a frame; ExchangeError if `octets` do not fit."""
    if len(octets) > MAX_FRAME:
        raise ExchangeError(f"{len(octets)} octets do not fit into a frame, which holds at most {MAX_FRAME}")
    return len(octets).to_bytes(2, "big") + octets


class Frames:
    """Cuts a stream into frames; the octets of an incomplete frame stay in `rest`."""

    def __init__(self) -> None:
        self.rest = b""

    def next(self) -> bytes | None:
        """Return the next complete frame; None if there is none."""
        end = 2 + int.from_bytes(self.rest[:2], "big")
        if len(self.rest) < max(2, end):
            return None
        octets, self.rest = self.rest[2:end], self.rest[end:]
        return octets

    def feed(self, data: bytes, most: int) -> list[bytes]:
        """Take octets and return at most `most` complete frames."""
        self.rest += data
        found: list[bytes] = []
        while len(found) < most and (octets := self.next()) is not None:
            found.append(octets)
        return found


class _Framed:
    """An application that begins with frames and then hands over to an inner application."""

    def __init__(self, inner: Application, abort: Callable[[tls.Alert], None] = lambda _: None) -> None:
        """Take the inner application; `abort` ends a TLS channel by an alert, and does nothing without TLS."""
        self.inner = inner
        self._abort = abort
        self._frames = Frames()
        self._through = False
        self._refused = False
        self._given_up = False

    @property
    def finished(self) -> bool:
        """Whether the exchange failed, or the inner application wants to end."""
        return self._refused or (self._through and self.inner.finished)

    @property
    def waits_for(self) -> str:
        """What the exchange waits for, in words; empty once the inner application speaks."""
        if self._through or self._refused:
            return ""
        here = len(self._frames.rest)
        size = 2 + int.from_bytes(self._frames.rest[:2], "big") if here >= 2 else 2
        return tls.missing(here, size, "a frame of the attestation exchange")

    def connected(self) -> bytes:
        """Send the first frame, if this side begins."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Take frames while the exchange lasts, then pass everything through; say nothing on a channel given up."""
        if self._through:
            return self.inner.received(data)
        self._frames.rest += data
        said = b""
        while not self._refused and not self._through and (octets := self._frames.next()) is not None:
            said += self.frame_received(octets)
        if self._through and self._frames.rest:
            rest, self._frames.rest = self._frames.rest, b""
            said += self.inner.received(rest)
        return b"" if self._given_up else said

    def closed(self, error: Exception | None) -> None:
        """Tell the inner application; an end before the exchange is complete is an error."""
        if error is None and not self._through:
            error = ExchangeError("the channel ended before the evidence was accepted")
        self.inner.closed(error)

    def frame_received(self, octets: bytes) -> bytes:
        """Take one frame and return what to say."""
        raise ExchangeError(f"the peer sent a frame of {len(octets)} octets that nobody asked for")

    def _open(self) -> bytes:
        self._through = True
        return self.inner.connected()

    def _refuse(self) -> bytes:
        self._refused = True
        return b""

    def _give_up(self, alert: tls.Alert) -> bytes:
        """End the channel by an alert."""
        self._given_up = True
        self._abort(alert)
        return self._refuse()


class Asking(_Framed):
    """The relying party's side: sends a nonce, has the answer appraised, and only then lets the application speak."""

    def __init__(self, inner: Application, guard: Guard, *, random: Callable[[int], bytes] = os.urandom) -> None:
        super().__init__(inner)
        self.nonce = random(NONCE)
        self._guard = guard

    def connected(self) -> bytes:
        """Ask."""
        return frame(self.nonce)

    def frame_received(self, octets: bytes) -> bytes:
        """Judge the answer."""
        facts = tls.HandshakeFacts(nonce_C=self.nonce)
        return self._refuse() if self._guard.appraise(octets, facts) else self._open()


class Answering(_Framed):
    """The attester's side: answers whoever asks. It cannot know who that is, and a relay makes use of it."""

    def __init__(
        self, inner: Application, guard: Guard, *, abort: Callable[[tls.Alert], None] = lambda _: None
    ) -> None:
        super().__init__(inner, abort)
        self._guard = guard

    def frame_received(self, octets: bytes) -> bytes:
        """Quote the nonce."""
        evidence = self._guard.evidence(tls.HandshakeFacts(nonce_C=octets))
        if isinstance(evidence, Exception):
            return self._give_up(evidence)
        return frame(evidence) + self._open()


class Mutual(_Framed):
    """Both sides ask and answer over the session hash (RFC 7627), before any other data.

    `facts` gives the facts of the finished handshake, without nonces; the nonces are the first frames of each side.
    """

    def __init__(
        self,
        inner: Application,
        guard: Guard,
        facts: Callable[[], tls.HandshakeFacts],
        *,
        abort: Callable[[tls.Alert], None] = lambda _: None,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        super().__init__(inner, abort)
        self._guard = guard
        self._facts = facts
        self._own = random(NONCE)
        self._peers: bytes | None = None
        self._answered = False

    def connected(self) -> bytes:
        """Ask."""
        return frame(self._own)

    def frame_received(self, octets: bytes) -> bytes:
        """Answer the first frame, the peer's nonce; judge the second, its Evidence."""
        names = ("nonce_C", "nonce_S") if self._guard.role == "client" else ("nonce_S", "nonce_C")
        if self._peers is None:
            self._peers = octets
        facts = self._facts().knowing(**{names[0]: self._own, names[1]: self._peers})
        if not self._answered:
            self._answered = True
            evidence = self._guard.evidence(facts)
            return self._give_up(evidence) if isinstance(evidence, Exception) else frame(evidence)
        return self._refuse() if self._guard.appraise(octets, facts) else self._open()


class PlainEndpoint:
    """An application on a stream without TLS: `attest-then-connect` asks its question over it."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._out = b""
        self._begun = self._over = False

    @property
    def closed(self) -> bool:
        """Whether this end has nothing more to send."""
        return self._over

    @property
    def waits_for(self) -> str:
        """What this end waits for, in words; empty when it is over."""
        return "" if self._over else getattr(self._application, "waits_for", "") or "the peer's octets"

    def receive(self, data: bytes) -> None:
        """Take octets."""
        self._begin()
        self._out += self._application.received(data)

    def data_to_send(self) -> bytes:
        """Return octets, once."""
        self._begin()
        out, self._out = self._out, b""
        if self._application.finished and not self._over:
            self._over = True
            self._application.closed(None)
        return out

    def eof_received(self) -> None:
        """Learn that the peer is gone."""
        if not self._over:
            self._over = True
            self._application.closed(None)

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._out += self._application.connected()
