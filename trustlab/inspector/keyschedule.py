"""The key schedule of every connection in a trace as nodes: what each secret was made of, and who holds it since when.

A `KeySchedule` takes a trace's events. Its nodes are the secrets that the events tell, and what lies between and behind
them: write keys, IVs, the keys of Finished, what the designs bind Evidence to. The randoms and the hashes of the
handshake are nodes too, since secrets are made of them; they are `public`. With values, each node has a `snippet`:
Python that computes it from the values of its inputs and asserts that it comes out.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

from trustlab.explain import secret_words
from trustlab.inspector.recipes import Seen
from trustlab.inspector.rows import text_of
from trustlab.inspector.schedules import SIDES, Made, tls12, tls13
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from trustlab.tls.suites import SuiteParameters
    from trustlab.trace import TraceEvent

HANDSHAKE = 22
HASHED = {
    "attest_base": "early(",
    "exporter_attestation_server": "expat(",
    "exporter_attestation_client": "expat(",
}
"""Those that no binder takes as they are: the beginning of the names of the inputs that are made of them."""
DESIGNS = frozenset(
    {"pms_commitment", "attest_secret", "early_exporter", "exporter_server", "exporter_client", *HASHED}
)
"""What designs make of a key schedule, to bind Evidence to."""
HELLO_RETRY = "HelloRetryRequest"
GIVEN = {
    "pre_master_secret": "The client chose it at random, or both ends agreed on it. Only a private key gets it back.",
    "shared_secret": "Each end makes it of its own private value and the other's public one. Nothing else gives it.",
    "master_secret": "It was taken from a session, or from a key log. What it was made of is not in this trace.",
}
"""Why a secret cannot be made again from this trace."""
NEXT = {
    "pre_master_secret": ("master_secret",),
    "shared_secret": ("handshake_secret",),
    "master_secret": ("key_block",),
}
"""What shows that a secret from outside is the right one: what comes of it."""


class SecretHolder(msgspec.Struct, frozen=True, gc=False):
    """A party that has a secret, since its event number `seq`."""

    party: str
    seq: int


class KeyNode(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A secret of a connection, or a public value that secrets are made of.

    `inputs` are names of nodes of the same connection; there are none for what came from outside. `call` says in a line
    how it is made of them. `holders` have had
    it since the event that is named; of a public value there are none, since everybody has it. `value` (hex) and
    `snippet` are empty unless values were asked for, and `repr` never shows them.
    """

    name: str
    connection: str
    holders: tuple[SecretHolder, ...] = ()
    inputs: tuple[str, ...] = ()
    public: bool = False
    call: str = ""
    clause: str = ""
    sentence: str = ""
    value: str = ""
    snippet: str = ""

    def __repr__(self) -> str:
        return f"<KeyNode {self.name!r} of {self.connection}>"


Message = tuple[str, str, bytes]
"""A handshake message: name, direction, octets."""


class _KeyedConnection:
    """What is known of one connection: its messages as each party saw them, and the secrets that were told."""

    def __init__(self) -> None:
        self.messages: dict[str, list[Message]] = defaultdict(list)
        self.told: dict[str, bytes] = {}
        self.inputs: dict[str, tuple[str, ...]] = {}
        self.holders: dict[str, dict[str, int]] = defaultdict(dict)

    def tell(self, event: TraceEvent) -> None:
        """Take note of a secret. After a KeyUpdate the engine gives the same name again: here they are counted."""
        name, inputs = event.name, event.data.get("inputs")
        if name.endswith("_application_traffic_secret"):
            number = 1
            while event.party in self.holders.get(f"{name}_{number}", ()):
                number += 1
            name = f"{name}_{number}"
        self.told.setdefault(name, event.raw)
        if isinstance(inputs, list):
            self.inputs.setdefault(name, tuple(map(str, inputs)))
        self.holders[name].setdefault(event.party, event.seq)

    def handshake(self) -> list[Message]:
        """Return the handshake as somebody saw it who holds the secrets, else as anybody did."""
        parties = dict.fromkeys(party for held in self.holders.values() for party in held)
        seen = [self.messages[party] for party in (*parties, *self.messages) if party in self.messages]
        return max((messages for messages in seen if _suite(messages)), key=len, default=[])


class KeySchedule:
    """Collects what the secrets of a trace are made of. `values` says whether nodes show them."""

    def __init__(self, *, values: bool = False) -> None:
        self._values = values
        self._connections: dict[str, _KeyedConnection] = defaultdict(_KeyedConnection)
        self._requests: dict[tuple[str, bytes], None] = {}
        self._bound: set[str] = set()

    @classmethod
    def of(cls, events: Iterable[TraceEvent], *, values: bool = False) -> KeySchedule:
        """Return the key schedule of a finished trace."""
        schedule = cls(values=values)
        for event in events:
            schedule.feed(event)
        return schedule

    def feed(self, event: TraceEvent) -> None:
        """Take one event, in the order of the trace."""
        if event.kind == "tls.message" and event.data.get("content_type") == HANDSHAKE and event.raw:
            message = event.name, event.direction, event.raw
            self._connections[event.connection].messages[event.party].append(message)
        elif event.kind == "secret" and event.name != "application data" and text_of(event, "connection"):
            self._connections[text_of(event, "connection")].tell(event)
        elif event.kind == "authenticator" and event.name.endswith("CertificateRequest") and len(event.raw) > 5:
            asked = "server" if event.name.startswith("Client") else "client"
            self._requests[asked, event.raw[5 : 5 + event.raw[4]]] = None
        elif event.kind == "binder":
            self._bound.update(_strings(event.data.get("fields")))

    def nodes(self, connection: str | None = None) -> list[KeyNode]:
        """Return the nodes of one connection, or of all, each behind those that it is made of."""
        chosen = self._connections if connection is None else {connection: self._connections[connection]}
        return [node for name, known in chosen.items() if known.told for node in self._nodes(name, known)]

    def _nodes(self, connection: str, known: _KeyedConnection) -> list[KeyNode]:
        messages = known.handshake()
        suite = _suite(messages)
        if suite is None:
            return [self._given(name, connection, known, known.told, {}, "sha256") for name in known.told]
        made = _public(messages, suite.hash_name, tls13="handshake_secret" in known.told)
        if "master_secret" in known.told:
            made |= tls12(suite, known.inputs.get("master_secret", ()))
        else:
            made |= tls13(suite, known.told, self._requests)
        values = dict(known.told)
        for name, how in made.items():
            if name not in values and all(source in values for source in how.step.inputs):
                values[name] = how.step.compute(values, suite.hash_name)
        for name in [name for name in values if name in DESIGNS and not self._binds(name, values[name])]:
            del values[name]
        nodes: dict[str, KeyNode] = {}
        for name in [*(n for n in known.told if n not in made), *(n for n in made if n in values)]:
            step = made.get(name)
            if step is None or not _leads_to(step, name, values, suite.hash_name):
                nodes[name] = self._given(name, connection, known, values, made, suite.hash_name)
            else:
                nodes[name] = self._made(name, connection, values, step, suite.hash_name)
                nodes[name].holders = _holders(name, step, known, nodes)
        return list(nodes.values())

    def _binds(self, name: str, value: bytes) -> bool:
        """Whether a binder of this trace takes a value: only then is it shown as what Evidence is bound to."""
        if name in HASHED:
            return any(field.startswith(HASHED[name]) for field in self._bound)
        return value.hex() in self._bound

    def _made(self, name: str, connection: str, values: Mapping[str, bytes], how: Made, hash_name: str) -> KeyNode:
        return KeyNode(
            name=name,
            connection=connection,
            inputs=how.step.inputs,
            public=how.public,
            call=how.step.said if isinstance(how.step, Seen) else how.step.call,
            clause=how.clause,
            sentence=how.sentence,
            value=values[name].hex() if self._values else "",
            snippet=snippet(name, how, values, hash_name) if self._values else "",
        )

    def _given(
        self,
        name: str,
        connection: str,
        known: _KeyedConnection,
        values: Mapping[str, bytes],
        made: Mapping[str, Made],
        hash_name: str,
    ) -> KeyNode:
        sentence, clause = secret_words(name)
        code = ""
        if self._values:
            after = next((n for n in NEXT.get(name, ()) if n in made and n in known.told), "")
            code = f'{name} = bytes.fromhex("{values[name].hex()}")  # from outside: it is not made of anything here\n'
            code = snippet(after, made[after], values, hash_name) if after else code
        return KeyNode(
            name=name,
            connection=connection,
            holders=_holders(name, None, known, {}),
            clause=clause,
            sentence=f"{sentence} {GIVEN.get(name, '')}".strip(),
            value=values[name].hex() if self._values else "",
            snippet=code,
        )


def _strings(value: object) -> Iterator[str]:
    """Yield the texts of nested lists, such as the [name, hex] fields of a binder."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _strings(inner)


def snippet(name: str, how: Made, values: Mapping[str, bytes], hash_name: str) -> str:
    """Return Python that makes a secret again from the values of its inputs, and asserts that it is the same."""
    given = "".join(f'{source} = bytes.fromhex("{values[source].hex()}")\n' for source in how.step.inputs)
    lines = f'{how.step.code}\nHASH = "{hash_name}"\n{given}'
    return f'{lines}{name} = {how.step.call}\n# {how.clause}\nassert {name}.hex() == "{values[name].hex()}"\n'


def _leads_to(how: Made, name: str, values: Mapping[str, bytes], hash_name: str) -> bool:
    """Whether a step leads to the value that was told; not if an input is missing, or somebody changed a message."""
    known = all(source in values for source in how.step.inputs)
    return known and how.step.compute(values, hash_name) == values[name]


def _holders(
    name: str, how: Made | None, known: _KeyedConnection, made: Mapping[str, KeyNode]
) -> tuple[SecretHolder, ...]:
    """Return who has a secret: who told it, else whoever has all the secrets that it is made of, since the last one."""
    if how is not None and how.public:
        return ()
    if name in known.holders or how is None:
        return tuple(SecretHolder(party, seq) for party, seq in known.holders[name].items())
    sources = [{h.party: h.seq for h in made[source].holders} for source in how.step.inputs if not made[source].public]
    parties = [party for party in sources[0] if all(party in source for source in sources)] if sources else []
    return tuple(SecretHolder(party, max(source[party] for source in sources)) for party in parties)


def _suite(messages: Iterable[Message]) -> SuiteParameters | None:
    """Return the suite that the ServerHello chose, None if there is none or it is not one of the engine's."""
    hello = next((raw for name, _, raw in messages if name == "ServerHello"), b"")
    at = 39 + hello[38] if len(hello) > 38 else 0
    return SUITES.get(int.from_bytes(hello[at : at + 2], "big")) if at else None


def _public(messages: list[Message], hash_name: str, *, tls13: bool) -> dict[str, Made]:
    """Return the randoms, and the hashes of the handshake that a version takes, as steps."""
    made = {}
    for name, hello in (("client_random", "ClientHello"), ("server_random", "ServerHello")):
        raw = next(raw for said, _, raw in messages if said == hello)
        note = f"The random of the {name.partition('_')[0]}: 32 fresh bytes that everybody saw."
        made[name] = Made(Seen(raw, f"the random in {hello}", random=True), "RFC 5246, 7.4.1", note, public=True)
    ends = [("session_hash", "ClientKeyExchange", "", True)]
    if tls13:
        ends = [("hash_to_ServerHello", "ServerHello", "", True)]
        ends += [(f"hash_to_{side}_Finished", "Finished", side, True) for side in SIDES]
    ends += [(f"hash_before_{side}_Finished", "Finished", side, False) for side in SIDES]
    for name, last, side, included in ends:
        covered = _covered(messages, last, side, included=included)
        if covered:
            made[name] = _transcript(covered, hash_name, f"{'to' if included else 'up to, but without,'} {side} {last}")
    return made


def _covered(messages: list[Message], last: str, side: str, *, included: bool) -> list[Message]:
    """Return the messages to the first one of this name and side; none if it is not there."""
    for number, (name, direction, _) in enumerate(messages):
        if name == last and (not side or direction == side):
            return messages[: number + included]
    return []


def _transcript(messages: list[Message], hash_name: str, said: str) -> Made:
    """Return the hash of messages as a step; of a second ClientHello the first counts by its hash (RFC 9846, 4.1)."""
    octets = [raw for name, _, raw in messages if name != "HelloRequest"]
    if any(name == HELLO_RETRY for name, _, _ in messages):
        digest = Seen(octets[0], "").compute({}, hash_name)
        octets[0] = b"\xfe\0\0" + bytes([len(digest)]) + digest
    said = f"the hash of ClientHello {' '.join(said.split())}"
    note = "A hash of the handshake so far. Everybody who saw it in clear can compute it."
    return Made(Seen(b"".join(octets), said), "RFC 9846, 4.1; RFC 5246, 7.4.9", note, public=True)
