"""`known-dh-secret-and-hello`: Alice knows the secret of the bank's key agreement, and answers with a hello of her own.

She passes the teller's ClientHello to the bank unchanged, and decrypts the bank's flight, because she knows the secret.
So she has evidence that was made for this very ClientHello. Then she writes a ServerHello: the bank's, but with another
random number. Both channels have the same key agreement now, and different handshake keys.

With `known-dh-secret-and-share` her ServerHello is all her own, with a key share of hers: the channels have nothing in
common but the ClientHello. The bank's key signs for her in both. The two tell apart what a binder is tied to (`trustlab
goals`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.attacks.alice.borrowed_key import BorrowedKey
from trustlab.attacks.alice.legs import TowardsClient
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack

if TYPE_CHECKING:
    from trustlab import tls
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="known-dh-secret-and-hello",
    needs=(
        "owns the network between the VMs",
        "knows the secret of the bank's key agreement",
        "can use the bank's TLS key, though it never leaves the TPM",
    ),
    steps=(
        "passes the teller's ClientHello on unchanged, and decrypts the bank's flight",
        "answers with the bank's ServerHello, but with a random number of her own",
        "shows the bank's evidence, and has the bank's TPM sign for her channel",
    ),
    breaks="authenticity and confidentiality",
    why="The evidence names the secret of the key agreement, but not the hellos that go with it.",
    source="Intra-handshake.fail",
    stopped_by="both hellos in the binder, or the exporter of the finished channel",
    assumes=Assumptions(leaks=("key usable", "DH secret")),
    tls="1.3",
)
OWN_SHARE = msgspec.structs.replace(
    ATTACK,
    name="known-dh-secret-and-share",
    steps=(ATTACK.steps[0], "answers with a ServerHello of her own, with a key share of hers", ATTACK.steps[2]),
    why="The evidence names the ClientHello, but no secret that only the two ends of this key agreement have.",
    stopped_by="the secret of the key agreement in the binder, or the ServerHello with the bank's key share",
)


class OwnRandom(TowardsClient):
    """Answers with the server's hello, but for the random number."""

    def own_hello(self, own: tls.ServerHello, servers: tls.ServerHello) -> tls.ServerHello:
        return replace(servers, random=own.random)


class OwnShare(TowardsClient):
    """Answers with a hello of her own, though she has passed the client's on as it was."""

    def __init__(self, *where: Any, whole: bool = False, **how: Any) -> None:  # noqa: ANN401, ARG002 - as TowardsClient
        super().__init__(*where, **how)


class AnotherRandom(Middle):
    leg_towards_client = OwnRandom


class AnotherShare(Middle):
    leg_towards_client = OwnShare


def start(guest: Guest) -> None:
    """Sit between teller and bank, with the bank's certificate and the use of its key."""
    alice = Alice(guest, ATTACK)
    middle = AnotherShare if alice.playing == OWN_SHARE.name else AnotherRandom
    own = alice.rogue_identity() if alice.placement.mutual else None
    key = BorrowedKey(alice)
    alice.take_place(lambda connection: middle(alice, connection, own=own, key=key, whole=True))
    alice.tell("takeover", "lets the teller's ClientHello pass, and will answer it herself.")
