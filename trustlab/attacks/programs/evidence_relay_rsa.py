"""`evidence-relay` on the ladder of the slides: with the bank's key every octet passes as it is, and Alice reads along.

RSA key exchange has no forward secrecy, and no fresh secret of the bank's own. Who can use the bank's key opens the
encrypted secret, and can send the very same octets on: both channels have one transcript, one session hash and one set
of keys, and all evidence fits both. What binds the channel binds hers.
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
        "says to the bank what the teller says to her, and to the teller what the bank says, octet for octet",
        "has the bank's TPM open the encrypted secret, and is in the one channel that both have",
    ),
    why="With RSA key exchange the secret is the client's alone, and whoever can use the key has it.",
    stopped_by="a key nobody else can use; or an ephemeral key agreement, and the channel in the quote",
    tls="1.2",
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Visit the bank for its certificate; then sit between teller and bank, and stay with the teller to the end."""
    alice = Alice(guest, ATTACK)
    visit, key = EvidenceCollector(alice), BorrowedKey(alice)

    def answer(connection: WireConnection) -> Middle:
        own, applications = Credentials(visit.chain, key), (Relay(), Relay(stays=True))
        return Middle(alice, connection, own=own, applications=applications, whole=True)

    alice.take_place(answer)
    alice.tell("relay", "waits for the teller, with the bank's own certificate.")
