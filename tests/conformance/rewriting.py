"""A peer that has all the keys and writes what it should not: each message mutated at its writer, then protected.

So the mutation reaches the state behind the record protection. The writer's transcript has either the octets it really
wrote (a consistent peer, whose Finished verifies) or those it should have written.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unruly import HANDSHAKE, P256, TLS12, TLS13, X25519, End, Part, Parts, client_config, run, server_config

from trustlab import tls

if TYPE_CHECKING:
    from collections.abc import Iterator

S, C = tls.ROLE_S, tls.ROLE_C
TICKET = tls.NewSessionTicket13(7200, 1, b"n", b"ticket", (tls.Extension(tls.ExtensionType.EARLY_DATA, bytes(4)),))
FOREIGN = 0x0A0A
CERTIFICATE_OCTETS = 100
"""A field of a Certificate that is longer is the certificate itself, which has its own tests."""


@dataclass(frozen=True)
class Scenario:
    """A way through the handshake."""

    name: str
    version: tls.Version
    kind: str = "ECDSA"
    client: str = ""
    evidence: bool = False
    retry: bool = False
    coalesce: bool = False
    more: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return self.name

    def ends(self) -> dict[str, tls.Connection]:
        """Return both ends, about to begin."""
        both: dict[str, Any] = {"intercept": True, "coalesce": self.coalesce} | self.more
        client: dict[str, Any] = {"groups": (X25519, P256)}
        server: dict[str, Any] = {"groups": (P256,)} if self.retry else {}
        if self.evidence:
            client["attestation"] = tls.AttestationOffer(offered=C if self.client else 0, demanded=S)
            server["attestation"] = tls.AttestationOffer(offered=S, demanded=C if self.client else 0)
        return {
            "client": tls.Client(client_config(self.version, self.kind, self.client, **both, **client)),
            "server": tls.Server(server_config(self.version, self.kind, self.client, **both, **server)),
        }


SCENARIOS = [
    Scenario("TLS 1.3", TLS13),
    Scenario("TLS 1.3, certificates of both", TLS13, client="ECDSA"),
    Scenario("TLS 1.3, evidence", TLS13, evidence=True),
    Scenario("TLS 1.3, evidence of both", TLS13, client="ECDSA", evidence=True),
    Scenario("TLS 1.3, HelloRetryRequest", TLS13, retry=True),
    Scenario("TLS 1.3, either version", TLS13, more={"versions": (TLS13, TLS12)}),
    Scenario("TLS 1.2", TLS12),
    Scenario("TLS 1.2, certificates of both", TLS12, client="ECDSA"),
    Scenario("TLS 1.2, evidence", TLS12, evidence=True),
    Scenario("TLS 1.2, RSA, evidence of both", TLS12, "RSA", client="ECDSA", evidence=True),
]


@dataclass(frozen=True)
class Mutation:
    """What is written in place of one message: octets of whole handshake messages."""

    title: str
    octets: bytes


@dataclass(frozen=True)
class Place:
    """A message in the flow: whose, and the how-manieth of its name."""

    role: str
    name: str
    number: int


class Rewritten(Parts):
    """A message that is written otherwise than it is counted."""

    def __init__(self, message: Any, written: bytes, counted: bytes) -> None:
        super().__init__(message, *([Part(HANDSHAKE, written)] if written else []))
        self._counted = counted

    def encode(self) -> bytes:
        return self._counted


class Writer(End):
    """An end that notes each message before it is written, and rewrites the one that is to be mutated."""

    def __init__(self, connection: tls.Connection, role: str, play: Play) -> None:
        super().__init__(connection, {})
        self.role = role
        self.play = play
        self.numbers: dict[str, int] = {}

    def _edited(self, message: Any) -> Any:
        if message.content_type != HANDSHAKE:
            return None
        number = self.numbers[message.name] = self.numbers.get(message.name, -1) + 1
        place = Place(self.role, message.name, number)
        raw = message.encode()
        self.play.seen.append((place, message, raw, self.connection.version, self.connection.cipher_suite))
        if self.play.place != place or self.play.mutation is None:
            return None
        octets = self.play.mutation.octets
        return Rewritten(message, octets, octets if self.play.consistent else raw)

    def write_ticket(self) -> None:
        """Write what no handshake of ours writes by itself."""
        edited = self._edited(TICKET)
        self.put(edited or TICKET, TICKET.encode())


@dataclass
class Play:
    """One run of a scenario, with a mutation or without."""

    scenario: Scenario
    place: Place | None = None
    mutation: Mutation | None = None
    consistent: bool = True
    seen: list[Any] = field(default_factory=list)

    def run(self) -> dict[str, End]:
        """Shake hands, talk, change keys, close; return both ends."""
        ends = {role: Writer(connection, role, self) for role, connection in self.scenario.ends().items()}
        client, server = ends["client"], ends["server"]
        run(client, server)
        for talker in (server, client):
            if not all(end.connection.handshake_complete and not end.connection.closed for end in ends.values()):
                break
            if self.scenario.version == TLS13:
                if talker is server:
                    server.write_ticket()
                talker.connection.update_keys(request_peer=True)
                run(client, server)
            if not talker.connection.closed:
                talker.connection.send(b"hello")
            run(client, server)
        for end in (client, server):
            end.connection.close()
        run(client, server)
        for end in (client, server):
            end.connection.eof_received()
            end.process()
        return dict(ends)


def mutations(message: Any, raw: bytes, version: tls.Version | None, suite: Any) -> Iterator[Mutation]:
    """Return every mutation of a message: of the whole, of each extension, of each field that has a name."""
    yield from of_the_whole(raw)
    yield from of_extensions(message)
    yield from of_fields(message.name, raw, suite, version or TLS12)


def sized(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def of_the_whole(raw: bytes) -> Iterator[Mutation]:
    kind, body = raw[0], raw[4:]
    yield Mutation("left out", b"")
    yield Mutation("twice", raw + raw)
    for other in sorted({kind - 1, kind + 1, *tls.HandshakeType} - {kind}):
        yield Mutation(f"of type {other}", sized(other & 0xFF, body))
    yield Mutation("empty", sized(kind, b""))
    yield Mutation("half", sized(kind, body[: len(body) // 2]))
    yield Mutation("an octet short", sized(kind, body[:-1]))
    yield Mutation("an octet long", sized(kind, body + b"\0"))
    for claimed in (len(body) - 1, len(body) + 1):
        if claimed >= 0:
            yield Mutation(f"length {claimed} claimed", raw[:1] + claimed.to_bytes(3, "big") + body)


def of_extensions(message: Any) -> Iterator[Mutation]:
    if isinstance(message, tls.Certificate13):
        for number, entry in enumerate(message.certificate_list):
            for title, found in extension_lists(entry.extensions):
                chain = list(message.certificate_list)
                chain[number] = replace(entry, extensions=found)
                yield Mutation(f"entry {number}: {title}", replace(message, certificate_list=tuple(chain)).encode())
    elif hasattr(message, "extensions"):
        for title, found in extension_lists(message.extensions):
            yield Mutation(title, replace(message, extensions=found).encode())


def extension_lists(own: tuple[tls.Extension, ...]) -> Iterator[tuple[str, tuple[tls.Extension, ...]]]:
    """Return the list with each extension removed, doubled, emptied, cut, too long, of another type; and with more."""
    for number, (kind, data) in enumerate(own):
        name = f"extension {kind}"
        before, after = own[:number], own[number + 1 :]
        yield f"{name} removed", before + after
        yield f"{name} doubled", (*own, own[number])
        for title, body in {
            "emptied": b"",
            "cut": data[:-1],
            "of one octet": data[:1],
            "too long": data + b"\0",
            "of zeros": bytes(len(data)),
            "of ones": b"\xff" * len(data),
        }.items():
            yield f"{name} {title}", (*before, tls.Extension(kind, body), *after)
        for other in (FOREIGN, *tls.ExtensionType):
            yield f"{name} as {int(other)}", (*before, tls.Extension(int(other), data), *after)
    for other in (FOREIGN, *tls.ExtensionType):
        for body in (b"", b"\0", b"\0\2\0\1"):
            yield f"extension {int(other)} added: {body.hex()}", (*own, tls.Extension(int(other), body))
    yield "backwards", own[::-1]
    yield "no extensions", ()


def of_fields(name: str, raw: bytes, suite: Any, version: tls.Version) -> Iterator[Mutation]:
    for span in tls.describe(raw, HANDSHAKE, suite, version):
        size = span.end - span.start
        found = raw[span.start : span.end]
        if span.end <= 4 or not size or (name == "Certificate" and size > CERTIFICATE_OCTETS):
            continue
        for title, new in field_values(found):
            octets = raw[: span.start] + new + raw[span.end :]
            yield Mutation(f"{span.name} {title}", sized(octets[0], octets[4:]))


def field_values(found: bytes) -> Iterator[tuple[str, bytes]]:
    size = len(found)
    if size <= 4:
        value = int.from_bytes(found, "big")
        for other in sorted({value - 1, value + 1, 0, 256**size - 1} - {value}):
            if 0 <= other < 256**size:
                yield f"= {other}", other.to_bytes(size, "big")
    else:
        yield "of zeros", bytes(size)
        yield "of ones", b"\xff" * size
        yield "with its last bit changed", found[:-1] + bytes([found[-1] ^ 1])
    yield "cut out", b""
    yield "an octet short", found[:-1]
