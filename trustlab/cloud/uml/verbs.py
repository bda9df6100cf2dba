"""What a guest may ask of the provider on the control line, and Alice's own machine beyond that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab.cloud.errors import CloudError
from trustlab.cloud.uml.messages import GUEST_VERBS, Answer, Call, Failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud.uml.fabric import UmlFabric
    from trustlab.cloud.uml.machine import UmlMachine

PROVIDER_ONLY = ("redirect", "undo", "disk_of", "search_memory")


class GuestVerbs:
    """Serves one machine's calls, in the loop."""

    def __init__(self, machine: UmlMachine, fabric: UmlFabric) -> None:
        self._machine = machine
        self._fabric = fabric
        self._orders: list[Callable[[], None]] = []

    def obey(self, call: Call, say: Callable[[Answer | Failed], None]) -> None:
        """Do what a guest asks, and say what came of it."""
        try:
            self._allow(call.verb)
            if call.verb == "certify":
                self._fabric.certify(**call.arguments, done=lambda result: say(_told(call, result)))
            elif call.verb == "search_memory":
                self._search(call, say)
            else:
                say(Answer(call.id, getattr(self, f"_{call.verb}")(**call.arguments)))
        except Exception as error:  # noqa: BLE001 - it is raised again in the guest
            say(_told(call, error))

    def _allow(self, verb: str) -> None:
        if verb not in GUEST_VERBS:
            raise CloudError(f"the control line has no verb {verb!r}")
        if verb in PROVIDER_ONLY and not self._machine.provider:
            raise CloudError(f"{verb!r} is the provider's alone")

    def _lookup(self, name: str) -> str:
        return self._fabric.host(name).ip

    def _which(self, client: list[Any], server: list[Any], *, opened: bool) -> dict[str, Any]:
        return self._fabric.which((client[0], client[1]), (server[0], server[1]), opened=opened)

    def _disk(self, name: str, value: bytes) -> None:
        self._machine.disk[name] = value

    def _disk_of(self, name: str) -> dict[str, bytes]:
        """Return the files of a machine's disk; what is no octets (a TPM's key object) does not cross the line."""
        disk = self._other(name).disk
        return {file: octets for file, octets in disk.items() if isinstance(octets, bytes)}

    def _redirect(self, destination: str, port: int, to: str) -> int:
        self._orders.append(self._fabric.switch.order(lambda core: core.redirect(destination, port, to=to)))
        return len(self._orders) - 1

    def _undo(self, order: int) -> None:
        undo = self._orders[order]
        self._fabric.switch.order(lambda _core: undo())

    def _search(self, call: Call, say: Callable[[Answer | Failed], None]) -> None:
        """Search on a thread of its own: it reads tens of megabytes, and the wire must go on."""
        other = self._other(call.arguments["name"])
        wanted = call.arguments["pattern"], call.arguments["before"]
        work = self._fabric.loop.run_in_executor(None, other.search_memory, *wanted)
        work.add_done_callback(lambda done: say(_told(call, done.exception() or done.result())))

    def _other(self, name: str) -> UmlMachine:
        if name not in self._fabric.machines:
            raise CloudError(f"no machine called {name!r} is in this cloud")
        return self._fabric.machines[name]


def _told(call: Call, result: object) -> Answer | Failed:
    if isinstance(result, BaseException):
        return Failed(call.id, type(result).__name__, str(result))
    return Answer(call.id, result)
