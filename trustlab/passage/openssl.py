"""`plain-tls` with a widely deployed TLS library: OpenSSL through Python's `ssl`, over memory BIOs.

It speaks TLS 1.2 with RSA key exchange, and the cipher suite of 2011: TLS_RSA_WITH_AES_128_GCM_SHA256 (RFC 5288).
OpenSSL writes its master secrets to a key log; this end reads them there and emits `secret` events for its party.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.tls.names import normal_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.passage.application import Application
    from trustlab.trace import Emitter

CIPHER = "AES128-GCM-SHA256"
CHUNK = 65_536


def _context(purpose: int, keylog: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(purpose)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHER)
    context.options |= ssl.OP_NO_TICKET
    context.keylog_filename = str(keylog)
    return context


def _private_file(owner: object) -> Path:
    """Return an empty file that is removed together with its owner.

    OpenSSL takes secrets by path only. On Linux the file is in memory, has no name in any folder, and ends with the
    process; on other systems it is a file in a private folder.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("trustlab-openssl")
        weakref.finalize(owner, os.close, descriptor)
        return Path(f"/proc/self/fd/{descriptor}")
    folder = tempfile.mkdtemp(prefix="trustlab-openssl-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    path = Path(folder) / "file"
    path.touch(mode=0o600)
    return path


class OpenSslEndpoint:
    """One end of a plain TLS 1.2 channel by OpenSSL; `wire.Endpoint` says how a wire drives it."""

    half_close = False
    """Without effect: TLS 1.2 closes both directions at once."""

    def __init__(self, application: Application, *, party: Emitter, connection: str) -> None:
        self.application = application
        self.error: Exception | None = None
        self._party = party
        self._connection = connection
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._keylog = _private_file(self)
        self._keys_told = 0
        self._unsaid = b""
        self._unread = b""
        self._connected = self._over = False
        self._tls: ssl.SSLObject

    @classmethod
    def client(
        cls,
        application: Application,
        *,
        party: Emitter,
        connection: str,
        server_name: str,
        roots_pem: str,
        check: bool = True,
    ) -> OpenSslEndpoint:
        """Make the client's end; it checks the server's certificate and name unless `check` is False."""
        end = cls(application, party=party, connection=connection)
        context = _context(ssl.PROTOCOL_TLS_CLIENT, end._keylog)
        context.load_verify_locations(cadata=roots_pem)
        if not check:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        end._tls = context.wrap_bio(end._incoming, end._outgoing, server_hostname=normal_name(server_name))
        return end

    @classmethod
    def server(
        cls, application: Application, *, party: Emitter, connection: str, chain_pem: Sequence[str], key_pem: str
    ) -> OpenSslEndpoint:
        """Make the server's end with a certificate chain (leaf first) and its private key in PEM."""
        end = cls(application, party=party, connection=connection)
        context = _context(ssl.PROTOCOL_TLS_SERVER, end._keylog)
        deployed = _private_file(end)
        deployed.write_text("".join(chain_pem) + key_pem)
        context.load_cert_chain(deployed)
        deployed.write_text("")
        end._tls = context.wrap_bio(end._incoming, end._outgoing, server_side=True)
        return end

    @property
    def closed(self) -> bool:
        """Whether this end has nothing more to send and wants its side of the stream closed."""
        return self._over

    @property
    def waits_for(self) -> str:
        """What this end waits for and how much of it is here, in words; empty when it is over."""
        if self._over:
            return ""
        what = "application data" if self._connected else "the handshake's next message"
        return f"{what}: {tls.unfinished_record(self._unread) if self._unread else 'no octet of it is here'}"

    def receive(self, data: bytes) -> None:
        """Take octets from the stream."""
        self._follow(data)
        self._incoming.write(data)
        self._pump()

    def eof_received(self) -> None:
        """Learn that the peer closed the stream."""
        self._incoming.write_eof()
        self._pump()

    def data_to_send(self) -> bytes:
        """Return octets for the stream."""
        self._pump()
        return self._outgoing.read()

    def write(self, data: bytes) -> None:
        """Send application data from outside, as a relay does; it is kept until the handshake is over."""
        if not self._connected:
            self._unsaid += data
        elif data and not self._over:
            self._tls.write(data)

    def close(self) -> None:
        """Send close_notify, once."""
        if not self._over:
            self._finish(None)

    def _follow(self, data: bytes) -> None:
        """Keep the octets of an incomplete record for `waits_for`: OpenSSL has them too, but does not tell."""
        try:
            _, self._unread = tls.split_records(self._unread + data)
        except tls.Alert:  # not a record: OpenSSL will report that
            self._unread = b""

    def _pump(self) -> None:
        if self._over:
            return
        try:
            if not self._connected:
                self._tls.do_handshake()
                self._connected = True
                self._tell_keys()
                self._say(self.application.connected() + self._unsaid)
            while not self._over and (data := self._tls.read(CHUNK)):
                self._say(self.application.received(data))
            self._finish(None)
        except ssl.SSLWantReadError:
            self._tell_keys()
        except ssl.SSLZeroReturnError as error:
            self._finish(None if self._connected else error)
        except ssl.SSLError as error:
            self._finish(error)

    def _say(self, data: bytes) -> None:
        if data:
            self._tls.write(data)
        if self.application.finished:
            self._finish(None)

    def _finish(self, error: Exception | None) -> None:
        if self._over:
            return
        self._over = True
        self.error = error
        if self._connected and error is None:
            with contextlib.suppress(
                ssl.SSLError
            ):  # unwrap writes close_notify, then complains that the peer's is not here
                self._tls.unwrap()
        self._tell_keys()
        self.application.closed(error)

    def _tell_keys(self) -> None:
        """Emit what OpenSSL has newly written into its key log (NSS format: label, client_random, secret)."""
        lines = self._keylog.read_text().splitlines()
        for line in lines[self._keys_told :]:
            if line.startswith("CLIENT_RANDOM "):
                _, client_random, secret = line.split()
                self._party.secret(
                    "master_secret",
                    bytes.fromhex(secret),
                    connection=self._connection,
                    label="CLIENT_RANDOM",
                    client_random=client_random,
                )
        self._keys_told = len(lines)
