"""What a party knows: derived from the octets it saw and the keys it holds, never declared.

Nobody here asks the other parties: the frames are read again with this party's own secrets, and a canary is known where
it stands in what came out, or in clear on the wire.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from trustlab.capture.decoded import Decoded, Trouble
from trustlab.capture.decoder import ConnectionDecoder
from trustlab.capture.keys import TraceKeys
from trustlab.capture.passive import link_of, original_of
from trustlab.tls.hpke import KEY_NAME, unsealed
from trustlab.wire import FrameError, Reassembler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trustlab.trace import Trace, TraceEvent
    from trustlab.wire import Direction, Flow

SIDES: tuple[Direction, ...] = ("client", "server")
NETWORK_OWNER = "alice"
"""She owns the network: every frame passes her switch."""


class Place(NamedTuple):
    """Where something stands that a party can read.

    `where` is "decrypted" (offset in the application data of that direction) or "clear" (offset in its TCP stream).
    """

    connection: str
    direction: Direction
    offset: int
    where: str


@dataclass(slots=True)
class _Stream:
    wire: bytearray = field(default_factory=bytearray)
    plaintext: bytearray = field(default_factory=bytearray)
    messages: list[Decoded] = field(default_factory=list)


class Knowledge:
    """What one party can read of what it saw."""

    def __init__(self, party: str, keys: tuple[str, ...]) -> None:
        self.party = party
        self.keys = keys
        """Names of the secrets it holds, each with the connection it is said to belong to; not their octets."""
        self._streams: dict[tuple[str, Direction], _Stream] = defaultdict(_Stream)

    @property
    def connections(self) -> tuple[str, ...]:
        """The connections it saw octets of."""
        return tuple(dict.fromkeys(connection for connection, _ in self._streams))

    @property
    def opened(self) -> tuple[str, ...]:
        """The connections of which it can decrypt something."""
        return tuple(dict.fromkeys(c for (c, _), s in self._streams.items() if any(_decrypted(m) for m in s.messages)))

    def plaintext(self, connection: str, direction: Direction) -> bytes:
        """Return the application data it can decrypt of one direction, in order."""
        stream = self._streams.get((connection, direction))
        return bytes(stream.plaintext) if stream else b""

    def messages(self, connection: str, direction: Direction) -> list[Decoded]:
        """Return all messages it saw of one direction; those it cannot open are not `readable`."""
        stream = self._streams.get((connection, direction))
        return list(stream.messages) if stream else []

    def holds(self, secret: bytes) -> list[Place]:
        """Return every place where `secret` stands in what it can read; empty if it does not know it."""
        return list(self._places(secret)) if secret else []

    def _places(self, secret: bytes) -> Iterator[Place]:
        for (connection, direction), stream in self._streams.items():
            for where, octets in (("decrypted", stream.plaintext), ("clear", stream.wire)):
                at = octets.find(secret)
                while at >= 0:
                    yield Place(connection, direction, at, where)
                    at = octets.find(secret, at + 1)

    def __repr__(self) -> str:
        return f"<Knowledge of {self.party}: {len(self.connections)} connections seen, {len(self.opened)} opened>"


def knowledge(trace: Trace, party: str) -> Knowledge:
    """Return what `party` knows in this trace.

    Octets seen: frames it sent or received; the owner of the network saw all. Of a frame edited in flight the receiver
    saw what arrived, everybody else what was written. Keys held: its own `secret` events (master secrets, pre-master
    secrets, RSA and HPKE private keys). Other parties' secrets are never consulted, and its own "application data"
    secrets neither: what it read must follow from octets and keys. CaptureError if one of its secrets is malformed.
    """
    held = [e for e in trace.select("secret", party=party) if e.name != "application data"]
    result = Knowledge(party, tuple(f"{e.name} {e.data.get('connection', '')}".strip() for e in held))
    reassembler, keys = Reassembler(), TraceKeys(trace, party)
    decoders: dict[Flow, ConnectionDecoder] = {}
    for event in trace.select("frame"):
        if not _saw(party, event):
            continue
        try:
            pieces = reassembler.feed(
                event.raw, name=event.connection, original=original_of(event), link=link_of(event)
            )
        except FrameError:
            continue
        for flow, direction, _, arrived, written in pieces:
            data = arrived if event.data.get("to") == party else written
            result._streams[_name(flow), direction].wire += data  # noqa: SLF001 - built here, read-only for others
            decoder = decoders.setdefault(flow, ConnectionDecoder(keys))
            _keep(result, flow, decoder.feed(direction, data))
    for flow, decoder in decoders.items():
        _keep(result, flow, decoder.finish())
    _unseal(result, {event.raw for event in held if event.name == KEY_NAME})
    if keys.problems:
        raise keys.problems[0]
    return result


def _unseal(result: Knowledge, keys: set[bytes]) -> None:
    """Add what its HPKE keys open of the application data that it can read.

    The first frame of the client is its nonce, the first of the server its key and evidence; sealed messages follow.
    """
    for connection in result.connections if keys else ():
        frames = {side: list(_frames(result.plaintext(connection, side))) for side in SIDES}
        for side in SIDES if frames["client"] else ():
            for opened in unsealed(side, frames["client"][0], frames[side][1:], keys):
                result._streams[connection, side].plaintext += opened  # noqa: SLF001 - as above


def _frames(stream: bytes) -> Iterator[bytes]:
    """Yield the complete frames of a stream: a length of two octets, and that many octets."""
    while len(stream) >= 2 + int.from_bytes(stream[:2], "big") > 2:
        end = 2 + int.from_bytes(stream[:2], "big")
        yield stream[2:end]
        stream = stream[end:]


def _saw(party: str, event: TraceEvent) -> bool:
    return party == NETWORK_OWNER or party in {event.data.get("from"), event.data.get("to")}


def _keep(result: Knowledge, flow: Flow, found: Iterable[Decoded | Trouble]) -> None:
    for item in found:
        if isinstance(item, Decoded):
            stream = result._streams[_name(flow), item.direction]  # noqa: SLF001 - as above
            stream.messages.append(item)
            stream.plaintext += item.plaintext or b""


def _decrypted(message: Decoded) -> bool:
    return message.encrypted and message.readable


def _name(flow: Flow) -> str:
    return flow.name or f"{flow.client[0]}:{flow.client[1]}-{flow.server[0]}:{flow.server[1]}"
