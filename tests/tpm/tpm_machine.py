"""What the tests of this room share: a machine whose HyperSafe is launched and has measured policy and image."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustlab.attest import image_event, launch_policy_event
from trustlab.tpm import Platform, PrivacyCa, TpmClient, TpmMaker, measure

if TYPE_CHECKING:
    from trustlab.trace import Trace

CODE = b"HyperSafe, version 1"
POLICY = b"one VM\n"
IMAGE = hashlib.sha256(b"the bank's image").digest()


@dataclass
class Machine:
    trace: Trace
    platform: Platform
    hypersafe: TpmClient
    alice: TpmClient
    maker: TpmMaker
    privacy_ca: PrivacyCa

    def relaunch(self, *, code: bytes = CODE, image: bytes = IMAGE) -> None:
        """Launch again and measure policy and image: the same by default, or other ones."""
        self.platform.launch(code)
        measure(self.hypersafe, self.platform.event_log, launch_policy_event(POLICY))
        measure(self.hypersafe, self.platform.event_log, image_event(image, "bank"))
