"""`toctou-redirect`: the machine that was attested is not the machine that is used.

Alice lets the question and the quote pass untouched, and sends the connection that carries the data to a clone of
hers with a rogue certificate. Time of check, time of use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.passage import TlsEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest, Identity
    from trustlab.wire import Connection

ATTACK = Attack(
    name="toctou-redirect",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "lets the teller ask the genuine machine for its quote",
        "answers the next connection on a clone of the bank, with a certificate of her own",
    ),
    breaks="trust",
    why="The evidence was about another connection than the one that carries the data.",
    source="Trusted Passages (2011)",
    stopped_by="evidence on the connection that carries the data",
)
VERSIONS = {"1.2": tls.Version.TLS12, "1.3": tls.Version.TLS13}


def start(guest: Guest) -> None:
    """Stand in for the bank on the connection that carries the data, and on no other."""
    tell = teller_of(guest, ATTACK)
    identity = rogue_identity(guest, tell)
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    guest.listen(HTTPS, lambda connection: clone(guest, identity, connection, tell))


def clone(guest: Guest, identity: Identity, connection: Connection, tell: Callable[[str, str], None]) -> TlsEndpoint:
    """Make the clone's end: honest TLS with her certificate, no evidence, and an open ear."""
    tell("redirect", f"sends {connection.client.name}'s connection to a clone of {connection.server.name}.")
    engine = tls.Server(
        tls.ServerConfig(
            certificates=(identity.certificate_der,),
            key=identity.key,
            versions=(VERSIONS[guest.design.tls],),
            cipher_suites=(tls.CipherSuite[guest.design.suite],),
            groups=(tls.Group[guest.design.group],),
            extended_master_secret=guest.design.extended_master_secret,
            client_certificate="request" if guest.design.client_key else "none",
            check_peer=False,
        )
    )
    observer = tls.TraceObserver(guest.party, connection.name, role="server")
    return TlsEndpoint(engine, OpenEar(guest), observer=observer)


class OpenEar:
    """Listens like a bank, and thanks."""

    def __init__(self, guest: Guest) -> None:
        self.finished = False
        self._guest = guest

    def connected(self) -> bytes:
        """Wait."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Thank for an order; to a question inside the channel there is no answer."""
        if not data.endswith(b"\n"):
            self.finished = True
            return b"\0\0"
        return b"PAID to Alice, with thanks\n"

    def closed(self, error: Exception | None) -> None:
        """Note nothing."""
