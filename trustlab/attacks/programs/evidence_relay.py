"""`evidence-relay`: fresh Evidence of the genuine machine, in a channel of Alice's that the machine's own key signs.

She terminates the teller's TLS with the bank's certificate: the TPM signs CertificateVerify for whoever has the
password. The Evidence comes from a channel of her own to the bank, opened with the teller's nonce.
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
    name="evidence-relay",
    needs=("owns the network between the VMs", "can use the bank's TLS key, though it never leaves the TPM"),
    steps=(
        "answers the teller's connection with the bank's own certificate",
        "opens her own connection to the bank, with the teller's nonce, and gets fresh evidence",
        "has the bank's TPM sign for her channel, and forwards the evidence",
    ),
    breaks="trust",
    why="The evidence is fresh and names the key, and the key signs for two channels.",
    source="CVE-2026-33697; SEAT use cases",
    stopped_by="a binder that names this channel: its hellos, its secret or its exporter; or a key nobody else can use",
    assumes=Assumptions(leaks=("key usable",)),
    tls="1.3",
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Sit between teller and bank, with the bank's certificate and the use of its key."""
    alice = Alice(guest, ATTACK)
    use_key_of_victim(alice, BorrowedKey(alice))
    alice.tell("relay", "waits for the teller, with the bank's own certificate.")
