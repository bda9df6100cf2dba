"""The emulated TPM: one `swtpm` process, its data and control sockets, its encrypted state.

The process is spoken to over two inherited socketpairs: no port, no path that anyone else could open, and it ends
when our end closes, which it also does when we are killed (`statedir` says what happens to the rest). The one for
commands keeps the borders between them (SOCK_SEQPACKET): swtpm takes what one read gives it for one command, and so
several can wait in it. The *control*
socket is the platform's alone: it is power, the CPU's locality signal and the DRTM launch. (On hardware the launch is
an instruction - SKINIT, GETSEC - and locality is wired to the chipset; here a Python object holds the socket.)
"""

from __future__ import annotations

import os
import shutil
import socket
import struct
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from trustlab.tpm.channel import Channel
from trustlab.tpm.errors import TpmDead, TpmError, TpmProtocolError, TpmStartError
from trustlab.tpm.framing import HEADER_SIZE
from trustlab.tpm.programs import find_program
from trustlab.tpm.statedir import new_state_directory
from trustlab.tpm.transport import CONTROL_TIMEOUT, DEFAULT_TIMEOUT, MAX_RESPONSE

if TYPE_CHECKING:
    from pathlib import Path

_CMD_INIT = 2
_CMD_SET_LOCALITY = 5
_CMD_HASH_START = 6
_CMD_HASH_DATA = 7
_CMD_HASH_END = 8
_CMD_GET_STATE = 12
_CMD_SET_STATE = 13
_HASH_CHUNK = 4096
_PERMANENT, _VOLATILE = 1, 2
_ENCRYPTED = 2


@dataclass(frozen=True)
class SavedState:
    """What an emulator's memory held: non-volatile and volatile state.

    Both still encrypted with that emulator's key.
    """

    permanent: bytes = field(repr=False)
    volatile: bytes = field(repr=False)


class Swtpm:
    """Owns one swtpm process and its state directory.

    `start`, `stop` (keeps the state, as hardware keeps its non-volatile memory) and `close` (removes it); a context
    manager does the first and the last. Not thread-safe: `Platform` holds the lock.
    """

    emulated = True
    queues = True

    def __init__(self, state: Path | None = None, *, state_key: bytes | None = None) -> None:
        self._given = state
        self._state: Path | None = None
        self._key = os.urandom(32) if state_key is None else state_key
        self._process: subprocess.Popen[bytes] | None = None
        self._data: Channel | None = None
        self._control: Channel | None = None
        self._failed = ""
        self.came = 0.0

    def __repr__(self) -> str:
        state = f"pid {self.pid}" if self.running else "off"
        return f"<Swtpm {state}>"

    @property
    def pid(self) -> int | None:
        """The process id while there is a process."""
        return self._process.pid if self._process else None

    @property
    def running(self) -> bool:
        """Whether the process is there and has not failed."""
        return self._process is not None and not self._failed and self._process.poll() is None

    def fileno(self) -> int:
        """Return the data socket's descriptor; TpmDead when there is none."""
        if self._data is None:
            raise TpmDead("the TPM process is not running")
        return self._data.fileno()

    @property
    def state(self) -> Path:
        """The state directory; made at first use."""
        if self._state is None:
            self._state = self._given or new_state_directory()
        return self._state

    def start(self, saved: SavedState | None = None) -> Self:
        """Start the process; it waits for TPM2_Startup, unless it goes on from a `saved` state.

        TpmNotInstalled, TpmStartError.
        """
        if self._process is not None:
            raise TpmStartError("this TPM is running already")
        data, their_data = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        control, their_control = socket.socketpair()
        reading, writing = os.pipe()
        try:
            os.write(writing, self._key)
            line = self._command_line(their_data.fileno(), their_control.fileno(), reading)
            line += [] if saved else ["--flags", "not-need-init"]
            self._process = subprocess.Popen(
                line,
                pass_fds=(their_data.fileno(), their_control.fileno(), reading),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for us; we stop our TPMs in order
            )
        except BaseException as error:
            data.close()
            control.close()
            if isinstance(error, OSError):
                raise TpmStartError(f"cannot start swtpm: {error}") from error
            raise
        finally:
            their_data.close()
            their_control.close()
            os.close(reading)
            os.close(writing)
        self._failed = ""
        self._data, self._control = (Channel(end, self._fail, self._last_words) for end in (data, control))
        if saved is not None:
            self._load(saved)
        return self

    def _command_line(self, data: int, control: int, key: int) -> list[str]:
        return [
            find_program("swtpm"),
            "socket",
            "--tpm2",
            "--fd",
            str(data),
            "--ctrl",
            f"type=unixio,clientfd={control}",
            "--tpmstate",
            f"dir={self.state},mode=0600",
            "--key",
            f"fd={key},mode=aes-256-cbc,format=binary",
        ]

    def send(self, command: bytes, timeout: float = DEFAULT_TIMEOUT, *, behind: bool = False) -> None:
        """Write one command; `receive` reads its response, due within `timeout` seconds from now.

        With `behind`, others may still wait for their responses.
        """
        self._channel(self._data).ask(command, "a command", timeout, behind=behind)

    def receive(self, timeout: float = DEFAULT_TIMEOUT) -> bytes:  # noqa: ARG002 - the clock runs since `send`
        """Read one whole response; TpmTimeout and TpmDead take the TPM out of service."""
        channel = self._channel(self._data)
        response = channel.read(HEADER_SIZE, MAX_RESPONSE)
        size = int.from_bytes(response[2:6], "big")
        if not len(response) <= size <= MAX_RESPONSE:
            raise self._fail(TpmProtocolError(f"the TPM's response header announces {size} octets"))
        if len(response) < size:
            response += channel.read(size - len(response), size - len(response))
        channel.answered()
        self.came = channel.came
        return response

    def _channel(self, channel: Channel | None) -> Channel:
        if channel is None or self._failed:
            raise TpmDead(self._failed or "the TPM process is not running")
        return channel

    def transmit(self, command: bytes, timeout: float = DEFAULT_TIMEOUT) -> bytes:
        """Send one command and return its response."""
        self.send(command, timeout)
        return self.receive(timeout)

    def set_locality(self, locality: int, timeout: float = CONTROL_TIMEOUT) -> None:
        """Say at which locality (0 to 4) the commands that follow arrive."""
        if not 0 <= locality <= 4:
            raise ValueError(f"{locality} is not a locality: there are 0 to 4")
        self._order(struct.pack(">IB", _CMD_SET_LOCALITY, locality), "set locality", timeout)

    def launch(self, code: bytes) -> None:
        """DRTM: reset PCR 17-22 and measure `code` into PCR 17, as the CPU does it (PC Client PTP, _TPM_Hash_*)."""
        self._order(struct.pack(">I", _CMD_HASH_START), "_TPM_Hash_Start")
        for start in range(0, len(code), _HASH_CHUNK):
            chunk = code[start : start + _HASH_CHUNK]
            self._order(struct.pack(">II", _CMD_HASH_DATA, len(chunk)) + chunk, "_TPM_Hash_Data")
        self._order(struct.pack(">I", _CMD_HASH_END), "_TPM_Hash_End")

    def save(self) -> SavedState:
        """Return the state of the running TPM, encrypted; it goes on undisturbed."""
        return SavedState(self._get_state(_PERMANENT), self._get_state(_VOLATILE))

    def _get_state(self, kind: int) -> bytes:
        """Ask for one state blob, which comes in pieces: result, flags, total length, length, octets."""
        channel = self._channel(self._control)
        blob = b""
        while True:
            self._ask(struct.pack(">IIII", _CMD_GET_STATE, 0, kind, len(blob)), "get state")
            _, total, length = struct.unpack(">III", channel.read(12, 12))
            blob += channel.read(length, length)
            channel.answered()
            if len(blob) >= total:
                return blob
            if not length:
                raise self._fail(TpmProtocolError(f"the TPM's state ended after {len(blob)} of {total} octets"))

    def _load(self, saved: SavedState) -> None:
        """Give a process that was just started its state, then let it go on where the state was taken."""
        try:
            for kind, blob in ((_PERMANENT, saved.permanent), (_VOLATILE, saved.volatile)):
                order = struct.pack(">IIII", _CMD_SET_STATE, _ENCRYPTED, kind, len(blob)) + blob
                self._order(order, "set state")
            self._order(struct.pack(">II", _CMD_INIT, 0), "init")
        except TpmError:
            self.stop()
            raise

    def _order(self, order: bytes, name: str, timeout: float = CONTROL_TIMEOUT) -> None:
        """Send one order down the control channel whose answer is its result and nothing else."""
        self._ask(order, name, timeout)
        self._channel(self._control).answered()

    def _ask(self, order: bytes, name: str, timeout: float = CONTROL_TIMEOUT) -> None:
        """Send one order down the control channel and read its four-octet result, which must be zero."""
        channel = self._channel(self._control)
        channel.ask(order, name, timeout)
        result = channel.read(4, 4)
        if result != bytes(4):
            channel.answered()
            raise TpmProtocolError(f"the TPM refused '{name}' with {result.hex()}")

    def _fail(self, error: TpmError) -> TpmError:
        """After a lost or late answer nothing on the socket can be trusted: end the process, keep the reason."""
        self._failed = str(error)
        if self._process is not None:
            self._process.kill()
        return error

    def _last_words(self) -> str:
        """Return what the process wrote to its standard error before it ended."""
        if self._process is None or self._process.stderr is None:
            return "no process"
        try:
            status = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return "it closed its socket"
        said = self._process.stderr.read(4096).decode(errors="replace").strip()
        return f"exit status {status}{': ' + said if said else ''}"

    def stop(self) -> None:
        """End the process and wait for it; the state stays for the next `start`."""
        process, self._process = self._process, None
        for end in (self._data, self._control):
            if end is not None:
                end.close()
        self._data = self._control = None
        if process is None:
            return
        try:
            process.wait(2)  # it ends by itself when its data socket closes
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stderr is not None:
            process.stderr.close()

    def close(self) -> None:
        """Stop, and remove the state (unless the directory was the caller's)."""
        self.stop()
        if self._state is not None and self._given is None:
            shutil.rmtree(self._state, ignore_errors=True)
        self._state = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()
