"""What a guest program sees of the world, inside a VM: the network, the public CA, the disk.

Sockets do the work, or whoever is at the other end of the control line.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

from cryptography import x509

from trustlab.cloud.pki import spki_of
from trustlab.wire.errors import ConnectionRefusedOnWireError
from trustlab.wire.ethernet import Host
from trustlab.wire.memory import WireConnection

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.cloud.agent.streams import Streams
    from trustlab.wire import Endpoint


NO_MAC = "00:00:00:00:00:00"
"""A program has no business with Ethernet addresses."""


class CallProvider(Protocol):
    """Calls a verb of the provider's on the control line; with `serving` the network is served meanwhile."""

    def __call__(self, verb: str, *, serving: bool = False, **arguments: Any) -> Any:  # noqa: ANN401
        ...


class RemoteNetwork:
    """Ports and connections of this machine; `wire.WireConnection` says whom a stream belongs to."""

    def __init__(self, streams: Streams, ask: CallProvider) -> None:
        self._streams = streams
        self._ask = ask
        self._servers: dict[int, socket.socket] = {}

    def listen(self, host: str, port: int, accept: Callable[[WireConnection], Endpoint]) -> None:
        """Serve a port (replacing an earlier server)."""
        del host
        if port in self._servers:
            self._streams.stop(self._servers.pop(port))

        def accepted(handle: socket.socket, address: tuple[str, int]) -> None:
            connection = self._which(address, handle.getsockname()[:2], opened=False)
            self._streams.add(connection.name, handle, accept(connection))

        self._servers[port] = self._streams.listen(port, accepted)

    def connect(self, client: str, destination: str, port: int, make_end: Callable[[str], Endpoint]) -> None:
        """Open a connection; ConnectionRefusedOnWireError if nobody answers."""
        address = self._ask("lookup", name=destination), port
        try:
            handle = self._streams.connect(address)
        except OSError as error:
            raise ConnectionRefusedOnWireError(
                f"{client} cannot connect: nobody listens on {destination}:{port} ({error.strerror or error})"
            ) from error
        connection = self._which(handle.getsockname()[:2], address, opened=True)
        self._streams.add(connection.name, handle, make_end(connection.name))

    def _which(self, client: tuple[str, int], server: tuple[str, int], *, opened: bool) -> WireConnection:
        """Ask the provider, whose switch saw it begin, what a connection is called."""
        told = self._ask("which", client=client, server=server, opened=opened)
        opener, addressed = (Host(name, NO_MAC, ip) for name, ip in told["ends"])
        return WireConnection(told["name"], opener, addressed, server[1], told["holder"])


class RemoteCa:
    """The public CA, asked on the control line; it then connects over the network, as CAs do."""

    def __init__(self, ask: CallProvider) -> None:
        self._ask = ask

    def certify(self, name: str, host: str, public_key: CertificateIssuerPublicKeyTypes) -> x509.Certificate:
        """Return a certificate for `name` if whoever answers at `host` answers for this key."""
        der = self._ask("certify", serving=True, name=name, host=host, spki=spki_of(public_key))
        return x509.load_der_x509_certificate(der)


class RemoteFabric:
    """A `ports.Fabric`: the network and the CA of this machine."""

    def __init__(self, streams: Streams, ask: CallProvider) -> None:
        self.network = RemoteNetwork(streams, ask)
        self.web_ca = RemoteCa(ask)

    def connect(self, client: str, destination: str, port: int, make_end: Callable[[str], Endpoint]) -> None:
        """Open a connection; the cloud states the ground truth about it."""
        self.network.connect(client, destination, port, make_end)


class Disk(MutableMapping[str, bytes]):
    """The machine's disk: every access goes there, and what lies there is the provider's to read, and to change."""

    def __init__(self, ask: CallProvider) -> None:
        self._ask = ask

    def __getitem__(self, name: str) -> bytes:
        return self._files()[name]

    def __setitem__(self, name: str, value: bytes) -> None:
        self._ask("write", name=name, value=value)

    def __delitem__(self, name: str) -> None:
        self._ask("remove", name=name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._files())

    def __len__(self) -> int:
        return len(self._files())

    def _files(self) -> dict[str, bytes]:
        return dict(self._ask("files"))
