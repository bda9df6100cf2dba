"""The server of `trustlab s_server`: each connection in a thread, their ladders one after the other."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console

from trustlab import tls
from trustlab.capture import keylog
from trustlab.cli.tls_talk import IDLE, Echo, StatusPage, converse
from trustlab.inspector import TerminalLadder
from trustlab.passage import TlsEndpoint
from trustlab.trace import Trace, Value, private

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from pathlib import Path

AT_ONCE = 64
"""How many connections a server keeps at a time."""
PAUSE = 0.1
"""How long a server waits before it accepts again after accepting has failed, in seconds."""


@dataclass
class Service:
    """Serves connections, each in a thread of its own; their ladders are printed one after the other."""

    engine: Callable[[], tls.Server]
    echo: bool
    keylogfile: Path | None
    quiet: bool
    _printing: threading.Lock = field(default_factory=threading.Lock)
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))

    def run(self, listener: socket.socket, count: int) -> None:
        """Accept `count` connections (0: forever) and serve them to their end."""
        served = 0
        threads: list[threading.Thread] = []
        while not count or served < count:
            self._places.acquire()
            try:
                sock, _ = listener.accept()
            except OSError as error:  # the client has gone already, or no descriptors are left for now
                self._tell(f"connection lost: {error}")
                self._places.release()
                time.sleep(PAUSE)
                continue
            served += 1
            thread = threading.Thread(target=self._one, args=(sock,), daemon=True)
            thread.start()
            threads = [t for t in threads if t.is_alive()] + [thread]
        for thread in threads:
            thread.join()

    def _one(self, sock: socket.socket) -> None:
        """Serve a connection; whatever a client does, the server goes on."""
        engine = self.engine()
        end = TlsEndpoint(engine, Echo() if self.echo else StatusPage(engine))
        trace = Trace("s_server", "tcp")
        if not self.quiet or self.keylogfile is not None:
            end.observer = tls.TraceObserver(trace.party("server"), "c", role="server")
        shown = self.quiet
        try:
            with sock:
                sock.settimeout(IDLE)
                shown |= self._live(trace, sock, end)
            ended = f"connection ended: {end.error}" if end.error is not None else ""
        except Exception as error:  # noqa: BLE001 - it is printed, and the next client is served
            ended = f"connection failed: {error}"
        finally:
            self._places.release()
        self._tell(ended, None if shown else trace)
        with self._printing:
            keep_keys(trace, self.keylogfile)

    def _live(self, trace: Trace, sock: socket.socket, end: TlsEndpoint) -> bool:
        """Serve a connection to its end; print its ladder live if no other one is being printed; return whether."""
        live = not self.quiet and self._printing.acquire(blocking=False)
        try:
            with ladder(trace, quiet=not live):
                announce(trace, sock, "server", "client")
                converse(sock, end, stdin=False)
        finally:
            if live:
                self._printing.release()
        return live

    def _tell(self, sentence: str, trace: Trace | None = None) -> None:
        """Print a ladder that was not printed live, and a sentence."""
        with self._printing:
            with ladder(trace or Trace("", "tcp"), quiet=trace is None):
                pass
            if sentence:
                Console(stderr=True, highlight=False).print(sentence, markup=False)


def announce(trace: Trace, sock: socket.socket, own: str, other: str) -> None:
    """Write the addresses of both ends of the TCP connection into the trace."""
    ends = {own: _address(sock.getsockname()), other: _address(sock.getpeername())}
    data: dict[str, Value] = {"from": "client", "to": "server", "src": ends["client"], "dst": ends["server"]}
    trace.append(own, "connection", "TCP", connection="c", direction="client", data=data)


def _address(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def ladder(trace: Trace, *, quiet: bool) -> contextlib.AbstractContextManager[object]:
    """Return a context that prints the ladder of a trace to standard error, or nothing."""
    if quiet:
        return contextlib.nullcontext()
    printed = TerminalLadder(Console(stderr=True, highlight=False), lifelines=("client", "server"))
    printed.attach(trace)
    return printed


def keep_keys(trace: Trace, path: Path | None) -> None:
    """Append the secrets of a trace to a key log, if one was asked for."""
    if path is not None:
        with open(path, "a", encoding="ascii", opener=private) as file:
            file.write(keylog(trace))
