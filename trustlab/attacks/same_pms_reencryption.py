"""`same-pms-reencryption`: an Evil VM with a valid certificate, a client that does not look, and the same secret twice.

Evil copies randoms and nonces between its two handshakes, so that the lax client's quote fits the one with the bank;
it opens the client's pre-master secret and encrypts the very same to the bank. A quote that binds the secret itself
is deceived; one that binds the *encrypted* secret is not. What is stolen is the server's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.apps13 import Frames
from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS, Impostor, Pipe
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.passage.exchange import frame

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="same-pms-reencryption",
    needs=("a valid certificate for a VM of hers", "a client that does not check whom it talks to"),
    steps=(
        "lets the lax client connect to her Evil VM",
        "copies randoms and nonces, and forwards the client's quote",
        "encrypts the client's own pre-master secret to the bank, and asks for the balance",
    ),
    breaks="authenticity, as the server sees it",
    why="The client's quote commits to the secret, and the secret is the same in both handshakes.",
    source="Trusted Passages (2011); RFC 7627, 1 (the triple handshake)",
    stopped_by="the encrypted pre-master secret in the quote, or the session hash",
    tls="1.2",
    prize="balance",
    lax_client=True,
)
STATEMENT = b"STATEMENT\n"


def start(guest: Guest) -> None:
    """Wait for the lax client, and ask the bank for the balance in its name."""
    tell = teller_of(guest, ATTACK)
    identity = rogue_identity(guest, tell)
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    late = guest.design.when == "after-finished"
    guest.listen(
        HTTPS,
        lambda connection: Impostor(
            guest,
            identity,
            connection,
            tell=tell,
            towards_client=Handing() if late else Mute(),
            towards_bank=Pipe(b"" if late else STATEMENT),
        ),
    )
    tell("evil", "waits for a client that does not look, and will encrypt its secret again, to the bank.")


class Mute(Pipe):
    """Keeps what the client says to herself: the bank is asked what Alice wants to know."""

    def received(self, data: bytes) -> bytes:  # noqa: ARG002 - nothing of it is passed on
        """Answer nothing and pass nothing on."""
        return b""


class Handing(Pipe):
    """Hands the client's first two frames to the bank, nonce and evidence, and then asks what Alice wants to know."""

    def __init__(self) -> None:
        super().__init__()
        self._frames = Frames()
        self._left = 2

    def received(self, data: bytes) -> bytes:
        """Pass on what proves the client, and nothing of what it orders."""
        if self.other is None or not self._left:
            return b""
        for octets in self._frames.feed(data, self._left):
            self._left -= 1
            self.other.pipe.say(frame(octets) + (b"" if self._left else STATEMENT), self.other)
        return b""
