"""What a guest may ask of the provider on the control line, and Alice's own machine beyond that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from msgspec import convert, structs

from trustlab.cloud.errors import CloudError
from trustlab.cloud.standing import StandingOrder
from trustlab.cloud.uml.messages import GUEST_VERBS, PROVIDERS, Answer, Call, Failed

if TYPE_CHECKING:
    from concurrent.futures import Future

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.cloud.uml.fabric import UmlFabric
    from trustlab.cloud.uml.ports import VirtualGuest
    from trustlab.tpm import TpmClient

Done = Callable[[object], None]
"""Gets the result of a verb that is answered later, or the exception."""

ROOT = "root VM"
LATER = ("certify", "search_memory", "root_tpm")
"""Verbs whose answer comes later: the wire must go on meanwhile."""


class GuestRequests:
    """Serves one machine's calls, in the loop."""

    def __init__(self, machine: VirtualGuest, fabric: UmlFabric) -> None:
        self._machine = machine
        self._fabric = fabric
        self._orders: list[Callable[[], None]] = []
        self._tpms: dict[str, TpmClient] = {}

    def obey(self, call: Call, say: Callable[[Answer | Failed], None]) -> None:
        """Do what a guest asks, and say what came of it."""
        try:
            self._allow(call.verb)
            verb = getattr(self, f"_{call.verb}")
            if call.verb in LATER:
                verb(**call.arguments, done=lambda result: say(_told(call, result)))
            else:
                say(Answer(call.id, verb(**call.arguments)))
        except Exception as error:  # noqa: BLE001 - it is raised again in the guest
            say(_told(call, error))

    def _allow(self, verb: str) -> None:
        if verb not in GUEST_VERBS:
            raise CloudError(f"the control line has no verb {verb!r}")
        if verb in PROVIDERS and not self._machine.provider:
            raise CloudError(f"{verb!r} is for the provider only")

    def _lookup(self, name: str) -> str:
        return self._fabric.host(name).ip

    def _which(self, client: list[Any], server: list[Any], *, opened: bool) -> dict[str, Any]:
        return self._fabric.which((client[0], client[1]), (server[0], server[1]), opened=opened)

    def _certify(self, name: str, host: str, spki: bytes, *, done: Done) -> None:
        """Have the public CA certify a key, or whoever stands in its place for this machine."""
        own = self._machine.ca
        if own is None:
            self._fabric.certify(name, host, spki, done)
        else:
            key = cast("CertificateIssuerPublicKeyTypes", load_der_public_key(spki))
            done(own.certify(name, host, key).public_bytes(Encoding.DER))

    def _files(self) -> dict[str, bytes]:
        return self._machine.disk

    def _write(self, name: str, value: bytes) -> None:
        self._machine.disk[name] = value

    def _remove(self, name: str) -> None:
        del self._machine.disk[name]

    def _disk_of(self, name: str) -> dict[str, bytes]:
        return self._other(name).show_disk()

    def _redirect(self, destination: str, port: int, to: str) -> int:
        self._orders.append(self._fabric.switch.order(lambda core: core.redirect(destination, port, to=to)))
        return len(self._orders) - 1

    def _undo(self, order: int) -> None:
        undo = self._orders[order]
        self._fabric.switch.order(lambda _core: undo())

    def _search_memory(self, name: str, pattern: bytes, before: int, *, done: Done) -> None:
        """Search on a thread of its own: it reads tens of megabytes."""
        work = self._fabric.loop.run_in_executor(None, self._other(name).search_memory, pattern, before)
        work.add_done_callback(lambda found: done(found.exception() or found.result()))

    def _root_tpm(self, name: str, command: bytes, *, done: Done) -> None:
        """Have a machine's root VM send one command, at locality 0 and behind the gate, on the TPM's own thread."""
        loop = self._fabric.loop

        def sent(work: Future[bytes]) -> None:
            if not work.cancelled():  # else that machine is powered off: there is no answer
                loop.call_soon_threadsafe(done, work.exception() or work.result())

        self._other(name).platform.submit(self._root(name).transmit, command).add_done_callback(sent)

    def _order_tpm(self, name: str, order: dict[str, Any]) -> int:
        standing = convert(order, StandingOrder)
        self._orders.append(standing.carry_out(self._fabric.trace, self._other(name).platform, self._root(name)))
        return len(self._orders) - 1

    def _recording(self, since: int) -> dict[str, Any]:
        """Return what the provider recorded from an event on: frames, and the secrets of this machine's own.

        A secret that leaks in another machine is told on that machine's line, and may still be on its way.
        """
        for machine in self._fabric.machines.values():
            if machine is not self._machine:
                machine.catch_up()
        fresh = self._fabric.trace[since:]
        own = [e for e in fresh if e.kind == "frame" or (e.secret and e.party == self._machine.name)]
        return {"next": since + len(fresh), "events": [structs.replace(e, spans=(), links=()) for e in own]}

    def _root(self, name: str) -> TpmClient:
        if name not in self._tpms:
            self._tpms[name] = self._other(name).platform.client(ROOT, locality=0)
        return self._tpms[name]

    def _other(self, name: str) -> VirtualGuest:
        if name not in self._fabric.machines:
            raise CloudError(f"no machine called {name!r} is in this cloud")
        return self._fabric.machines[name]


def _told(call: Call, result: object) -> Answer | Failed:
    if isinstance(result, BaseException):
        return Failed(call.id, type(result).__name__, str(result))
    return Answer(call.id, result)
