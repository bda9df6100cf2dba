"""`tunnel-relay`: Alice ends the teller's TLS with a rogue certificate and forwards the attestation.

The machine gives its quote to anybody who asks inside a channel; so Alice asks it herself, with the teller's nonce. If
the Evidence travels in the handshake, she forwards it there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="tunnel-relay",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "gets a certificate for the bank's name",
        "ends the teller's TLS, and opens her own to the bank",
        "forwards the question and the quote between the two channels, and then everything else",
    ),
    breaks="trust",
    why="A quote over a nonce says that a good machine exists, not that this channel ends there.",
    source="Trusted Passages (2011); Goldman, Perez, Sailer: Linking Remote Attestation ... (2006)",
    stopped_by="the channel in the quote: its key, its exporter or its session hash",
)


def start(guest: Guest) -> None:
    """Sit in the middle, and forward questions and answers."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: Middle(alice, connection, own=identity))
    alice.tell("relay", "waits for the teller, to forward its questions to the bank and the bank's quotes to it.")
