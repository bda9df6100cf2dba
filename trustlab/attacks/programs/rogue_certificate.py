"""`rogue-certificate`: Alice in the middle, with a certificate that a trusted CA signed for the bank's name.

This module is Alice's guest program: the cloud starts it from an image, with her powers as the provider
(`guest.provider`). Against plain TLS she runs OpenSSL on both legs. Against a passage she runs our engine with its
hooks open, and does the best she can: copies randoms and nonces across, forwards the Evidence that travels in the
handshake, even the pre-master secret. What she cannot copy is the key: the one in her certificate is hers. (To a
question inside the channel she answers nothing here; forwarding it is `tunnel-relay`.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.ends import intercept
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="rogue-certificate",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "answers the CA's connection to the bank's name and gets a certificate for a key of her own",
        "answers the teller's connection in the bank's name",
        "opens her own connection to the bank and passes everything on, reading it",
    ),
    breaks="authenticity",
    why="A certificate says that someone answered for a name, and in Alice's network Alice decides who answers.",
    source="Trusted Passages (2011)",
    stopped_by="Evidence bound to the channel: the key in TLS must be the one that the measured machine's TPM made",
)

ATTACKS = (ATTACK,)


def start(guest: Guest) -> None:
    """Take the bank's place: certificate first, then the stream."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: intercept(alice, identity, connection))
