"""`stranger`: Alice opens a connection of her own to the bank, as anybody may, and asks for the balance.

She has no certificate and no evidence, and takes no power of a provider's. It shows on which designs anybody may be
the client: there the bank keeps its secret from nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.alice.applications import OWN_NONCE, STATEMENT, Ask
from trustlab.attacks.alice.legs import Credentials, TowardsServer
from trustlab.attacks.alice.sealing import sealed
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Attack
from trustlab.passage import OpenSslEndpoint
from trustlab.passage.exchange import frame

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.wire import Endpoint

ATTACK = Attack(
    name="stranger",
    needs=("a connection to the bank, which anybody can open",),
    steps=("connects to the bank as anybody may", "asks for the balance"),
    breaks="confidentiality, for the server",
    why="A server that asks for nothing has no reason to refuse anybody.",
    source="Trusted Passages (2011)",
    stopped_by="a client that has to show evidence, or a certificate",
    prize="balance",
)


NO_EVIDENCE = b"\0"


def start(guest: Guest) -> None:
    """Connect and ask."""
    alice = Alice(guest, ATTACK)
    alice.tell("ask", f"connects to {alice.victim} as anybody may, and asks for the balance.")
    alice.connect(lambda name: asking(alice, name))


class EmptyHanded(TowardsServer):
    """A client without evidence, which shows an octet in its place: the server judges it, and nobody waits."""

    def respond(self, request: tls.Request) -> None:
        """Show something that is no evidence."""
        if isinstance(request, tls.EvidenceWanted):
            self.connection.answer(request, NO_EVIDENCE)
        else:
            super().respond(request)


def asking(alice: Alice, name: str, shows: Credentials | None = None) -> Endpoint:
    """Return her end: it sends the frames of an exchange inside the channel, if there is one, and the question."""
    if alice.placement.seals:
        return EmptyHanded(alice, name, sealed(alice, name, Ask(STATEMENT)), shows=shows)
    says = Ask(frame(OWN_NONCE) * alice.placement.frames + STATEMENT)
    if alice.placement.our_engine:
        return EmptyHanded(alice, name, says, shows=shows)
    return OpenSslEndpoint.client(
        says,
        party=alice.guest.party,
        connection=name,
        server_name=alice.guest.setting("server_name"),
        roots_pem=alice.guest.setting("web_root"),
        check=False,
    )
