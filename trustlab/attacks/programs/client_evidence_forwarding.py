"""`client-impersonation` and `same-pms-reencryption` in TLS 1.3: the teller's evidence, forwarded to the bank.

In TLS 1.3 neither side chooses the secret alone. So Alice ends the teller's channel with a certificate of her own, and
opens a channel to the bank with a client certificate of her own. She shows the bank whatever evidence the teller shows
her, in the handshake or in an authenticator. She has every key except those in the evidence. The prize is the bank's
secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab import tls
from trustlab.attacks.alice.applications import STATEMENT, THANKS, Relay
from trustlab.attacks.alice.authenticators import AskForEvidence, ShowAuthenticator
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import Alice
from trustlab.attacks.attack import Assumptions
from trustlab.attacks.programs import client_impersonation, same_pms_reencryption
from trustlab.passage.exchange import frame
from trustlab.passage.exported import answer, context_of, request
from trustlab.tls import authenticators

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest

ATTACK = msgspec.structs.replace(
    client_impersonation.ATTACK,
    name="client-impersonation-tls13",
    plays="client-impersonation",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "ends the teller's channel, and opens one of her own to the bank",
        "forwards the evidence that the teller shows her, with a client certificate of her own",
        "is the client now, and asks for the balance",
    ),
    why="Evidence that was shown in one channel can be shown in another.",
    source="Trusted Passages (2011); SEAT use cases",
    stopped_by="the channel in the client's evidence; and a client that shows evidence only to a server it accepted",
    tls="1.3",
)
"""Against a teller that checks whom it talks to."""
LAX = msgspec.structs.replace(
    ATTACK,
    name="same-pms-reencryption-tls13",
    plays="same-pms-reencryption",
    needs=same_pms_reencryption.ATTACK.needs,
    source="Trusted Passages (2011); RFC 7627, 1; RFC 9846, 7.1",
    stopped_by="the channel in the client's evidence: her two channels cannot have the same secret",
    assumes=Assumptions(lax_client=True),
)
"""Against a teller that accepts whatever it is shown."""


def start(guest: Guest) -> None:
    """Sit between teller and bank."""
    alice = Alice(guest, ATTACK)
    own = alice.rogue_identity()
    alice.take_place(lambda connection: Forwarding(alice, connection, own=own))
    alice.tell("forwarding", "waits for the teller, to show its evidence to the bank.")


class Forwarding(Middle):
    """Her two channels: the teller's evidence goes from one to the other."""

    follows = True

    def applications(self) -> tuple[Relay, Relay]:
        """Return the applications: towards the teller she listens, towards the bank she asks for the balance."""
        if self.alice.placement.mutual:
            towards_bank = ProveAndAsk()
            return TakeAuthenticator(self, towards_bank), towards_bank
        return Thank(stays=True), Relay(STATEMENT, passes=False, stays=True)


class Thank(Relay):
    """Thanks for an order, and forwards nothing."""

    def passed(self, data: bytes) -> bytes:  # noqa: ARG002 - nothing is forwarded
        return THANKS


class ProveAndAsk(AskForEvidence):
    """Towards the bank: shows the teller's evidence, and asks for the balance."""

    request_of_bank = b""
    then: Callable[[], None] = staticmethod(lambda: None)

    def wanted(self, asked: bytes) -> None:
        """Keep the bank's request for an authenticator; the teller will answer it."""
        self.request_of_bank = asked
        self.then()

    def prove(self, evidence: bytes) -> None:
        """Put the teller's evidence into an authenticator for the bank, and ask for the balance."""
        connection = self.leg.connection
        if self.request_of_bank and not connection.closed:
            connection.send(frame(answer(connection, self.request_of_bank, evidence)) + STATEMENT)


class TakeAuthenticator(ShowAuthenticator):
    """Towards the teller: asks for its evidence, with the context of the bank's request."""

    _mine = b""

    def __init__(self, middle: Middle, towards_bank: ProveAndAsk) -> None:
        super().__init__(middle, passes=False)
        self._towards_bank = towards_bank

    def connected(self) -> bytes:
        """Ask as soon as the bank has asked her."""
        self._towards_bank.then = self._ask
        if self._towards_bank.request_of_bank:
            self._ask()
        return b""

    def _ask(self) -> None:
        if not self.leg.connection.closed:
            self._mine = request(self.leg.connection, context_of(self._towards_bank.request_of_bank))
            self.leg.connection.send(frame(self._mine))

    def proved(self, authenticator: bytes) -> None:
        """Take the evidence out of the teller's authenticator, and show it to the bank."""
        try:
            evidence = authenticators.validate(self.leg.connection, self._mine, authenticator).evidence or b""
            self._tell("forward", "shows the teller's evidence to the bank, in a channel of her own.")
            self._towards_bank.prove(evidence)
        except tls.TlsError as error:
            self._tell("stuck", f"cannot go on: {error}")

    def closed(self, error: Exception | None) -> None:
        """Keep the channel to the bank when the teller has gone."""
