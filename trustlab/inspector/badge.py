"""The honest badge: where a trace ran, and what was emulated there, in words."""

from __future__ import annotations

BADGES: dict[str, str] = {
    "memory": "All parties run in one process; each machine has a real software TPM of its own. "
    "No VM: isolation, the CPU's launch and its locality are emulated; frames are reconstructed from the streams.",
    "uml": "Each VM is a real Linux kernel (User Mode Linux) on a real Ethernet wire, each machine has a software "
    "TPM. Emulated: the CPU's launch and its locality, and the isolation of a VM from the user who runs it.",
    "qemu": "Each VM runs under QEMU with its own software TPM, on a real Ethernet wire. "
    "Emulated: the CPU, so also its launch instruction and the isolation.",
    "tcp": "A real TCP connection between two processes. Nothing of TLS is emulated; where a TPM takes part it is a "
    "software TPM, with the CPU's launch and its locality emulated, unless it is named as a device.",
    "replay": "A recorded run: nothing runs here now. The recording's own description says what was emulated.",
}


def badge(substrate: str) -> str:
    """Return what a substrate emulates, in a sentence or two; a substrate unknown here says so."""
    return BADGES.get(substrate, f"This version of trustlab does not know the substrate {substrate!r}.")
