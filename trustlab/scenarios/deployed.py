"""What Alice deploys on the bank's machine: she owns it, so she decides what boots on it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from trustlab.attest import ReferenceValues, image_event, launch_nonce_event, launch_policy_event
from trustlab.cloud import HyperSafe, Image
from trustlab.cloud.hypersafe import CODE, LAUNCH_POLICY
from trustlab.tpm import EvidenceMaker, create_ak, measure

if TYPE_CHECKING:
    from trustlab.attacks import Attack
    from trustlab.cloud import Ordinary
    from trustlab.cloud.makers import Endorsers
    from trustlab.tpm import Platform

LEAKY = "trustlab.attacks.programs.leaky_bank"
DEBUG = "bank-debug"
"""Another image that Bob published: for tests, with a log of every order."""
WITHDRAWN = 2
"""The version of the reference values in which an image is no longer listed."""
BACK_DOOR = CODE + b"\n# and a back door of Alice's\n"


class Deployment(NamedTuple):
    """What runs in the bank's place, on which hypervisor, and the reference values that reach the relying parties."""

    image: Image
    hypervisor: type[HyperSafe | Ordinary]
    references: ReferenceValues


def deploy(
    attack: Attack | None, bank: Image, hypervisor: type[HyperSafe | Ordinary], references: ReferenceValues
) -> Deployment:
    """Return what an attack deploys on the bank's machine; without an attack, what Bob rented it for."""
    match attack.assumes.deploys if attack else "":
        case "another image":
            return Deployment(_leaky(bank), hypervisor, references)
        case "a published image":
            debug = _leaky(bank, DEBUG)
            known = {**references.images, debug.digest: DEBUG}
            return Deployment(debug, hypervisor, msgspec.structs.replace(references, images=known))
        case "an old image":
            old = _leaky(bank)
            known = {**references.images, old.digest: bank.name}
            return Deployment(old, hypervisor, msgspec.structs.replace(references, images=known))
        case "another hypervisor":
            return Deployment(_leaky(bank), under(bank), references)
        case _:
            return Deployment(bank, hypervisor, references)


def _leaky(bank: Image, name: str = "") -> Image:
    return Image.of(name or bank.name, LEAKY, bank.configuration)


class BackDoored(HyperSafe):
    """A HyperSafe of Alice's, launched in place of the genuine one: it measures one image and runs another."""

    name = "HyperSafe with a back door"
    measured: Image

    def __init__(self, platform: Platform, image: Image, endorsers: Endorsers) -> None:  # noqa: ARG002 - it runs
        super().__init__(platform, self.measured, endorsers)
        genuine = self._evidence
        platform.launch(BACK_DOOR, "HyperSafe with a back door")
        self._log = platform.event_log
        measure(self._tpm, self._log, launch_nonce_event(os.urandom(32)))
        measure(self._tpm, self._log, launch_policy_event(LAUNCH_POLICY))
        measure(self._tpm, self._log, image_event(self.measured.digest, self.measured.name))
        # The same policy gives the same key again, with its old certificate; but the TPM refuses it to this launch.
        ak = create_ak(self._tpm, genuine.ak.policy)
        self._evidence = EvidenceMaker(self._tpm, ak, genuine.ak_certificates, self._log)


def under(measured: Image) -> type[BackDoored]:
    """Return a hypervisor that measures this image, whatever it runs."""
    return type("BackDoored", (BackDoored,), {"measured": measured})
