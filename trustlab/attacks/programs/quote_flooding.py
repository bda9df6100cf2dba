"""`quote-flooding`: a ClientHello costs its sender nothing, and the bank's TPM a quote.

Alice begins handshakes and does not finish them. `measures.quotes_for` counts how many quotes the bank's TPM makes for
her.
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
    needs=("a connection to the bank, which anybody can open",),
    steps=("begins one handshake after another with a demand for evidence", "does not go on with any of them"),
    breaks="availability",
    why="The server proves itself before the client has done any work.",
    source="published benchmarks of attested handshakes: 140 to 1,020 ms each",
    stopped_by="a limit before the quote is made",
    prize="quotes",
)
FLOOD = 24
"""How many handshakes she begins."""


def start(guest: Guest) -> None:
    """Begin the handshakes; or ask the questions, if the design asks before TLS."""
    alice = Alice(guest, ATTACK)
    if alice.placement.asks_before:
        for _ in range(FLOOD):
            alice.connect(lambda _name: PlainEndpoint(Ask(frame(alice.guest.random(NONCE)), frames=0)), port=QUESTIONS)
        alice.tell("flood", f"asks the bank's machine {FLOOD} questions.")
        return
    for _ in range(FLOOD):
        alice.connect(lambda name: Beginner(alice, name, Quiet()))
    alice.tell("flood", f"begins {FLOOD} handshakes with the bank and does not finish them.")


class Beginner(TowardsServer):
    """A client that sends its hello and ignores the answer."""

    def receive(self, data: bytes) -> None: ...
