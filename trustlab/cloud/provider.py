"""What belongs to the provider: the network everything crosses, and Alice's powers over it."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Any

from trustlab.capture import knowledge
from trustlab.cloud.errors import CloudError
from trustlab.cloud.isolation import ask_for_memory, tell_disk_read
from trustlab.cloud.pki import HTTP, ChallengeAnswer, WebCa, spki_of
from trustlab.wire import MemoryNetwork

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.capture import Knowledge
    from trustlab.cloud.ports import CertificateAuthority, Machine
    from trustlab.cloud.standing import StandingOrder
    from trustlab.tpm import TpmClient
    from trustlab.trace import Trace, TraceEvent
    from trustlab.wire import Endpoint, Steering


class MemoryFabric:
    """A `ports.Fabric` in this process; tells the trace where each connection really ends."""

    def __init__(self, trace: Trace, random: Callable[[int], bytes] = os.urandom, gate: Steering | None = None) -> None:
        self.network = MemoryNetwork(trace, gate)
        self.gate = gate
        self.public_ca = WebCa(self.network, trace.party("web-ca"), random=random)
        self.web_ca: CertificateAuthority = self.public_ca
        self._truth = trace.party("cloud")
        self._pairs: Counter[tuple[str, str]] = Counter()
        self.images: dict[str, str] = {}
        self.machines: dict[str, Machine] = {}

    def connect(self, client: str, destination: str, port: int, make_end: Callable[[str], Endpoint]) -> None:
        """Open a connection in the network and state the ground truth about it."""
        self._pairs[client, destination] += 1
        name = f"{client}-{destination}-{self._pairs[client, destination]}"
        connection = self.network.connect(client, destination, port, make_end(name), name=name)
        self._truth.emit(
            "ground-truth",
            "connection",
            connection=name,
            client=client,
            addressed=destination,
            server=connection.holder,
            sentence=f"{client} addressed {destination}; the far end is held by {connection.holder}.",
            server_image=self.images.get(connection.holder, ""),
        )


class MemoryProvider:
    """A `ports.Provider` in this process. Alice owns the network, and so every name that is validated across it."""

    def __init__(self, fabric: MemoryFabric, own_host: str) -> None:
        self._fabric = fabric
        self._host = own_host

    def redirect(self, destination: str, port: int, *, to: str = "") -> Callable[[], None]:
        """Have connections to `destination` answered on her own host, or on `to`; the returned function ends that."""
        return self._fabric.network.redirect(destination, port, to=to or self._host)

    def on_connection(self, destination: str, decide: Callable[[str, int, int], str]) -> Callable[[], None]:
        """Have `decide(client, port, number)` name who answers each new connection (`MemoryNetwork.on_connection`)."""
        return self._fabric.network.on_connection(destination, decide)

    def disk_of(self, name: str) -> Mapping[str, Any]:
        """Read a machine's disk: it is hers. What HyperSafe keeps in memory is not on it."""
        disk = self._fabric.machines[name].disk
        tell_disk_read(self._fabric.network.trace.party(name), disk)
        return disk

    def search_memory(self, name: str, pattern: bytes, before: int = 0) -> list[bytes]:  # noqa: ARG002 - as in the other substrate
        """Refuse: a HyperSafe machine shows nothing, and here the others have no memory of their own."""
        ask_for_memory(self._fabric.machines[name].hypervisor, self._fabric.network.trace.party(name))
        raise CloudError("in the memory substrate all machines share one process: rent them in 'uml' to read their RAM")

    def root_tpm(self, name: str) -> TpmClient:
        """Return the root VM's own access to a machine's TPM: locality 0, behind the platform's gate."""
        return self._fabric.machines[name].platform.client("root VM", locality=0)

    def order_tpm(self, name: str, order: StandingOrder) -> Callable[[], None]:
        """Leave a standing order with a machine's root VM; the returned function takes it back."""
        return order.carry_out(self._fabric.network.trace, self._fabric.machines[name].platform, self.root_tpm(name))

    def recording(self) -> list[TraceEvent]:
        """Return every frame that crossed her network so far."""
        return self._fabric.network.trace.select("frame")

    def knowledge(self) -> Knowledge:
        """Return what she can read of what she recorded, with the keys she holds."""
        return knowledge(self._fabric.network.trace, self._host)

    def own_secrets(self, name: str) -> list[TraceEvent]:
        """Return the secrets of that name that she holds herself."""
        return self._fabric.network.trace.select("secret", party=self._host, name=name)

    def obtain_certificate(
        self, server_name: str, host: str, public_key: CertificateIssuerPublicKeyTypes
    ) -> x509.Certificate:
        """Have the public CA certify her own key for a name hosted with her, by answering its connection herself."""
        undo = self.redirect(host, HTTP)
        self._fabric.network.listen(self._host, HTTP, lambda _connection: ChallengeAnswer(spki_of(public_key)))
        try:
            return self._fabric.web_ca.certify(server_name, host, public_key)
        finally:
            undo()
