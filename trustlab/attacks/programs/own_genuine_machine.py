"""`own-genuine-machine`: nothing is forged; the machine is genuine, and it is Alice's.

She rents herself a machine with a genuine TPM, has HyperSafe launch the very image of the bank on it, and sends the
teller there. All its Evidence is true. What stands in her own cellar she can open with other tools than protocols.
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
    needs=("owns the network between the VMs", "a genuine machine of her own", "Bob's image, which is no secret"),
    steps=("launches the bank's image on a genuine machine of her own", "sends the teller's connection there"),
    breaks="identity",
    why="The evidence says what runs, and on a genuine machine; it does not say on whose.",
    source="Parno, Bootstrapping Trust in a Trusted Platform (2008); ID-Crisis (2026)",
    stopped_by="the machine pinned",
    prize="peer",
    assumes=Assumptions(unpinned=True, genuine="same image"),
)
PINNED = msgspec.structs.replace(
    ATTACK,
    name="own-genuine-machine-pinned",
    needs=(*ATTACK.needs, "relying parties that do not mind which machine it is: here they do"),
    assumes=Assumptions(genuine="same image"),
)
"""The same attack against relying parties that pin their machines."""
OTHER_IMAGE = msgspec.structs.replace(
    ATTACK,
    name="own-genuine-machine-other-image",
    needs=("owns the network between the VMs", "a genuine machine of her own", "an image that does as she likes"),
    steps=("launches an image of her own on a genuine machine", "sends the teller's connection there"),
    why="The machine is genuine and says truly that it runs something else.",
    stopped_by="reference values",
    assumes=Assumptions(unpinned=True, genuine="other image"),
)
"""The same with another image, and no pin: what is measured is not what Bob published."""
DIVERSION = msgspec.structs.replace(
    ATTACK,
    name="diversion",
    needs=("owns the network between the VMs", "another genuine machine with Bob's image: one of his own will do"),
    steps=("waits until Bob rents a second machine for the same image", "sends the teller's connection there"),
    why="Two machines with one image look the same to whoever asks only what runs.",
    source="ID-Crisis (2026)",
    assumes=Assumptions(unpinned=True, genuine="same image, Bob's"),
)
"""The same without a machine of Alice's: the teller is sent to the wrong one of Bob's, say one with test accounts."""
MALLORY = msgspec.structs.replace(
    ATTACK,
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
    assumes=Assumptions(unpinned=True, genuine="same image", certified=False),
)
"""Somebody who is not the provider: no CA validates a name at her. In the lab she sits where Alice does."""
ATTACKS = (ATTACK, PINNED, OTHER_IMAGE, DIVERSION, MALLORY)


def start(guest: Guest) -> None:
    """Send the teller to the other machine."""
    alice, genuine = Alice(guest, ATTACK), guest.setting("genuine")
    alice.powers.redirect(alice.victim, HTTPS, to=genuine)
    if alice.playing == MALLORY.name:
        sentence = "who is not the provider, diverts the teller's connection to a genuine machine of hers."
        alice.tell("divert", sentence, who="Mallory,")
    else:
        alice.tell("divert", f"sends connections for {alice.victim} to another genuine machine, {genuine}.")
