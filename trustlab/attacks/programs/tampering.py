"""`record-tampering` and `negotiation-tampering`: Alice changes octets in flight, and has no key of anybody.

Everything passes as in `plain-wire`, with one change. In a record she flips one bit of the teller's first protected
octets; in the negotiation she adds an offer to the teller's ClientHello that the teller did not make. She has succeeded
if the payment goes through all the same: then nobody noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab import tls
from trustlab.attacks.alice.tools import HTTPS, Alice
from trustlab.attacks.attack import Attack
from trustlab.attacks.programs.plain_wire import Forwarder, forwarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest

ATTACK = Attack(
    name="record-tampering",
    needs=("owns the network between the VMs",),
    steps=("forwards everything between teller and bank", "flips one bit of the teller's first encrypted record"),
    breaks="integrity",
    why="Whoever carries a message can change it.",
    source="Trusted Passages (2011); RFC 9846, 5.2",
    stopped_by="the protection of records: each has a tag that only the two ends can make",
    prize="unnoticed",
)
NEGOTIATION = msgspec.structs.replace(
    ATTACK,
    name="negotiation-tampering",
    steps=("forwards everything between teller and bank", "adds an extension to the teller's ClientHello"),
    why="The hellos travel in clear, before there is any key.",
    source="Trusted Passages (2011); RFC 9846, 4.4.4; RFC 5246, 7.4.9",
    stopped_by="Finished, which covers every message of the handshake; and evidence over the hellos",
)
"""The same with the negotiation."""
OFFER = bytes.fromhex("fafa0000")
"""An extension of a type that nobody knows (RFC 8701), and without content."""
HEADER = 5
BEFORE_SESSION_ID = HEADER + 4 + 2 + 32


def start(guest: Guest) -> None:
    """Take the bank's place on the connection that carries the data, and forward it with one change."""
    alice = Alice(guest, ATTACK)
    kinds = (tls.ContentType.APPLICATION_DATA, flipped), (tls.ContentType.HANDSHAKE, offering)
    kind, change = kinds[alice.playing == NEGOTIATION.name]
    alice.take_place(lambda connection: forwarded(alice, HTTPS, connection, Changing(kind, change)))
    alice.tell("tamper", "forwards what the teller says to the bank, and changes it once.")


class Changing(Forwarder):
    """The teller's end of a connection: its records are forwarded one by one, and the first that fits is changed."""

    def __init__(self, kind: tls.ContentType, change: Callable[[bytes], bytes]) -> None:
        super().__init__()
        self._kind, self._change = kind, change
        self._rest = b""
        self._done = False

    def receive(self, data: bytes) -> None:
        """Forward the complete records."""
        stream = self._rest + data
        records, self._rest = tls.split_records(stream)
        for record in records:
            octets = stream[record.start : record.end]
            if not self._done and record.content_type == self._kind:
                self._done, octets = True, self._change(octets)
            super().receive(octets)


def flipped(octets: bytes) -> bytes:
    """Return a record with its last bit flipped."""
    return octets[:-1] + bytes([octets[-1] ^ 1])


def offering(octets: bytes) -> bytes:
    """Return the record of a ClientHello with one more extension at its end, and the three lengths around it."""
    at = BEFORE_SESSION_ID
    at += 1 + octets[at]  # session_id
    at += 2 + int.from_bytes(octets[at : at + 2], "big")  # cipher_suites
    at += 1 + octets[at]  # compression_methods
    whole = bytearray(octets + OFFER)
    for start, size in ((3, 2), (HEADER + 1, 3), (at, 2)):
        length = int.from_bytes(whole[start : start + size], "big") + len(OFFER)
        whole[start : start + size] = length.to_bytes(size, "big")
    return bytes(whole)
