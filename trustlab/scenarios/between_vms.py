"""What cannot be played between virtual machines, and why: said in a sentence, never faked."""

from __future__ import annotations

_TOO_LATE = (
    "It meddles between two commands of the bank's TPM, a tenth of a millisecond apart: told of the first over a "
    "serial line, Alice's VM comes too late for the second. Play it in the memory substrate."
)
NOT_BETWEEN_VMS = {"tpm-nuisance": _TOO_LATE, "tpm-nuisance-without-end": _TOO_LATE}
"""Attacks that no VM of Alice's can make, each with the reason."""


class NotBetweenVmsError(ValueError):
    """An attack that cannot be made from a virtual machine; the message says why."""


def check_between_vms(attack: str | None) -> None:
    """Raise NotBetweenVmsError where an attack cannot be made from a VM."""
    if attack in NOT_BETWEEN_VMS:
        raise NotBetweenVmsError(f"{attack} is not played between VMs. {NOT_BETWEEN_VMS[attack]}")
