"""`own-genuine-machine`: nothing is forged; the machine is genuine, and it belongs to Alice.

She sets up a machine with a genuine TPM, has HyperSafe launch the bank's own image on it, and sends the teller there.
All its Evidence is true. She has the machine's hardware in her hands, and can attack it by other means than protocols.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.tools import HTTPS, Alice
from trustlab.attacks.attack import Assumptions, Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="own-genuine-machine",
    needs=("owns the network between the VMs", "a genuine machine of her own", "Bob's image, which is not secret"),
    steps=("launches the bank's image on a genuine machine of her own", "sends the teller's connection there"),
    breaks="identity",
    why="The evidence says what runs, and that the machine is genuine; it does not say whose machine it is.",
    source="Parno, Bootstrapping Trust in a Trusted Platform (2008); ID-Crisis (2026)",
    stopped_by="a pinned machine",
    prize="peer",
    assumes=Assumptions(unpinned=True, genuine="same image"),
)
PINNED = msgspec.structs.replace(
    ATTACK,
    name="own-genuine-machine-pinned",
    needs=(*ATTACK.needs, "relying parties that do not ask which machine it is (here they do)"),
    assumes=Assumptions(genuine="same image"),
)
"""The same attack against relying parties that pin their machines."""
OTHER_IMAGE = msgspec.structs.replace(
    ATTACK,
    name="own-genuine-machine-other-image",
    needs=("owns the network between the VMs", "a genuine machine of her own", "an image that does as she likes"),
    steps=("launches an image of her own on a genuine machine", "sends the teller's connection there"),
    why="The machine is genuine, but its evidence says truthfully that it runs something else.",
    stopped_by="reference values",
    assumes=Assumptions(unpinned=True, genuine="other image"),
)
"""The same with an image that Bob has not published, and without a pin."""
DIVERSION = msgspec.structs.replace(
    ATTACK,
    name="diversion",
    needs=("owns the network between the VMs", "another genuine machine with Bob's image, such as one of Bob's own"),
    steps=("waits until Bob rents a second machine for the same image", "sends the teller's connection there"),
    why="A client that asks only what runs cannot tell two machines with the same image apart.",
    source="ID-Crisis (2026)",
    assumes=Assumptions(unpinned=True, genuine="same image, Bob's"),
)
"""The same without a machine of Alice's: she sends the teller to the wrong machine of Bob's, such as a test machine."""
MALLORY = msgspec.structs.replace(
    ATTACK,
    name="uncertified-mallory",
    needs=("a place on the network path of the teller, but not of a CA", "a genuine machine of her own", "Bob's image"),
    steps=(
        "launches the bank's image on a genuine machine of her own, with a certificate from a CA of her own",
        "diverts the teller's connection there",
    ),
    breaks="authenticity",
    why="Evidence says what runs, a certificate says whose it is; one does not replace the other.",
    source="ID-Crisis (2026)",
    stopped_by="the CA's signature: attestation adds to it and never replaces it",
    assumes=Assumptions(unpinned=True, genuine="same image", certified=False),
)
"""Somebody who is not the provider, so no public CA signs for her. In the lab she sits where Alice does."""


def start(guest: Guest) -> None:
    """Send the teller to the other machine."""
    alice, genuine = Alice(guest, ATTACK), guest.setting("genuine")
    alice.powers.redirect(alice.victim, HTTPS, to=genuine)
    if alice.playing == MALLORY.name:
        sentence = "who is not the provider, diverts the teller's connection to a genuine machine of hers."
        alice.tell("divert", sentence, who="Mallory,")
    else:
        alice.tell("divert", f"sends connections for {alice.victim} to another genuine machine, {genuine}.")
