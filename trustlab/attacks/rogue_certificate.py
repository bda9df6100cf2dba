"""`rogue-certificate`: Alice in the middle, with a certificate that a trusted CA signed for the bank's name.

This module is Alice's guest program: the cloud starts it from an image, with her powers as the provider
(`guest.provider`). Against plain TLS she runs OpenSSL on both legs. Against a passage she runs our engine with its
hooks open, and does the best she can: copies randoms and nonces across, forwards the Evidence that travels in the
handshake, even the pre-master secret. What she cannot copy is the key: the one in her certificate is hers. (To a
question inside the channel she answers nothing here; forwarding it is `tunnel-relay`.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.middle import HTTPS, Impostor, Pipe
from trustlab.attacks.middle13 import Middle
from trustlab.attacks.programs import powers, rogue_identity, teller_of
from trustlab.passage import OpenSslEndpoint

if TYPE_CHECKING:
    from trustlab.cloud import Guest, Identity
    from trustlab.wire import Connection, Endpoint

ATTACK = Attack(
    name="rogue-certificate",
    needs=("owns the network between the VMs", "a CA that validates names across that network"),
    steps=(
        "answers the CA's connection to the bank's name and gets a certificate for a key of her own",
        "answers the teller's connection in the bank's name",
        "opens her own connection to the bank and passes everything on, reading it",
    ),
    breaks="authenticity",
    why="A certificate says that someone answered for a name, and in Alice's network Alice decides who answers.",
    source="Trusted Passages (2011)",
    stopped_by="Evidence bound to the channel: the key in TLS must be the one that the measured machine's TPM made",
)


def start(guest: Guest) -> None:
    """Take the bank's place: certificate first, then the stream."""
    identity = rogue_identity(guest, teller_of(guest, ATTACK))
    powers(guest).redirect(guest.setting("victim"), HTTPS)
    guest.listen(HTTPS, lambda connection: intercept(guest, identity, connection))


def intercept(guest: Guest, identity: Identity, connection: Connection) -> Endpoint:
    """Make Alice's end of a connection that was meant for the victim, and her own connection to the victim."""
    tell = teller_of(guest, ATTACK)
    tell("intercept", f"answers {connection.client.name}'s connection in the name of {connection.server.name}.")
    if guest.design.when == "never":
        return plain(guest, identity, connection)
    if guest.design.tls == "1.3":
        return Middle(guest, connection, tell, own=identity)
    towards_client = NoAnswer() if guest.design.when == "inside" else Pipe()
    return Impostor(guest, identity, connection, tell=tell, towards_client=towards_client)


class NoAnswer(Pipe):
    """Answers the question inside the channel with an empty frame: she has nothing to show."""

    def received(self, data: bytes) -> bytes:
        """Answer nothing to the first thing asked."""
        answer, self._answered = (b"", True) if getattr(self, "_answered", False) else (b"\0\0", True)
        return answer or super().received(data)


class Relay:
    """An application over OpenSSL that passes what it reads to another endpoint."""

    def __init__(self) -> None:
        self.finished = False
        self.other: OpenSslEndpoint | None = None

    def connected(self) -> bytes:
        """Say nothing of her own."""
        return b""

    def received(self, data: bytes) -> bytes:
        """Pass plaintext on to the other leg."""
        if self.other is not None:
            self.other.write(data)
        return b""

    def closed(self, error: Exception | None) -> None:  # noqa: ARG002 - both endings look alike from here
        """Close the other leg too."""
        self.finished = True
        if self.other is not None:
            self.other.close()


def plain(guest: Guest, identity: Identity, connection: Connection) -> Endpoint:
    """Make both of Alice's ends by OpenSSL, for a design that is nothing but TLS."""
    towards_client, towards_server = Relay(), Relay()
    left = OpenSslEndpoint.server(
        towards_client,
        party=guest.party,
        connection=connection.name,
        chain_pem=[identity.certificate_pem],
        key_pem=identity.key_pem,
    )
    towards_server.other = left

    def right(name: str) -> Endpoint:
        end = OpenSslEndpoint.client(
            towards_server,
            party=guest.party,
            connection=name,
            server_name=guest.setting("server_name"),
            roots_pem=guest.setting("web_root"),
            check=False,
        )
        towards_client.other = end
        return end

    guest.connect(connection.server.name, HTTPS, right)
    tell = teller_of(guest, ATTACK)
    tell("relay", f"opens her own connection to {connection.server.name} and passes everything on, reading it.")
    return left
