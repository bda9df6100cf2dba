"""What a root VM asks of its machine beside the TPM: the guest's memory, and the files on its disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab.cloud.errors import HypercallRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.cloud.ports import Hypervisor
    from trustlab.trace import Emitter


def ask_for_memory(hypervisor: Hypervisor, party: Emitter) -> None:
    """Ask the hypervisor for its guest's memory; HypercallRefusedError, which the trace has too, if it says no."""
    try:
        hypervisor.read_memory()
    except HypercallRefusedError as refusal:
        party.emit("machine", "memory refused", client="root VM", hypervisor=hypervisor.name, sentence=str(refusal))
        raise


def tell_disk_read(party: Emitter, files: Iterable[str]) -> None:
    """Note in the trace that the root VM reads a machine's disk, and which files are on it."""
    found = sorted(files)
    sentence = f"The root VM reads the disk; on it: {', '.join(found) or 'nothing'}."
    party.emit("machine", "disk read", client="root VM", files=list[Any](found), sentence=sentence)
