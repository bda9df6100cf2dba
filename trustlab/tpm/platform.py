"""One machine's platform: power, the DRTM launch, localities, and who may send what to the TPM.

The control channel never leaves this object. Setting the locality and sending the command happen under one lock, and
every client has a handle space of its own: else Alice at locality 0 could flush HyperSafe's keys, or have her
commands run at HyperSafe's locality.
"""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from trustlab.attest import EventLog, launch_event
from trustlab.octets import u16
from trustlab.tpm.client import TpmClient
from trustlab.tpm.command_channel import CommandChannel
from trustlab.tpm.command_queue import CommandQueue, P, R, Turn
from trustlab.tpm.commandlog import CommandLog
from trustlab.tpm.commands import CODES
from trustlab.tpm.errors import TpmDead, TpmError, TpmOff, TpmStartError
from trustlab.tpm.framing import command
from trustlab.tpm.gate import ALICE, OPEN, Gate
from trustlab.tpm.profile import DEVICE, DRTM, KeyProfile
from trustlab.tpm.resource_manager import ResourceManager
from trustlab.tpm.router import Router
from trustlab.tpm.swtpm import SavedState, Swtpm
from trustlab.tpm.transport import DEFAULT_TIMEOUT, Transport

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from trustlab.tpm.handles import HandleSpace
    from trustlab.tpm.latency import LatencyProfile
    from trustlab.tpm.ports import CommandGate, Loaded
    from trustlab.trace import Party, TraceEvent


SU_CLEAR = 0x0000
SU_STATE = 0x0001
GRACE = 5.0
"""Seconds beyond a command's own time-out that a caller waits for its turn."""


@dataclass(frozen=True)
class Snapshot:
    """A machine's TPM at one moment, with what the platform knew of it. Encrypted, and restorable here alone."""

    state: SavedState
    spaces: list[HandleSpace] = field(repr=False)
    event_log: EventLog = field(repr=False)


class Platform:
    """A machine as its TPM sees it. A context manager: powered on at entry, closed at exit.

    `tpm` is a new emulator unless given; `latency` imposes the slowness of hardware; `timeout` (seconds) bounds a
    command. A `gate` is asked before each command of a client.
    """

    def __init__(
        self,
        name: str,
        party: Party,
        *,
        tpm: Transport | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        latency: LatencyProfile | None = None,
        gate: CommandGate | None = None,
    ) -> None:
        self.name = name
        self.party = party
        self.event_log = EventLog()
        self.tpm: Transport = Swtpm() if tpm is None else tpm
        self._profile = DRTM if self.tpm.emulated else DEVICE
        self._channel = CommandChannel(self.tpm, CommandLog(party), timeout, latency)
        self._manager = ResourceManager(self._channel.own)
        self._queue = CommandQueue(name) if gate is None else CommandQueue(name, gate.now)
        self.router = Router(party, self._channel, self._manager, self, gate)
        self._clients: list[TpmClient] = []
        self._on = False

    def __repr__(self) -> str:
        return f"<Platform {self.name}, {'on' if self._on else 'off'}>"

    def __enter__(self) -> Self:
        self.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # power

    @property
    def on(self) -> bool:
        return self._on

    @property
    def emulated(self) -> bool:
        """Whether this TPM has a power switch, localities and a DRTM launch that a program can work."""
        return self.tpm.emulated

    @property
    def profile(self) -> KeyProfile:
        """Which PCRs and which locality the keys of this machine are bound to, unless told otherwise (`bind`)."""
        return self._profile

    def bind(self, profile: KeyProfile) -> None:
        """Say to which PCRs and which bank keys are bound from now on, and what is quoted."""
        self._profile = profile

    def power_on(self) -> None:
        """Start the TPM and send TPM2_Startup(CLEAR): static PCRs are zero, those of the DRTM all ones."""
        self._start(SU_CLEAR, "power on", f"The machine {self.name} gets power; its TPM starts.")

    def power_off(self, *, orderly: bool = True) -> None:
        """Take the power away, after TPM2_Shutdown(CLEAR) if `orderly`.

        What is in non-volatile memory stays; loaded keys, sessions and PCRs are gone.
        """
        self._stop(SU_CLEAR if orderly else None, "power off", f"The machine {self.name} loses power.")

    def suspend(self) -> None:
        """Sleep (ACPI S3): TPM2_Shutdown(STATE), then no power.

        Static PCRs survive, DRTM PCRs and loaded keys do not.
        """
        self._stop(SU_STATE, "suspend", f"The machine {self.name} goes to sleep; its TPM keeps the static PCRs.")

    def resume(self) -> None:
        """Wake up from `suspend`: TPM2_Startup(STATE), counted in restartCount. HyperSafe must be launched anew."""
        self._start(SU_STATE, "resume", f"The machine {self.name} wakes up; its TPM resumes.")

    def cycle(self) -> None:
        """Power off and on again; also revives a TPM that timed out or died."""
        self.power_off()
        self.power_on()

    def close(self) -> None:
        """Power off without ceremony and remove the TPM's state."""
        self._queue.close()
        with self.turn():
            for client in self._clients:
                client.close()
            self.power_off(orderly=False)
            self.tpm.close()

    def _start(self, startup: int, step: str, sentence: str) -> None:
        with self.turn():
            if self._on:
                return
            self.tpm.start()
            self._on = True
            self._channel.reset()
            if not self.emulated:  # the firmware has sent TPM2_Startup long ago
                self.party.emit("machine", "TPM opened", sentence=f"{self.name} opens a TPM that has power already.")
                return
            self.party.emit("machine", step, sentence=sentence)
            try:
                self._channel.succeed(command(CODES["Startup"], parameters=u16(startup)))
            except BaseException as error:
                self.power_off(orderly=False)
                if isinstance(error, TpmDead):
                    raise TpmStartError(f"the TPM of {self.name} did not start: {error}") from error
                raise

    def _stop(self, shutdown: int | None, step: str, sentence: str) -> None:
        with self.turn():
            if not self._on:
                return
            try:
                if not self.emulated:
                    self._manager.flush_all()
                elif shutdown is not None:
                    self._channel.succeed(command(CODES["Shutdown"], parameters=u16(shutdown)))
            except TpmDead as error:  # a dead TPM loses its power like any other
                self.party.emit("note", "TPM was dead", sentence=str(error))
            finally:
                self._on = False
                self._forget()
                self.event_log = EventLog()
                self.tpm.stop()
                if self.emulated:
                    self.party.emit("machine", step, sentence=sentence)

    def _forget(self) -> None:
        """Forget what the TPM has just forgotten: loaded objects and sessions."""
        self._manager.clear()
        for client in self._clients:
            client.forget()

    # snapshots

    def snapshot(self) -> Snapshot:
        """Save the running TPM as it is: PCRs, loaded keys, sessions, non-volatile memory."""
        with self.turn():
            saved = self._emulator().save()
            return Snapshot(saved, self._manager.save(), copy.deepcopy(self.event_log))

    def restore(self, snapshot: Snapshot) -> None:
        """Put the TPM back to a snapshot. A rollback that no hardware allows: it even takes back the counters."""
        with self.turn():
            emulator = self._emulator(powered=False)
            self._on = False
            self._forget()
            emulator.stop()
            emulator.start(snapshot.state)
            self._on = True
            self._channel.reset()
            self._manager.restore(snapshot.spaces)
            self.event_log = copy.deepcopy(snapshot.event_log)
            self.party.emit(
                "machine",
                "restore",
                sentence=f"The TPM of {self.name} is put back to an earlier state; hardware has no such rollback.",
            )

    def _emulator(self, *, powered: bool = True) -> Swtpm:
        tpm = self.powered() if powered else self.tpm
        if not isinstance(tpm, Swtpm):
            raise TpmError(f"{self.name}: only an emulated TPM can be saved and restored")
        return tpm

    # launch

    def launch(self, code: bytes, description: str = "HyperSafe") -> TraceEvent:
        """DRTM: the CPU resets PCR 17 to 22 and measures `code` into PCR 17 at locality 4, whatever ran before.

        Emulated: on hardware this is one instruction. The TPM would silently drop a loaded object to make room for
        the hash, so all loaded objects are swapped out first. A new event log begins.
        """
        with self.turn():
            tpm = self.powered()
            if not self.emulated:
                raise TpmError(f"{self.name}: a program cannot cause a DRTM launch of this TPM")
            self._manager.swap_all_out()
            tpm.launch(code)
            self._channel.reset()
            digest = hashlib.sha256(code).digest()
            self.event_log = EventLog()
            self.event_log.append(launch_event(digest, description))
            return self.party.emit(
                "machine",
                "DRTM launch",
                sentence=f"The CPU launches {description}, measured into PCR 17 at locality 4; PCR 18 to 22 are zero.",
                pcr=17,
                digest=digest.hex(),
                octets=len(code),
            )

    # clients

    def client(self, name: str, locality: int = 0, *, gate: Gate | None = None) -> TpmClient:
        """Return a new client with its own handle space.

        At locality 0 it stands behind the gate `ALICE` unless told otherwise. A TPM without localities has them all
        at 0.
        """
        if not 0 <= locality <= 3:
            raise ValueError("a client speaks at locality 0 to 3; 4 is the CPU's own")
        if gate is None:
            gate = ALICE if locality == 0 and self.emulated else OPEN
        client = TpmClient(self, self._manager.space(name), locality if self.emulated else 0, gate)
        self._clients.append(client)
        return client

    def lend(self, key: Loaded, *, owner: TpmClient, to: TpmClient) -> None:
        """Let `to` use a key that `owner` loaded, by the same handle; `owner` may still flush it."""
        with self.turn():
            self._manager.lend(key.handle, owner.space, to.space)

    def submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run `work` on this TPM's own thread, for callers that must not block; TpmBusy when its queue is full."""
        return self._queue.submit(work, *args, **kwargs)

    def turn(self) -> Turn:
        """Hold the TPM to the end of a `with`, for several commands of one thread in a row; TpmBusy."""
        return self._queue.take(self._channel.timeout + GRACE)

    def powered(self) -> Transport:
        """Return the TPM; TpmOff if the machine has no power."""
        if not self._on:
            raise TpmOff(f"the machine {self.name} has no power")
        return self.tpm


def launch_pcr(code: bytes) -> bytes:
    """Return what PCR 17 holds after a DRTM launch of `code`: SHA256(0^32 || SHA256(code))."""
    return hashlib.sha256(bytes(32) + hashlib.sha256(code).digest()).digest()
