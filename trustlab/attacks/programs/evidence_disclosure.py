"""`evidence-disclosure`: who can read whose evidence? Alice only listens.

Evidence says which machine this is, what runs on it, and whose image that is. Where it crosses the network in clear,
or outside of TLS, everybody on the way can read it, and knows the machine again. What counts are the octets that a TPM
signed: Alice has succeeded if she can read them in what she recorded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="evidence-disclosure",
    needs=("recorded the network",),
    steps=("looks in her recording for evidence, the bank's or the teller's",),
    breaks="privacy: evidence names the machine, and what runs on it",
    why="Evidence that travels before there is a key travels in clear.",
    source="RFC 9334, 11.1; SEAT use cases",
    stopped_by="evidence that travels encrypted. (The bank's own is shown to anybody who asks for it.)",
    prize="evidence",
)


def start(guest: Guest) -> None:
    """Wait; the network is recorded in any case."""
    Alice(guest, ATTACK).only_listen()
