"""A machine of the `memory` substrate: a platform with a real TPM, a hypervisor, a guest program in-process."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

from trustlab.cloud.errors import CloudClosedError
from trustlab.cloud.guest import Guest
from trustlab.cloud.provider import MemoryProvider
from trustlab.tpm import Platform

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.attest import ReferenceValues
    from trustlab.cloud.image import Image
    from trustlab.cloud.ports import CertificateAuthority, Endorser, HypervisorKind
    from trustlab.cloud.provider import MemoryFabric
    from trustlab.cloud.worker import Worker
    from trustlab.trace import Trace


class MemoryMachine:
    """A `ports.Machine` in this process; made by `Cloud.rent`, which has booted it."""

    def __init__(
        self,
        name: str,
        image: Image,
        hypervisor: HypervisorKind,
        *,
        trace: Trace,
        fabric: MemoryFabric,
        endorsers: Endorser,
        worker: Worker,
    ) -> None:
        self.name = name
        self.image = image
        self._party = trace.party(name)
        self._fabric = fabric
        self._worker = worker
        self._program = image.load()
        self._guest: Guest | None = None
        self.disk: dict[str, Any] = {}
        fabric.network.attach(name)
        fabric.images[name] = image.name
        fabric.machines[name] = self
        self.platform = Platform(name, self._party, gate=fabric.gate)
        self.platform.power_on()
        try:
            self.hypervisor = hypervisor(self.platform, image, endorsers)
        except BaseException:
            self.platform.close()
            raise
        self._party.emit(
            "machine",
            "ready",
            sentence=f"{name} is ready: image '{image.name}' under {self.hypervisor.name}.",
            image=image.name,
            image_digest=image.digest.hex(),
            hypervisor=self.hypervisor.name,
            emulated=self.hypervisor.emulated,
        )

    def start(
        self,
        *,
        references: ReferenceValues | str | None = None,
        pinned: Sequence[bytes] = (),
        provider: bool = False,
    ) -> None:
        """Start the guest program on the cloud's thread; parameters as in `ports.Machine`."""
        guest = Guest(
            self.name,
            dict(self.image.configuration),
            party=self._party.emitter,
            hypervisor=self.hypervisor,
            fabric=self._fabric,
            references=references,
            pinned=tuple(pinned),
            provider=MemoryProvider(self._fabric, self.name) if provider else None,
            disk=self.disk,
            files=self.image.files,
        )
        self._guest = guest
        self._worker.call(self._program.function("start"), guest)

    def stand_behind(self, ca: CertificateAuthority) -> None:
        """Have another CA answer when this machine's program asks for a certificate."""
        self._fabric = copy.copy(self._fabric)
        self._fabric.web_ca = ca

    def control(self, verb: str, /, **arguments: Any) -> Any:  # noqa: ANN401 - the guest program's own types
        """Call a function of the guest program, on the cloud's thread."""
        return self._worker.call(self._program.function(verb), self._guest, **arguments)

    def understands(self, verb: str) -> bool:
        """Whether the guest program has such a control verb."""
        return self._program.defines(verb)

    def wait(self) -> None:
        """Return at once: nothing boots in the background here."""

    def close(self) -> None:
        """Power the machine off. Closing twice is harmless, and so is closing when the cloud is closed."""
        self.ask_to_stop()
        with contextlib.suppress(CloudClosedError):  # then `Cloud.close` powers it off
            self._worker.call(self.power_off)

    def ask_to_stop(self) -> None:
        """Let the machine end by itself before its power goes; here there is nothing to wait for."""

    def power_off(self) -> None:
        """Take its power, on the cloud's thread. Nothing new if it is off."""
        self.platform.close()

    def __repr__(self) -> str:
        return f"<MemoryMachine {self.name}: image {self.image.name!r} under {self.hypervisor.name}>"
