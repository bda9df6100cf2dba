"""What Alice does inside a channel: she relays, she listens and thanks, or she asks.

All three are a `passage.Application`, octets in and octets out, for both versions of TLS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustlab.passage.exchange import NONCE, Frames, frame

if TYPE_CHECKING:
    from trustlab.passage import TlsEndpoint

THANKS = b"PAID to Alice, with thanks\n"
"""Roughly what a bank would answer."""
STATEMENT = b"STATEMENT\n"
"""Asks the bank for the balance of the account."""
NOTHING_TO_SHOW = frame(b"")
"""An empty frame: her answer to a question for evidence that she does not have."""
OWN_NONCE = bytes(NONCE)
"""Alice's own nonce; it need not be random."""


class Quiet:
    """Sends nothing, ignores everything, and stays. `leg` is the end in which it runs, if that is one of Alice's."""

    leg: TlsEndpoint

    def __init__(self) -> None:
        self.finished = False

    def connected(self) -> bytes:
        return b""

    def received(self, data: bytes) -> bytes:  # noqa: ARG002 - it does not listen
        return b""

    def closed(self, error: Exception | None) -> None: ...


class Writable(Protocol):
    """The other end of a relay; it keeps what it is given until its handshake is complete."""

    def write(self, data: bytes) -> None:
        """Send application data."""

    def close(self) -> None:
        """Send close_notify, once."""


class Relay(Quiet):
    """Forwards what it receives to `other`, the end of her other channel.

    `opening` is what she herself sends first. With `first` she answers the first data herself instead of forwarding
    them. If not `passes`, she forwards nothing. With `stays` the other channel goes on when this one has ended.
    """

    other: Writable | None = None

    def __init__(self, opening: bytes = b"", *, first: bytes = b"", passes: bool = True, stays: bool = False) -> None:
        super().__init__()
        self._opening, self._first = opening, first
        self._passes, self._stays = passes, stays

    def connected(self) -> bytes:
        return self._opening

    def received(self, data: bytes) -> bytes:
        if self._first:
            answer, self._first = self._first, b""
            return answer
        return self.passed(data)

    def passed(self, data: bytes) -> bytes:
        """Forward plaintext to the other channel; return what she answers herself."""
        if self._passes and self.other is not None:
            self.other.write(data)
        return b""

    def closed(self, error: Exception | None) -> None:  # noqa: ARG002 - both endings look alike from here
        """Close the other channel too."""
        if self.other is not None and not self._stays:
            self.other.close()


class ListenAndThank(Quiet):
    """Plays the server: answers the first `frames` frames, and thanks for the order after them."""

    def __init__(self, frames: int = 0, *, opening: bytes = b"") -> None:
        super().__init__()
        self._left = frames
        self._opening = opening
        self._frames = Frames()

    def connected(self) -> bytes:
        return self._opening

    def received(self, data: bytes) -> bytes:
        """Answer frame by frame, then thank."""
        if not self._left:
            return THANKS
        said = b""
        for octets in self._frames.feed(data, self._left):
            self._left -= 1
            said += self.answer(octets)
        return said + (THANKS if not self._left and self._frames.rest else b"")

    def answer(self, octets: bytes) -> bytes:  # noqa: ARG002 - for subclasses that have an answer
        """Return the answer to a frame."""
        return b""


class ShowEvidence(ListenAndThank):
    """Answers the first question with evidence that she has, and then listens and thanks."""

    def __init__(self, evidence: bytes, frames: int, *, opening: bytes = b"") -> None:
        super().__init__(frames, opening=opening)
        self._evidence: bytes | None = evidence

    def answer(self, octets: bytes) -> bytes:  # noqa: ARG002 - whatever was asked
        evidence, self._evidence = self._evidence, None
        return b"" if evidence is None else frame(evidence)


class Ask(Quiet):
    """Sends a question, waits for `frames` frames, keeps the last of them and closes; with None it stays.

    In a mutual exchange the first frame is the server's own question.
    """

    def __init__(self, question: bytes, frames: int | None = None) -> None:
        super().__init__()
        self.answer = b""
        self._question = question
        self._left = frames
        self._frames = Frames()

    def connected(self) -> bytes:
        self.finished = self._left == 0
        return self._question

    def received(self, data: bytes) -> bytes:
        """Keep the last frame that was expected."""
        for octets in self._frames.feed(data, self._left or 0):
            self.answer = octets
            self._left = (self._left or 0) - 1
            self.finished = not self._left
        return b""
