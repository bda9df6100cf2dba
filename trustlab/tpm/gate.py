"""What the platform does not let a client do.

At locality 0 and with the empty hierarchy passwords of a fresh TPM, Alice's Clear or ChangeEPS would simply succeed.
The TPM's own answer is for HyperSafe to set platform and lockout passwords; the lab's platform gates the commands
instead, because that leaves the TPM as students know it. Either way this is denial of service, never a way to a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustlab.tpm.commands import CODES, command_name
from trustlab.tpm.errors import GateRefused

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Gate:
    """A list of command codes that a client may not send, each with the reason in a sentence."""

    name: str
    refused: Mapping[int, str] = field(default_factory=dict)

    def check(self, code: int, client: str) -> None:
        """Let the command pass, or raise GateRefused."""
        reason = self.refused.get(code)
        if reason is not None:
            raise GateRefused(self.name, command_name(code), client, reason)


_IDENTITY = "it would destroy keys, or the identity, that others use"
_OWNERSHIP = "only the platform may change hierarchies"
_POWER = "only the platform starts and stops the TPM"
_SHARED = "it changes something that all clients share"

ALICE = Gate(
    "root VM",
    {
        CODES[name]: reason
        for reason, names in (
            (_IDENTITY, ("Clear", "ChangeEPS", "ChangePPS", "EvictControl")),
            (
                _OWNERSHIP,
                ("ClearControl", "HierarchyControl", "HierarchyChangeAuth", "SetPrimaryPolicy", "PP_Commands"),
            ),
            (_POWER, ("Startup", "Shutdown", "FieldUpgradeStart", "FieldUpgradeData", "SetAlgorithmSet")),
            (
                _SHARED,
                (
                    "PCR_Allocate",
                    "PCR_SetAuthPolicy",
                    "PCR_SetAuthValue",
                    "ClockSet",
                    "ClockRateAdjust",
                    "DictionaryAttackParameters",
                    "DictionaryAttackLockReset",
                    "SetCommandCodeAuditStatus",
                    "NV_GlobalWriteLock",
                ),
            ),
        )
        for name in names
    },
)
"""The gate of Alice's root VM. FlushContext and every other use of handles is gated by ownership: see `handles`."""

OPEN = Gate("open")
"""Lets everything pass."""
