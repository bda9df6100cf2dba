"""Alice's end of a connection that was meant for the victim, as several of her programs make it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.alice.applications import (
    NOTHING_TO_SHOW,
    OWN_NONCE,
    Ask,
    ListenAndThank,
    Relay,
    ShowEvidence,
)
from trustlab.attacks.alice.legs import Credentials, TowardsClient, TowardsServer
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import QUESTIONS
from trustlab.passage import OpenSslEndpoint, PlainEndpoint
from trustlab.passage.exchange import frame

if TYPE_CHECKING:
    from trustlab.attacks.alice.borrowed_key import BorrowedKey
    from trustlab.attacks.alice.tools import Alice
    from trustlab.cloud import Identity
    from trustlab.wire import Endpoint, WireConnection


def intercept(alice: Alice, identity: Identity, connection: WireConnection) -> Endpoint:
    """Answer in the victim's name and pass everything on; to a question inside the channel she answers nothing."""
    alice.tell("intercept", f"answers {connection.client.name}'s connection in the name of {connection.server.name}.")
    if not alice.placement.our_engine:
        return plain(alice, identity, connection)
    if alice.placement.asks_inside:
        return Middle(alice, connection, own=identity, applications=(Relay(first=NOTHING_TO_SHOW), Relay()))
    return Middle(alice, connection, own=identity)


def plain(alice: Alice, identity: Identity, connection: WireConnection) -> Endpoint:
    """Make both of her ends by OpenSSL, for a design that is nothing but TLS."""
    towards_client, towards_server = Relay(), Relay()
    left = OpenSslEndpoint.server(
        towards_client,
        party=alice.guest.party,
        connection=connection.name,
        chain_pem=[identity.certificate_pem],
        key_pem=identity.key_pem,
    )
    towards_server.other = left

    def right(name: str) -> Endpoint:
        end = OpenSslEndpoint.client(
            towards_server,
            party=alice.guest.party,
            connection=name,
            server_name=alice.guest.setting("server_name"),
            roots_pem=alice.guest.setting("web_root"),
            check=False,
        )
        towards_client.other = end
        return end

    alice.connect(right, to=connection.server.name)
    alice.tell("relay", f"opens her own connection to {connection.server.name} and passes everything on, reading it.")
    return left


def clone(alice: Alice, identity: Identity, connection: WireConnection) -> Endpoint:
    """Answer with a clone of the victim: honest TLS with her certificate, no evidence, and she listens."""
    alice.tell("redirect", f"sends {connection.client.name}'s connection to a clone of {connection.server.name}.")
    shows = Credentials.of(identity)
    return TowardsClient(alice, connection.name, ListenAndThank(leaves=True), shows=shows, attests=False)


def replay_server(alice: Alice, connection: WireConnection, shows: Credentials, evidence: bytes) -> Endpoint:
    """Answer in TLS 1.2 with evidence that is at hand, whatever it is worth; nobody stands behind her."""
    place = alice.placement
    application = ShowEvidence(evidence, place.frames, opening=frame(OWN_NONCE) if place.mutual else b"")
    return TowardsClient(alice, connection.name, application, shows=shows, evidence=evidence)


class EvidenceCollector:
    """A visit to the victim, as anybody may make one: keeps its certificate and what it proves.

    There is something to keep once the network came to rest.
    """

    def __init__(self, alice: Alice) -> None:
        place = alice.placement
        frames = None if place.in_handshake else place.frames or 1
        question = b"" if frames is None else frame(OWN_NONCE)
        self._answers = [Ask(question, frames)]
        self._leg: TowardsServer

        def look(name: str) -> TowardsServer:
            self._leg = TowardsServer(alice, name, self._answers[0])
            return self._leg

        def ask(_name: str) -> PlainEndpoint:
            self._answers.append(Ask(question, frames))
            return PlainEndpoint(self._answers[-1])

        alice.connect(look)
        if place.asks_before:
            alice.connect(ask, port=QUESTIONS)

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The victim's own certificate, in DER."""
        return self._leg.connection.peer_certificates[:1]

    @property
    def evidence(self) -> bytes:
        """What the victim proved, encoded."""
        return self._leg.evidence or self._answers[-1].answer


def use_key_of_victim(alice: Alice, key: BorrowedKey, *, whole: bool = False) -> None:
    """Answer in TLS 1.3 in the victim's name, with its own certificate, and its own `key` to sign for it."""
    own = alice.rogue_identity() if alice.placement.mutual else None
    alice.take_place(lambda connection: Middle(alice, connection, own=own, key=key, whole=whole))
