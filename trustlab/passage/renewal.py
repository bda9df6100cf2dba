"""Re-attestation on a passage that stands: either end asks again, and drift ends the passage with access_denied.

Theory of operation
-------------------

Once attestation is complete, each direction of the application's stream is a sequence of frames::

    +------+-------------+----------------------+
    | kind |   length    |        octets        |
    | u8   |     u24     |    `length` octets   |
    +------+-------------+----------------------+

Kind 0 is the application's data, 1 a request for evidence, 2 the answer. On TLS 1.3 a request is an authenticator
request (RFC 9261, 4) and an answer an authenticator with Evidence (5.2). So a client's authenticator goes out only on a
server's request, as RFC 9261 demands. On `session-hash` a request is a fresh nonce of 32 octets and an answer is
Evidence over that nonce and the session hash. One request may be open in each direction.

The Verifier gets the boot of the last accepted evidence (`Expected.boot`), so a reboot in between is refused. Data go
on while an answer is awaited; whoever may not wait sets `freshness`, the greatest age of the last accepted evidence.

Sans-IO: `ask` returns octets, and `streams` calls it, by its clock.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

import msgspec

from trustlab import tls
from trustlab.passage.designs import Design
from trustlab.passage.designs13 import EXPORTER
from trustlab.passage.exchange import NONCE
from trustlab.passage.exported import AuthenticatorExchange
from trustlab.passage.placement import placement_of
from trustlab.passage.schedule import NEVER, RenewalError, Schedule
from trustlab.trace import other_role

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.passage.application import Application
    from trustlab.passage.guard import Guard, Role

DATA, REQUEST, ANSWER = 0, 1, 2
HEAD = 4
PIECE = 16_384 - HEAD
"""Octets of data in a frame: with its head one TLS record."""
MAX_OCTETS = {DATA: 65_535, REQUEST: 4096, ANSWER: 1 << 18}
WORDS = {DATA: "data", REQUEST: "a request for evidence", ANSWER: "an answer"}


def renewable(design: Design) -> bool:
    """Whether passages of this design can be attested again: those on TLS 1.3, and those over the session hash."""
    return bool(design.server) and (design.tls == "1.3" or placement_of(design).mutual)


def check_schedule(design: Design, role: Role, schedule: Schedule) -> None:
    """RenewalError if an end of this role cannot keep the schedule."""
    if schedule.every is None:
        return
    if not renewable(design):
        raise RenewalError(
            f"a passage of the design {design.name} cannot be attested again: choose session-hash, or one on TLS 1.3 "
            "such as tls13-exporter, or take reattest and freshness out of the policy"
        )
    if (design.client if role == "server" else design.server) is None:
        raise RenewalError(
            f"in the design {design.name} the {other_role(role)} attests nothing, so it cannot be asked again: "
            "take reattest and freshness out of the policy"
        )


class RenewedDesign(Design, frozen=True, kw_only=True):
    """A design in a passage that stands: its binders are those of a re-attestation, whatever its handshake knew."""

    def __post_init__(self) -> None:
        """Ask nothing: the design that it comes from was checked."""


def renewed(design: Design) -> Design:
    """Return the design with the binders of a re-attestation.

    Binders of a handshake are the same for its whole life, so on TLS 1.3 those of `tls13-exporter` take their place.
    """
    if not placement_of(design).in_handshake:
        return design
    binders = {
        "server": EXPORTER.server if design.server else None,
        "client": EXPORTER.client if design.client else None,
    }
    return RenewedDesign(**{**msgspec.structs.asdict(design), **binders})


class Exchange(Protocol):
    """How one direction is asked and answered."""

    def ask(self) -> bytes:
        """Return a request."""

    def answer(self, asked: bytes) -> bytes | tls.Alert:
        """Return the answer to the peer's request, or the alert that ends the channel."""

    def judge(self, asked: bytes, octets: bytes) -> tls.Alert | None:
        """Judge the peer's answer to our request; None accepts it."""


class NonceExchange:
    """On TLS 1.2: a nonce, and Evidence over it and the session hash."""

    def __init__(self, guard: Guard, facts: Callable[[], tls.HandshakeFacts], random: Callable[[int], bytes]) -> None:
        self._guard = guard
        self._facts = facts
        self._random = random

    def ask(self) -> bytes:
        """Draw a nonce."""
        return self._random(NONCE)

    def answer(self, asked: bytes) -> bytes | tls.Alert:
        """Quote the peer's nonce."""
        if len(asked) != NONCE:
            return tls.DecodeError(f"a request for evidence has {NONCE} octets, not {len(asked)}")
        return self._guard.evidence(self._knowing(other_role(self._guard.role), asked))

    def judge(self, asked: bytes, octets: bytes) -> tls.Alert | None:
        """Have the peer's Evidence appraised."""
        return self._guard.appraise(octets, self._knowing(self._guard.role, asked))

    def _knowing(self, asker: str, nonce: bytes) -> tls.HandshakeFacts:
        return self._facts().knowing(**{"nonce_C" if asker == "client" else "nonce_S": nonce})


def exchange_of(
    engine: tls.Client | tls.Server, guard: Guard, random: Callable[[int], bytes]
) -> AuthenticatorExchange | NonceExchange:
    """Return how the ends of this engine's version ask each other."""
    if guard.design.tls == "1.3":
        return AuthenticatorExchange(guard, engine)
    return NonceExchange(guard, lambda: engine.facts, random)


def framed(kind: int, octets: bytes) -> bytes:
    """Return one frame."""
    return bytes([kind]) + len(octets).to_bytes(3, "big") + octets


class Renewal:
    """The application of an end whose stream is frames: passes data on to the inner one, and asks and answers."""

    def __init__(
        self,
        inner: Application,
        guard: Guard,
        exchange: Exchange,
        abort: Callable[[tls.Alert], None],
        *,
        schedule: Schedule = NEVER,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inner = inner
        self.schedule = schedule
        self.accepted = 0
        """How many answers were accepted."""
        self._guard = guard
        self._exchange = exchange
        self._abort = abort
        self._clock = clock
        self._rest = b""
        self._asked: bytes | None = None
        self._stands = self._over = False
        self._since = 0.0
        self._waiting: list[Callable[[Exception | None], None]] = []

    @property
    def finished(self) -> bool:
        """Whether the inner application wants to end."""
        return self.inner.finished

    @property
    def waits_for(self) -> str:
        """What the peer owes, in words."""
        return "an answer to the request for evidence" if self._asked is not None else ""

    @property
    def age(self) -> float:
        """How old the last accepted evidence is, in seconds."""
        return self._clock() - self._since if self._stands else 0.0

    def connected(self) -> bytes:
        """Learn that the first evidence was accepted, and let the inner application speak."""
        self._stands = True
        self._since = self._clock()
        self._guard.design = renewed(self._guard.design)
        return self.frames_of(self.inner.connected())

    def received(self, data: bytes) -> bytes:
        """Take octets of frames and return what to say."""
        self._rest += data
        said = b""
        while not self._over and len(self._rest) >= HEAD:
            kind, size = self._rest[0], int.from_bytes(self._rest[1:HEAD], "big")
            if kind not in MAX_OCTETS:
                return self._end(tls.UnexpectedMessage(f"a frame of kind {kind}, which this end does not know"))
            if size > MAX_OCTETS[kind]:
                text = f"a frame with {size} octets of {WORDS[kind]}, which may have {MAX_OCTETS[kind]}"
                return self._end(tls.DecodeError(text))
            if len(self._rest) < HEAD + size:
                break
            octets, self._rest = self._rest[HEAD : HEAD + size], self._rest[HEAD + size :]
            said += self._frame(kind, octets)
        return b"" if self._over else said

    def closed(self, error: Exception | None) -> None:
        """Tell the inner application, and whoever waits for an answer."""
        self._over = True
        self._tell(error or tls.AccessDenied("the passage ended before the evidence was there"))
        self.inner.closed(error)

    def frames_of(self, data: bytes) -> bytes:
        """Return data of the application in frames."""
        pieces = (data[place : place + PIECE] for place in range(0, len(data), PIECE))
        return b"".join(framed(DATA, piece) for piece in pieces)

    def ask(self, done: Callable[[Exception | None], None] | None = None) -> bytes:
        """Return the octets that ask the peer to attest again; none where it has not answered the last request yet.

        `done` is called once: with None when the evidence was accepted, with the reason if it was not.
        RenewalError if nothing stands yet, or if the peer has nothing to attest.
        """
        check_schedule(self._guard.design, self._guard.role, Schedule(reattest=0.0))
        if not self._stands or self._over:
            raise RenewalError("there is no passage to attest again: it does not stand yet, or is over")
        if done is not None:
            self._waiting.append(done)
        if self._asked is not None:
            return b""
        self._asked = self._exchange.ask()
        return framed(REQUEST, self._asked)

    def expire(self) -> bool:
        """End the passage if the last accepted evidence is too old; return whether it was."""
        greatest = self.schedule.greatest_age
        if greatest is None or self._over or self.age < greatest:
            return False
        text = f"the last accepted evidence is {self.age:.0f} seconds old, and {greatest:g} are allowed"
        self._guard.refuse("freshness", f"{text[0].upper()}{text[1:]}.")
        self._end(tls.AccessDenied(text))
        return True

    def _frame(self, kind: int, octets: bytes) -> bytes:
        if kind == DATA:
            return self.frames_of(self.inner.received(octets))
        if kind == REQUEST:
            answer = self._exchange.answer(octets)
            return self._end(answer) if isinstance(answer, tls.Alert) else framed(ANSWER, answer)
        if self._asked is None:
            return self._end(tls.UnexpectedMessage("evidence that nobody asked for"))
        asked, self._asked = self._asked, None
        refused = self._exchange.judge(asked, octets)
        if refused is not None:
            return self._end(refused)
        self._since = self._clock()
        self.accepted += 1
        self._tell(None)
        return b""

    def _tell(self, error: Exception | None) -> None:
        waiting, self._waiting = self._waiting, []
        for done in waiting:
            done(error)

    def _end(self, alert: tls.Alert) -> bytes:
        self._over = True
        self._tell(alert)
        self._abort(alert)
        return b""
