"""A machine of a lab folder's world, as a `passage.Policy`: it makes the ends of passages over TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from trustlab.attest import NOTHING
from trustlab.cloud.channels import Channels, RelyingParty
from trustlab.cloud.errors import CloudError
from trustlab.cloud.firmware import PROVES, FirmwareSystem, makers_in
from trustlab.cloud.firmware_log import read_firmware_log
from trustlab.cloud.hypersafe import HyperSafe
from trustlab.cloud.identity import Identity
from trustlab.cloud.world import SERVER_NAME
from trustlab.passage import TlsEndpoint, placement_of
from trustlab.tpm import DeviceTpm, Platform

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Self

    from trustlab.attest import AppraisalPolicy, Memory, ReferenceValues, Revocations
    from trustlab.cloud.image import Image
    from trustlab.cloud.world import TpmKind, World
    from trustlab.passage import Application, Design, RateLimiter
    from trustlab.trace import Party, Value
    from trustlab.wire import Endpoint

EMULATOR = "swtpm"


def kind_of(tpm: str) -> TpmKind:
    """Return what stands behind a TPM's name: `swtpm`, or `device:PATH`."""
    return "swtpm" if tpm == EMULATOR else "device"


class Station:
    """A booted machine in a world. `tpm` is `swtpm`, an emulator of its own, or `device:/dev/tpmrm0`.

    With an emulator it is launched by DRTM and its image is measured; with a device there is no such launch, and its
    evidence is about its firmware (`cloud.firmware`); `makers` is then a PEM file with the certificates of TPM makers
    that are to be believed about its EK, `bank` the bank of its PCRs (by default the first that it keeps), `event_log`
    a file with its firmware's log (by default the one that Linux has). `policy` is what this machine demands of
    the other, in place of what its measured configuration says; what a file leaves out stays as that says. `memory`
    remembers what was accepted. `notes` are sentences for whoever started it.
    """

    def __init__(  # noqa: PLR0913 - options
        self,
        world: World,
        design: Design,
        image: Image,
        references: ReferenceValues,
        party: Party,
        *,
        tpm: str = EMULATOR,
        makers: Path | None = None,
        bank: str | None = None,
        event_log: Path | None = None,
        policy: AppraisalPolicy | Path | None = None,
        memory: Memory | None = None,
        revocations: Revocations = NOTHING,
    ) -> None:
        place = placement_of(design)
        if not place.one_channel or place.seals:
            raise CloudError(f"the design {design.name} has no single attested channel: choose another")
        device = None if kind_of(tpm) == "swtpm" else DeviceTpm.from_name(tpm)
        self.notes: tuple[str, ...] = ()
        self._world = world
        self._party = party
        self._own = RelyingParty(policy, memory, revocations)
        self._design = design
        self._identity: Identity | None = None
        self.platform = Platform(image.name, party, tpm=device)
        try:
            self.platform.power_on()
            self._system: HyperSafe | FirmwareSystem = (
                HyperSafe(self.platform, image, world.endorsers)
                if device is None
                else self._firmware(device, makers, bank, event_log)
            )
        except BaseException:
            self.platform.close()
            raise
        self._image = image
        self._references = references
        self._channels = self._make_channels()

    def _make_channels(self) -> Channels:
        """Make them anew where the lab has noted firmware since: the first device may begin after its peer."""
        if not self._references.pcrs:
            pcrs = self._world.references().pcrs
            self._references = msgspec.structs.replace(self._references, pcrs=pcrs)
        return Channels(
            self._design,
            self._image.configuration,
            party=self._party,
            attester=self._system,
            references=self._references,
            pinned=(),
            own=self._own,
        )

    def _firmware(
        self, device: DeviceTpm, makers: Path | None, bank: str | None, event_log: Path | None
    ) -> FirmwareSystem:
        believed = makers_in(makers) if makers is not None else None
        read = read_firmware_log(device.path, event_log)
        system = FirmwareSystem(self.platform, self._world.endorsers, believed, log=read.log, bank=bank)
        noted = self._world.note_firmware(system.values, system.bank)
        self.notes = tuple(filter(None, (PROVES, system.vouched, noted, read.note, system.log_note)))
        return system

    def certify(self, name: str) -> None:
        """Have the TPM make this machine's TLS key, and the lab's web CA certify it."""
        decrypts = self._design.tls == "1.2" and name == SERVER_NAME
        kind: Literal["rsa-decrypt", "ecdsa"] = "rsa-decrypt" if decrypts else "ecdsa"
        key = (
            self._system.make_key(kind, origin="tcb", disk={})
            if isinstance(self._system, HyperSafe)
            else self._system.make_key(kind)
        )
        self._identity = Identity(self._world.web_ca.issue([name], key.public_key), key)

    def server_end(
        self, application: Application, connection: str, peer: str, *, limiter: RateLimiter | None = None
    ) -> TlsEndpoint:
        """Make a server's end; CloudError before `certify`."""
        identity = self.check_server()
        self._announce(connection)
        if not self._references.pcrs and self._image.configuration.get("peer_tpm") == "device":
            self._channels = self._make_channels()
        return _ours(self._channels.server(identity, application, connection, peer, limiter=limiter))

    def check_server(self) -> Identity:
        """Return what a server shows; CloudError before `certify`, RenewalError if it cannot keep its policy."""
        if self._identity is None:
            raise CloudError("a server needs a certified key first: call certify(name)")
        self._channels.check("server")
        return self._identity

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
        raise CloudError("this design does not use our TLS engine, so it has no passage over TCP")
    return end
