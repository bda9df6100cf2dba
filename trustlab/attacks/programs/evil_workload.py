"""`evil-workload` and its kin: Alice decides what boots on the bank's machine, and what boots is a bank with a leak.

HyperSafe launches it like any other image and measures it truthfully. What she deploys differs: an image of her own;
one that Bob did publish, for another purpose; one that he withdrew, with the reference values of then; or, below the
bank's own measured image, a hypervisor that says one thing and runs another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.applications import Ask
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack
from trustlab.attacks.programs.leaky_bank import EAR
from trustlab.passage import PlainEndpoint

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="evil-workload",
    needs=("the machine: she owns the disks",),
    steps=("has an image of her own launched in the bank's place", "everything is attested truthfully"),
    breaks="trust",
    why="Attestation does not make software good; it only tells which one it is.",
    source="Trusted Passages (2011); a2a case study (2026)",
    stopped_by="reference values: the image's digest must be among them",
    assumes=Assumptions(deploys="another image"),
)
WRONG = msgspec.structs.replace(
    ATTACK,
    name="same-machine-wrong-workload",
    needs=("the machine: she decides what boots where", "another image that Bob published: one for tests, with a log"),
    steps=("launches another of Bob's published images on the bank's machine", "machine and image are known and good"),
    why="Known software is not the software that was meant.",
    source="a2a case study (2026)",
    stopped_by="the policy, which names the images that may stand at the other end",
    assumes=Assumptions(deploys="a published image"),
)
"""The image is one of Bob's own, and not the one that is meant."""
ROLLBACK = msgspec.structs.replace(
    ATTACK,
    name="reference-rollback",
    needs=("the machine", "the way by which reference values reach the teller"),
    steps=("boots the bank's last version, whose hole is known", "hands the teller the reference values of then"),
    breaks="freshness",
    why="A signature does not age: Bob did sign what he has withdrawn since.",
    source="MarbleRun; TUF",
    stopped_by="the version, which must not be below the last one accepted",
    assumes=Assumptions(deploys="an old image"),
)
"""The image is one that Bob withdrew, and so are the reference values that Alice delivers."""
EVIL_HYPERSAFE = msgspec.structs.replace(
    ATTACK,
    name="evil-hypersafe",
    needs=("the machine: she owns the boot disk",),
    steps=(
        "lets the genuine HyperSafe enrol its attestation key",
        "has the CPU launch a HyperSafe with a back door, which measures Bob's image and runs another",
        "derives the same attestation key, and asks for quotes",
    ),
    why="Whoever stands below the image does with it as he likes, and the launch says only who that is.",
    source="Trusted Passages (2011); tried",
    stopped_by="the attestation key's policy: for another launch the TPM refuses it (0x99d)",
    assumes=Assumptions(deploys="another hypervisor"),
)
"""What is measured is Bob's image; what runs is not, and below both stands Alice."""

ATTACKS = (ATTACK, WRONG, ROLLBACK, EVIL_HYPERSAFE)


def start(guest: Guest) -> None:
    """Listen for what the bank with the leak has to say."""
    guest.listen(EAR, lambda _connection: PlainEndpoint(Ask(b"", frames=0)))
    Alice(guest, ATTACK).tell("listen", "waits for what runs in the bank's place to tell her what it hears.")
