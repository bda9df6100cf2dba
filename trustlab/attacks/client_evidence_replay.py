"""`client-evidence-replay`: what a client proved once, shown again when the client is long gone.

In TLS 1.2 Evidence crosses the network in clear. Alice records the teller's, waits until the payment is over, and
opens a connection of her own to the bank with the teller's old hello, its old quote, and a secret of hers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.attack import Attack
from trustlab.attacks.client_impersonation import STATEMENT
from trustlab.attacks.middle import HTTPS, FalseClient, Pipe
from trustlab.attacks.programs import powers, teller_of

if TYPE_CHECKING:
    from trustlab.cloud import Guest

ATTACK = Attack(
    name="client-evidence-replay",
    needs=("recorded the network",),
    steps=(
        "records the teller's quote, which crosses the network in clear",
        "opens a connection of her own, later, with the teller's hello and its quote",
        "is the client now, and asks for the balance",
    ),
    breaks="freshness",
    why="A quote stays true about the past for ever, and this client is not even there any more.",
    source="Trusted Passages (2011); analyses of RA-TLS (2024)",
    stopped_by="the server's nonce and its random in the client's quote",
    tls="1.2",
    prize="balance",
)


def start(guest: Guest) -> None:
    """Wait: the network is recorded anyway."""
    teller_of(guest, ATTACK)("wait", "only listens: she records what crosses her network.")


def afterwards(guest: Guest) -> None:
    """Be the teller of an hour ago."""
    tell = teller_of(guest, ATTACK)
    found = recorded(guest)
    if found is None:
        tell("nothing", "finds no client's quote in her recording.")
        return
    hello, evidence = found

    def make(name: str) -> FalseClient:
        leg = FalseClient(guest, hello, name, Pipe(STATEMENT), lambda: None, own_secret=True)
        leg.go_on(b"", evidence)
        return leg

    tell("replay", "opens a connection of her own, with the teller's old hello and its old quote.")
    guest.connect(guest.setting("victim"), HTTPS, make)


def recorded(guest: Guest) -> tuple[tls.ClientHello, bytes] | None:
    """Return the first recorded hello of a client with the Evidence that the client gave; None without."""
    seen = powers(guest).knowledge()
    for connection in seen.connections:
        hello: tls.ClientHello | None = None
        for decoded in seen.messages(connection, "client"):
            match decoded.message:
                case tls.ClientHello() as said:
                    hello = said
                case tls.SupplementalData(entries=((_, evidence), *_)) if hello is not None:
                    return hello, evidence
    return None
