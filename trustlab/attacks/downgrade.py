"""`downgrade`: Alice answers for the bank and says nothing about evidence.

The teller offers and demands; her server has a certificate for the bank's name and never heard of attestation. An
extension that is not answered is, to most of TLS, an extension that is not used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.attacks.toctou_redirect import clone

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="downgrade",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "answers the CA's connection to the bank's name and gets a certificate for a key of her own",
        "answers the teller's connection, and leaves the offer of evidence unanswered",
    ),
    breaks="trust",
    why="Who goes on without what he demanded, because nobody spoke of it, demanded nothing.",
    source="SEAT use cases; RFC 9846 4.1.4 (an extension without an answer is not in use)",
    stopped_by="failing closed: an offer that is not answered ends the handshake, alert 40 or 109",
)


def start(guest: Guest) -> None:
    """Stand in for the bank with a server that knows nothing of evidence."""
    tell = teller_of(guest, ATTACK)
    identity = rogue_identity(guest, tell)
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    tell("silence", "answers for the bank with a server that never heard of evidence.")
    guest.listen(HTTPS, lambda connection: clone(guest, identity, connection, tell))
