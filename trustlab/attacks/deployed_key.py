"""`deployed-key`: Alice keeps a copy of the private key she deployed, and reads the recording.

She does nothing to the network at all. With RSA key exchange the private key opens the EncryptedPreMasterSecret of
every recorded handshake; nobody can notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives import serialization

from trustlab.attacks.attack import Attack
from trustlab.attacks.borrowed_key import FILE, software_key
from trustlab.attacks.middle import HTTPS, Impostor
from trustlab.attacks.programs import powers, teller_of
from trustlab.attacks.rogue_certificate import plain
from trustlab.capture import PRIVATE_KEY
from trustlab.cloud import Identity

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Connection, Endpoint

NOTHING = "finds no private key on the bank's disk: it was never outside the TPM."
ATTACK = Attack(
    name="deployed-key",
    needs=("deployed the image with the key on its disk", "recorded the network"),
    steps=("copies the private key off the bank's disk", "decrypts the recorded handshake, and with it the payment"),
    breaks="confidentiality",
    why="That the quote names the key says nothing of who else has it.",
    source="Trusted Passages (2011)",
    stopped_by="a key that is made in the TPM and never leaves it",
)
MIDDLE = msgspec.structs.replace(
    ATTACK,
    name="deployed-key-middle",
    needs=("deployed the image with the key on its disk", "owns the network between the VMs"),
    steps=("copies the private key off the bank's disk", "answers the teller's connection with the bank's own key"),
    breaks="authenticity",
    why="Evidence that names a key is good for whoever has it.",
    program="deployed_key",
)
"""The same in the middle of the connection, with the copy."""


def start(guest: Guest) -> None:
    """Wait, for the network is recorded anyway; or take the bank's place with its own key."""
    tell, victim = teller_of(guest, ATTACK), guest.setting("victim")
    if guest.setting("attack") != MIDDLE.name:
        tell("wait", "only listens: she records what crosses her network.")
        return
    pem = copied(guest)
    if not pem:
        tell("nothing", NOTHING)
        return
    key = software_key(pem)
    certificate = powers(guest).obtain_certificate(guest.setting("server_name"), victim, key.public_key())
    identity = Identity(certificate, key)
    powers(guest).redirect(victim, HTTPS)
    guest.listen(HTTPS, lambda connection: stand(guest, identity, connection))
    tell("copy", f"copies {FILE} off the bank's disk and answers the teller with it.")


def stand(guest: Guest, identity: Identity, connection: Connection) -> Endpoint:
    """Make Alice's end of the teller's connection: she copies what can be copied, and the key is the bank's."""
    if guest.design.when == "never":
        return plain(guest, identity, connection)
    return Impostor(guest, identity, connection, tell=teller_of(guest, ATTACK))


def copied(guest: Guest) -> bytes:
    """Return the private key on the bank's disk, PEM; nothing where there is none."""
    found = powers(guest).disk_of(guest.setting("victim")).get(FILE)
    return bytes(found) if found else b""


def afterwards(guest: Guest) -> None:
    """Look for a private key on the bank's disk; with one, everything recorded opens."""
    if guest.setting("attack") == MIDDLE.name:
        return
    tell, pem = teller_of(guest, ATTACK), copied(guest)
    if not pem:
        tell("nothing", NOTHING)
        return
    key = software_key(pem)
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    guest.party.secret(PRIVATE_KEY, der)
    tell("copy", f"copies {FILE} off the bank's disk and opens her recording with it.")
