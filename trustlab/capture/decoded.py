"""What comes out of reading a connection from outside: messages, and what is wrong with a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.tls.messages import AnyMessage
    from trustlab.wire import Direction

NO_KEY = "nobody here has its key"
NO_HANDSHAKE = "its handshake was not captured"
EARLY = "early data, and nobody here has its key (CLIENT_EARLY_TRAFFIC_SECRET)"
EARLY_OR_LATER = "early data or what follows it, and nobody here has the key of either"


@dataclass(frozen=True, slots=True)
class Decoded:
    """One message as read from the wire.

    `raw` is what the trace's table of `tls.message` asks for; for a record that nobody could open (`readable` False) it
    is the whole record. `offset` and `records` are positions in the direction's stream. `plaintext` is set for
    application data that was decrypted. `refused` marks early data that the server did not take: it passed over it
    (RFC 9846 4.3.10).

    Three things can be the matter: `problem` says what is wrong with a message or record; `undecoded` names a suite,
    version or protocol that this lab does not decode; a record that is not `readable` for another reason says so in
    `unread`.
    """

    direction: Direction
    content_type: int
    name: str
    raw: bytes
    records: list[list[int]]
    encrypted: bool = False
    readable: bool = True
    message: AnyMessage | None = None
    suite: int = 0
    version: int = 0
    plaintext: bytes | None = field(default=None, repr=False)
    problem: str = ""
    undecoded: str = ""
    unread: str = ""
    refused: bool = False

    @property
    def offset(self) -> int:
        """Stream position of the first octet of the first record that carries it."""
        return self.records[0][0]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in a stream that is not TLS, or is cut short; `offset` is where."""

    direction: Direction
    offset: int
    sentence: str


Found = list[Decoded | Trouble]
