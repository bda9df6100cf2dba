"""Resumption of TLS 1.2 sessions by their ids (RFC 5246 7.3), which the engine itself does not do.

A client that resumes shows no certificate and no Evidence: both ends take the master secret of an earlier connection.
No honest end of the lab does so, and the engine never imports this module. It is here for the attack that lives on it
(`resumption-splice`), for test suites (`trustlab s_server --resume`), and to be held against other implementations.

    ServerHello with the id of the session, server's ChangeCipherSpec and Finished, then the client's

`ResumingClient` and `ResumingServer` are the engine's ends with another handshake for TLS 1.2, whose table has the
edges for this order too. A session belongs to its server name (RFC 6066 3), and is resumed only with the cipher suite
and the kind of master secret that it was made with (RFC 5246 7.4.1.2, RFC 7627 5.3).
"""

from __future__ import annotations

from collections import UserDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from trustlab.tls.alerts import HandshakeFailure, IllegalParameter
from trustlab.tls.client import Client
from trustlab.tls.client12 import Client12
from trustlab.tls.handshake12 import Handshake12
from trustlab.tls.registry import ExtensionType
from trustlab.tls.server import Server
from trustlab.tls.server12 import Server12
from trustlab.tls.states import CLIENT12, SERVER12, State

if TYPE_CHECKING:
    from trustlab.tls.config import ClientConfig, ServerConfig
    from trustlab.tls.extensions import Extension
    from trustlab.tls.messages import ClientHello, Finished, ServerHello

RESUMING_CLIENT12 = CLIENT12.wider(
    "client, TLS 1.2, with resumption",
    [
        (State.EXPECT_SERVER_HELLO, "receive ServerHello", (State.EXPECT_CHANGE_CIPHER_SPEC,)),
        (State.EXPECT_FINISHED, "receive Finished", (State.SEND_CHANGE_CIPHER_SPEC,)),
        (State.SEND_FINISHED, "send Finished", (State.CONNECTED,)),
    ],
)
RESUMING_SERVER12 = SERVER12.wider(
    "server, TLS 1.2, with resumption",
    [
        (State.SEND_SERVER_HELLO, "send ServerHello", (State.SEND_CHANGE_CIPHER_SPEC,)),
        (State.SEND_FINISHED, "send Finished", (State.EXPECT_CHANGE_CIPHER_SPEC,)),
        (State.EXPECT_FINISHED, "receive Finished", (State.CONNECTED,)),
    ],
)


@dataclass(frozen=True, slots=True)
class Session:
    """What a connection leaves behind for others; `server_name` is the name that the client asked for."""

    session_id: bytes
    master_secret: bytes = field(repr=False)
    cipher_suite: int
    extended_master_secret: bool
    server_name: str = ""


class SessionCache(UserDict[bytes, Session]):
    """A server's sessions by their ids; its connections and their copies share it."""


class Resuming(Handshake12):
    """A handshake that may take the master secret of a session instead of agreeing on one."""

    resumed = False

    def resume(self, session: Session) -> None:
        """Take the session's master secret (RFC 5246 F.1.4)."""
        self.resumed = True
        self._master = session.master_secret
        self.c.secret("master_secret", self._master, "the session")

    def session(self, session_id: bytes) -> Session:
        """Return this connection as a session."""
        return Session(session_id, self._master, self.suite, self.extended, self.c.server_name)


class ResumingClient12(Resuming, Client12):
    """Resumes the session that its hello offered, if the server does."""

    c: ResumingClient
    table = RESUMING_CLIENT12
    _session_id = b""

    def receive_server_hello(self, hello: ServerHello) -> State:
        self._session_id = hello.session_id
        session = self.c.offered
        if session is None or not hello.session_id or hello.session_id != self.hello.session_id:
            return super().receive_server_hello(hello)
        self.take_choice(hello)
        if self.suite != session.cipher_suite:
            raise IllegalParameter("a session resumed with another cipher suite", "RFC 5246 7.4.1.3")
        if self.extended != session.extended_master_secret:
            raise HandshakeFailure("a session resumed with another kind of master secret", "RFC 7627 5.3")
        self.resume(session)
        self.derive_keys()
        return State.EXPECT_CHANGE_CIPHER_SPEC

    def receive_finished(self, message: Finished) -> State:
        """Check the server's Finished, which comes first when a session is resumed."""
        state = super().receive_finished(message)
        if not self.resumed:
            return state
        self.c.plan.extend([Client12.send_change_cipher_spec, Client12.send_finished])
        return State.SEND_CHANGE_CIPHER_SPEC

    def sent_finished(self, _message: Finished) -> State:
        return State.CONNECTED if self.resumed else State.EXPECT_CHANGE_CIPHER_SPEC

    def finish(self) -> None:
        """Keep the session, if the server gave it an id."""
        if self._session_id:
            self.c.session = self.session(self._session_id)
        super().finish()


class ResumingServer12(Resuming, Server12):
    """Resumes a session of its cache that the client offers, or begins one."""

    c: ResumingServer
    table = RESUMING_SERVER12

    def plan_flight(self) -> None:
        """Answer a session with ServerHello and Finished alone; anything else begins a session."""
        session = self._usable()
        if session is None:
            self.session_id = self.config.random(32)
            super().plan_flight()
            return
        self.session_id = session.session_id
        self.resume(session)
        self.c.plan.extend(
            [
                Server12.send_server_hello,
                Server12.derive_keys,
                Server12.send_change_cipher_spec,
                Server12.send_finished,
            ]
        )

    def _usable(self) -> Session | None:
        """Return the session to resume; None leads to a full handshake."""
        session = self.c.sessions.get(self.hello.session_id)
        if session is None or session.server_name.lower() != self.c.server_name.lower():
            return None  # a session belongs to its name (RFC 6066 3)
        check_session(self.hello, session)
        same = session.cipher_suite == self.suite and session.extended_master_secret == self.extended
        return session if same and self.answer is None else None

    def answers(self, hello: ClientHello) -> list[Extension]:
        """Return the answers; one that resumes never acknowledges a server_name (RFC 6066 3)."""
        found = super().answers(hello)
        return [e for e in found if e.type != ExtensionType.SERVER_NAME] if self.resumed else found

    def sent_server_hello(self, hello: ServerHello) -> State:
        state = super().sent_server_hello(hello)
        return State.SEND_CHANGE_CIPHER_SPEC if self.resumed else state

    def sent_finished(self, _message: Finished) -> State:
        return State.EXPECT_CHANGE_CIPHER_SPEC if self.resumed else State.CONNECTED

    def receive_finished(self, message: Finished) -> State:
        """Check the client's Finished, which comes last when a session is resumed."""
        if not self.resumed:
            return super().receive_finished(message)
        self.c.check_end_of_flight()
        self.check_finished(message)
        return State.CONNECTED

    def finish(self) -> None:
        """Keep the session."""
        self.c.sessions[self.session_id] = self.session(self.session_id)
        super().finish()


class ResumingClient(Client):
    """A client that offers a session, if that was made with the same server name; `session` is then its own."""

    client12 = ResumingClient12

    def __init__(self, config: ClientConfig, session: Session | None = None) -> None:
        super().__init__(config)
        known = session is not None and session.server_name == self.server_name
        self.offered = session if known else None
        self.session: Session | None = None

    def first_session_id(self) -> bytes:
        return self.offered.session_id if self.offered else super().first_session_id()


class ResumingServer(Server):
    """A server that keeps its sessions in a cache and resumes them."""

    server12 = ResumingServer12

    def __init__(self, config: ServerConfig, sessions: SessionCache) -> None:
        super().__init__(config)
        self.sessions = sessions


def check_session(hello: ClientHello, session: Session) -> None:
    """Refuse a session that is offered without what it was made with (RFC 5246 7.4.1.2, RFC 7627 5.3)."""
    if session.cipher_suite not in hello.cipher_suites:
        raise IllegalParameter("a session offered without its cipher suite", "RFC 5246 7.4.1.2")
    if session.extended_master_secret and hello.extension(ExtensionType.EXTENDED_MASTER_SECRET) is None:
        raise HandshakeFailure("a session offered without the extended master secret", "RFC 7627 5.3")
