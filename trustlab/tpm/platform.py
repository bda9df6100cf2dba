"""One machine's platform: power, the DRTM launch, localities, and who may send what to the TPM.

The control channel never leaves this object. Setting the locality and sending the command happen under one lock, and
every client has a handle space of its own: else Alice at locality 0 could flush HyperSafe's keys, or have her
commands run at HyperSafe's locality.
"""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, Protocol, Self, TypeVar

from trustlab.attest import EventLog, launch_event
from trustlab.tpm.client import TpmClient
from trustlab.tpm.commandlog import CommandLog
from trustlab.tpm.commands import CODES, COMMANDS, command_name
from trustlab.tpm.errors import GateRefused, TpmBusy, TpmDead, TpmError, TpmOff, TpmResponseError, TpmStartError
from trustlab.tpm.gate import ALICE, OPEN, Gate
from trustlab.tpm.handles import LoadedObject, Use, VirtualHandles, check_owned
from trustlab.tpm.marshal import HEADER_SIZE, command, header, parameters_of, response_handle, u16, u32
from trustlab.tpm.responses import RC_OBJECT_MEMORY
from trustlab.tpm.swtpm import CONTROL_TIMEOUT, DEFAULT_TIMEOUT, Swtpm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustlab.tpm.keys import LoadedKey
    from trustlab.trace import Event, Party

P = ParamSpec("P")
R = TypeVar("R")

SU_CLEAR = 0x0000
SU_STATE = 0x0001
MAX_WAITING = 64
"""More callers than this never wait for one TPM: the next is told TpmBusy."""

GRACE = 5.0
"""Seconds beyond a command's own time-out that a caller waits for its turn."""

_PLATFORM = "platform"
_SAVE, _LOAD, _FLUSH = CODES["ContextSave"], CODES["ContextLoad"], CODES["FlushContext"]


class Transport(Protocol):
    """What carries octets to a TPM: `Swtpm`, or a device file that knows no locality and no launch."""

    @property
    def locality_aware(self) -> bool:
        """Whether `set_locality` and `launch` mean anything here."""

    def start(self) -> Self:
        """Give the TPM power, or open the device."""

    def send(self, command: bytes, timeout: float) -> None:
        """Send one command."""

    def receive(self, timeout: float) -> bytes:
        """Receive one response."""

    def set_locality(self, locality: int, timeout: float) -> None:
        """Set the locality of what follows."""

    def launch(self, code: bytes) -> None:
        """Run the DRTM sequence over `code`."""

    def stop(self) -> None:
        """Take the power away; non-volatile state stays."""

    def close(self) -> None:
        """Stop, and leave nothing behind."""


class Platform:
    """A machine as its TPM sees it. A context manager: powered on at entry, closed at exit."""

    def __init__(
        self, name: str, party: Party, *, tpm: Transport | None = None, timeout: float = DEFAULT_TIMEOUT
    ) -> None:
        self.name = name
        self.party = party
        self.timeout = timeout
        self.event_log = EventLog()
        self.tpm: Transport = Swtpm() if tpm is None else tpm
        self._log = CommandLog(party)
        self._lock = threading.RLock()
        self._waiting = threading.BoundedSemaphore(MAX_WAITING)
        self._starting = threading.Lock()
        self._worker: ThreadPoolExecutor | None = None
        self._queue = threading.BoundedSemaphore(MAX_WAITING)
        self._clients: list[TpmClient] = []
        self._virtual = VirtualHandles()
        self._locality: int | None = None
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
        """Whether the TPM has power."""
        return self._on

    @property
    def locality_aware(self) -> bool:
        """Whether this TPM has localities and a DRTM launch (an emulated one has)."""
        return self.tpm.locality_aware

    def power_on(self) -> None:
        """Start the TPM and send TPM2_Startup(CLEAR): static PCRs are zero, those of the DRTM all ones."""
        with self._turn():
            if self._on:
                return
            self.tpm.start()
            self._on, self._locality = True, None
            self.party.emit("machine", "power on", sentence=f"The machine {self.name} gets power; its TPM starts.")
            try:
                self._own(command(CODES["Startup"], parameters=u16(SU_CLEAR)))
            except BaseException as error:
                self.power_off(orderly=False)
                if isinstance(error, TpmDead):
                    raise TpmStartError(f"the TPM of {self.name} did not start: {error}") from error
                raise

    def power_off(self, *, orderly: bool = True) -> None:
        """Take the power away, after TPM2_Shutdown(CLEAR) if `orderly`.

        Keys in NV stay, loaded ones and PCRs are gone.
        """
        with self._turn():
            if not self._on:
                return
            try:
                if orderly:
                    self._own(command(CODES["Shutdown"], parameters=u16(SU_CLEAR)))
            except TpmDead as error:  # a dead TPM loses its power like any other
                self.party.emit("note", "TPM was dead", sentence=str(error))
            finally:
                self._forget_everything()
                self.tpm.stop()
                self.party.emit("machine", "power off", sentence=f"The machine {self.name} loses power.")

    def cycle(self) -> None:
        """Power off and on again; also revives a TPM that timed out or died."""
        self.power_off()
        self.power_on()

    def close(self) -> None:
        """Power off without ceremony and remove the TPM's state."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.shutdown(cancel_futures=True)
        with self._turn():
            for client in self._clients:
                client.close()
            if self._on:
                self.power_off(orderly=False)
            self.tpm.close()

    def _forget_everything(self) -> None:
        self._on, self._locality = False, None
        for client in self._clients:
            client.space.clear()
        self.event_log = EventLog()

    # launch

    def launch(self, code: bytes, description: str = "HyperSafe") -> Event:
        """DRTM: the CPU resets PCR 17 to 22 and measures `code` into PCR 17 at locality 4, whatever ran before.

        Emulated: on hardware this is one instruction. The TPM would silently drop a loaded object to make room for
        the hash, so all loaded objects are swapped out first. A new event log begins.
        """
        with self._turn():
            tpm = self._powered()
            if not tpm.locality_aware:
                raise TpmError(f"{self.name}: this TPM has no DRTM launch that a program could cause")
            for client in self._clients:
                for item in client.space.objects.values():
                    self._swap_out(item)
            tpm.launch(code)
            self._locality = None
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

        At locality 0 it stands behind the gate `ALICE` unless told otherwise.
        """
        if not 0 <= locality <= 3:
            raise ValueError("a client speaks at locality 0 to 3; 4 is the CPU's own")
        if gate is None:
            gate = ALICE if locality == 0 and self.locality_aware else OPEN
        client = TpmClient(self, name, locality, gate)
        self._clients.append(client)
        return client

    def lend(self, key: LoadedKey, *, owner: TpmClient, to: TpmClient) -> None:
        """Let `to` use a key that `owner` loaded, by the same handle; `owner` may still flush it."""
        handle = key.handle
        with self._turn():
            item = owner.space.objects.get(handle)
            if item is None:
                raise GateRefused("foreign handle", "lend", owner.name, f"{handle:#010x} is not one of its own")
            to.space.objects[handle] = item

    def submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run `work` on this TPM's own thread, for callers that must not block; TpmBusy when its queue is full."""
        if not self._queue.acquire(blocking=False):
            raise TpmBusy(f"{MAX_WAITING} pieces of work wait for the TPM of {self.name} already")
        with self._starting:
            if self._worker is None:
                self._worker = ThreadPoolExecutor(1, thread_name_prefix=f"tpm-{self.name}")
            future = self._worker.submit(work, *args, **kwargs)
        future.add_done_callback(lambda _: self._queue.release())
        return future

    # commands

    def execute(self, client: TpmClient, octets: bytes, timeout: float | None = None) -> bytes:
        """Send one command of `client` at its locality and return the response, in the client's own handles."""
        tag, _, code = header(octets)
        with self._turn():
            self._powered()
            try:
                client.gate.check(code, client.name)
                used = check_owned(client.space, octets, tag, code)
            except GateRefused as error:
                self._record_refusal(client, octets, error)
                raise
            response = self._with_slots(client, octets, used, timeout)
            if response[6:10] == bytes(4):
                response = self._account(client, code, used, response)
            return response

    def _with_slots(self, client: TpmClient, octets: bytes, used: list[Use], timeout: float | None) -> bytes:
        """Send; when the TPM has no free slot, swap out the object that was used longest ago, and send again."""
        while True:
            keep = self._swap_in(client, used)
            real = bytearray(octets)
            for use in used:
                item = client.space.objects.get(use.handle)
                if item is not None and item.real is not None:
                    real[use.position : use.position + 4] = u32(item.real)
            response = self._exchange(bytes(real), client.name, client.locality, timeout)
            if response[6:10] != u32(RC_OBJECT_MEMORY) or not self._make_room(keep):
                return response

    def _swap_in(self, client: TpmClient, used: list[Use]) -> list[LoadedObject]:
        wanted = [client.space.objects[use.handle] for use in used if use.handle in client.space.objects]
        for item in wanted:
            self._virtual.touch(item)
            while item.real is None:
                response = self._exchange(command(_LOAD, parameters=item.context), _PLATFORM, 0, None)
                rc = header(response)[2]
                if rc == 0:
                    item.real, item.context = response_handle(response), b""
                elif rc != RC_OBJECT_MEMORY or not self._make_room(wanted):
                    raise TpmResponseError(command_name(_LOAD), rc)
        return wanted

    def _make_room(self, keep: list[LoadedObject]) -> bool:
        loaded = {id(o): o for c in self._clients for o in c.space.objects.values() if o.real is not None}
        idle = [item for item in loaded.values() if not any(item is kept for kept in keep)]
        if not idle:
            return False
        self._swap_out(min(idle, key=lambda item: item.used))
        return True

    def _swap_out(self, item: LoadedObject) -> None:
        if item.real is None:
            return
        item.context = parameters_of(self._own(command(_SAVE, (item.real,)))).rest()
        self._own(command(_FLUSH, parameters=u32(item.real)))
        item.real = None

    def _account(self, client: TpmClient, code: int, used: list[Use], response: bytes) -> bytes:
        """Keep the books after a success: new handles get an owner, ended ones are forgotten."""
        for use in used:
            if use.ends:
                self._forget(client, use.handle)
        row = COMMANDS.get(code)
        if row is None or not row.answer_handle:
            return response
        real = response_handle(response)
        if real >> 24 != 0x80:
            client.space.sessions.add(real)
            return response
        for other in self._clients:  # a slot given out anew: whatever we thought was in it is gone
            for handle in [h for h, o in other.space.objects.items() if o.real == real]:
                other.space.forget(handle)
        item = self._virtual.new(real)
        client.space.objects[item.virtual] = item
        return response[:HEADER_SIZE] + u32(item.virtual) + response[HEADER_SIZE + 4 :]

    def _forget(self, client: TpmClient, handle: int) -> None:
        """Forget a flushed object, also for those to whom it was lent."""
        for other in self._clients if handle in client.space.objects else [client]:
            other.space.forget(handle)

    def _own(self, octets: bytes) -> bytes:
        """Send a command of the platform itself; TpmResponseError if it fails."""
        response = self._exchange(octets, _PLATFORM, 0, None)
        rc = header(response)[2]
        if rc:
            raise TpmResponseError(command_name(header(octets)[2]), rc)
        return response

    def _exchange(self, octets: bytes, client: str, locality: int, timeout: float | None) -> bytes:
        """One command, one response, both in the log. The command is logged while the TPM is at work on it."""
        tpm = self._powered()
        bound = self.timeout if timeout is None else timeout
        if tpm.locality_aware and locality != self._locality:
            tpm.set_locality(locality, min(bound, CONTROL_TIMEOUT))
            self._locality = locality
        began = time.perf_counter()
        tpm.send(octets, bound)
        logged = self._log.command(octets, client, locality)
        response = tpm.receive(bound)
        elapsed = (time.perf_counter() - began) * 1e3
        self._log.response(response, logged, client, elapsed)
        return response

    def _record_refusal(self, client: TpmClient, octets: bytes, error: GateRefused) -> None:
        self.party.emit(
            "machine",
            "gate refused",
            sentence=str(error),
            gate=error.gate,
            command=error.command,
            client=client.name,
            octets=octets.hex() if len(octets) <= 64 else f"{octets[:64].hex()}…",
        )

    def _powered(self) -> Transport:
        if not self._on:
            raise TpmOff(f"the machine {self.name} has no power")
        return self.tpm

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for our turn at the TPM: in bounded number, and for a bounded time."""
        if not self._waiting.acquire(blocking=False):
            raise TpmBusy(f"{MAX_WAITING} callers wait for the TPM of {self.name} already")
        try:
            if not self._lock.acquire(timeout=self.timeout + GRACE):
                raise TpmBusy(f"the TPM of {self.name} has been busy for {self.timeout + GRACE:g} s")
            try:
                yield
            finally:
                self._lock.release()
        finally:
            self._waiting.release()


def launch_pcr(code: bytes) -> bytes:
    """Return what PCR 17 holds after a DRTM launch of `code`: SHA256(0^32 || SHA256(code))."""
    return hashlib.sha256(bytes(32) + hashlib.sha256(code).digest()).digest()
