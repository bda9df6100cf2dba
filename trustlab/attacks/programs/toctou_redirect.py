"""`toctou-redirect`: the machine that was attested is not the machine that is used. TOCTOU: time of check, time of use.

Alice lets the question and the quote pass, and sends the connection that carries the data to a clone of hers with a
rogue certificate.

`downgrade` sends the client to the same clone, which does not know attestation. Most of TLS treats an extension without
an answer as an extension that is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.ends import clone
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="toctou-redirect",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "lets the teller ask the genuine machine for its quote",
        "answers the next connection on a clone of the bank, with a certificate of her own",
    ),
    breaks="trust",
    why="The evidence was about another connection than the one that carries the data.",
    source="Trusted Passages (2011)",
    stopped_by="evidence on the connection that carries the data",
)
DOWNGRADE = msgspec.structs.replace(
    ATTACK,
    name="downgrade",
    steps=(
        "answers the CA's connection to the bank's name and gets a certificate for a key of her own",
        "answers the teller's connection, and does not answer its offer of evidence",
    ),
    why="A client that goes on without the evidence it demands might as well not demand it.",
    source="SEAT use cases; RFC 9846 4.2.4 (an extension without an answer is not in use)",
    stopped_by="failing closed: the client ends the handshake if its offer is not answered, alert 40 or 109",
)
"""The client offers and demands evidence; her server has a certificate for the bank's name, and no evidence."""


def start(guest: Guest) -> None:
    """Take the bank's place on the connection that carries the data, and on no other."""
    alice = Alice(guest, ATTACK)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: clone(alice, identity, connection))
    if alice.playing == DOWNGRADE.name:
        alice.tell("silence", "answers for the bank with a server that does not know attestation.")
