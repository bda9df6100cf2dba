"""`deployed-key`: Alice keeps a copy of the private key that she deployed, and decrypts her recording with it.

She does nothing to the network. With RSA key exchange the private key decrypts the EncryptedPreMasterSecret of every
recorded handshake, and nobody can notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives import serialization

from trustlab.attacks.alice.borrowed_key import FILE, software_key
from trustlab.attacks.alice.ends import plain
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack
from trustlab.capture import PRIVATE_KEY
from trustlab.cloud import Identity

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Endpoint, WireConnection

ATTACK = Attack(
    name="deployed-key",
    needs=("deployed the image with the key on its disk", "recorded the network"),
    steps=("copies the private key off the bank's disk", "decrypts the recorded handshake, and with it the payment"),
    breaks="confidentiality",
    why="The quote names the key, but Alice may hold a copy.",
    source="Trusted Passages (2011)",
    stopped_by="a key that is made in the TPM and never leaves it",
)
MIDDLE = msgspec.structs.replace(
    ATTACK,
    name="deployed-key-middle",
    needs=("deployed the image with the key on its disk", "owns the network between the VMs"),
    steps=("copies the private key off the bank's disk", "answers the teller's connection with the bank's own key"),
    breaks="authenticity",
    why="Evidence that names a key can be used by anybody who has the key.",
)
"""The same key, used in the middle of the connection."""
NOTHING = "does not find a private key on the bank's disk: it has never left the TPM."


def start(guest: Guest) -> None:
    """Wait, because the network is recorded in any case; or take the bank's place with its own key."""
    alice = Alice(guest, ATTACK)
    if alice.playing != MIDDLE.name:
        alice.only_listen()
        return
    pem = copied(alice)
    if not pem:
        alice.tell("nothing", NOTHING)
        return
    key = software_key(pem)
    certificate = alice.powers.obtain_certificate(guest.setting("server_name"), alice.victim, key.public_key())
    identity = Identity(certificate, key)

    def answer(connection: WireConnection) -> Endpoint:
        if not alice.placement.our_engine:
            return plain(alice, identity, connection)
        return Middle(alice, connection, own=identity)

    alice.take_place(answer)
    alice.tell("copy", f"copies {FILE} off the bank's disk and answers the teller with it.")


def copied(alice: Alice) -> bytes:
    """Return the private key on the bank's disk in PEM; b"" if there is none."""
    found = alice.powers.disk_of(alice.victim).get(FILE)
    return bytes(found) if found else b""


def afterwards(guest: Guest) -> None:
    """Look for a private key on the bank's disk; it decrypts everything that was recorded."""
    alice = Alice(guest, ATTACK)
    if alice.playing == MIDDLE.name:
        return
    pem = copied(alice)
    if not pem:
        alice.tell("nothing", NOTHING)
        return
    key = software_key(pem)
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    guest.party.secret(PRIVATE_KEY, der)
    alice.tell("copy", f"copies {FILE} off the bank's disk and decrypts her recording with it.")
