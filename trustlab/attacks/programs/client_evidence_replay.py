"""`client-evidence-replay`: a client's old evidence, shown again when the client has long gone.

In TLS 1.2 Evidence crosses the network unencrypted. Alice records the teller's, waits until the payment is over, and
opens a connection of her own to the bank with the teller's old hello, its old quote, and a secret of her own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.alice.applications import STATEMENT, Ask
from trustlab.attacks.alice.legs import TowardsServer
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="client-evidence-replay",
    needs=("recorded the network",),
    steps=(
        "records the teller's quote, which crosses the network unencrypted",
        "later opens a connection of her own, with the teller's hello and its quote",
        "is the client now, and asks for the balance",
    ),
    breaks="freshness",
    why="A quote remains true about the past, and this client is not even connected any more.",
    source="Trusted Passages (2011); analyses of RA-TLS (2024)",
    stopped_by="the server's nonce and its random in the client's quote",
    tls="1.2",
    prize="balance",
)


def start(guest: Guest) -> None:
    """Wait; the network is recorded in any case."""
    Alice(guest, ATTACK).only_listen()


def afterwards(guest: Guest) -> None:
    """Connect to the bank as the teller did an hour ago."""
    alice = Alice(guest, ATTACK)
    found = recorded(alice)
    if found is None:
        alice.tell("nothing", "does not find a client's quote in her recording.")
        return
    hello, evidence = found

    def make(name: str) -> TowardsServer:
        leg = TowardsServer(alice, name, Ask(STATEMENT), like=hello, follows=True)
        leg.go_on(b"", evidence)
        return leg

    alice.tell("replay", "opens a connection of her own, with the teller's old hello and its old quote.")
    alice.connect(make)


def recorded(alice: Alice) -> tuple[tls.ClientHello, bytes] | None:
    """Return the first recorded hello of a client, with that client's evidence; None if there is none."""
    seen = alice.powers.knowledge()
    for connection in seen.connections:
        hello: tls.ClientHello | None = None
        for decoded in seen.messages(connection, "client"):
            match decoded.message:
                case tls.ClientHello() as said:
                    hello = said
                case tls.SupplementalData(entries=((_, evidence), *_)) if hello is not None:
                    return hello, evidence
    return None
