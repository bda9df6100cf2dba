"""`plain-wire`: a router. Alice holds one end of every TCP connection, and forwards every octet unchanged.

She is at the other end of the teller's TCP connection, and not at the other end of its channel: she has no key of it.
It is what any network does, so it must come to nothing on every design, as long as the ends have a secret that she does
not know. A judge that took the end of the TCP connection for the end of the channel would be fooled.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from trustlab.attacks.alice.tools import HTTPS, QUESTIONS, Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import WireConnection

ATTACK = Attack(
    name="plain-wire",
    needs=("owns the network between the VMs",),
    steps=("answers the teller's TCP connection, and opens one to the bank", "forwards every octet unchanged"),
    breaks="nothing: every network does this",
    why="Whoever forwards a channel is not at its end; only whoever has its keys is.",
    source="RFC 9846, appendix F.3 (an attacker with complete control of the network)",
    stopped_by="the keys of the channel, which she does not have",
    prize="peer",
)


def start(guest: Guest) -> None:
    """Take the bank's place on both of its ports, and forward everything."""
    alice = Alice(guest, ATTACK)
    for port in (HTTPS, QUESTIONS) if alice.placement.asks_before else (HTTPS,):
        alice.take_place(partial(forwarded, alice, port), port)
    alice.tell("wire", f"forwards every octet between the teller and {alice.victim}, unchanged.")


class Forwarder:
    """One end of a connection that is forwarded unchanged."""

    def __init__(self) -> None:
        self.closed = False
        self.other: Forwarder | None = None
        self.out = b""

    def receive(self, data: bytes) -> None:
        if self.other is not None:
            self.other.out += data

    def data_to_send(self) -> bytes:
        out, self.out = self.out, b""
        return out

    def eof_received(self) -> None:
        """Both ends are over: what was written is still sent."""
        self.closed = True
        if self.other is not None:
            self.other.closed = True


def forwarded(alice: Alice, port: int, connection: WireConnection, near: Forwarder | None = None) -> Forwarder:
    """Join a connection to one of Alice's to the server, octet for octet; `near` is her end of it."""
    near, far = near or Forwarder(), Forwarder()
    near.other, far.other = far, near
    alice.connect(lambda _name: far, port=port, to=connection.server.name)
    return near
