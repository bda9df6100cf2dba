"""Connections between command-line programs of others (`openssl`, GnuTLS), recorded in between as frames."""

from __future__ import annotations

import contextlib
import functools
import re
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Self

from openssl_ends import Identity

from trustlab.capture import decode_frames, decode_pcapng
from trustlab.trace import Trace
from trustlab.wire import CapturedFrame, Host, TcpConversation, write_capture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

CLIENT, SERVER = Host("client", "02:00:00:00:00:02", "10.0.0.2"), Host("server", "02:00:00:00:00:03", "10.0.0.3")
PATIENCE = 20.0


class Program:
    """A running program whose output is collected; it ends with the block that it is opened for."""

    def __init__(self, command: Sequence[str]) -> None:
        self.output = b""
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()

    def _collect(self) -> None:
        assert self._process.stdout
        while chunk := self._process.stdout.read1(65536):
            self.output += chunk

    def say(self, text: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def await_output(self, text: str) -> None:
        wait_for(lambda: text.encode() in self.output, lambda: f"{text!r} in {self.output.decode(errors='replace')}")

    def await_end(self) -> None:
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def wait_for(condition: Callable[[], bool], what: Callable[[], str]) -> None:
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, what()
        time.sleep(0.01)


class Tap:
    """A relay in front of a server that writes each chunk down as frames, in the order in which it came."""

    def __init__(self, port: int) -> None:
        self._trace = Trace()
        self._conversation = TcpConversation(self._trace.party("network"), "c", CLIENT, SERVER, 50000, 443)
        self._conversation.open()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._server_port = port
        self._threads = [threading.Thread(target=self._run, daemon=True)]
        self._threads[0].start()

    def _run(self) -> None:
        with self._listener, contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
                back = threading.Thread(target=self._copy, args=(server, client, "server"), daemon=True)
                back.start()
                self._copy(client, server, "client")
                back.join()

    def _copy(self, source: socket.socket, sink: socket.socket, direction: str) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                with self._lock:
                    self._conversation.data("client" if direction == "client" else "server", chunk)
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)

    def frames(self) -> list[bytes]:
        """Return the frames, once both ends have hung up."""
        self._threads[0].join(PATIENCE)
        return [event.raw for event in self._trace.select("frame")]


def same_in_both(packets: Sequence[CapturedFrame], keylog: str, folder: Path) -> Trace:
    """Decode frames as they are and as a capture, see that both give the same, and return it."""
    inside = write_capture(folder / "inside.pcapng", packets, keylog=keylog)
    beside = write_capture(folder / "beside.pcapng", packets)
    traces = [decode_frames(packets, keylog=keylog), decode_pcapng(inside), decode_pcapng(beside, keylog=keylog)]
    told = [
        [
            (e.party, e.kind, e.name, e.raw, e.spans, e.connection, e.direction, e.offset, e.links, e.data)
            for e in trace
            if e.kind != "note"
        ]
        for trace in traces
    ]
    assert told[0] == told[1] == told[2]
    assert len({len(trace.select("note")) for trace in traces}) == 1
    return traces[0]


@functools.cache
def _identity() -> Identity:
    return Identity()


class Site:
    """A folder with an identity, a key log and the sessions of programs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pem = folder / "identity.pem"
        self.pem.write_bytes(_identity().pem)
        self.keys = folder / "keys"

    @property
    def keylog(self) -> str:
        return self.keys.read_text() if self.keys.exists() else ""

    def decoded(self, frames: list[bytes], *without: str) -> Trace:
        """Decode frames with the key log, `without` the lines of some labels."""
        lines = [line for line in self.keylog.splitlines() if line.split(" ")[0] not in without]
        packets = [CapturedFrame(number / 4, raw) for number, raw in enumerate(frames)]
        return same_in_both(packets, "\n".join(lines), self.folder)

    def tshark_reads(self, frames: list[bytes]) -> list[bytes]:
        """Return the application data that tshark decrypts with the key log inside a capture."""
        packets = [CapturedFrame(number / 4, raw) for number, raw in enumerate(frames)]
        path = write_capture(self.folder / "capture.pcapng", packets, keylog=self.keylog)
        command = ["tshark", "-r", str(path), "-d", "tcp.port==443,tls", "-q", "-z", "follow,tls,raw,0"]
        told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return [bytes.fromhex(line) for line in re.findall(r"^\t?([0-9a-f]+)$", told, re.MULTILINE)]

    @contextlib.contextmanager
    def openssl_server(self, *options: str) -> Iterator[tuple[Program, int]]:
        command = ["openssl", "s_server", "-accept", "127.0.0.1:0", "-cert", str(self.pem), *options]
        with Program(command) as server:
            server.await_output("ACCEPT 127.0.0.1:")
            wait_for(lambda: b"\n" in server.output.partition(b"ACCEPT 127.0.0.1:")[2], lambda: "a port")
            yield server, int(server.output.partition(b"ACCEPT 127.0.0.1:")[2].split()[0])

    def openssl_client(self, port: int, *options: str) -> Program:
        command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-keylogfile", str(self.keys), *options]
        return Program(command)

    def talk(self, server: Sequence[str], client: Sequence[str], lines: Sequence[str] = ("hello bank",)) -> list[bytes]:
        """Let `openssl s_client` say lines to `openssl s_server`, each once the one before arrived.

        The client's command `R` renegotiates, and so does `r`, which is said to the server.
        """
        with self.openssl_server(*server) as (bank, port):
            tap = Tap(port)
            with self.openssl_client(tap.port, *client) as teller:
                for line in lines:
                    if line in {"R", "r"}:
                        self._renegotiate(bank if line == "r" else teller, line)
                    else:
                        teller.say(f"{line}\n")
                        bank.await_output(line)
                teller.await_end()
            return tap.frames()

    def _renegotiate(self, end: Program, command: str) -> None:
        secrets = self.keylog.count("CLIENT_RANDOM ")
        end.say(f"{command}\n")
        wait_for(lambda: self.keylog.count("CLIENT_RANDOM ") > secrets, lambda: "a second master secret")

    def session(self, port: int, *client: str) -> Path:
        """Make a session with a server of TLS 1.3 and return the file that holds its ticket."""
        path = self.folder / "session"
        with self.openssl_client(port, "-sess_out", str(path), *client) as teller:
            wait_for(lambda: path.exists() and path.stat().st_size > 0, lambda: f"a ticket: {teller.output.decode()}")
            teller.await_end()
        return path

    def resume(self, bank: Program, port: int, session: Path, early: str, line: str, *client: str) -> list[bytes]:
        """Resume a session with early data, say a line behind it, and return the frames."""
        data = self.folder / "early"
        data.write_text(early)
        tap = Tap(port)
        with self.openssl_client(tap.port, "-sess_in", str(session), "-early_data", str(data), *client) as teller:
            teller.say(f"{line}\n")
            bank.await_output(line)
            teller.await_end()
        return tap.frames()
