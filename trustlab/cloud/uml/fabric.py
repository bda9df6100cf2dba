"""What connects the VMs of a cloud: Alice's switch with real frames on it, and the public CA's station beside it."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, cast

from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key

from trustlab.cloud.errors import CloudError, NameNotValidatedError
from trustlab.cloud.pki import HTTP, WebCa
from trustlab.cloud.uml.station import ProviderStack
from trustlab.wire import GateOrder, Host, Switch

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.cloud.uml.ports import VirtualGuest
    from trustlab.trace import Trace
    from trustlab.wire import Steering

Address = tuple[str, int]


class UmlFabric:
    """Made and used on the cloud's thread, in its loop."""

    def __init__(self, trace: Trace, random: Callable[[int], bytes] = os.urandom, gate: Steering | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.trace = trace
        self.gate = gate
        self.switch = Switch(trace)
        self.public_ca = WebCa(None, trace.party("web-ca"), random=random)
        self.images: dict[str, str] = {}
        self.machines: dict[str, VirtualGuest] = {}
        self._hosts: dict[str, Host] = {}
        self._truth = trace.party("cloud")
        own, cable = self.attach(WebCa.HOST, WebCa.IP)
        self._station = ProviderStack(self.loop, own, cable, lambda: gate is not None and gate.state == "held")
        self._asks = None if gate is None else self._ask(gate)

    def _ask(self, gate: Steering) -> GateOrder:
        """Have the switch ask a gate before each record."""
        switch = self.switch
        order = GateOrder(switch.core, gate, self.loop.call_later, lambda go: switch.order(lambda _core: go()))
        return switch.core.give(order)

    @property
    def busy(self) -> bool:
        """Whether the switch still has to ask about a record, or somebody holds one."""
        return self._asks is not None and (self._asks.busy or (self.gate is not None and self.gate.state == "held"))

    def attach(self, name: str, ip: str = "") -> tuple[Host, socket.socket]:
        """Plug a machine into the switch; return its addresses and its end of the cable."""
        number = len(self._hosts) + 2
        high, low = number >> 8, number & 0xFF
        host = Host(name, f"02:00:00:00:{high:02x}:{low:02x}", ip or f"10.0.{high}.{low}")
        cable = self.switch.plug(host)
        self._hosts[name] = host
        return host, cable

    def host(self, name: str) -> Host:
        """Return a machine's addresses; CloudError if there is none of that name."""
        if name not in self._hosts:
            raise CloudError(f"no machine called {name!r} is in this cloud")
        return self._hosts[name]

    def which(self, client: Address, server: Address, *, opened: bool) -> dict[str, Any]:
        """Say what a connection is called and whose it is; for who `opened` it, also state the ground truth."""
        known = self.switch.core.known(client, server)
        if known is None:
            raise CloudError(f"the switch saw no connection from {client} to {server}")
        if opened:
            self._truth.emit(
                "ground-truth",
                "connection",
                connection=known.name,
                client=known.client,
                addressed=known.addressed,
                server=known.holder,
                sentence=f"{known.client} addressed {known.addressed}; the far end is held by {known.holder}.",
                server_image=self.images.get(known.holder, ""),
            )
        ends = [[name, self.host(name).ip] for name in (known.client, known.addressed)]
        return {"name": known.name, "ends": ends, "holder": known.holder}

    def certify(self, name: str, host: str, spki: bytes, done: Callable[[bytes | Exception], None]) -> None:
        """Have the CA validate `name` at `host` over the wire; `done` gets the certificate (DER) or the refusal."""
        challenge = self.public_ca.challenge(name)

        def over(problem: str) -> None:
            if problem:
                done(NameNotValidatedError(f"the CA could not ask at {name}: {problem}"))
                return
            try:
                key = cast("CertificateIssuerPublicKeyTypes", load_der_public_key(spki))
                done(self.public_ca.judge(challenge, key).public_bytes(Encoding.DER))
            except Exception as error:  # noqa: BLE001 - it is raised again where the certificate is awaited
                done(error)

        self._station.connect(self.host(host), HTTP, challenge, over)

    def close(self) -> None:
        """Unplug everything."""
        self._station.close()
        self.switch.close()
