"""A lab folder: what two shells on one machine must share to meet in one world.

The TPM maker, the privacy CA, the web CA and their private keys lie in it in clear: it is a lab, and nobody outside
it trusts them. Each shell boots its own machine, with a TPM of its own, and gets its certificates from the same
authorities.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from trustlab.attest import ReferenceValues
from trustlab.cloud.authority import Authority
from trustlab.cloud.channels import Channels
from trustlab.cloud.errors import CloudError
from trustlab.cloud.hypersafe import CODE, LAUNCH_POLICY, HyperSafe
from trustlab.cloud.identity import Identity
from trustlab.cloud.image import Image
from trustlab.cloud.makers import Endorsers
from trustlab.passage import TlsEndpoint
from trustlab.tpm import Platform

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from trustlab.passage import Application, Design
    from trustlab.trace import Party, Value
    from trustlab.wire import Endpoint

SERVER_NAME = "bank.example"
FILES = ("tpm-maker.pem", "privacy-ca.pem", "web-ca.pem")


class World:
    """The authorities of a lab folder; minted at first use, read afterwards."""

    def __init__(self, folder: Path) -> None:
        kept = [(folder / name).read_bytes() if (folder / name).exists() else None for name in FILES]
        try:
            self.endorsers = Endorsers(maker=kept[0], privacy_ca=kept[1])
            self.web_ca = Authority("trustlab web CA", kept=kept[2])
        except ValueError as error:
            raise CloudError(f"{folder} holds no lab of ours ({error}): name another folder, or remove it") from error
        if None in kept:
            folder.mkdir(parents=True, exist_ok=True)
            keys = (self.endorsers.maker.keep(), self.endorsers.privacy_ca.keep(), self.web_ca.keep())
            for name, key in zip(FILES, keys, strict=True):
                path = folder / name
                path.touch(mode=0o600)
                path.write_bytes(key)

    def image(self, name: str, peer: str, module: str, design: Design) -> Image:
        """Return the image of one of the two machines; both shells compute the same."""
        privacy_root = self.endorsers.privacy_ca.root.public_bytes(serialization.Encoding.PEM).decode()
        configuration = {
            "design": design.name,
            "server_name": SERVER_NAME,
            "peer_image": peer,
            "web_root": self.web_ca.root_pem,
            "privacy_root": privacy_root,
        }
        return Image.of(name, module, configuration)

    @staticmethod
    def references(*images: Image) -> ReferenceValues:
        """Return Bob's reference values for these images."""
        return ReferenceValues(
            version=1,
            hypersafe={hashlib.sha256(CODE).digest(): "HyperSafe"},
            launch_policies={hashlib.sha256(LAUNCH_POLICY).digest(): "one secure VM"},
            images={image.digest: image.name for image in images},
        )


class Station:
    """A booted machine in a world, as a `passage.Policy`: it makes the ends of passages over TCP."""

    def __init__(self, world: World, design: Design, image: Image, references: ReferenceValues, party: Party) -> None:
        if design.when in ("never", "before"):
            raise CloudError(f"the design {design.name} has no single attested channel: choose another")
        self.platform = Platform(image.name, party)
        self.platform.power_on()
        self._world = world
        self._party = party
        self._design = design
        self._identity: Identity | None = None
        try:
            self._hypersafe = HyperSafe(self.platform, image, world.endorsers)
        except BaseException:
            self.platform.close()
            raise
        self._channels = Channels(
            design, image.configuration, party=party, attester=self._hypersafe, references=references, pinned=()
        )

    def certify(self, name: str) -> None:
        """Have HyperSafe make this machine's TLS key, and the lab's web CA certify it."""
        key = self._hypersafe.make_key(
            "rsa-decrypt" if self._design.tls == "1.2" and name == SERVER_NAME else "ecdsa", origin="tcb", disk={}
        )
        self._identity = Identity(self._world.web_ca.issue([name], key.public_key), key)

    def server_end(self, application: Application, connection: str, peer: str) -> TlsEndpoint:
        """Make a server's end; CloudError before `certify`."""
        if self._identity is None:
            raise CloudError("a server needs a certified key first")
        self._announce(connection)
        return _ours(self._channels.server(self._identity, application, connection, peer))

    def client_end(self, application: Application, connection: str, peer: str) -> TlsEndpoint:
        """Make a client's end, to a server that must be called `bank.example`."""
        self._announce(connection)
        return _ours(self._channels.client(SERVER_NAME, self._identity, application, connection, peer))

    def _announce(self, connection: str) -> None:
        """Tell the trace who is meant to stand at the ends, though only one of them is seen here."""
        ends: dict[str, Value] = {"from": "teller", "to": "bank", "dst": connection}
        self._party.emit("connection", "TCP", connection=connection, direction="client", data=ends)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.platform.close()


def _ours(end: Endpoint) -> TlsEndpoint:
    if not isinstance(end, TlsEndpoint):
        raise CloudError("this design runs on another stack than ours: it has no passage over TCP")
    return end
