"""`early-canary`: Alice need not answer the question, if the secret comes before her answer is due.

She terminates TLS with a rogue certificate, reads what comes, and answers the question for evidence with nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.attacks.rogue_certificate import intercept

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="early-canary",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "answers the teller's connection in the bank's name, with a certificate of her own",
        "reads what the teller says while it waits for evidence, and has none to show",
    ),
    breaks="trust",
    why="A secret that was sent before the evidence was judged cannot be taken back.",
    source="SEAT use cases",
    stopped_by="nothing of the application before the evidence was accepted",
    tls="1.2",
)


def start(guest: Guest) -> None:
    """Take the bank's place and wait for early words."""
    tell = teller_of(guest, ATTACK)
    identity = rogue_identity(guest, tell)
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    tell("listen", "terminates TLS in the bank's name; she has no evidence, and hopes for an impatient teller.")
    guest.listen(HTTPS, lambda connection: intercept(guest, identity, connection))
