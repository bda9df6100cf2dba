"""A lab's authorities over the network: two hosts share certificates, not a folder of private keys.

The service answers one JSON line with one JSON line, on TLS 1.3 under a root that is handed over beforehand. It does
what the folder's files did: the simulated TPM maker certifies emulators' EKs, the privacy CAs challenge and certify
AKs, the web CA certifies TLS keys. Private keys stay where they are. As in the lab, the maker certifies any EK of an
emulator, and the web CA any name under `.example`: whoever reaches the service is a member of the lab.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import tempfile
import threading
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
)

from trustlab.attest import AttestError
from trustlab.cloud.authority import Authority
from trustlab.cloud.errors import CloudError
from trustlab.cloud.makers import Endorsers
from trustlab.cloud.world import World
from trustlab.octets import read_file
from trustlab.tpm import EnrolmentRefused, PrivacyCa, TpmMaker
from trustlab.tpm.credential import Credential
from trustlab.tpm.privacyca import Challenge

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPublicKeyTypes

MAX_LINE = 1 << 16
SECONDS = 15.0
"""How long one request may take."""
AT_ONCE = 32
LAB_NAMES = ".example"


class CaService:
    """Answers requests for a world's authorities."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._places = threading.BoundedSemaphore(AT_ONCE)

    def context(self, names: Sequence[str]) -> ssl.SSLContext:
        """Return the TLS side: a fresh key, certified by the lab's web CA for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._world.web_ca.issue(names, key.public_key())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        with tempfile.NamedTemporaryFile() as file:  # only its owner can read it; `ssl` takes no octets
            file.write(pem + certificate.public_bytes(Encoding.PEM))
            file.flush()
            context.load_cert_chain(file.name)
        return context

    def run(self, listener: socket.socket, context: ssl.SSLContext) -> None:
        """Serve until the listener is closed."""
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if not self._places.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._one, args=(connection, context), daemon=True).start()

    def _one(self, connection: socket.socket, context: ssl.SSLContext) -> None:
        try:
            connection.settimeout(SECONDS)
            with (
                connection,
                context.wrap_socket(connection, server_side=True) as secured,
                secured.makefile("rwb") as file,
            ):
                line = file.readline(MAX_LINE)
                if line:
                    file.write(json.dumps(self.answer(line)).encode() + b"\n")
                    file.flush()
        except (OSError, ValueError):
            pass  # the client has gone, or speaks no TLS under our root
        finally:
            self._places.release()

    def answer(self, line: bytes) -> dict[str, Any]:
        """Return the answer to one request; a refusal is an answer too."""
        try:
            asked = json.loads(line)
            return self._answer(asked)
        except EnrolmentRefused as refused:
            return {"refused": refused.check, "sentence": refused.sentence}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError, AttestError):
            return {"error": "the request is not one that this service knows, or a field of it is wrong"}

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        ours = self._world.endorsers
        ca = ours.device_ca if asked.get("ca") == "device" else ours.privacy_ca
        match asked["ask"]:
            case "roots":
                return {
                    "maker": ours.maker.root_pem,
                    "privacy": ours.privacy_ca.root_pem,
                    "device": ours.device_ca.root_pem,
                    "web": self._world.web_ca.root_pem,
                }
            case "ek":
                model = "device" if asked.get("model") == "device" else "swtpm"
                return {"certificate": ours.maker.certify(bytes.fromhex(asked["public"]), model=model).hex()}
            case "challenge":
                made = ca.challenge(bytes.fromhex(asked["ek"]), bytes.fromhex(asked["ak"]))
                blob, secret = made.credential.blob, made.credential.secret
                return {"number": str(made.number), "blob": blob.hex(), "secret": secret.hex()}
            case "issue":
                return {"certificate": ca.issue(int(asked["number"]), bytes.fromhex(asked["answer"])).hex()}
            case "web":
                return {"certificate": self._web(asked["names"], bytes.fromhex(asked["key"])).hex()}
        raise ValueError("no such request")

    def _web(self, names: list[str], key: bytes) -> bytes:
        if not names or not all(isinstance(name, str) and name.endswith(LAB_NAMES) for name in names):
            raise EnrolmentRefused("name", f"this CA certifies names that end in {LAB_NAMES}, and no others")
        public: Any = load_der_public_key(key)
        return self._world.web_ca.issue(names, public).public_bytes(Encoding.DER)


class CaClient:
    """Asks a `CaService`; CloudError if it cannot be reached, is not under the root, or answers nonsense."""

    def __init__(self, host: str, port: int, root: Path) -> None:
        self._address = host, port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            self._context.load_verify_locations(cadata=read_file(root).decode("ascii"))
        except (OSError, ValueError) as error:
            raise CloudError(f"{root} does not hold the root certificate of a `trustlab ca` in PEM") from error

    def ask(self, what: str, **fields: object) -> dict[str, Any]:
        """Send one request; EnrolmentRefused if the CA refuses."""
        host, port = self._address
        line = json.dumps({"ask": what, **fields}).encode() + b"\n"
        try:
            with (
                socket.create_connection(self._address, SECONDS) as connection,
                self._context.wrap_socket(connection, server_hostname=host) as secured,
                secured.makefile("rwb") as file,
            ):
                file.write(line)
                file.flush()
                answered = json.loads(file.readline(MAX_LINE))
        except ssl.SSLCertVerificationError as error:
            why = "its certificate is not under the root that you gave with --root, or not for this name"
            raise CloudError(f"the CA at {host}, port {port}: {why}") from error
        except (OSError, ValueError) as error:
            raise CloudError(
                f"the CA at {host}, port {port}, does not answer: is `trustlab ca` running there?"
            ) from error
        if not isinstance(answered, dict) or "error" in answered:
            raise CloudError(f"the CA at {host}, port {port}, did not understand this program: run one version on both")
        if "refused" in answered:
            raise EnrolmentRefused(str(answered["refused"]), str(answered.get("sentence", "")))
        return answered

    def octets(self, what: str, field: str, **fields: object) -> bytes:
        """Ask for octets."""
        answered = self.ask(what, **fields)
        with contextlib.suppress(KeyError, TypeError, ValueError):
            return bytes.fromhex(answered[field])
        raise CloudError(f"the CA's answer to {what!r} has no {field}")


class RemoteMaker(TpmMaker):
    """The lab's TPM maker, elsewhere."""

    def __init__(self, client: CaClient, root: x509.Certificate) -> None:
        self.name, self.root, self._client = "Trusted Chips Ltd (simulated)", root, client

    def certify(self, ek_public: bytes, *, model: str = "swtpm", version: str = "id:00000007") -> bytes:  # noqa: ARG002 - the service knows its TPMs
        """Return the EK certificate."""
        return self._client.octets("ek", "certificate", public=ek_public.hex(), model=model)

    def keep(self) -> bytes:
        raise _elsewhere()


class RemotePrivacyCa(PrivacyCa):
    """A privacy CA of the lab, elsewhere. `ak_policies` is what it says to the trace; the service judges by its own."""

    def __init__(self, client: CaClient, which: str, root: x509.Certificate, like: PrivacyCa) -> None:
        self.name, self.root, self.ak_policies = like.name, root, like.ak_policies
        self._client, self._which = client, which

    def challenge(self, ek_certificate: bytes, ak_public: bytes) -> Challenge:
        """Have the CA check both and make a credential."""
        made = self._client.ask("challenge", ca=self._which, ek=ek_certificate.hex(), ak=ak_public.hex())
        try:
            credential = Credential(bytes.fromhex(made["blob"]), bytes.fromhex(made["secret"]))
            return Challenge(int(made["number"]), credential)
        except (KeyError, TypeError, ValueError) as error:
            raise CloudError("the CA's challenge cannot be read") from error

    def issue(self, number: int, answer: bytes) -> bytes:
        """Return the AK certificate."""
        return self._client.octets("issue", "certificate", ca=self._which, number=str(number), answer=answer.hex())

    def keep(self) -> bytes:
        raise _elsewhere()


class RemoteAuthority(Authority):
    """The lab's web CA, elsewhere."""

    def __init__(self, client: CaClient, root: x509.Certificate) -> None:
        self.root, self._client = root, client

    def issue(self, names: Sequence[str], public_key: CertificateIssuerPublicKeyTypes) -> x509.Certificate:
        """Return a certificate for these names and this key."""
        key = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return x509.load_der_x509_certificate(
            self._client.octets("web", "certificate", names=list(names), key=key.hex())
        )

    def keep(self) -> bytes:
        raise _elsewhere()


def _elsewhere() -> CloudError:
    return CloudError("the CA's key is on another host, and this needs it: use --ek-roots where the lab's folder is")


class RemoteWorld(World):
    """A world whose authorities answer at `host`, `port`; the folder keeps only what this host itself has noted."""

    def __init__(self, folder: Path, host: str, port: int, root: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        client = CaClient(host, port, root)
        roots = client.ask("roots")
        try:
            found = {name: x509.load_pem_x509_certificate(str(roots[name]).encode()) for name in ROOTS}
        except (KeyError, ValueError) as error:
            raise CloudError("the CA's roots cannot be read") from error
        ours = Endorsers()
        ours.maker = RemoteMaker(client, found["maker"])
        ours.privacy_ca = RemotePrivacyCa(client, "privacy", found["privacy"], ours.privacy_ca)
        ours.device_ca = RemotePrivacyCa(client, "device", found["device"], ours.device_ca)
        self.endorsers = ours
        self.web_ca = RemoteAuthority(client, found["web"])

    @property
    def publisher(self) -> ec.EllipticCurvePrivateKey:
        """Bob's key is where the lab is."""
        raise CloudError("Bob's key is on the host of `trustlab ca`: give his public key with --publisher")


ROOTS = ("maker", "privacy", "device", "web")
