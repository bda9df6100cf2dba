"""`uncertified-mallory`: somebody who is not the provider, has no certificate, and owns a genuine machine.

Mallory sits on the path, launches Bob's image on a genuine machine of her own, and signs its certificate herself. All
her evidence is true. Only the CA's signature is missing: no CA validates a name at her. (In the lab she sits where
Alice does; she uses no more of Alice's powers than the path.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.programs import powers

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="uncertified-mallory",
    needs=("a place on the path, but no CA that validates names there", "a genuine machine of her own", "Bob's image"),
    steps=(
        "launches the bank's image on a genuine machine of her own, with a certificate by a CA of her own",
        "diverts the teller's connection there",
    ),
    breaks="authenticity",
    why="Evidence says what runs, and a certificate whose it is; the one is no substitute for the other.",
    source="ID-Crisis (2026)",
    stopped_by="the CA's signature, which attestation adds to and never replaces",
    prize="peer",
    unpinned=True,
    genuine="same image",
    certified=False,
)


def start(guest: Guest) -> None:
    """Divert the teller's connection to her own machine."""
    powers(guest).redirect(guest.setting("victim"), HTTPS, to=guest.setting("genuine"))
    sentence = "Mallory, who is not the provider, diverts the teller's connection to a genuine machine of hers."
    guest.party.emit("attack", ATTACK.name, step="divert", sentence=sentence)
