"""What whoever boots a machine may do to its TPM: platformAuth is empty after every TPM reset (Part 1, 13.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.octets import u64
from trustlab.tpm.framing import PASSWORD
from trustlab.tpm.gate import OPEN

if TYPE_CHECKING:
    from trustlab.attest import BootCounters
    from trustlab.tpm import Platform, TpmClient

RH_PLATFORM = 0x4000000C
MARGIN = 60_000
"""So far ahead of the old clock is the new one, in ms."""


def _firmware(platform: Platform) -> TpmClient:
    return platform.client("Alice's firmware", locality=0, gate=OPEN)


def clear(platform: Platform) -> None:
    """TPM2_Clear: the storage hierarchy and the counters begin again, the endorsement hierarchy stays."""
    _firmware(platform).run("Clear", (RH_PLATFORM,), (PASSWORD,))


def set_clock(platform: Platform, boot: BootCounters | None) -> None:
    """TPM2_ClockSet: move the clock past that of an earlier boot."""
    moved = (boot.clock if boot is not None else 0) + MARGIN
    _firmware(platform).run("ClockSet", (RH_PLATFORM,), (PASSWORD,), u64(moved))
