"""What the parts of a cloud ask of each other, as Protocols.

A guest program runs in this process or in a VM, and must not notice which. So it meets its hypervisor, the network, the
public CA and (if it is Alice's) the provider's powers only through these shapes. In the `memory` substrate the objects
stand behind them directly; inside a VM `agent.remote_services` and friends carry each call over a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

    from trustlab.attest import ReferenceValues
    from trustlab.capture import Knowledge
    from trustlab.cloud.image import Image
    from trustlab.cloud.standing import StandingOrder
    from trustlab.passage.designs import KeyOrigin
    from trustlab.tpm import Platform, PrivacyCa, TpmClient, TpmMaker
    from trustlab.trace import TraceEvent
    from trustlab.wire import Endpoint, WireConnection

    KeyKind = Literal["rsa-decrypt", "ecdsa"]
    HypervisorKind = Callable[[Platform, Image, "Endorser"], "Hypervisor"]
    """A class such as `HyperSafe`: starts on a platform that has power, and measures what this kind measures."""


class GuestKey(Protocol):
    """A guest's TLS key, which stays where it was made: a `passage.KeyHolder` whose public half can be certified."""

    @property
    def public_key(self) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey: ...

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        """Do `rsa-decrypt` or `sign` with the key; any exception means that the operation failed."""


class Hypercalls(Protocol):
    """What a guest may ask of whoever stands below it."""

    def make_key(self, kind: KeyKind, *, origin: KeyOrigin, disk: MutableMapping[str, Any]) -> GuestKey:
        """Make the guest's TLS key; what of it may be stored lies on `disk`. HypercallRefusedError if it may not."""

    def attest(self, binder: bytes, *, prove_key: bool, pcrs: tuple[int, ...] = ...) -> bytes:
        """Quote a binder (32 octets) over a selection of PCRs: encoded Evidence, or AttestationFailure."""

    def claim(self, name: str, value: str) -> None:
        """Measure a claim of the guest's code into PCR 20."""


class Hypervisor(Hypercalls, Protocol):
    """A hypervisor of one machine with one guest."""

    @property
    def name(self) -> str:
        """What people call this kind of hypervisor."""

    @property
    def emulated(self) -> str:
        """What of it is emulated, in a sentence."""

    @property
    def ek_key(self) -> bytes | None:
        """SHA-256 of the SubjectPublicKeyInfo of the TPM's EK; None if this hypervisor vouches for no TPM."""

    def read_memory(self) -> None:
        """Let the root VM read the guest's memory, or raise HypercallRefusedError."""


class Endorser(Protocol):
    """Who vouches for TPMs and their attestation keys (RFC 9334: Endorser)."""

    maker: TpmMaker
    privacy_ca: PrivacyCa


class Network(Protocol):
    """Where a machine's ports are."""

    def listen(self, host: str, port: int, accept: Callable[[WireConnection], Endpoint], /) -> None:
        """Serve a port of `host` with endpoints that `accept` makes; replaces an earlier server."""


class CertificateAuthority(Protocol):
    """The public CA, or whoever answers in its place."""

    def certify(self, name: str, host: str, public_key: CertificateIssuerPublicKeyTypes) -> x509.Certificate:
        """Certify a key for `name` if `host` answers for it; NameNotValidatedError if not."""


class Fabric(Protocol):
    """What surrounds a machine: the network and the public CA."""

    @property
    def network(self) -> Network: ...

    @property
    def web_ca(self) -> CertificateAuthority: ...

    def connect(self, client: str, destination: str, port: int, make_end: Callable[[str], Endpoint]) -> None:
        """Open a connection, whose end `make_end` makes from its name; the trace learns where it really ends."""


class Provider(Protocol):
    """Alice's powers over her cloud; her own programs hold them."""

    def redirect(self, destination: str, port: int, *, to: str = "") -> Callable[[], None]:
        """Have connections to `destination` answered on her own machine, or on `to`; the returned function ends it."""

    def on_connection(self, destination: str, decide: Callable[[str, int, int], str]) -> Callable[[], None]:
        """Be asked about each new connection to `destination`; the returned function ends it.

        `decide(client, port, number)` returns the name of the machine that shall answer, or an empty text. CloudError
        between virtual machines, where the switch cannot wait for a program in one of them.
        """

    def disk_of(self, name: str) -> Mapping[str, Any]:
        """Read a machine's disk. What HyperSafe keeps in memory is not on it."""

    def search_memory(self, name: str, pattern: bytes, before: int = 0) -> list[bytes]:
        """Return what in a machine's memory matches, with `before` octets in front; CloudError if she may not look."""

    def root_tpm(self, name: str) -> TpmClient:
        """Return the root VM's own access to a machine's TPM: locality 0, behind the platform's gate."""

    def order_tpm(self, name: str, order: StandingOrder) -> Callable[[], None]:
        """Leave a standing order with a machine's root VM; the returned function takes it back."""

    def recording(self) -> list[TraceEvent]:
        """Return every frame that crossed her network so far."""

    def knowledge(self) -> Knowledge:
        """Return what she can read of what she recorded, with the keys she holds."""

    def own_secrets(self, name: str) -> list[TraceEvent]:
        """Return the secrets of that name that she holds herself."""

    def obtain_certificate(
        self, server_name: str, host: str, public_key: CertificateIssuerPublicKeyTypes
    ) -> x509.Certificate:
        """Have the public CA certify her own key for a name hosted with her, by answering its connection herself."""


class Machine(Protocol):
    """A rented machine, whatever its substrate. `Cloud.rent` makes it; its public calls may come from any thread."""

    name: str
    image: Image
    disk: dict[str, Any]
    platform: Platform

    @property
    def hypervisor(self) -> Hypervisor:
        """Who stands below its guest."""

    def start(
        self, *, references: ReferenceValues | str | None = None, pinned: Sequence[bytes] = (), provider: bool = False
    ) -> None:
        """Start the guest program.

        `references` are Bob's: values, or the file that he signed, which an image demands that names a `publisher`
        (ReferenceValuesError if it is not his); `pinned` are the EK digests (32 octets each) of the machines he
        rented; `provider` gives a program of Alice's her powers.
        """

    def stand_behind(self, ca: CertificateAuthority) -> None:
        """Have another CA answer when this machine's program asks for a certificate: its network's owner decides."""

    def control(self, verb: str, /, **arguments: Any) -> Any:  # noqa: ANN401 - the guest program's own types
        """Say something on the lab's control line: calls the program's function of that name with the guest.

        A real secure VM must not have such a line.
        """

    def understands(self, verb: str) -> bool:
        """Whether the guest program has such a control verb."""

    def wait(self) -> object:
        """Wait until the machine is ready; CloudError, with the console's last lines, if it does not get there."""

    def ask_to_stop(self) -> None:
        """Have the guest switch off by itself, and give it a few seconds for it; any thread but the cloud's."""

    def power_off(self) -> None:
        """End what is left of it, on the cloud's thread. Nothing new if it is off."""

    def close(self) -> None:
        """Power the machine off. Closing twice is harmless, and so is closing when the cloud is closed."""
