"""`quote-flooding`: a ClientHello costs its sender nothing, and the bank's TPM a quote.

Alice begins handshakes and finishes none. What is measured is whose quotes the bank's TPM makes.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.attack import Attack
from trustlab.attacks.bleichenbacher import Silent
from trustlab.attacks.leaky_bank import Saying
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.programs import teller_of
from trustlab.attacks.standing_in import QUESTIONS
from trustlab.attacks.toctou_redirect import VERSIONS
from trustlab.passage import PlainEndpoint, TlsEndpoint, offer
from trustlab.passage.exchange import NONCE, frame

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.trace import Trace

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
FLOOD = 24
"""How many handshakes she begins."""


def start(guest: Guest) -> None:
    """Begin them all; where a machine answers questions before TLS, ask."""
    tell, victim = teller_of(guest, ATTACK), guest.setting("victim")
    if guest.design.when == "before":
        for _ in range(FLOOD):
            guest.connect(victim, QUESTIONS, lambda _name: PlainEndpoint(Saying(frame(os.urandom(NONCE)))))
        tell("flood", f"asks the bank's machine {FLOOD} questions.")
        return
    for _ in range(FLOOD):
        guest.connect(victim, HTTPS, lambda _name: Beginner(guest))
    tell("flood", f"begins {FLOOD} handshakes with the bank and finishes none.")


class Beginner(TlsEndpoint):
    """A client that says its hello and hears nothing."""

    def __init__(self, guest: Guest) -> None:
        config = tls.ClientConfig(
            server_name=guest.setting("server_name"),
            check_peer=False,
            versions=(VERSIONS[guest.design.tls],),
            cipher_suites=(tls.CipherSuite[guest.design.suite],),
            groups=(tls.Group[guest.design.group],),
            extended_master_secret=guest.design.extended_master_secret,
            attestation=offer(guest.design, "client"),
        )
        super().__init__(tls.Client(config), Silent())

    def receive(self, data: bytes) -> None:
        """Hear nothing."""


def quotes_for(trace: Trace, server: str = "bank") -> Counter[str]:
    """Return for whom a server's TPM made quotes, by the cloud's word on who stood at the other end.

    A quote is the server's binder and the TPM's own good answer after it.
    """
    clients = {e.connection: str(e.data["client"]) for e in trace.select("ground-truth", name="connection")}
    made: Counter[str] = Counter()
    waiting = ""
    for event in trace:
        if event.party != server:
            continue
        if event.kind == "binder" and event.data["side"] == "attester":
            waiting = clients.get(event.connection, event.connection.split("-")[0])
        elif event.kind == "tpm.response" and event.name == "TPM2_Quote" and event.data["rc"] == 0 and waiting:
            made[waiting] += 1
            waiting = ""
    return made
