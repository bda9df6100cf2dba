"""A rented machine in the `uml` substrate: a platform with a real TPM, a hypervisor, and a VM with a real kernel."""

from __future__ import annotations

import contextlib
import itertools
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from trustlab.attest import ReferenceValues
from trustlab.cloud.errors import CloudClosedError, CloudError
from trustlab.cloud.image import Image
from trustlab.cloud.isolation import ask_for_memory, tell_disk_read
from trustlab.cloud.uml import kernel, memory
from trustlab.cloud.uml.failures import raised
from trustlab.cloud.uml.guest_requests import GuestRequests
from trustlab.cloud.uml.hypercalls import HypercallServer
from trustlab.cloud.uml.line import HostLine
from trustlab.cloud.uml.messages import Answer, Call, Failed, FromGuest, Hypercall, Patience, Ready, Told
from trustlab.cloud.uml.patience import GateBesideLoop, result_of
from trustlab.cloud.uml.process import VirtualMachine
from trustlab.tpm import Platform
from trustlab.trace import Link

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustlab.cloud.ports import CertificateAuthority, Endorser, HypervisorKind
    from trustlab.cloud.uml.fabric import UmlFabric
    from trustlab.cloud.worker import Worker
    from trustlab.trace import Trace, TraceEvent
    from trustlab.wire import Steering

BOOT_TIMEOUT = 90.0
CALL_TIMEOUT = 90.0
REMIND = 5.0
"""Seconds between two messages to a guest that it should wait on."""
POLITE = 3.0
"""How long a machine may take to switch off by itself before it is ended, in seconds."""
LAST_WORDS = 1.0
"""How long a kernel whose line broke may take to say why, in seconds."""
NOT_A_GUESTS = ("ground-truth", "frame", "machine", "tpm")
"""Kinds of events that no guest can write: they become notes."""
EMULATED = (
    "The VM is a real kernel, but a process of the user who plays Alice, and its memory a file of hers; its "
    "interpreter and libraries are the host's, unmeasured; the lab's control line is a back door that a real VM must "
    "not have."
)


class UmlMachine:
    """A `ports.Machine` with a kernel of its own; made by `Cloud.rent` on the cloud's thread, used from any other.

    It boots in the background; `wait` waits until it is ready, and so does whatever needs it ready.
    """

    def __init__(
        self,
        name: str,
        image: Image,
        hypervisor: HypervisorKind,
        *,
        trace: Trace,
        fabric: UmlFabric,
        endorsers: Endorser,
        worker: Worker,
    ) -> None:
        self.name = name
        self.image = Image(image.name, image.program, dict(image.configuration), dict(image.files))
        self.disk: dict[str, Any] = {}
        self.provider = False
        self.ca: CertificateAuthority | None = None
        """Who answers for the public CA here; None where the public CA does."""
        self._trace = trace
        self._party = trace.party(name)
        self._vms = fabric
        self._worker = worker
        self._numbers = itertools.count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._ready: Future[Ready] = Future()
        self._sequence: list[int] = []
        self._closing = False
        self._closing_lock = threading.Lock()
        self._requests = GuestRequests(self, fabric)
        self._gate = fabric.gate
        asked = GateBesideLoop(fabric.gate, worker.thread) if fabric.gate is not None else None
        self.platform = Platform(name, self._party, gate=asked)
        self.platform.power_on()
        try:
            self.hypervisor = hypervisor(self.platform, self.image, endorsers)
            self._power_on(self.hypervisor.name)
        except BaseException:
            self.platform.close()
            raise
        fabric.images[name] = image.name
        fabric.machines[name] = self

    def _power_on(self, hypervisor: str) -> None:
        loop = self._vms.loop
        host, cable = self._vms.attach(self.name)
        server = HypercallServer(self.name, self.image, self.hypervisor, self.platform, disk=self.disk, loop=loop)
        self._hypercalls: HostLine = HostLine(
            loop, Hypercall, lambda call: server.heard(call, self._hypercalls.send), self._broken
        )
        self._control = HostLine(loop, FromGuest, self._heard, self._broken)
        with cable:
            self._vm = VirtualMachine(host, (self._hypercalls.far, self._control.far, cable), self._ended)
        for line in (self._hypercalls, self._control):
            line.far.close()
        self._vm.listen(loop)
        if self._gate is not None:
            self._keep_patient(self._gate)
        amx = " This processor has AMX, which this kernel cannot carry: the guest does without AVX."
        self._party.emit(
            "machine",
            "guest kernel",
            sentence=f"{hypervisor} starts the guest's kernel, with the host's files read-only as its root."
            + (amx if kernel.has_amx() else ""),
            kernel=self._vm.kernel,
            sha256=kernel.digest(self._vm.kernel),
            measured=False,
            memory=f"{kernel.MEMORY_MIB} MiB",
            address=host.ip,
        )

    def _keep_patient(self, gate: Steering) -> None:
        """While the run is held, tell the guest again and again not to give up on what it waits for."""
        if gate.state == "held":
            for line in (self._hypercalls, self._control):
                line.send(Patience())
        if gate.state != "ended" and self._vm.running:
            self._vms.loop.call_later(REMIND, self._keep_patient, gate)

    def wait(self, timeout: float = BOOT_TIMEOUT) -> Ready:
        """Wait until the machine is ready; CloudError with the console's last lines where it does not get there."""
        if threading.current_thread() is self._worker.thread:
            raise CloudError("the cloud's own thread cannot wait for a VM, since it moves that VM's frames")
        try:
            return result_of(self._ready, timeout, self._gate)
        except TimeoutError:
            raise CloudError(f"{self.name} was not ready within {timeout:g} s; {self._vm.last_words()}") from None

    def start(
        self,
        *,
        references: ReferenceValues | str | None = None,
        pinned: Sequence[bytes] = (),
        provider: bool = False,
    ) -> None:
        """Start the guest program; parameters as in `ports.Machine`."""
        self.provider = provider
        text = references.to_toml() if isinstance(references, ReferenceValues) else references
        self._say("start", references=text, pinned=list(pinned), provider=provider)

    def stand_behind(self, ca: CertificateAuthority) -> None:
        """Have another CA answer when this machine's program asks for a certificate."""
        self.ca = ca

    def control(self, verb: str, /, **arguments: Any) -> Any:  # noqa: ANN401 - the guest program's own types
        """Call a function of the guest program, over the control line."""
        return self._say("control", function=verb, arguments=arguments)

    def state(self) -> dict[str, Any]:
        """Ask the agent how many streams are open and how many octets it has moved so far."""
        return dict(self._say("state"))

    @property
    def verbs(self) -> tuple[str, ...]:
        """The control verbs of the guest program."""
        return self.wait().verbs

    def understands(self, verb: str) -> bool:
        """Whether the guest program has such a control verb."""
        return verb in self.verbs

    @property
    def pid(self) -> int:
        """The process id of the guest's kernel on the host."""
        return self._vm.pid

    @property
    def console(self) -> tuple[str, ...]:
        """The last lines of the guest's console."""
        return self._vm.console

    @property
    def ram(self) -> Path:
        """The file that is the guest's memory. HypercallRefusedError at a HyperSafe machine: an `if`, as it says."""
        ask_for_memory(self.hypervisor, self._party)
        return self._vm.ram()

    def show_disk(self) -> dict[str, Any]:
        """Let the root VM read the disk; the trace says so."""
        tell_disk_read(self._party, self.disk)
        return self.disk

    def search_memory(self, pattern: bytes, before: int = 0) -> list[bytes]:
        """Search the guest's memory (`memory.search`); HypercallRefusedError at a HyperSafe machine."""
        return memory.search(self.ram, pattern, before)

    def catch_up(self) -> None:
        """Take into the trace all that the guest has told by now. On the cloud's thread."""
        self._control.catch_up()

    def proportional_size(self) -> int:
        """Return what the VM costs the host, in octets (PSS)."""
        return self._vm.proportional_size()

    def close(self) -> None:
        """Power the machine off. Closing twice is harmless, and so is closing when the cloud is closed."""
        self.ask_to_stop()
        with contextlib.suppress(CloudClosedError):
            self._worker.call(self.power_off)

    def ask_to_stop(self) -> None:
        """Have the guest switch off by itself, and give it a few seconds for it; any thread but the cloud's."""
        with self._closing_lock:
            first, self._closing = not self._closing, True
        if not first or threading.current_thread() is self._worker.thread:
            return
        if self._ready.done() and self._ready.exception() is None and self._vm.running:
            with contextlib.suppress(CloudClosedError):
                self._worker.call(self._control.send, Call(0, "power off", {}))
                self._vm.wait(POLITE)

    def power_off(self) -> None:
        """End what is left of it, on the cloud's thread. Nothing new if it is off."""
        self._hypercalls.close()
        self._control.close()
        self._vm.close()
        self._vms.switch.unplug(self.name)
        self.platform.close()

    def __repr__(self) -> str:
        return f"<UmlMachine {self.name}: image {self.image.name!r} under {self.hypervisor.name}>"

    def _say(self, verb: str, **arguments: Any) -> Any:  # noqa: ANN401 - the verb's own result
        """Call a control verb and wait for its result."""
        self.wait()
        number = next(self._numbers)
        future: Future[Any] = Future()
        self._waiting[number] = future
        self._worker.call(self._send, Call(number, verb, arguments))
        try:
            return result_of(future, CALL_TIMEOUT, self._gate)
        except TimeoutError:
            if future.done():
                raise
            raise CloudError(
                f"{self.name} did not answer {verb!r} within {CALL_TIMEOUT:g} s; {self._vm.last_words()}"
            ) from None
        finally:
            self._waiting.pop(number, None)

    def _send(self, call: Call) -> None:
        if not self._vm.running:
            raise CloudError(f"{self.name} is not running any more; {self._vm.last_words()}")
        self._control.send(call)

    def _heard(self, message: FromGuest) -> None:
        match message:
            case Told(event=event):
                self._record(event)
            case Call():
                self._requests.obey(message, self._control.send)
            case Answer(id=number, value=value):
                if (awaited := self._awaited(number)) is not None:
                    awaited.set_result(value)
            case Failed(id=number, error=error, sentence=sentence):
                if (awaited := self._awaited(number)) is not None:
                    awaited.set_exception(raised(self.name, error, sentence))
            case Ready():
                self._become_ready(message)

    def _awaited(self, number: int) -> Future[Any] | None:
        """Return who waits for an answer; None once nobody does: the time was up, or the machine has failed."""
        future = self._waiting.get(number)
        return None if future is None or future.done() else future

    def _become_ready(self, message: Ready) -> None:
        party, hypervisor = self._party, self.hypervisor
        party.emit(
            "machine",
            "agent ready",
            sentence="The guest's agent runs, has its network, and has loaded the program that was measured.",
            seconds=message.seconds,
        )
        party.emit(
            "machine",
            "ready",
            sentence=f"{self.name} is ready: image '{self.image.name}' under {hypervisor.name}.",
            image=self.image.name,
            image_digest=self.image.digest.hex(),
            hypervisor=hypervisor.name,
            emulated=f"{hypervisor.emulated} {EMULATED}",
        )
        if not self._ready.done():
            self._ready.set_result(message)

    def _record(self, event: TraceEvent) -> None:
        """Append an event of the guest's trace to the cloud's; its links name events by the guest's own numbers.

        What only the cloud, its switch and its TPMs can know is not taken from a guest.
        """
        kind = event.kind if event.kind.partition(".")[0] not in NOT_A_GUESTS else "note"
        links = tuple(
            Link(link.rel, link.party, self._sequence[link.seq])
            for link in event.links
            if link.party == self.name and link.seq < len(self._sequence)
        )
        appended = self._trace.append(
            self.name,
            kind,
            event.name,
            raw=event.raw,
            spans=event.spans,
            links=links,
            connection=event.connection,
            direction=event.direction,
            offset=event.offset,
            sent=event.sent,
            data=event.data,
        )
        self._sequence.append(appended.seq)

    def _broken(self, why: str) -> None:
        """Leave the console a moment to say why."""
        self._vms.loop.call_later(LAST_WORDS, self._fail, why)

    def _ended(self) -> None:
        self._fail("its kernel has ended")

    def _fail(self, why: str) -> None:
        """Tell everybody who waits that this machine will not answer."""
        error = CloudError(f"{self.name}: {why}; {self._vm.last_words()}")
        for future in (self._ready, *tuple(self._waiting.values())):
            if not future.done():
                future.set_exception(error)
