"""`evil-workload` and similar attacks: Alice decides what boots on the bank's machine, and boots a bank with a leak.

HyperSafe launches it like any other image and measures it truthfully. The attacks differ in what she deploys: an image
of her own; one that Bob published for another purpose; one that he withdrew, with the old reference values; or a
hypervisor that measures the bank's own image and runs another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.applications import Ask
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack
from trustlab.attacks.programs.leaky_bank import LEAK_PORT
from trustlab.passage import PlainEndpoint

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="evil-workload",
    needs=("the machine: she owns the disks",),
    steps=("has an image of her own launched in the bank's place", "everything is attested truthfully"),
    breaks="trust",
    why="Attestation does not make software good; it only says which software it is.",
    source="Trusted Passages (2011); a2a case study (2026)",
    stopped_by="reference values: the image's digest must be among them",
    assumes=Assumptions(deploys="another image"),
)
WRONG = msgspec.structs.replace(
    ATTACK,
    name="same-machine-wrong-workload",
    needs=("the machine: she decides what boots where", "another image that Bob published: one for tests, with a log"),
    steps=("launches another of Bob's published images on the bank's machine", "machine and image are known and good"),
    why="Known software is not always the software that was meant.",
    source="a2a case study (2026)",
    stopped_by="the policy, which names the images that the peer may run",
    assumes=Assumptions(deploys="a published image"),
)
"""The image is one of Bob's own, but not the one that is meant."""
ROLLBACK = msgspec.structs.replace(
    ATTACK,
    name="reference-rollback",
    needs=("the machine", "the channel by which reference values reach the teller"),
    steps=("boots the bank's last version, which has a known hole", "gives the teller the old reference values"),
    breaks="freshness",
    why="A signature does not expire by itself: Bob did sign what he has since withdrawn.",
    source="MarbleRun; TUF",
    stopped_by="the version, which must not be lower than the last one accepted",
    assumes=Assumptions(deploys="an old image"),
)
"""Bob has withdrawn the image, and also the reference values that Alice delivers."""
EVIL_HYPERSAFE = msgspec.structs.replace(
    ATTACK,
    name="evil-hypersafe",
    needs=("the machine: she owns the boot disk",),
    steps=(
        "lets the genuine HyperSafe enrol its attestation key",
        "has the CPU launch a HyperSafe with a back door, which measures Bob's image and runs another",
        "derives the same attestation key, and asks for quotes",
    ),
    why="A hypervisor can do with its image as it likes; the launch only says which hypervisor it is.",
    source="Trusted Passages (2011); tried",
    stopped_by="the attestation key's policy: the TPM does not let another launch use the key (0x99d)",
    assumes=Assumptions(deploys="another hypervisor"),
)
"""Bob's image is measured, but another one runs, on a hypervisor of Alice's."""


def start(guest: Guest) -> None:
    """Listen to the bank with the leak."""
    guest.listen(LEAK_PORT, lambda _connection: PlainEndpoint(Ask(b"", frames=0)))
    Alice(guest, ATTACK).tell("listen", "waits until the program in the bank's place sends her the payment orders.")
