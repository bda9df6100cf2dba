"""What Alice says inside her two channels of TLS 1.3: she passes everything on, and relays authenticators.

In `tls13-exporter` Evidence is asked for inside the finished channel. She puts the teller's own request to the bank,
takes the Evidence out of the bank's authenticator, and makes one of her own around it, with the key she has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.passage.exchange import frame
from trustlab.passage.exported import answer, request
from trustlab.tls import authenticators

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.middle13 import BankLeg, TellerLeg
    from trustlab.passage import Design

THANKS = b"PAID to Alice, with thanks\n"


class Frames:
    """Cuts a stream into the frames of an exchange: a length as u16, and that many octets."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes, most: int) -> list[bytes]:
        """Take octets and return at most `most` complete frames; what follows stays in `rest`."""
        self.rest += data
        found: list[bytes] = []
        while len(found) < most and len(self.rest) >= 2:
            end = 2 + int.from_bytes(self.rest[:2], "big")
            if len(self.rest) < end:
                break
            found.append(self.rest[2:end])
            self.rest = self.rest[end:]
        return found


class TowardsBank:
    """The application of her leg to the bank: asks for authenticators where the design has them, passes answers on."""

    leg: BankLeg

    def __init__(self, design: Design) -> None:
        self.finished = False
        self.teller: TellerLeg | None = None
        self._exported = design.when == "after-finished"
        self._frames = Frames()
        self._seen = 0
        self._asked = b""
        self._proved: Callable[[bytes], None] = lambda _evidence: None

    def connected(self) -> bytes:
        """Wait for what there is to ask."""
        return b""

    def ask(self, asked: bytes, proved: Callable[[bytes], None]) -> None:
        """Put an authenticator request to the bank; `proved` gets the Evidence in its answer."""
        self._asked, self._proved = asked, proved
        if not self.leg.connection.closed:
            self.leg.connection.send(frame(asked))

    def received(self, data: bytes) -> bytes:
        """Take the bank's request and its authenticator, its first two frames; without frames, pass data on."""
        if not self._exported:
            if self.teller is not None and not self.teller.connection.closed:
                self.teller.connection.send(data)
            return b""
        for octets in self._frames.feed(data, 2):
            self._seen += 1
            if self._seen == 1:
                self.asked(octets)
            elif self._seen == 2:
                found = authenticators.validate(self.leg.connection, self._asked, octets)
                self._proved(found.evidence or b"")
        return b""

    def asked(self, octets: bytes) -> None:
        """Learn what the bank asks of her: she has nothing to show."""

    def closed(self, error: Exception | None) -> None:
        """Note nothing: what the teller says next is kept all the same."""


class TowardsTeller:
    """The application of her leg to the teller: shows the bank's Evidence, and listens."""

    leg: TellerLeg

    def __init__(self, design: Design, bank: BankLeg, tell: Callable[[str, str], None], *, replay: bool) -> None:
        self.finished = False
        self._bank = bank
        self._tell = tell
        self._replay = replay
        self._frames = Frames()
        self._left = 2 if design.when == "after-finished" else 0
        self._alone = replay or design.client is not None

    def connected(self) -> bytes:
        """Ask for the teller's authenticator where the design has them, as the bank would."""
        self._bank.towards.teller = self.leg
        return frame(request(self.leg.connection)) if self._left else b""

    def received(self, data: bytes) -> bytes:
        """Take the teller's request and its authenticator, its first two frames; all else is for the bank, and hers."""
        if self._left:
            for octets in self._frames.feed(data, self._left):
                self._left -= 1
                if self._left:
                    self._wanted(octets)
            data = b"" if self._left else self._frames.rest
        return self._pass(data) if data else b""

    def closed(self, error: Exception | None) -> None:  # noqa: ARG002 - both endings look alike from here
        """End the other channel too, as a client would."""
        if not self._bank.connection.closed:
            self._bank.connection.close()

    def _wanted(self, asked: bytes) -> None:
        if self._replay:
            self._show(asked, self._bank.evidence)
            return
        self._tell("forward", "puts the teller's request to the bank, in her own channel.")
        self._bank.towards.ask(asked, lambda evidence: self._show(asked, evidence))

    def _show(self, asked: bytes, evidence: bytes) -> None:
        """Make an authenticator for this channel around Evidence that was made for another."""
        self._tell("show", "makes an authenticator of her own around the bank's evidence.")
        try:
            self.leg.connection.send(frame(answer(self.leg.connection, asked, evidence)))
        except tls.TlsError as error:
            self._tell("stuck", f"cannot make one: {error}")

    def _pass(self, data: bytes) -> bytes:
        bank = self._bank.connection
        if self._alone or not bank.handshake_complete or bank.closed:
            return THANKS
        bank.send(data)
        return b""
