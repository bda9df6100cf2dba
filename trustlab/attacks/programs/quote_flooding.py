"""`quote-flooding`: a ClientHello costs its sender nothing, and the bank's TPM a quote.

Alice begins handshakes and finishes none. What is measured is whose quotes the bank's TPM makes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.applications import Ask, Quiet
from trustlab.attacks.alice.legs import TowardsServer
from trustlab.attacks.alice.tools import QUESTIONS, Alice
from trustlab.attacks.attack import Attack
from trustlab.passage import PlainEndpoint
from trustlab.passage.exchange import NONCE, frame

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="quote-flooding",
    needs=("a connection to the bank, as anybody has",),
    steps=("begins one handshake after another with a demand for evidence", "goes on with none of them"),
    breaks="availability",
    why="The server proves itself before the client has done any work.",
    source="published benchmarks of attested handshakes: 140 to 1,020 ms each",
    stopped_by="a limit before the quote is made",
    prize="quotes",
)
ATTACKS = (ATTACK,)
FLOOD = 24
"""How many handshakes she begins."""


def start(guest: Guest) -> None:
    """Begin them all; where a machine answers questions before TLS, ask."""
    alice = Alice(guest, ATTACK)
    if alice.placement.asks_before:
        for _ in range(FLOOD):
            alice.connect(lambda _name: PlainEndpoint(Ask(frame(alice.guest.random(NONCE)), frames=0)), port=QUESTIONS)
        alice.tell("flood", f"asks the bank's machine {FLOOD} questions.")
        return
    for _ in range(FLOOD):
        alice.connect(lambda name: Beginner(alice, name, Quiet()))
    alice.tell("flood", f"begins {FLOOD} handshakes with the bank and finishes none.")


class Beginner(TowardsServer):
    """A client that says its hello and hears nothing."""

    def receive(self, data: bytes) -> None:
        """Hear nothing."""
