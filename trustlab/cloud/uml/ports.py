"""What the fabric and the requests of guests need of a machine of this substrate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from trustlab.cloud.ports import CertificateAuthority
    from trustlab.tpm import Platform


class VirtualGuest(Protocol):
    """A machine as its own requests, and those of Alice's VM, see it."""

    name: str
    disk: dict[str, Any]
    platform: Platform
    provider: bool
    ca: CertificateAuthority | None

    def show_disk(self) -> dict[str, Any]:
        """Let the root VM read the disk; the trace says so."""

    def search_memory(self, pattern: bytes, before: int = 0) -> list[bytes]:
        """Search the guest's memory; HypercallRefusedError at a HyperSafe machine."""

    def catch_up(self) -> None:
        """Take into the trace all that the guest has told by now."""
