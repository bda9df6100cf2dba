"""A peer that breaks the rules: our own engine, its messages edited on their way out.

What it sends and what stands in its transcript stay the same octets, so that the other end sees one fault and not two.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tls_identities import NAME, client_identity, root, server_identity

from trustlab import tls

if TYPE_CHECKING:
    from collections.abc import Callable

TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
CCS, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
X25519, P256 = tls.Group.X25519, tls.Group.SECP256R1
HYBRID = tls.Group.X25519MLKEM768
TYPE = tls.ExtensionType


class Part(NamedTuple):
    """Octets to send: in records of a content type, or (`kind` 0) as they are, header and all."""

    kind: int
    octets: bytes
    plain: bool = False
    counted: bool = True


class Parts:
    """What goes out in place of a message."""

    def __init__(self, message: Any, *parts: Part) -> None:
        self.message = message
        self.parts = parts

    def encode(self) -> bytes:
        return b"".join(p.octets for p in self.parts if p.kind == HANDSHAKE and p.counted)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.message, name)


# Edits: each takes a message and returns what to send instead.


def drop(message: Any) -> Parts:
    return Parts(message)


def twice(message: Any) -> Parts:
    raw = message.encode()
    return Parts(message, Part(message.content_type, raw), Part(message.content_type, raw))


def raw(edit: Callable[[bytes], bytes]) -> Any:
    """Edit the whole message, header included."""
    return lambda message: Parts(message, Part(message.content_type, edit(message.encode())))


def body(edit: Callable[[bytes], bytes]) -> Any:
    """Edit what follows the header and put the length right."""

    def edited(octets: bytes) -> bytes:
        inner = edit(octets[4:])
        return octets[:1] + len(inner).to_bytes(3, "big") + inner

    return raw(edited)


def shorter(message: Any) -> Parts:
    return body(lambda b: b[:-1])(message)


def longer(message: Any) -> Parts:
    return body(lambda b: b + b"\0")(message)


def empty(message: Any) -> Parts:
    return body(lambda b: b"")(message)


def last_bit(message: Any) -> Parts:
    """Change the last bit: of a signature, of a MAC."""
    return body(lambda b: b[:-1] + bytes([b[-1] ^ 1]))(message)


def before(*parts: Part) -> Any:
    return lambda message: Parts(message, *parts, Part(message.content_type, message.encode()))


def after(*parts: Part) -> Any:
    return lambda message: Parts(message, Part(message.content_type, message.encode()), *parts)


def instead(*parts: Part) -> Any:
    return lambda message: Parts(message, *parts)


def plaintext(message: Any) -> Parts:
    """Leave the protection out."""
    return Parts(message, Part(message.content_type, message.encode(), plain=True))


def fields(**changes: Any) -> Any:
    """Change fields of the message."""
    return lambda message: replace(message, **changes)


def extension(kind: int, content: bytes | Callable[[bytes], bytes]) -> Any:
    """Set or edit an extension of a hello."""

    def edit(message: Any) -> Any:
        old = message.extension(kind)
        new = content(old) if callable(content) else content
        found = [tls.Extension(e.type, new if e.type == kind else e.data) for e in message.extensions]
        if old is None:
            found.append(tls.Extension(kind, new))
        return replace(message, extensions=tuple(found))

    return edit


def without(kind: int) -> Any:
    """Leave an extension out."""
    return lambda message: replace(message, extensions=tuple(e for e in message.extensions if e.type != kind))


def doubled(kind: int) -> Any:
    """Have an extension twice."""
    return lambda message: replace(
        message, extensions=(*message.extensions, next(e for e in message.extensions if e.type == kind))
    )


def both(*edits: Any) -> Any:
    """Apply edits of fields one after the other."""

    def edit(message: Any) -> Any:
        for one in edits:
            message = one(message)
        return message

    return edit


class End:
    """One end with everything it told."""

    def __init__(self, connection: tls.Connection, edits: dict[str, Any] | None = None) -> None:
        self.connection = connection
        self.edits = {name: list(e) if isinstance(e, list) else [e] for name, e in (edits or {}).items()}
        self.events: list[tls.Event] = []
        self.pms: Any = None
        if edits is not None:
            self._put = connection.put
            connection.put = self.put

    def put(self, message: Any, octets: bytes, *, plain: bool = False) -> None:
        if isinstance(message, Parts):
            self.write(*message.parts)
        else:
            self._put(message, octets, plain=plain)

    def write(self, *parts: Part) -> None:
        """Send octets past the state machine."""
        records = self.connection.records
        for part in parts:
            if part.kind:
                records.write_message(part.kind, part.octets, plain=part.plain)
            else:
                records._output += part.octets
                records.write_offset += len(part.octets)

    def drain(self) -> bytes:
        self.process()
        return self.connection.data_to_send()

    def process(self) -> None:
        for event in tls.pump(self.connection):
            self.events.append(event)
            if isinstance(event, tls.MessageReady):
                self.connection.answer(event, self._edited(event.message))
            elif isinstance(event, tls.PreMasterSecretReady):
                self.connection.answer(event, self.pms)
            elif isinstance(event, tls.EvidenceWanted):
                self.connection.answer(event, b"evidence")
            elif isinstance(event, tls.Request):
                self.connection.answer(event, None)

    def _edited(self, message: Any) -> Any:
        waiting = self.edits.get(message.name)
        edit = waiting.pop(0) if waiting else None
        return edit(message) if edit else None

    @property
    def data(self) -> bytes:
        return b"".join(e.data for e in self.events if isinstance(e, tls.ApplicationData))

    @property
    def fatal(self) -> tls.Alert | None:
        """The fatal alert this end sent."""
        return next((e.alert for e in self.events if isinstance(e, tls.AlertSent) and e.fatal), None)

    @property
    def received(self) -> list[str]:
        return [e.name for e in self.events if isinstance(e, tls.MessageReceived)]


# What an end does after the handshake.


def update_without_end(end: End) -> None:
    for _ in range(40):
        end.connection.update_keys()
        end.process()


def broken(edit: Callable[[bytes], bytes]) -> Callable[[End], None]:
    """Protect a record and change what goes out."""

    def act(end: End) -> None:
        records = end.connection.records
        records.write_message(DATA, b"to the other side")
        records._output += edit(records.drain())

    return act


def sends(*parts: Part) -> Callable[[End], None]:
    return lambda end: end.write(*parts)


def sends_long_record(end: End) -> None:
    """Put one octet too many into a protected record."""
    end.connection.records.max_fragment = 2**14 + 1
    end.write(Part(DATA, bytes(2**14 + 1)))


def seals(inner: bytes) -> Callable[[End], None]:
    """Protect an inner plaintext as it is, content type and padding included (RFC 9846 5.2)."""

    def act(end: End) -> None:
        protection = end.connection.records.write
        head = b"\x17\3\3" + (len(inner) + 16).to_bytes(2, "big")
        nonce = (protection._mask ^ protection._next()).to_bytes(12, "big")
        end.write(Part(0, head + protection._aead.encrypt(nonce, inner, head)))

    return act


@dataclass(frozen=True)
class Case:
    """A misdeed, and the alert the other end owes it."""

    sentence: str
    alert: type[tls.Alert] | None
    edits: dict[str, Any] = field(default_factory=dict)
    then: Callable[[End], None] | None = None
    ours: dict[str, Any] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    kind: str = "ECDSA"
    client: str = ""
    pms: Any = None

    def __str__(self) -> str:
        return self.sentence.replace(" ", "-")


SUITES12 = {
    "ECDSA": (tls.CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,),
    "RSA": (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,),
}
SUITES13 = (tls.CipherSuite.TLS_AES_128_GCM_SHA256,)


def common(version: tls.Version, kind: str) -> dict[str, Any]:
    return {
        "versions": (version,),
        "cipher_suites": SUITES13 if version == TLS13 else SUITES12[kind],
        "groups": (X25519, P256),
        "alpn": ("lab/1",),
        "trust": [root().certificate],
    }


def client_config(version: tls.Version, kind: str = "ECDSA", client: str = "", **changes: Any) -> tls.ClientConfig:
    own: dict[str, Any] = {"server_name": NAME}
    if client:
        identity = client_identity(client)
        own |= {"certificates": (identity.der,), "key": identity.key}
    return tls.ClientConfig(**(common(version, kind) | own | changes))


def server_config(version: tls.Version, kind: str = "ECDSA", client: str = "", **changes: Any) -> tls.ServerConfig:
    identity = server_identity(kind)
    own: dict[str, Any] = {"certificates": (identity.der,), "key": identity.key}
    own["client_certificate"] = "require" if client else "none"
    return tls.ServerConfig(**(common(version, kind) | own | changes))


def carry(source: End, target: End) -> bool:
    data = source.drain()
    target.connection.receive(data)
    return bool(data)


def run(left: End, right: End) -> None:
    """Carry octets until both are quiet."""
    for _ in range(40):
        moved = carry(left, right)
        moved |= carry(right, left)
        if not moved:
            return
    raise AssertionError("the two ends never fall silent")


def play(case: Case, victim: str, version: tls.Version) -> tuple[End, End]:
    """Run a case; return the victim and the unruly peer."""
    unruly = "client" if victim == "server" else "server"
    changes = {victim: case.ours, unruly: {"intercept": True} | case.theirs}
    ends = {
        "client": tls.Client(client_config(version, case.kind, case.client, **changes["client"])),
        "server": tls.Server(server_config(version, case.kind, case.client, **changes["server"])),
    }
    peer = End(ends[unruly], case.edits)
    peer.pms = case.pms
    self = End(ends[victim])
    first, second = (peer, self) if unruly == "client" else (self, peer)
    run(first, second)
    if case.then is not None:
        assert self.connection.handshake_complete, self.connection.error
        assert peer.connection.handshake_complete, peer.connection.error
        case.then(peer)
        self.connection.receive(peer.connection.records.drain())
        run(first, second)
    return self, peer


def judge(case: Case, victim: str, version: tls.Version) -> End:
    """Run a case and assert that the victim sent just the alert that is due (or none where the case is lawful)."""
    end, peer = play(case, victim, version)
    if case.alert is None:
        assert end.fatal is None, repr(end.fatal)
        assert end.connection.handshake_complete, repr(end.connection.error)
    else:
        assert end.fatal is not None, f"no alert, but {end.connection!r} and {peer.connection!r}"
        assert type(end.fatal) is case.alert, repr(end.fatal)
        assert end.connection.closed
        assert end.connection.error is end.fatal
    return end
