"""`evidence-relay`: fresh Evidence of the genuine machine, in a channel of Alice's that the machine's own key signs.

She terminates the teller's TLS with the bank's certificate: the TPM signs CertificateVerify for whoever has the
password. The Evidence comes from a channel of her own to the bank, opened with the teller's nonce.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.borrowed_key import BorrowedKey
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.middle13 import Middle
from trustlab.attacks.programs import powers, rogue_identity, teller_of

if TYPE_CHECKING:
    from collections.abc import Callable

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
    leaks=("key usable",),
    tls="1.3",
)


def start(guest: Guest) -> None:
    """Sit between teller and bank, with the bank's certificate and the use of its key."""
    tell = teller_of(guest, ATTACK)
    stand_between(guest, BorrowedKey(guest, tell), tell)


def stand_between(guest: Guest, key: BorrowedKey, tell: Callable[[str, str], None]) -> None:
    """Answer the teller in the bank's name, with its certificate and `key` to sign for it."""
    own = rogue_identity(guest, tell) if guest.design.when == "after-finished" else None
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    guest.listen(HTTPS, lambda connection: Middle(guest, connection, tell, own=own, key=key))
    tell("relay", "waits for the teller, with the bank's own certificate.")
