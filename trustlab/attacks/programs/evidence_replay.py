"""`evidence-replay`: old Evidence, shown again although the machine may run something else by now.

Alice connects to the bank as anybody may, and keeps its Evidence. Later she answers the teller with the bank's
certificate, has the key sign, and shows the Evidence that she kept. Nobody knows what the machine runs by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.authenticators import AskForEvidence
from trustlab.attacks.alice.borrowed_key import BorrowedKey
from trustlab.attacks.alice.legs import Credentials, TowardsServer
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack
from trustlab.passage.exported import request

if TYPE_CHECKING:
    from trustlab.cloud import Guest, Identity

ATTACK = Attack(
    name="evidence-replay",
    needs=("can use the bank's TLS key, though it never leaves the TPM", "once opened a connection of her own"),
    steps=(
        "connects to the bank as anybody may, and keeps its evidence",
        "answers the teller's connection later, with the bank's own certificate",
        "shows the evidence she kept, while the bank's TPM signs for her channel",
    ),
    breaks="freshness",
    why="Evidence that names only the key never expires, whatever happens to the machine.",
    source="analyses of RA-TLS (2024); SEAT use cases",
    stopped_by="a nonce, or anything else of this handshake, in the binder",
    assumes=Assumptions(leaks=("key usable",)),
    tls="1.3",
)


def start(guest: Guest) -> None:
    """Collect the bank's evidence first; then take the bank's place."""
    alice = Alice(guest, ATTACK)
    kept = collected(alice, alice.rogue_identity() if alice.placement.mutual else None)
    key = BorrowedKey(alice)
    alice.take_place(lambda connection: Middle(alice, connection, key=key, kept=kept))


def collected(alice: Alice, identity: Identity | None) -> TowardsServer:
    """Connect to the bank in TLS 1.3 as anybody may; return the leg, which keeps the bank's evidence.

    `identity` is what she shows a bank that asks its client for a certificate.
    """
    kept: list[TowardsServer] = []
    application = AskForEvidence()

    def keep(evidence: bytes) -> None:
        kept[0].evidence = evidence

    def collect() -> None:
        if alice.placement.mutual and kept[0].connection.handshake_complete:
            application.ask(request(kept[0].connection), keep)

    def make(name: str) -> TowardsServer:
        shows = Credentials.of(identity) if identity else None
        kept.append(TowardsServer(alice, name, application, learned=collect, shows=shows))
        return kept[0]

    alice.connect(make)
    alice.tell("collect", f"connects to {alice.victim} as anybody may, and keeps its evidence.")
    return kept[0]
