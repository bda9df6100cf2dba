"""The cloud: rents machines on the substrate that works here, and owns everything that must end with it."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from trustlab.capture import Sniffer
from trustlab.cloud.errors import CloudError
from trustlab.cloud.hypersafe import HyperSafe
from trustlab.cloud.machine import MemoryMachine
from trustlab.cloud.makers import Endorsers
from trustlab.cloud.provider import MemoryFabric
from trustlab.cloud.uml import UmlFabric, UmlMachine, why_not
from trustlab.cloud.uml.quiet import run_until_quiet
from trustlab.cloud.worker import Worker
from trustlab.passage import seeded
from trustlab.trace import Trace
from trustlab.wire import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud.image import Image
    from trustlab.cloud.ports import HypervisorKind, Machine
    from trustlab.trace import TraceEvent
    from trustlab.wire import MemoryNetwork, Steering, SwitchCore

P = ParamSpec("P")
R = TypeVar("R")
QUIET_TIMEOUT = 120.0
SENTENCES = {
    "memory": (
        "All parties in one process, each machine with a real TPM emulator; "
        "network frames are reconstructed from what the parties wrote."
    ),
    "uml": (
        "Every machine is a virtual machine with a Linux kernel of its own (User Mode Linux) and a TPM emulator; "
        "network frames are the kernels' own."
    ),
}


def choose(substrate: str) -> str:
    """Return `memory` or `uml` for what was asked for, or CloudError with what is in the way."""
    if substrate not in ("auto", *SENTENCES):
        raise CloudError(f"no substrate {substrate!r} in this version; choose 'memory', 'uml' or 'auto'")
    if substrate == "memory":
        return "memory"
    reason = why_not()
    if substrate == "uml" and reason is not None:
        raise CloudError(f"the substrate 'uml' does not work here: {reason} Use 'memory' instead.")
    return "memory" if reason is not None else "uml"


class Cloud:
    """A small cloud with real TPMs. Use it as a context manager, or call `close`.

    `substrate` is `memory` (all parties in one process, each machine with its own TPM emulator, network frames
    reconstructed), `uml` (virtual machines with real kernels and real frames), or `auto`: `uml` where it works, else
    `memory`. Which one is taken, and why, is the trace's first event.

    With a `seed` the public CA asks the same questions in each run; machines whose images have that `seed` in their
    configuration draw the same octets too. TPMs, kernels and OpenSSL (keys, signatures, certificates) draw their own.

    A `gate` is asked before each message on the wire and before each TPM command goes on, and may hold them. What
    another thread asks of the cloud meanwhile is refused with HeldError.
    """

    def __init__(
        self,
        substrate: str = "auto",
        *,
        trace: Trace | None = None,
        seed: int | str | None = None,
        gate: Steering | None = None,
    ) -> None:
        self.substrate = choose(substrate)
        self.trace = trace if trace is not None else Trace("a cloud", self.substrate)
        sentence = SENTENCES[self.substrate]
        if substrate == "auto" and self.substrate == "memory":
            sentence += f" Virtual machines would be better, but {why_not()}"
        self.trace.party("cloud").emit("machine", "substrate", substrate=self.substrate, sentence=sentence)
        self._machines: dict[str, Machine] = {}
        random = os.urandom if seed is None else seeded(seed, "cloud")
        self.gate = gate
        self._worker = Worker(f"trustlab cloud {self.trace.title}", gate)
        try:
            self._fabric: MemoryFabric | UmlFabric = (
                self._worker.call(UmlFabric, self.trace, random, gate)
                if self.substrate == "uml"
                else self._worker.call(MemoryFabric, self.trace, random, gate)
            )
            self.endorsers = self._worker.call(Endorsers)
        except BaseException:
            self._worker.close()
            raise

    @property
    def web_root_pem(self) -> str:
        """The public web CA's certificate, PEM."""
        return self._fabric.public_ca.root_pem

    def rent(self, name: str, image: Image, hypervisor: HypervisorKind = HyperSafe, *, wait: bool = True) -> Machine:
        """Boot a machine with an image; it is ready, but its program has not been started.

        With `wait=False` it may still be booting on return, so that several can boot side by side; whatever needs it
        ready waits for it.
        """
        machine = self._worker.call(self._boot, name, image, hypervisor)
        if wait:
            machine.wait()
        return machine

    def _boot(self, name: str, image: Image, hypervisor: HypervisorKind) -> Machine:
        """Boot a machine and enter it; on the cloud's thread, so that `close` misses none that is booting."""
        if name in self._machines:
            raise CloudError(f"there is already a machine called {name!r}")
        fabric, trace, endorsers, worker = self._fabric, self.trace, self.endorsers, self._worker
        machine: Machine = (
            UmlMachine(name, image, hypervisor, trace=trace, fabric=fabric, endorsers=endorsers, worker=worker)
            if isinstance(fabric, UmlFabric)
            else MemoryMachine(name, image, hypervisor, trace=trace, fabric=fabric, endorsers=endorsers, worker=worker)
        )
        self._machines[name] = machine
        return machine

    def run(self) -> None:
        """Let the network move octets until everybody has said what there is to say, and nothing is held."""
        if isinstance(self._fabric, UmlFabric):
            machines = [machine for machine in self._machines.values() if isinstance(machine, UmlMachine)]
            fabric = self._fabric
            run_until_quiet(machines, lambda: len(self.trace), QUIET_TIMEOUT, gate=self.gate, busy=lambda: fabric.busy)
        else:
            self._worker.call(self._fabric.network.run)

    def waiting(self) -> list[Waiting]:
        """Return who still waits after `run`, and for how many octets of what; none if all came to its end."""
        fabric = self._fabric
        if isinstance(fabric, MemoryFabric):
            return self._worker.call(lambda: fabric.network.waiting)
        machines = [machine for machine in self.machines if isinstance(machine, UmlMachine)]
        return [Waiting(machine.name, name, what) for machine in machines for name, what in machine.state()["waiting"]]

    @property
    def machines(self) -> tuple[Machine, ...]:
        """The machines that were rented, in that order."""
        return tuple(self._machines.values())

    def order(self, give: Callable[[SwitchCore], R]) -> R:
        """Give Alice's switch an order, `cloud.order(lambda switch: switch.hold(Match(...)))`.

        CloudError in the memory substrate, which has no switch: there no frame is ever on its way.
        """
        if not isinstance(self._fabric, UmlFabric):
            raise CloudError("the memory substrate does not have a switch that takes orders: use 'uml'")
        return self._fabric.switch.order(give)

    def work_network(self, work: Callable[[MemoryNetwork], R]) -> R:
        """Do something with the network of the memory substrate, on its own thread; CloudError in another one."""
        if not isinstance(self._fabric, MemoryFabric):
            raise CloudError(f"this needs the network of the memory substrate, and here it is {self.substrate!r}")
        return self._worker.call(work, self._fabric.network)

    def sniff(
        self,
        *,
        count: int | None = None,
        timeout: float | None = None,
        match: Callable[[TraceEvent], bool] | None = None,
    ) -> Sniffer:
        """Return the frames as scapy packets while they pass; `capture.Sniffer` says how it ends."""
        return Sniffer(self.trace, count=count, timeout=timeout, match=match)

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function on the cloud's thread, where all its machines live."""
        return self._worker.call(function, *args, **kwargs)

    def close(self) -> None:
        """Power everything off and end the thread: at any time, from any thread. Closing twice is harmless.

        A run that is held is cancelled first. Whoever waits for something of this cloud gets CloudClosedError, or the
        error of the machine that is gone. A subscriber of the trace may close it too, but not wait for that: all others
        wait for the subscriber.
        """
        if self.gate is not None and self.gate.state == "held":
            self.gate.cancel()
        waits = not self.trace.telling_here
        for machine in self.machines if waits else ():
            machine.ask_to_stop()
        self._worker.close(self._switch_off, wait=waits)

    def _switch_off(self) -> None:
        """Power everything off, whatever one machine's end raises; on the cloud's thread."""
        with contextlib.ExitStack() as ends:
            if isinstance(self._fabric, UmlFabric):
                ends.callback(self._fabric.close)
            for machine in self.machines:
                ends.callback(machine.power_off)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
