"""What `trustlab s_server` and `s_client` do on a socket: carry octets, answer, and let go of it in order."""

from __future__ import annotations

import contextlib
import html
import os
import re
import selectors
import socket
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab import tls
    from trustlab.passage import TlsEndpoint

CHUNK = 65_536
LINGER = 2.0
"""Seconds of silence after which a side that has nothing left to say goes."""
LONGEST_LINGER = 30.0
"""Seconds after which it goes whatever the peer still says."""
IDLE = 30.0
"""Seconds after which a peer that says nothing is given up."""
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class Echo:
    """Says everything back."""

    finished = False

    def connected(self) -> bytes:
        """Wait."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Say it back."""
        return data

    def closed(self, error: Exception | None) -> None:
        """Nothing is left to do."""


class Pipe(Echo):
    """Prints what comes to standard output."""

    def received(self, data: bytes) -> bytes:
        """Print it."""
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return b""


class StatusPage(Echo):
    """Answers an HTTP request with what was negotiated, as `openssl s_server -www` does."""

    def __init__(self, engine: tls.Server) -> None:
        self._engine = engine
        self._request = b""

    def received(self, data: bytes) -> bytes:
        """Answer once the request's blank line is here; lines may end in LF alone (RFC 9112 2.2)."""
        if self.finished:
            return b""
        request, self._request = self._request + data, (self._request + data)[-3:]
        if not _BLANK_LINE.search(request):
            return b""
        rows = {
            "version": self._engine.version.title if self._engine.version else "",
            "cipher suite": getattr(self._engine.cipher_suite, "name", str(self._engine.cipher_suite)),
            "server name": self._engine.server_name or "none sent",
            "ALPN": self._engine.alpn or "none",
            "client certificates": str(len(self._engine.peer_certificates)),
        }
        table = "".join(f"<tr><th>{k}</th><td>{html.escape(str(v))}</td></tr>" for k, v in rows.items())
        page = f"<!doctype html><title>trustlab s_server</title><h1>It works</h1><table>{table}</table>\n".encode()
        self.finished = True
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close\r\n\r\n"
        return head.encode() + page


def converse(sock: socket.socket, end: TlsEndpoint, *, stdin: bool) -> None:
    """Move octets between socket, engine and standard input until the channel is over, then let go of the stream."""
    with selectors.SelectSelector() as waiting:
        waiting.register(sock, selectors.EVENT_READ)
        asking = said_all = False
        while _flush(sock, end):
            if end.connection.closed and not said_all:
                _end_stream(sock)
            if stdin and end.connection.handshake_complete and not asking:
                waiting.register(sys.stdin, selectors.EVENT_READ)
                asking = True
            said_all = end.connection.closed
            ready = waiting.select(LINGER if said_all or (asking and not stdin) else IDLE)
            if not ready and end.connection.closed:
                return
            if not ready:
                end.close()
            for key, _ in ready:
                if key.fileobj is sock:
                    _read(sock, end)
                elif data := os.read(sys.stdin.fileno(), CHUNK):
                    end.write(data)
                else:
                    waiting.unregister(sys.stdin)
                    stdin = False
    _linger(sock)


def _flush(sock: socket.socket, end: TlsEndpoint) -> bool:
    """Send what there is to send; False when the channel is over."""
    try:
        sock.sendall(end.data_to_send())
    except (BrokenPipeError, ConnectionResetError):
        pass  # the peer hears nothing any more; what it said before is still to be read
    except OSError:
        end.eof_received()
    return not end.closed


def _end_stream(sock: socket.socket) -> None:
    """Send a FIN: nothing follows close_notify."""
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)


def _read(sock: socket.socket, end: TlsEndpoint) -> None:
    try:
        data = sock.recv(CHUNK)
    except OSError:
        data = b""
    if data:
        end.receive(data)
    else:
        end.eof_received()


def _linger(sock: socket.socket) -> None:
    """End this side of the stream and read on for a while.

    A socket closed over unread octets resets the connection, and the peer may lose the alert that was just sent.
    """
    last = time.monotonic() + LONGEST_LINGER
    _end_stream(sock)
    with contextlib.suppress(OSError):
        sock.settimeout(LINGER)
        while sock.recv(CHUNK) and time.monotonic() < last:
            pass
