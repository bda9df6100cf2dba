"""`known-dh-secret`: Alice knows the secret of the key agreement, and decrypts her recording.

She changes nothing in the handshake, so no binder differs: Evidence does not help against a passive reader who knows
the secret. She derives the traffic secrets as both ends do (RFC 9846, 7.1): the hellos and the secret give the
handshake keys, these decrypt the server's flight, and the transcript up to Finished gives the keys of the application
data.
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
    steps=("derives the handshake keys from hellos and secret", "decrypts the server's flight, and then everything"),
    breaks="confidentiality",
    why="Each end talks to the peer that it means, and all evidence is true; she only listens.",
    source="SEAT use cases; RFC 9846, 7.1",
    stopped_by="only a sound key agreement; attestation cannot add anything",
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
"""The same on TLS 1.2 with an ephemeral key agreement: the secret is the pre-master secret."""
RANDOM = slice(6, 38)
"""Where the random is in a hello: after the header of four octets and the version of two (RFC 9846, 4.2.2)."""
SIDES: tuple[Direction, ...] = ("client", "server")


def start(guest: Guest) -> None:
    """Wait; the network is recorded in any case."""
    Alice(guest, ATTACK).only_listen()


def afterwards(guest: Guest) -> None:
    """Decrypt every recorded connection whose secret has leaked."""
    alice = Alice(guest, ATTACK)
    if alice.powers.own_secrets("pre_master_secret"):
        found = "derives the master secret from the leaked secret and the handshake, and decrypts her recording."
        alice.tell("derive", found)
    for connection in alice.powers.knowledge().connections:
        if derive(alice, connection):
            alice.tell("derive", f"derives the traffic keys of {connection} and decrypts her recording.")


def hello_of(seen: Knowledge, connection: str, side: Direction) -> Decoded | None:
    """Return the hello of one side of a recorded connection; None if it was not TLS."""
    hellos = (tls.ClientHello, tls.ServerHello)
    return next((m for m in seen.messages(connection, side) if isinstance(m.message, hellos)), None)


def derive(alice: Alice, connection: str) -> bool:
    """Derive the traffic secrets of a recorded connection; return False if it is not TLS 1.3, or nothing leaked."""
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
