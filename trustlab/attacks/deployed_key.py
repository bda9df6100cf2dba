"""`deployed-key`: Alice keeps a copy of the private key she deployed, and reads the recording.

She does nothing to the network at all. With RSA key exchange the private key opens the EncryptedPreMasterSecret of
every recorded handshake; nobody can notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from trustlab.attacks.attack import Attack
from trustlab.attacks.programs import powers, teller_of
from trustlab.capture import PRIVATE_KEY

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="deployed-key",
    needs=("deployed the image with the key on its disk", "recorded the network"),
    steps=("copies the private key off the bank's disk", "decrypts the recorded handshake, and with it the payment"),
    breaks="confidentiality",
    why="That the quote names the key says nothing of who else has it.",
    source="Trusted Passages (2011)",
    stopped_by="a key that is made in the TPM and never leaves it",
)
FILE = "private-key.pem"


def start(guest: Guest) -> None:
    """Wait: the network is recorded anyway."""
    teller_of(guest, ATTACK)("wait", "only listens: she records what crosses her network.")


def afterwards(guest: Guest) -> None:
    """Look for a private key on the bank's disk; with one, everything recorded opens."""
    tell = teller_of(guest, ATTACK)
    found = powers(guest).disk_of(guest.setting("victim")).get(FILE)
    if not isinstance(found, bytes):
        tell("nothing", "finds no private key on the bank's disk: it was never outside the TPM.")
        return
    key = serialization.load_pem_private_key(found, None, unsafe_skip_rsa_key_validation=True)
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    guest.party.secret(PRIVATE_KEY, der)
    tell("copy", f"copies {FILE} off the bank's disk and opens her recording with it.")
