"""The ordinary hypervisor: Alice's own, which protects its guests from each other and never from its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab.cloud.errors import HypercallRefusedError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from trustlab.cloud.image import Image
    from trustlab.cloud.ports import Endorser, GuestKey
    from trustlab.tpm import Platform


class Ordinary:
    """A machine without HyperSafe: no launch, nothing measured, no key that is the guest's alone."""

    name = "ordinary hypervisor"
    emulated = "The ordinary hypervisor is a Python object; it has a real TPM and measures nothing into it."

    ek_key: bytes | None = None

    def __init__(self, platform: Platform, image: Image, endorsers: Endorser) -> None:  # noqa: ARG002 - as HyperSafe's
        self._image = image

    def make_key(self, kind: str, *, origin: str, disk: MutableMapping[str, Any]) -> GuestKey:  # noqa: ARG002 - as HyperSafe's
        """Refuse: there is nobody here who could make a key for the guest alone."""
        raise HypercallRefusedError(
            "an ordinary hypervisor does not make keys for its guests: rent the machine with HyperSafe"
        )

    def claim(self, name: str, value: str) -> None:  # noqa: ARG002 - as HyperSafe's
        """Refuse: there is no measured code here whose claims could mean anything."""
        raise HypercallRefusedError("an ordinary hypervisor does not measure claims")

    def attest(self, binder: bytes, *, prove_key: bool, pcrs: tuple[int, ...] = ()) -> bytes:  # noqa: ARG002
        """Refuse: nothing was measured, so there is nothing to attest."""
        raise HypercallRefusedError("an ordinary hypervisor measures nothing, so there is nothing to attest")

    def read_memory(self) -> None:
        """Hide nothing: the owner of the machine reads its guests' memory as she likes."""
