"""`memory-scrape`: Alice reads the private key out of an ordinary VM's memory, and decrypts her recording with it.

The VM's RAM is a file of hers: a hypervisor can read its guest's memory, unless hardware prevents it. She looks for a
private key in PEM form (RFC 7468). This needs machines with memory of their own, the `uml` substrate. On a HyperSafe
machine she is refused (emulated: the refusal says so).
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
        "searches the memory of the bank's VM for a private key",
        "decrypts the recorded handshake, and with it the payment",
    ),
    breaks="confidentiality",
    why="A VM's memory is part of its host's memory, and whoever owns the host can read it.",
    source="Trusted Passages (2011)",
    stopped_by="HyperSafe, which keeps everybody out of its guest's memory; and a key that never was in that memory",
)
BEGIN, END = b"-----BEGIN PRIVATE KEY-----\n", b"-----END PRIVATE KEY-----"
LENGTHS = (1703, 1699, 1707)
"""Octets of an RSA-2048 key in PEM, without the last newline; the second and third if a number in it is shorter."""
SLIP = 4
"""The next page in memory may begin, by chance, with up to this many octets that are valid in PEM."""
BODY = re.compile(rb"-----BEGIN PRIVATE KEY-----\n(?:[A-Za-z0-9+/]{64}\n)*[A-Za-z0-9+/=]{0,64}")


def start(guest: Guest) -> None:
    """Wait; the network is recorded in any case."""
    Alice(guest, ATTACK).only_listen()


def afterwards(guest: Guest) -> None:
    """Search the bank's memory for a key, which decrypts everything that was recorded."""
    alice = Alice(guest, ATTACK)
    victim = alice.victim
    try:
        heads = alice.powers.search_memory(victim, BEGIN + b".{0,%d}" % max(LENGTHS))
        tails = alice.powers.search_memory(victim, END, before=max(LENGTHS))
    except HypercallRefusedError as refusal:
        alice.tell("refused", f"asks for the memory of {victim}'s VM and is refused: {refusal}")
        return
    except CloudError as error:
        alice.tell("nothing", f"cannot search the memory: {error}")
        return
    keys = private_keys(heads, tails)
    for der in keys:
        guest.party.secret(PRIVATE_KEY, der)
    if keys:
        alice.tell("scrape", f"finds a private key in the memory of {victim}'s VM and decrypts her recording with it.")
    else:
        alice.tell("nothing", f"does not find a private key in the memory of {victim}'s VM.")


def private_keys(heads: Iterable[bytes], tails: Iterable[bytes]) -> list[bytes]:
    """Return the RSA private keys (PKCS #8, DER) that the beginnings and endings in memory make, each once.

    A key may lie across two pages that are not neighbours, so every beginning is tried with every ending.
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
    """Yield the possible keys with one beginning: as it is, and joined with each ending."""
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
    """Return an RSA key in DER, or b"" if this is not one."""
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # other things look like keys too
        return b""
    if not isinstance(key, rsa.RSAPrivateKey):
        return b""
    form = (serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key.private_bytes(*form)
