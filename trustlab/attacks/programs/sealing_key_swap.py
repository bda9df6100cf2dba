"""`sealing-key-swap`: Alice puts a key of her own in the place of the bank's, and the teller seals its order to her.

The bank's answer is a key, and evidence that names it. Alice, in the middle of TLS, forwards the evidence as it is and
replaces the key. If the evidence did not name the key, the teller would seal its PIN to Alice.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from trustlab.attacks.alice.applications import THANKS, Relay
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.sealing import AcceptsAnything
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack
from trustlab.passage.exchange import Frames, frame
from trustlab.tls.hpke import KEY, KEY_NAME, SUITE, info

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import WireConnection

ATTACK = Attack(
    name="sealing-key-swap",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "ends the teller's TLS, and opens her own to the bank",
        "forwards question and evidence, and puts her own key in the place of the bank's",
        "opens what the teller seals to her key",
    ),
    breaks="confidentiality",
    why="Whoever ends TLS can change the key that stands beside the evidence.",
    source="RFC 9180, 9.1: HPKE leaves it to others to say whose key it is",
    stopped_by="the key in the quote",
    tls="1.2",
)


class TowardsTeller(Relay):
    """Forwards the teller's question; opens what follows, and thanks for it."""

    def __init__(self, alice: Alice, connection: str) -> None:
        super().__init__()
        self._alice = alice
        self._frames = Frames()
        self._nonce = b""
        self.key = X25519PrivateKey.generate()
        digest = hashlib.sha256(self.key.public_key().public_bytes_raw()).digest()
        AcceptsAnything(alice, connection).holds(KEY_NAME, self.key.private_bytes_raw(), digest)

    def received(self, data: bytes) -> bytes:
        said = b""
        for octets in self._frames.feed(data, 2):
            if not self._nonce:
                self._nonce = octets
                said += self.passed(frame(octets))
            else:
                said += self._open(octets)
        return said

    def _open(self, octets: bytes) -> bytes:
        try:
            plain = SUITE.decrypt(octets, self.key, info=info(b"client", self._nonce, 0))
        except InvalidTag:
            self._alice.tell("stuck", "cannot open the teller's message: it is sealed to another key.")
            return b""
        self._alice.tell("open", "opens the teller's order with her own key, and thanks for it.")
        answers = X25519PublicKey.from_public_bytes(plain[:KEY])
        return frame(SUITE.encrypt(THANKS, answers, info=info(b"server", self._nonce, 0)))


class TowardsBank(Relay):
    """Forwards the bank's answer with her own key in it."""

    def __init__(self, alice: Alice, teller: TowardsTeller) -> None:
        super().__init__(stays=True)
        self._alice = alice
        self._teller = teller
        self._frames = Frames()

    def received(self, data: bytes) -> bytes:
        for octets in self._frames.feed(data, 1):
            self._alice.tell("swap", "puts a key of her own in the place of the bank's, beside the bank's evidence.")
            self.passed(frame(self._teller.key.public_key().public_bytes_raw() + octets[KEY:]))
        return b""


def start(guest: Guest) -> None:
    """Sit in the middle, with a key of her own."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()

    def middle(connection: WireConnection) -> Middle:
        teller = TowardsTeller(alice, connection.name)
        return Middle(alice, connection, own=identity, applications=(teller, TowardsBank(alice, teller)))

    alice.take_place(middle)
    alice.tell("relay", "waits for the teller, to change the key that it seals to.")
