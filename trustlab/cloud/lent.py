"""What somebody can do who has extracted a machine's attestation key, given to Alice where an attack assumes it.

The key cannot be extracted from swtpm by any means that the lab has. So the lab lends what the key is good for: a
second HyperSafe on the same TPM, which quotes and certifies whatever it is asked to. A Verifier cannot see any
difference: signatures, certificate and measurements are the machine's own. (Emulated, as the trace says.)
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from trustlab.cloud.errors import CloudError
from trustlab.cloud.hypersafe import HyperSafe

if TYPE_CHECKING:
    from trustlab.cloud.ports import Machine
    from trustlab.trace import Emitter

LENT = "Assumed: Alice has the attestation key of this machine. (Emulated: its TPM signs for her what she wants.)"


def lent_attestation(machine: Machine, party: Emitter) -> HyperSafe:
    """Return a HyperSafe that makes another key and attests whatever it is asked to.

    CloudError if no attack assumes that the key was extracted, or if there is none.
    """
    if not machine.lends:
        raise CloudError(
            f"the attestation key of {machine.name} is in its TPM: only an attack that assumes the leak "
            "'attestation key' has it"
        )
    if not isinstance(machine.hypervisor, HyperSafe):
        raise CloudError(f"{machine.name} has no attestation key: it is not run by HyperSafe")
    lent = copy.copy(machine.hypervisor)
    lent._key = None  # noqa: SLF001 - a launch allows one key, and this one stands for a machine of her own
    party.emit("machine", "attestation key lent", client="root VM", sentence=LENT)
    return lent
