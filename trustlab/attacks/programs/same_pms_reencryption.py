"""`same-pms-reencryption`: an Evil VM with a valid certificate, a client that checks nothing, and one secret twice.

Evil copies randoms and nonces between its two handshakes, so that the lax client's quote fits the handshake with the
bank. It decrypts the client's pre-master secret and encrypts the same secret to the bank. That deceives a quote that
covers the secret itself, but not one that covers the *encrypted* secret. The prize is the bank's secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.applications import STATEMENT, Relay
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack
from trustlab.passage.exchange import Frames, frame

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import WireConnection

ATTACK = Attack(
    name="same-pms-reencryption",
    needs=("a valid certificate for a VM of hers", "a client that does not check whom it talks to"),
    steps=(
        "lets the lax client connect to her Evil VM",
        "copies randoms and nonces, and forwards the client's quote",
        "encrypts the client's own pre-master secret to the bank, and asks for the balance",
    ),
    breaks="authenticity, for the server",
    why="The client's quote commits to the secret, and the secret is the same in both handshakes.",
    source="Trusted Passages (2011); RFC 7627, 1 (the triple handshake)",
    stopped_by="the encrypted pre-master secret in the quote, or the session hash",
    tls="1.2",
    prize="balance",
    assumes=Assumptions(lax_client=True),
)


def start(guest: Guest) -> None:
    """Wait for the lax client, and ask the bank for the balance in its name."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()

    def answer(connection: WireConnection) -> Middle:
        if alice.placement.mutual:
            return Middle(alice, connection, own=identity, applications=(HandOver(), Relay()))
        says = Relay(passes=False), Relay(STATEMENT)
        middle = Certified if alice.design.client_key else Middle
        return middle(alice, connection, own=identity, applications=says)

    alice.take_place(answer)
    alice.tell("evil", "waits for a client that checks nothing, and will encrypt its secret again, to the bank.")


class Certified(Middle):
    """Shows the bank Evil's own certificate, because the bank asks its client for one."""

    shows_own = True


class HandOver(Relay):
    """Forwards the client's first two frames, nonce and evidence, and then asks for the balance."""

    def __init__(self) -> None:
        super().__init__()
        self._frames = Frames()
        self._left = 2

    def passed(self, data: bytes) -> bytes:
        """Forward the frames that prove the client, and none of its orders."""
        if self.other is not None and self._left:
            for octets in self._frames.feed(data, self._left):
                self._left -= 1
                self.other.write(frame(octets) + (b"" if self._left else STATEMENT))
        return b""
