"""`evidence-relay`: fresh Evidence of the genuine machine, in a channel of Alice's that the machine's own key signs.

Alice ends the teller's TLS with the bank's certificate: the TPM signs CertificateVerify for anybody who has the
password. The Evidence comes from her own channel to the bank, which she opened with the teller's nonce.

With `known-dh-secret-and-key` she also knows the secret of the key agreement. She lets both hellos pass unchanged, and
speaks to both sides from there on. Hellos and secret are the same in both channels, so Evidence over them fits both;
everything after them is her own, and so are the traffic keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks.alice.borrowed_key import BorrowedKey
from trustlab.attacks.alice.ends import use_key_of_victim
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions, Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="evidence-relay",
    needs=("owns the network between the VMs", "can use the bank's TLS key, though it never leaves the TPM"),
    steps=(
        "answers the teller's connection with the bank's own certificate",
        "opens her own connection to the bank, with the teller's nonce, and gets fresh evidence",
        "has the bank's TPM sign for her channel, and forwards the evidence",
    ),
    breaks="trust",
    why="The evidence is fresh and names the key, but the key signs for two channels.",
    source="CVE-2026-33697; SEAT use cases",
    stopped_by="a binder that names this channel: its hellos, its secret or its exporter; or a key nobody else can use",
    assumes=Assumptions(leaks=("key usable",)),
    tls="1.3",
)
WITH_DH_SECRET = msgspec.structs.replace(
    ATTACK,
    name="known-dh-secret-and-key",
    needs=(ATTACK.needs[0], "knows the secret of the key agreement", ATTACK.needs[1]),
    steps=(
        "lets both hellos pass unchanged",
        "decrypts the bank's flight, takes the evidence out, and sends a flight of her own",
        "has the bank's TPM sign it: the teller is in her channel now",
    ),
    breaks="authenticity and confidentiality",
    why="The evidence covers nothing after ServerHello; what follows differs, and nobody compares it.",
    source="SEAT use cases; Intra-handshake.fail",
    stopped_by="the exporter in the binder: it covers the whole handshake. (Silent, she reads everything.)",
    prize="agree",
    assumes=Assumptions(leaks=("key usable", "DH secret")),
)


def start(guest: Guest) -> None:
    """Sit between teller and bank, with the bank's certificate and the use of its key."""
    alice = Alice(guest, ATTACK)
    knows_secret = alice.playing == WITH_DH_SECRET.name
    use_key_of_victim(alice, BorrowedKey(alice), whole=knows_secret)
    if knows_secret:
        alice.tell("takeover", "lets both hellos pass, and will speak from there on.")
    else:
        alice.tell("relay", "waits for the teller, with the bank's own certificate.")
