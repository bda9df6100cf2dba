"""What a guest program sees of the world, inside a VM: the network, the public CA, the disk, Alice's console.

The shapes are those of `provider.Fabric` and `provider.Provider` in the `memory` substrate; the work is done by
sockets, or by whoever is at the other end of the control line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from cryptography import x509

from trustlab.cloud.pki import HTTP, ChallengeAnswer, spki_of
from trustlab.wire.errors import ConnectionRefusedOnWireError
from trustlab.wire.ethernet import Host
from trustlab.wire.memory import Connection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.cloud.agent.streams import Streams
    from trustlab.wire import Endpoint


NO_MAC = "00:00:00:00:00:00"
"""A program has no business with Ethernet addresses."""


class Ask(Protocol):
    """Calls a verb of the provider's on the control line; with `serving` the network is served meanwhile."""

    def __call__(self, verb: str, *, serving: bool = False, **arguments: Any) -> Any:  # noqa: ANN401, D102
        ...


class Network:
    """Ports and connections of this machine; `wire.Connection` says whom a stream belongs to."""

    def __init__(self, streams: Streams, ask: Ask) -> None:
        self._streams = streams
        self._ask = ask
        self._servers: dict[int, socket.socket] = {}

    def listen(self, host: str, port: int, accept: Callable[[Connection], Endpoint]) -> None:
        """Serve a port (replacing an earlier server)."""
        del host
        if port in self._servers:
            self._streams.stop(self._servers.pop(port))

        def accepted(handle: socket.socket, address: tuple[str, int]) -> None:
            connection = self._which(address, handle.getsockname()[:2], opened=False)
            self._streams.add(connection.name, handle, accept(connection))

        self._servers[port] = self._streams.listen(port, accepted)

    def connect(self, client: str, destination: str, port: int, make_end: Callable[[str], Endpoint]) -> None:
        """Open a connection; ConnectionRefusedOnWireError where nobody answers."""
        address = self._ask("lookup", name=destination), port
        try:
            handle = self._streams.connect(address)
        except OSError as error:
            raise ConnectionRefusedOnWireError(
                f"{client} cannot connect: nobody listens on {destination}:{port} ({error.strerror or error})"
            ) from error
        connection = self._which(handle.getsockname()[:2], address, opened=True)
        self._streams.add(connection.name, handle, make_end(connection.name))

    def _which(self, client: tuple[str, int], server: tuple[str, int], *, opened: bool) -> Connection:
        """Ask the provider, whose switch saw it begin, what a connection is called."""
        told = self._ask("which", client=client, server=server, opened=opened)
        opener, addressed = (Host(name, NO_MAC, ip) for name, ip in told["ends"])
        return Connection(told["name"], opener, addressed, server[1], told["holder"])


class RemoteCa:
    """The public CA, asked on the control line; it then connects over the network, as CAs do."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def certify(self, name: str, host: str, public_key: CertificateIssuerPublicKeyTypes) -> x509.Certificate:
        """Return a certificate for `name` if whoever answers at `host` answers for this key."""
        der = self._ask("certify", serving=True, name=name, host=host, spki=spki_of(public_key))
        return x509.load_der_x509_certificate(der)


class Fabric:
    """The network and the CA of this machine."""

    def __init__(self, streams: Streams, ask: Ask) -> None:
        self.network = Network(streams, ask)
        self.web_ca = RemoteCa(ask)

    def connect(self, client: str, destination: str, port: int, make_end: Callable[[str], Endpoint]) -> None:
        """Open a connection; the cloud states the ground truth about it."""
        self.network.connect(client, destination, port, make_end)


class Disk(dict[str, object]):
    """The machine's disk: what is written here is the provider's to read."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def __setitem__(self, name: str, value: object) -> None:
        super().__setitem__(name, value)
        if isinstance(value, bytes):
            self._ask("disk", name=name, value=value)


class Console:
    """Alice's powers as the provider, at the other end of her machine's control line (see `provider.Provider`)."""

    def __init__(self, name: str, network: Network, ca: RemoteCa, ask: Ask) -> None:
        self._name = name
        self._network = network
        self._ca = ca
        self._ask = ask

    def redirect(self, destination: str, port: int, *, to: str = "") -> Callable[[], None]:
        """Have connections to `destination` answered on her own machine, or on `to`; the returned function ends it."""
        order = self._ask("redirect", destination=destination, port=port, to=to or self._name)
        return lambda: self._ask("undo", order=order)

    def disk_of(self, name: str) -> Mapping[str, object]:
        """Read a machine's disk."""
        return dict(self._ask("disk_of", name=name))

    def search_memory(self, name: str, pattern: bytes, before: int = 0) -> list[bytes]:
        """Search a machine's memory (`uml.memory.search`); HypercallRefusedError at a HyperSafe machine."""
        return list(self._ask("search_memory", name=name, pattern=pattern, before=before))

    def obtain_certificate(
        self, server_name: str, host: str, public_key: CertificateIssuerPublicKeyTypes
    ) -> x509.Certificate:
        """Have the public CA certify her own key for a name hosted with her, by answering its connection herself."""
        undo = self.redirect(host, HTTP)
        self._network.listen(self._name, HTTP, lambda _connection: ChallengeAnswer(spki_of(public_key)))
        try:
            return self._ca.certify(server_name, host, public_key)
        finally:
            undo()
