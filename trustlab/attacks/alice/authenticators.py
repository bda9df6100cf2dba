"""What Alice does inside her two channels of TLS 1.3 when the ends ask for evidence after Finished (RFC 9261).

In `tls13-exporter` both ends ask inside the finished channel. She sends the client's own request to the server, takes
the evidence out of the server's authenticator, and puts it into an authenticator of her own, signed by the key she has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustlab import tls
from trustlab.attacks.alice.applications import THANKS, ListenAndThank, Relay
from trustlab.attacks.alice.legs import Leg
from trustlab.passage.exchange import Frames, frame
from trustlab.passage.exported import answer, request
from trustlab.tls import authenticators

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.alice.legs import TowardsServer
    from trustlab.attacks.alice.tools import Alice

REQUEST_AND_PROOF = 2
"""The number of frames that each side sends first: its request, and its authenticator."""


class RelayOrThank(Relay):
    """Towards the client: forwards its orders while the server's channel is open, else thanks for them herself."""

    def passed(self, data: bytes) -> bytes:
        """Forward an order, or thank for it."""
        if not (self._passes and isinstance(self.other, Leg) and self.other.ready):
            return THANKS
        return super().passed(data)


class AskForEvidence(Relay):
    """Towards the server: sends it requests for authenticators. What it sends after its answers is not forwarded."""

    def __init__(self, opening: bytes = b"") -> None:
        super().__init__(opening, stays=True)
        self._frames = Frames()
        self._seen = 0
        self._asked = b""
        self._proved: Callable[[bytes], None] = lambda _evidence: None

    def ask(self, asked: bytes, proved: Callable[[bytes], None]) -> None:
        """Send an authenticator request to the server; `proved` gets the evidence in its answer."""
        self._asked, self._proved = asked, proved
        if not self.leg.connection.closed:
            self.leg.connection.send(frame(asked))

    def received(self, data: bytes) -> bytes:
        """Take the server's request and its authenticator."""
        for octets in self._frames.feed(data, REQUEST_AND_PROOF):
            self._seen += 1
            if self._seen == 1:
                self.wanted(octets)
            elif self._seen == REQUEST_AND_PROOF:
                found = authenticators.validate(self.leg.connection, self._asked, octets)
                self._proved(found.evidence or b"")
        return b""

    def wanted(self, asked: bytes) -> None:
        """Take the server's own request; she does not answer it, because she has no evidence."""


class Between(Protocol):
    """What `ShowAuthenticator` needs to know of its `middle.Middle`."""

    alice: Alice
    behind: TowardsServer | None
    replays: bool


class ShowAuthenticator(RelayOrThank):
    """Towards the client: asks as the server would, and answers with an authenticator of her own."""

    def __init__(self, middle: Between, *, passes: bool) -> None:
        super().__init__(passes=passes)
        self._middle = middle
        self._tell = middle.alice.tell
        self._frames = Frames()
        self._left = REQUEST_AND_PROOF

    def connected(self) -> bytes:
        """Ask for the client's authenticator."""
        return frame(request(self.leg.connection, empty_offer=self._middle.alice.design.empty_offer))

    def received(self, data: bytes) -> bytes:
        """Take the client's request and its authenticator; everything after them is forwarded."""
        if self._left:
            for octets in self._frames.feed(data, self._left):
                self._left -= 1
                if self._left:
                    self.asked(octets)
                else:
                    self.proved(octets)
            data = b"" if self._left else self._frames.rest
        return self.passed(data) if data else b""

    def asked(self, request_for_evidence: bytes) -> None:
        """Answer the client's request with the server's evidence: kept from before, or requested now."""
        behind = self._middle.behind
        if behind is None:
            return
        if self._middle.replays:
            self._show(request_for_evidence, behind.evidence)
        elif isinstance(behind.application, AskForEvidence):
            self._tell("forward", "sends the teller's request to the bank, in her own channel.")
            behind.application.ask(request_for_evidence, lambda evidence: self._show(request_for_evidence, evidence))

    def proved(self, authenticator: bytes) -> None:
        """Take the client's authenticator; she accepts anything."""

    def _show(self, asked: bytes, evidence: bytes) -> None:
        """Make an authenticator for this channel around evidence that was made for another."""
        self._tell("show", "puts the bank's evidence into an authenticator of her own.")
        try:
            self.leg.connection.send(frame(answer(self.leg.connection, asked, evidence)))
        except tls.TlsError as error:
            self._tell("stuck", f"cannot make the authenticator: {error}")


class ShowAlone(ListenAndThank):
    """Plays the server without a channel to it: answers the client's request with her own certificate.

    `evidence` is what she puts into her authenticator; if it is empty, there is none in it.
    """

    def __init__(self, evidence: bytes) -> None:
        super().__init__(REQUEST_AND_PROOF)
        self._evidence = evidence
        self._shown = False

    def connected(self) -> bytes:
        """Ask for the client's authenticator, as the server would."""
        return frame(request(self.leg.connection))

    def answer(self, octets: bytes) -> bytes:
        """Answer the client's request; its own authenticator she accepts, whatever it is."""
        if self._shown:
            return b""
        self._shown = True
        return frame(answer(self.leg.connection, octets, self._evidence))
