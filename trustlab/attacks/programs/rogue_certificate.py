"""`rogue-certificate`: Alice in the middle, with a certificate that a trusted CA signed for the bank's name.

Against plain TLS she runs OpenSSL on both legs. Against a passage she runs our engine with its hooks open, and does the
best she can: she copies randoms and nonces, forwards the Evidence that travels in the handshake, and even the
pre-master secret. She cannot copy the key: the one in her certificate is her own. (She does not answer a question
inside the channel; `tunnel-relay` forwards it.)

`fail-open` is the same attack on a relying party whose verifier fails, because Alice blocks what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.ends import intercept
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="rogue-certificate",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "answers the CA's connection to the bank's name and gets a certificate for a key of her own",
        "answers the teller's connection in the bank's name",
        "opens her own connection to the bank, and reads and forwards everything",
    ),
    breaks="authenticity",
    why="A certificate says that somebody answered for a name, and in Alice's network Alice decides who answers.",
    source="Trusted Passages (2011)",
    stopped_by="evidence bound to the channel: the key in TLS must be the one that the measured machine's TPM made",
)
FAIL_OPEN = msgspec.structs.replace(
    ATTACK,
    name="fail-open",
    needs=(*ATTACK.needs, "a verifier that she can make fail"),
    steps=(
        "drops the packets that the teller's verifier needs from the network",
        "answers the teller's connection in the bank's name, and forwards the bank's evidence",
    ),
    breaks="trust",
    why="An error is the one result that an attacker can always cause.",
    source="SEAT use cases",
    stopped_by="failing closed: a verifier that fails refuses",
    assumes=Assumptions(leaks=("verifier errs",)),
)
"""A verifier that works would refuse the evidence that she forwards."""


def start(guest: Guest) -> None:
    """Take the bank's place: first get a certificate, then answer its connections."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: intercept(alice, identity, connection))
    if alice.playing == FAIL_OPEN.name:
        alice.tell("drop", "drops every packet that the teller's verifier would need.")
