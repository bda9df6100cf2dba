"""What a handshake asks of its connection, as Protocols.

The handshakes of both roles and versions meet their connection only through these shapes; `Client` and `Server` stand
behind them. So whoever reads `Client13` need not know how octets become messages, and no module imports in a circle.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections import deque

    from trustlab.tls.config import ClientConfig, Config, ServerConfig
    from trustlab.tls.events import Request
    from trustlab.tls.facts import HandshakeFacts
    from trustlab.tls.messages import AnyMessage
    from trustlab.tls.messages.base import Context
    from trustlab.tls.records import HandshakeJoiner, RecordLayer
    from trustlab.tls.registry import CipherSuite, Version
    from trustlab.tls.states import State
    from trustlab.tls.transcript import Transcript

Step = Callable[[Any], None]
"""One thing this side has to do: a function of a handshake's class, such as `Client13.send_finished`.

It is not a bound method: the connection calls it with the handshake that it has at that time, so that the plan of a
copied connection can never reach into the original.
"""
OnAnswer = Callable[[Any, Any], None]
"""What happens with the answer to a request: a function of a handshake's class, called with handshake and answer."""


class HandshakeConnection(Protocol):
    """A connection as its handshake sees it."""

    version: Version | None
    cipher_suite: CipherSuite | None
    context: Context
    state: State
    facts: HandshakeFacts
    peer_certificates: tuple[bytes, ...]
    server_name: str
    alpn: str
    extended_master_secret: bool
    handshake_complete: bool
    compatibility_ccs_sent: bool
    transcript: Transcript
    records: RecordLayer
    joiner: HandshakeJoiner
    plan: deque[Step]

    @property
    def config(self) -> Config:
        """What this side was told before it began."""

    @property
    def closed(self) -> bool:
        """Whether this side has sent close_notify, or the connection has ended."""

    def ask(self, request: Request, then: OnAnswer) -> None:
        """Put a request to the program; its answer goes to `then`."""

    def emit(self, message: AnyMessage) -> None:
        """Send a message of the handshake, after `MessageReady` if the program asked for that."""

    def put(self, message: AnyMessage, raw: bytes, *, plain: bool = False) -> None:
        """Write a message into records of its own, past the state table."""

    def flush(self) -> None:
        """Write the handshake messages that wait for others to share a record with."""

    def secret(self, name: str, value: bytes, *inputs: str) -> None:
        """Report a secret, and the names of what it was made from."""

    def complete(self) -> None:
        """Tell that the handshake is done."""

    def is_expected(self, kind: int) -> bool:
        """Whether a handshake message of this type may come now."""

    def unexpected_type(self, kind: int) -> Exception:
        """Return the alert for a handshake type that has no place in this state."""

    def check_end_of_flight(self) -> None:
        """Refuse handshake octets after the last message of a flight."""

    def count_compatibility_ccs(self) -> None:
        """Note a ChangeCipherSpec that is dropped; refuse one too many."""

    def warn_no_renegotiation(self) -> None:
        """Refuse a new handshake without ending the connection."""


class ClientConnection(HandshakeConnection, Protocol):
    """The client's end."""

    @property
    def config(self) -> ClientConfig:
        """What the client was told before it began."""


class ServerConnection(HandshakeConnection, Protocol):
    """The server's end."""

    @property
    def config(self) -> ServerConfig:
        """What the server was told before it began."""
