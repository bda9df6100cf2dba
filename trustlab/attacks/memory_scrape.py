"""`memory-scrape`: Alice reads the private key out of an ordinary VM's memory, and decrypts her recording with it.

The VM's RAM is a file of hers: a guest's memory is the hypervisor's to read, unless hardware prevents it. She looks
for what a private key looks like: PEM (RFC 7468), or PKCS #8 in DER (RFC 5958). It needs machines that have memory of
their own, the `uml` substrate; at a HyperSafe machine she is refused (emulated: see the refusal's own words).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from trustlab.attacks.attack import Attack
from trustlab.attacks.programs import powers, teller_of
from trustlab.capture.keys import PRIVATE_KEY
from trustlab.cloud.errors import CloudError, HypercallRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.cloud import Guest

ATTACK = Attack(
    name="memory-scrape",
    needs=("owns the host, and with it an ordinary VM's memory", "recorded the network"),
    steps=(
        "searches the memory of the bank's VM for what a private key looks like",
        "decrypts the recorded handshake, and with it the payment",
    ),
    breaks="confidentiality",
    why="A VM's memory lies in the memory of its host: whoever owns that, reads it.",
    source="Trusted Passages (2011)",
    stopped_by="HyperSafe, which shows its guest's memory to nobody; and a key that never was in the VM's memory",
)
PEM = rb"-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]{1000,4000}-----END PRIVATE KEY-----"
RSA_OID = rb"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"
DER = rb"\x30\x82[\x04-\x09].\x02\x01\x00" + RSA_OID + rb"\x04\x82.{1100,2400}"


def start(guest: Guest) -> None:
    """Wait: the network is recorded anyway."""
    teller_of(guest, ATTACK)("wait", "only listens: she records what crosses her network.")


def afterwards(guest: Guest) -> None:
    """Search the bank's memory; with a key, everything recorded opens."""
    tell, victim = teller_of(guest, ATTACK), guest.setting("victim")
    try:
        found = powers(guest).search_memory(victim, PEM) + powers(guest).search_memory(victim, DER)
    except HypercallRefusedError as refusal:
        tell("refused", f"asks for the memory of {victim}'s VM and is refused: {refusal}")
        return
    except CloudError as error:
        tell("nothing", f"cannot: {error}")
        return
    keys = private_keys(found)
    for der in keys:
        guest.party.secret(PRIVATE_KEY, der)
    if keys:
        tell("scrape", f"finds a private key in the memory of {victim}'s VM and opens her recording with it.")
    else:
        tell("nothing", f"finds no private key in the memory of {victim}'s VM.")


def private_keys(found: Iterable[bytes]) -> list[bytes]:
    """Return the RSA private keys (PKCS #8, DER) among octets that look like one, each once."""
    keys = []
    for octets in found:
        try:
            key = _load(octets)
        except ValueError:
            continue
        if not isinstance(key, rsa.RSAPrivateKey):
            continue
        form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        der = key.private_bytes(*form)
        if der not in keys:
            keys.append(der)
    return keys


def _load(octets: bytes) -> object:
    if octets.startswith(b"-----"):
        return serialization.load_pem_private_key(octets, None)
    length = 4 + int.from_bytes(octets[2:4], "big")
    return serialization.load_der_private_key(octets[:length], None)
