"""The guest agent: what a program inside a machine can do, and nothing else.

A guest program is Python source that defines `start(guest)`. It serves and dials channels of the design its measured
configuration names, and never sees how the machine is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from trustlab import tls
from trustlab.attest import AppraisalPolicy, Verifier
from trustlab.cloud.errors import CloudError, ImageError
from trustlab.cloud.pki import HTTP, ChallengeAnswer, spki_of
from trustlab.passage import DESIGNS, Design, Guard, OpenSslEndpoint, TlsEndpoint, offer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attest import ReferenceValues
    from trustlab.cloud.hypersafe import HyperSafe, TpmResidentKey
    from trustlab.cloud.ordinary import Ordinary
    from trustlab.cloud.provider import Fabric, Provider
    from trustlab.passage import Application
    from trustlab.passage.guard import Role
    from trustlab.trace import Event, Party
    from trustlab.wire import Connection, Endpoint

RSA_BITS = 2048


class Identity:
    """A server's certificate and the key behind it: in software, or in the TPM."""

    def __init__(self, certificate: x509.Certificate, key: rsa.RSAPrivateKey | TpmResidentKey) -> None:
        self.certificate = certificate
        self.key = key

    @property
    def key_pem(self) -> str:
        """The private key, where it lies in software; CloudError where it cannot leave the TPM."""
        if not isinstance(self.key, rsa.RSAPrivateKey):
            raise CloudError("this key lives in the TPM: nobody can have it as a file")
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return self.key.private_bytes(*form).decode()

    @property
    def certificate_pem(self) -> str:
        """The certificate in PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def certificate_der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(serialization.Encoding.DER)


class Guest:
    """What one guest program holds of its machine. `provider` is there for Alice's own programs only."""

    def __init__(
        self,
        name: str,
        configuration: dict[str, str],
        *,
        party: Party,
        hypervisor: HyperSafe | Ordinary,
        fabric: Fabric,
        references: ReferenceValues | None,
        pinned: tuple[bytes, ...],
        provider: Provider | None,
    ) -> None:
        self.name = name
        self.configuration = configuration
        self.party = party
        self.provider = provider
        self._hypervisor = hypervisor
        self._fabric = fabric
        self._references = references
        self._pinned = pinned

    @property
    def design(self) -> Design:
        """The design that the measured configuration names; ImageError where it names none that exists."""
        name = self.setting("design")
        if name not in DESIGNS:
            raise ImageError(f"the configuration names the design {name!r}; there are: {', '.join(DESIGNS)}")
        return DESIGNS[name]

    def setting(self, name: str) -> str:
        """Return a setting of the measured configuration; ImageError where it is missing."""
        try:
            return self.configuration[name]
        except KeyError:
            raise ImageError(f"the configuration of {self.name} has no {name!r}") from None

    def log(self, name: str, sentence: str) -> Event:
        """Tell the trace, in a sentence without secrets, what the program does."""
        return self.party.emit("app", name, sentence=sentence)

    def listen(self, port: int, accept: Callable[[Connection], Endpoint]) -> None:
        """Serve a port with endpoints of the program's own making."""
        self._fabric.network.listen(self.name, port, accept)

    def connect(self, destination: str, port: int, make_end: Callable[[str], Endpoint]) -> None:
        """Open a connection whose end `make_end` makes, given the connection's name."""
        self._fabric.connect(self.name, destination, port, make_end)

    def obtain_identity(self, server_name: str) -> Identity:
        """Make a key as the design wants it and have the public CA certify it for `server_name`."""
        if self.design.key_origin == "tcb":
            key = self._hypervisor.make_key()
            return Identity(self._validated(server_name, key.public_key), key)
        return self.make_identity(lambda public_key: self._validated(server_name, public_key))

    def make_identity(self, certify: Callable[[rsa.RSAPublicKey], x509.Certificate]) -> Identity:
        """Make a key in software and have it certified by `certify`."""
        key = rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
        return Identity(certify(key.public_key()), key)

    def _validated(self, server_name: str, public_key: rsa.RSAPublicKey) -> x509.Certificate:
        """Answer the CA's question on port 80 and return the certificate it signs."""
        self.listen(HTTP, lambda _connection: ChallengeAnswer(spki_of(public_key)))
        return self._fabric.web_ca.certify(server_name, self.name, public_key)

    def serve(self, port: int, identity: Identity, application: Callable[[], Application]) -> None:
        """Serve the design's channels on a port, one application each."""

        def accept(connection: Connection) -> Endpoint:
            if self.design.when == "never":
                return OpenSslEndpoint.server(
                    application(),
                    party=self.party,
                    connection=connection.name,
                    chain_pem=[identity.certificate_pem],
                    key_pem=identity.key_pem,
                )
            engine = tls.Server(
                tls.ServerConfig(
                    certificates=(identity.certificate_der,),
                    key=identity.key,
                    versions=(tls.Version.TLS12,),
                    cipher_suites=(tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,),
                    extended_master_secret=False,
                    attestation=offer(self.design, "server"),
                )
            )
            return self._passage(engine, "server", connection.name, application(), connection.client.name)

        self.listen(port, accept)

    def dial(self, destination: str, port: int, server_name: str, application: Application) -> None:
        """Open a channel of the design to a server that must be called `server_name`."""

        def make_end(connection: str) -> Endpoint:
            if self.design.when == "never":
                return OpenSslEndpoint.client(
                    application,
                    party=self.party,
                    connection=connection,
                    server_name=server_name,
                    roots_pem=self.setting("web_root"),
                )
            engine = tls.Client(
                tls.ClientConfig(
                    server_name=server_name,
                    trust=[x509.load_pem_x509_certificate(self.setting("web_root").encode())],
                    versions=(tls.Version.TLS12,),
                    cipher_suites=(tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,),
                    extended_master_secret=False,
                    attestation=offer(self.design, "client"),
                )
            )
            return self._passage(engine, "client", connection, application, destination)

        self.connect(destination, port, make_end)

    def _passage(
        self, engine: tls.Client | tls.Server, role: Role, connection: str, application: Application, peer: str
    ) -> TlsEndpoint:
        guard = Guard(
            self.design,
            role,
            party=self.party,
            connection=connection,
            attester=self._hypervisor,
            verifier=self._verifier(),
            peer=peer,
        )
        observer = tls.TraceObserver(self.party, connection, role=role)
        return TlsEndpoint(engine, application, observer=observer, guard=guard)

    def _verifier(self) -> Verifier | None:
        """Bob's verifier: his reference values, and the privacy CA that the measured configuration names."""
        if self._references is None:
            return None
        anchor = x509.load_pem_x509_certificate(self.setting("privacy_root").encode())
        policy = AppraisalPolicy(allowed_images=(self.setting("peer_image"),), ek_digests=self._pinned)
        left_out = tuple(filter(None, self.configuration.get("without", "").split(",")))
        return Verifier([anchor], self._references, policy, without=left_out)
