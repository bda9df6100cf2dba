"""`known-dh-secret-and-key`: both hellos pass as they are; from there on Alice speaks, to both.

She knows the secret of the key agreement and can use the bank's key. Hellos and secret are the same in both channels,
so Evidence over them fits both; all that follows is her own, and so are the traffic keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.borrowed_key import BorrowedKey
from trustlab.attacks.alice.ends import use_key_of_victim
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="known-dh-secret-and-key",
    needs=(
        "owns the network between the VMs",
        "knows the secret of the key agreement",
        "can use the bank's TLS key, though it never leaves the TPM",
    ),
    steps=(
        "lets both hellos pass as they are",
        "opens the bank's flight, takes the evidence out, and sends a flight of her own",
        "has the bank's TPM sign it: the teller is in her channel now",
    ),
    breaks="authenticity and confidentiality",
    why="What the evidence names ends with ServerHello; what comes after it differs, and nobody compares.",
    source="SEAT use cases; Intra-handshake.fail",
    stopped_by="the exporter in the binder: it covers the whole handshake",
    assumes=Assumptions(leaks=("key usable", "DH secret")),
    tls="1.3",
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Sit between teller and bank and wait for the hellos to pass."""
    alice = Alice(guest, ATTACK)
    use_key_of_victim(alice, BorrowedKey(alice), whole=True)
    alice.tell("takeover", "lets both hellos pass, and will speak from there on.")
