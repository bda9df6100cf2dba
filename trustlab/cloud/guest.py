"""The guest agent: what a program inside a machine can do, and nothing else.

A guest program is Python source that defines `start(guest)`. It serves and dials channels of the design its measured
configuration names, and never sees how the machine is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from trustlab.cloud.channels import Channels
from trustlab.cloud.errors import ImageError
from trustlab.cloud.identity import Identity, private_pem, software_key
from trustlab.cloud.pki import HTTP, ChallengeAnswer, spki_of
from trustlab.cloud.published import accepted
from trustlab.passage import Design, DesignError, design_of, placement_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.attest import ReferenceValues
    from trustlab.cloud.ports import Fabric, Hypercalls, Provider
    from trustlab.passage import Application
    from trustlab.trace import Emitter, TraceEvent
    from trustlab.wire import Endpoint, WireConnection

QUESTIONS = 4433
"""The port on which a machine answers attestation questions outside TLS."""


class Guest:
    """What one guest program holds of its machine. `provider` is there for Alice's own programs only.

    `disk` is the machine's disk, which is Alice's to read; `memory` is the program's own.
    """

    def __init__(  # noqa: PLR0913 - a guest's whole world
        self,
        name: str,
        configuration: dict[str, str],
        *,
        party: Emitter,
        hypervisor: Hypercalls,
        fabric: Fabric,
        references: ReferenceValues | str | None,
        pinned: tuple[bytes, ...],
        provider: Provider | None,
        disk: MutableMapping[str, Any],
        files: Mapping[str, bytes],
    ) -> None:
        self.name = name
        self.configuration = configuration
        self.party = party
        self.provider = provider
        self.disk = disk
        self.memory: dict[str, str] = {}
        self._files = files
        self._hypervisor = hypervisor
        self._fabric = fabric
        self._client_identity: Identity | None = None
        self._channels = Channels(
            self.design,
            configuration,
            party=party,
            attester=hypervisor,
            references=accepted(references, configuration),
            pinned=pinned,
        )

    @property
    def design(self) -> Design:
        """The design that the measured configuration names or spells out; ImageError if it is not one."""
        try:
            return design_of(self.setting("design"))
        except DesignError as error:
            raise ImageError(f"the configuration of {self.name}: {error}") from error

    def setting(self, name: str) -> str:
        """Return a setting of the measured configuration; ImageError if it is missing."""
        try:
            return self.configuration[name]
        except KeyError:
            raise ImageError(f"the configuration of {self.name} has no {name!r}") from None

    def file(self, name: str) -> bytes:
        """Return a file of the measured image; ImageError if it has none of that name."""
        try:
            return self._files[name]
        except KeyError:
            raise ImageError(f"the image of {self.name} has no file {name!r}") from None

    def attest(self, binder: bytes, pcrs: tuple[int, ...] = (17, 18, 19, 20)) -> bytes:
        """Have HyperSafe quote 32 octets over a selection of PCRs; encoded Evidence, or AttestationFailure."""
        return self._hypervisor.attest(binder, prove_key=False, pcrs=pcrs)

    def random(self, size: int) -> bytes:
        """Return so many octets that nobody can know beforehand; with a `seed` in the configuration, everybody can."""
        return self._channels.random(size)

    def log(self, name: str, sentence: str) -> TraceEvent:
        """Tell the trace, in a sentence without secrets, what the program does."""
        return self.party.emit("app", name, sentence=sentence)

    def listen(self, port: int, accept: Callable[[WireConnection], Endpoint]) -> None:
        """Serve a port with endpoints of the program's own making."""
        self._fabric.network.listen(self.name, port, accept)

    def connect(self, destination: str, port: int, make_end: Callable[[str], Endpoint]) -> None:
        """Open a connection whose end `make_end` makes, given the connection's name."""
        self._fabric.connect(self.name, destination, port, make_end)

    def claim(self, name: str, value: str) -> None:
        """Have a claim of this program measured (PCR 20), such as `antivirus.signatures`, `2026-11-20`."""
        self._hypervisor.claim(name, value)

    def obtain_identity(self, name: str) -> Identity:
        """Make a server's key as the design wants it and have the public CA certify it for `name`."""
        if self.design.key_origin == "deployed":
            return self.make_identity(lambda public_key: self._validated(name, public_key))
        kind: Literal["rsa-decrypt", "ecdsa"] = "rsa-decrypt" if self.design.transports_key else "ecdsa"
        key = self._hypervisor.make_key(kind, origin=self.design.key_origin, disk=self.disk)
        return Identity(self._validated(name, key.public_key), key)

    def make_identity(self, certify: Callable[[rsa.RSAPublicKey], x509.Certificate]) -> Identity:
        """Make a key in software, deployed on the disk, and have it certified by `certify`."""
        key = software_key()
        self.disk["private-key.pem"] = private_pem(key)
        return Identity(certify(key.public_key()), key)

    def serve(self, port: int, identity: Identity, application: Callable[[], Application]) -> None:
        """Serve the design's channels on a port, one application each."""
        self.listen(port, lambda c: self._channels.server(identity, application(), c.name, c.client.name))
        if placement_of(self.design).asks_before:
            self.listen(QUESTIONS, lambda c: self._channels.answerer(Nothing(), c.name, c.client.name))

    def dial(self, destination: str, port: int, server_name: str, application: Application) -> None:
        """Open a channel of the design to a server that must be called `server_name`."""
        identity = self._own_identity() if self.design.client_key else None

        def channel() -> None:
            self.connect(
                destination,
                port,
                lambda name: self._channels.client(server_name, identity, application, name, destination),
            )

        if placement_of(self.design).asks_before:
            then = Then(channel, application)
            self.connect(destination, QUESTIONS, lambda name: self._channels.asker(then, name, destination))
        else:
            channel()

    def _own_identity(self) -> Identity:
        """Return this client's TCB key with a certificate for its own name; made when first needed."""
        if self._client_identity is None:
            key = self._hypervisor.make_key("ecdsa", origin="tcb", disk=self.disk)
            self._client_identity = Identity(self._validated(f"{self.name}.example", key.public_key), key)
        return self._client_identity

    def _validated(self, name: str, public_key: CertificateIssuerPublicKeyTypes) -> x509.Certificate:
        """Answer the CA's question on port 80 and return the certificate it signs."""
        self.listen(HTTP, lambda _connection: ChallengeAnswer(spki_of(public_key)))
        return self._fabric.web_ca.certify(name, self.name, public_key)


class Nothing:
    """An application that sends nothing and closes when it is connected."""

    def __init__(self) -> None:
        self.finished = False

    def connected(self) -> bytes:
        self.finished = True
        return b""

    def received(self, data: bytes) -> bytes:  # noqa: ARG002 - it does not listen
        return b""

    def closed(self, error: Exception | None) -> None: ...


class Then(Nothing):
    """Goes on with something else once it is connected; if that never happens, tells the application so."""

    def __init__(self, go_on: Callable[[], None], application: Application) -> None:
        super().__init__()
        self._go_on = go_on
        self._application = application

    def connected(self) -> bytes:
        self._go_on()
        return super().connected()

    def closed(self, error: Exception | None) -> None:
        """Pass on that the machine was refused."""
        if error is not None:
            self._application.closed(error)
