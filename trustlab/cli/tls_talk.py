"""What `trustlab s_server` and `s_client` do on a socket: move octets, answer, and close it in order."""

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

from trustlab import tls

if TYPE_CHECKING:
    from trustlab.passage import TlsEndpoint

CHUNK = 65_536
LINGER = 2.0
"""Seconds of silence after which a side closes that has nothing left to send and does not wait for close_notify."""
LONGEST_LINGER = 30.0
"""Seconds after which it closes even if the peer still sends."""
IDLE = 30.0
"""Seconds of silence after which a side gives its peer up."""
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


class Echo:
    """Sends everything back."""

    finished = False

    def connected(self) -> bytes:
        return b""

    def received(self, data: bytes) -> bytes:
        return data

    def closed(self, error: Exception | None) -> None: ...


class Pipe(Echo):
    """Writes whatever arrives to standard output."""

    def received(self, data: bytes) -> bytes:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return b""


class StatusPage(Echo):
    """Answers an HTTP request with a page that says what was negotiated, as `openssl s_server -www` does."""

    def __init__(self, engine: tls.Server) -> None:
        self._engine = engine
        self._request = b""

    def received(self, data: bytes) -> bytes:
        """Answer once the request's blank line has arrived; lines may end in LF alone (RFC 9112 2.2)."""
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
    """Move octets between socket, engine and standard input until the channel is over, then close the stream.

    If standard input is read, its end is sent as close_notify in TLS 1.3, and the peer is read until its own. In TLS
    1.2 that would cut the answer off (RFC 5246 7.2.1): there a side closes after a while of silence.
    """
    with selectors.SelectSelector() as waiting:
        _Conversation(sock, end, waiting, stdin=stdin).run()


class _Conversation:
    """The loop of `converse`, with its state."""

    def __init__(self, sock: socket.socket, end: TlsEndpoint, waiting: selectors.BaseSelector, *, stdin: bool) -> None:
        self._sock = sock
        self._end = end
        self._engine = end.connection
        self._waiting = waiting
        self._stdin = stdin
        self._asking = False
        end.half_close = stdin
        waiting.register(sock, selectors.EVENT_READ)

    @property
    def _hears_out(self) -> bool:
        """Whether this side sends close_notify first and then waits for the peer's."""
        return self._end.half_close and self._engine.version == tls.Version.TLS13

    def run(self) -> None:
        """Go on until the channel is over, or both sides are silent."""
        said_all = False
        while _flush(self._sock, self._end):
            if self._engine.closed and not said_all:
                _end_stream(self._sock)
            said_all = self._engine.closed
            if self._stdin and self._engine.handshake_complete and not self._asking:
                self._waiting.register(sys.stdin, selectors.EVENT_READ)
                self._asking = True
            ready = self._waiting.select(self._patience)
            if not ready and said_all:
                if self._hears_out:
                    self._end.eof_received()  # reports that the peer's close_notify is missing
                return
            if not ready:
                self._end.close()
            for key, _ in ready:
                if key.fileobj is self._sock:
                    _read(self._sock, self._end)
                else:
                    self._read_stdin()
            if self._engine.peer_closed:
                self._end.close()
        _linger(self._sock)

    @property
    def _patience(self) -> float:
        """How many seconds of silence from the peer are allowed."""
        nothing_to_say = self._engine.closed or (self._asking and not self._stdin)
        return LINGER if nothing_to_say and not self._hears_out else IDLE

    def _read_stdin(self) -> None:
        data = os.read(sys.stdin.fileno(), CHUNK)
        if data and not self._engine.closed:
            self._end.write(data)
        elif not data:
            self._waiting.unregister(sys.stdin)
            self._stdin = False
            if self._hears_out:
                self._end.close()


def _flush(sock: socket.socket, end: TlsEndpoint) -> bool:
    """Send what there is to send; return False when the channel is over."""
    try:
        sock.sendall(end.data_to_send())
    except (BrokenPipeError, ConnectionResetError):
        pass  # the peer no longer reads, but what it sent before can still be read
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
    """End this side of the stream and go on reading for a while.

    Closing a socket with unread octets resets the connection, and the peer may lose the alert that was just sent.
    """
    last = time.monotonic() + LONGEST_LINGER
    _end_stream(sock)
    with contextlib.suppress(OSError):
        sock.settimeout(LINGER)
        while sock.recv(CHUNK) and time.monotonic() < last:
            pass
