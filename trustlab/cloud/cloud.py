"""The cloud: rents machines on the substrate that works here, and owns everything that must end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, ParamSpec, Self, TypeVar

from trustlab.cloud.errors import CloudError
from trustlab.cloud.hypersafe import HyperSafe
from trustlab.cloud.machine import Machine
from trustlab.cloud.makers import Endorsers
from trustlab.cloud.provider import Fabric
from trustlab.cloud.worker import Worker
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud.image import Image
    from trustlab.cloud.ordinary import Ordinary

P = ParamSpec("P")
R = TypeVar("R")
Substrate = Literal["auto", "memory"]


class Cloud:
    """A small cloud with real TPMs. Use it as a context manager, or call `close`.

    `substrate` is `auto` or `memory`: all parties in one process, each machine with its own TPM emulator, network
    frames reconstructed. Which one is taken, and why, is the trace's first event.
    """

    def __init__(self, substrate: str = "auto", *, trace: Trace | None = None) -> None:
        if substrate not in ("auto", "memory"):
            raise CloudError(f"no substrate {substrate!r} in this version: say 'memory' or 'auto'")
        self.trace = trace if trace is not None else Trace("a cloud", "memory")
        self.substrate = "memory"
        self.trace.party("cloud").emit(
            "machine",
            "substrate",
            substrate="memory",
            sentence=(
                "All parties in one process, each machine with a real TPM emulator; "
                "network frames are reconstructed from what the parties wrote."
            ),
        )
        self._machines: dict[str, Machine] = {}
        self._worker = Worker(f"trustlab cloud {self.trace.title}")
        self._fabric = self._worker.call(Fabric, self.trace)
        self.endorsers = self._worker.call(Endorsers)

    @property
    def web_root_pem(self) -> str:
        """The public web CA's certificate, PEM."""
        return self._fabric.web_ca.root_pem

    def rent(self, name: str, image: Image, hypervisor: type[HyperSafe | Ordinary] = HyperSafe) -> Machine:
        """Boot a machine with an image; it is ready, but its program has not been started."""
        if name in self._machines:
            raise CloudError(f"there is a machine called {name!r} already")
        machine = self._worker.call(
            Machine,
            name,
            image,
            hypervisor,
            trace=self.trace,
            fabric=self._fabric,
            endorsers=self.endorsers,
            worker=self._worker,
        )
        self._machines[name] = machine
        return machine

    def run(self) -> None:
        """Let the network move octets until everybody has said what there is to say."""
        self._worker.call(self._fabric.network.run)

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a function on the cloud's thread, where all its machines live."""
        return self._worker.call(function, *args, **kwargs)

    def close(self) -> None:
        """Power everything off and end the thread. Closing twice is harmless."""
        machines, self._machines = list(self._machines.values()), {}
        for machine in machines:
            machine.close()
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
