"""`known-dh-secret`: the secret of the key agreement is known, and Alice reads the recording.

Nothing is done to the handshake, so no binder can differ; no Evidence helps against a passive reader who knows the
secret. She derives the traffic secrets as both ends do (RFC 9846, 7.1): hellos and secret give the handshake keys,
these open the server's flight, and the transcript up to Finished gives the keys of the application data.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import msgspec

from trustlab import tls
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack
from trustlab.tls.schedule13 import EarlySecret
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from trustlab.capture import Decoded, Knowledge
    from trustlab.cloud import Guest
    from trustlab.wire import Direction

ATTACK = Attack(
    name="known-dh-secret",
    needs=("recorded the network", "knows the secret of the key agreement (a broken random generator, say)"),
    steps=("derives the handshake keys from hellos and secret", "opens the server's flight, and then everything else"),
    breaks="confidentiality",
    why="Both ends speak with whom they mean to, and say so truly; she only listens.",
    source="SEAT use cases; RFC 9846, 7.1",
    stopped_by="nothing that attestation could add: key agreement itself must hold",
    assumes=Assumptions(leaks=("DH secret",)),
    tls="1.3",
)
ON_12 = msgspec.structs.replace(
    ATTACK,
    name="known-dh-secret-ecdhe",
    plays="known-dh-secret",
    source="SEAT use cases; RFC 5246, 8.1; RFC 7627, 4",
    tls="1.2",
)
"""The same where a design of TLS 1.2 runs over an ephemeral key agreement: the secret is the pre-master secret."""
ATTACKS = (ATTACK, ON_12)
RANDOM = slice(6, 38)
"""Where the random stands in a hello: after the header of four octets and the version of two (RFC 9846, 4.2.2)."""
SIDES: tuple[Direction, ...] = ("client", "server")


def start(guest: Guest) -> None:
    """Wait: the network is recorded anyway."""
    Alice(guest, ATTACK).only_listen()


def afterwards(guest: Guest) -> None:
    """Open every recorded connection whose secret is known."""
    alice = Alice(guest, ATTACK)
    if alice.powers.own_secrets("pre_master_secret"):
        found = "derives the master secret from what leaked and the handshake she saw, and opens her recording."
        alice.tell("derive", found)
    for connection in alice.powers.knowledge().connections:
        if derive(alice, connection):
            alice.tell("derive", f"derives the traffic keys of {connection} and opens her recording.")


def hello_of(seen: Knowledge, connection: str, side: Direction) -> Decoded | None:
    """Return the hello of one side of a recorded connection, if it was TLS."""
    hellos = (tls.ClientHello, tls.ServerHello)
    return next((m for m in seen.messages(connection, side) if isinstance(m.message, hellos)), None)


def derive(alice: Alice, connection: str) -> bool:
    """Derive the traffic secrets of a recorded connection; False where it is none of TLS 1.3, or nothing leaked."""
    hello, answer = (hello_of(alice.powers.knowledge(), connection, side) for side in SIDES)
    if hello is None or answer is None or not isinstance(answer.message, tls.ServerHello):
        return False
    random, hash_name = hello.raw[RANDOM], SUITES[answer.message.cipher_suite].hash_name
    shared = alice.leaked_secret(random)
    if answer.version != tls.Version.TLS13 or shared is None:
        return False
    secret = EarlySecret.start(hash_name).handshake(shared)
    hellos = hello.raw + answer.raw
    digest = hashlib.new(hash_name, hellos).digest()
    for side in SIDES:
        _hold(alice, f"{side}_handshake_traffic_secret", secret.traffic(side, digest).value, connection, random)
    flight = b""
    for message in alice.powers.knowledge().messages(connection, "server"):
        if message.encrypted and message.readable and message.content_type == tls.ContentType.HANDSHAKE:
            flight += message.raw
            if isinstance(message.message, tls.Finished):
                break
    digest = hashlib.new(hash_name, hellos + flight).digest()
    main = secret.main()
    for side in SIDES:
        _hold(alice, f"{side}_application_traffic_secret_0", main.traffic(side, digest).value, connection, random)
    return True


def _hold(alice: Alice, label: str, value: bytes, connection: str, random: bytes) -> None:
    alice.guest.party.secret(label, value, connection=connection, label=label, client_random=random.hex())
