"""The gate: what is asked before anything passes, for whoever steps, edits or drops what the parties say.

A network or a switch that has a `StreamGate` asks it before each `Item` goes on (the way to a TPM has a `CommandGate`;
one object may be both). The gate answers with the octets that really go on. It may keep the asker waiting: this is how
a run is held.

Nothing here knows TLS: how octets are cut into items, and which fields are in them, is said by a `Cutter`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustlab.wire.conversation import Direction

Kind = Literal["message", "tpm"]


class Cancelled(BaseException):
    """The run was told to end while it asked a gate.

    Not an Exception: no guard or endpoint on its way may take it for a fault of its own and go on.
    """


class FlightField(NamedTuple):
    """A field of a message in flight: its octets as written, and where they lie.

    `nth` counts the messages of this name on the connection, from 1. `places` are half-open ranges of stream positions
    (of positions in the command, for a TPM's), together as long as `octets`. Of an `encrypted` field `octets` is the
    plaintext, and `places` are those of the ciphertext over it.
    """

    message: str
    nth: int
    path: str
    octets: bytes
    places: tuple[tuple[int, int], ...]
    encrypted: bool = False

    @property
    def full_name(self) -> str:
        return f"{self.message}.{self.path}"


class Item:
    """What is about to pass: a record on a connection, or a command to a TPM.

    `connection` and `direction` are those of the trace; of a command `connection` says whose TPM it is, and `direction`
    is empty. `offset` is the stream position of the first of its `octets`. `messages` are the names of what it carries,
    each with its number of that name on the connection (from 1).
    """

    def __init__(
        self,
        kind: Kind,
        connection: str,
        direction: str,
        offset: int,
        octets: bytes,
        *,
        called: str,
        messages: Sequence[tuple[str, int]] = (),
        fields: Callable[[], Sequence[FlightField]] = tuple,
    ) -> None:
        self.kind = kind
        self.connection = connection
        self.direction = direction
        self.offset = offset
        self.octets = octets
        self.messages = list(messages)
        self.numbers: dict[tuple[str, str], range] = {}
        """Which of a name it carries, counted from 1 as it passed: on its connection, and ("") on all together."""
        self._called = called
        self._fields = fields

    @property
    def name(self) -> str:
        """The names of the messages in it; what it looks like, if none can be read."""
        return " + ".join(dict.fromkeys(name for name, _ in self.messages)) or self._called

    @property
    def end(self) -> int:
        """The stream position behind its last octet."""
        return self.offset + len(self.octets)

    @property
    def fields(self) -> Sequence[FlightField]:
        """Every field in it, in the order of the octets; read when asked for."""
        return self._fields()

    def field(self, path: str, message: str = "") -> FlightField:
        """Return a field by its path, of the message of that name if given; ValueError names what there is."""
        fields = self.fields
        found = [f for f in fields if f.path == path and message in {"", f.message}]
        if not found:
            there = ", ".join(dict.fromkeys(f.path for f in fields if message in {"", f.message}))
            raise ValueError(
                f"{message or self.name} has no field {path!r}; it has: {there or 'none that can be read'}"
            )
        return found[0]

    def __repr__(self) -> str:
        where = f"{self.connection} {self.direction}".rstrip()
        return f"<{self.name}, {len(self.octets)} octets, on {where}>"


def overwritten(item: Item, octets: bytes, field: FlightField, value: bytes, octet: int | None = None) -> bytes:
    """Return `octets`, what becomes of an item, with a field changed into `value`, or its octets from `octet` on.

    Under a protection the same bits of the ciphertext are turned over, as somebody without keys can do. ValueError if
    the length would change, or if the field does not lie in these octets.
    """
    size, start = len(field.octets), octet or 0
    if octet is None and len(value) != size:
        raise ValueError(
            f"{field.full_name} has {_octets(size)}, and the new value has {_octets(len(value))}: "
            "an edit in flight cannot change a length"
        )
    if not start >= 0 or start + len(value) > size:
        raise ValueError(
            f"{field.full_name} has {_octets(size)}: {_octets(len(value))} from octet {start} on do not fit"
        )
    changed = bytearray(octets)
    positions = [at for first, end in field.places for at in range(first, end)]
    for position, old, new in zip(positions[start:], field.octets[start:], value, strict=False):
        at = position - item.offset
        if not 0 <= at < len(changed):
            raise ValueError(f"{field.full_name} does not lie in this record alone: this part of it has passed already")
        changed[at] = item.octets[at] ^ old ^ new
    return bytes(changed)


def _octets(count: int) -> str:
    return f"{count} octet" if count == 1 else f"{count} octets"


class Cutter(Protocol):
    """Cuts what a direction's stream carries into items."""

    def cut(self, connection: str, direction: Direction, octets: bytes) -> list[Item]:
        """Return the next octets of a stream as items, which together are those octets."""

    def whole(self, connection: str, octets: bytes) -> int:
        """Return how many of the next octets of a direction are whole items; the rest is the beginning of another."""

    def poll(self, connection: str) -> None:
        """Name what could not be read, if its keys have come since."""


class StreamGate(Cutter, Protocol):
    """What the network asks."""

    def passing(self, item: Item) -> bytes:
        """Return the octets that go on, none if they are dropped; may wait. Raises `Cancelled`."""
