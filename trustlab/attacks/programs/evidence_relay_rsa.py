"""`evidence-relay` on the ladder of the slides: Alice forwards every octet unchanged, and decrypts it.

In RSA key exchange the bank adds no secret of its own. Whoever can use the bank's key can decrypt the client's secret
and forward the very same octets. Then both channels have the same transcript, session hash and keys, and all evidence
fits both of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.applications import Relay
from trustlab.attacks.alice.borrowed_key import BorrowedKey
from trustlab.attacks.alice.ends import EvidenceCollector
from trustlab.attacks.alice.legs import Credentials
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.programs import evidence_relay

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import WireConnection

ATTACK = msgspec.structs.replace(
    evidence_relay.ATTACK,
    name="evidence-relay-rsa",
    plays="evidence-relay",
    steps=(
        "answers the teller's connection with the bank's own certificate",
        "forwards the teller's messages to the bank and the bank's to the teller, octet for octet",
        "has the bank's TPM decrypt the encrypted secret, and so has the keys of the channel",
    ),
    why="In RSA key exchange the client alone chooses the secret, and whoever can use the bank's key can decrypt it.",
    stopped_by="a key nobody else can use; or an ephemeral key agreement, and the channel in the quote",
    tls="1.2",
)


def start(guest: Guest) -> None:
    """Get the bank's certificate; then sit between teller and bank."""
    alice = Alice(guest, ATTACK)
    visit, key = EvidenceCollector(alice), BorrowedKey(alice)

    def answer(connection: WireConnection) -> Middle:
        own, applications = Credentials(visit.chain, key), (Relay(), Relay(stays=True))
        return Middle(alice, connection, own=own, applications=applications, whole=True)

    alice.take_place(answer)
    alice.tell("relay", "waits for the teller, with the bank's own certificate.")
