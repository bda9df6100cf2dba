"""Alice's end of a connection that was addressed to the victim, for several of her programs."""

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
from trustlab.attacks.alice.authenticators import ShowAlone
from trustlab.attacks.alice.legs import Credentials, TowardsClient, TowardsServer
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import QUESTIONS
from trustlab.passage import OpenSslEndpoint, PlainEndpoint
from trustlab.passage.exchange import frame

if TYPE_CHECKING:
    from trustlab import tls
    from trustlab.attacks.alice.borrowed_key import BorrowedKey
    from trustlab.attacks.alice.tools import Alice
    from trustlab.cloud import Identity
    from trustlab.wire import Endpoint, WireConnection


def intercept(alice: Alice, identity: Identity, connection: WireConnection) -> Endpoint:
    """Answer in the victim's name and forward everything, except a question for evidence inside the channel."""
    alice.tell("intercept", f"answers {connection.client.name}'s connection in the name of {connection.server.name}.")
    if not alice.placement.our_engine:
        return plain(alice, identity, connection)
    if alice.placement.asks_inside:
        return Middle(alice, connection, own=identity, applications=(Relay(first=NOTHING_TO_SHOW), Relay()))
    return Middle(alice, connection, own=identity)


def plain(
    alice: Alice, identity: Identity, connection: WireConnection, applications: tuple[Relay, Relay] | None = None
) -> Endpoint:
    """Make both of her ends with OpenSSL, for a design that is plain TLS.

    `applications` replace the usual ones, towards the client and towards the server.
    """
    towards_client, towards_server = applications or (Relay(), Relay())
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
    alice.tell("relay", f"opens her own connection to {connection.server.name}, and reads and forwards everything.")
    return left


def clone(alice: Alice, identity: Identity, connection: WireConnection) -> Endpoint:
    """Answer with a clone of the victim: TLS with her own certificate and without evidence; she reads what arrives.

    Where evidence is exchanged inside the channel, the clone takes part in the exchange, and its answer is empty.
    """
    alice.tell("redirect", f"sends {connection.client.name}'s connection to a clone of {connection.server.name}.")
    shows = Credentials.of(identity)
    return TowardsClient(alice, connection.name, talks_alone(alice, b""), shows=shows, attests=False)


def talks_alone(alice: Alice, evidence: bytes) -> ListenAndThank:
    """Return what she says in the server's place if she has only this evidence, or none (b"")."""
    place = alice.placement
    if place.mutual and alice.design.tls == "1.3":
        return ShowAlone(evidence)
    if place.frames:
        return ShowEvidence(evidence, place.frames, opening=frame(OWN_NONCE) if place.mutual else b"")
    return ListenAndThank()


def replay_server(alice: Alice, connection: WireConnection, shows: Credentials, evidence: bytes) -> Endpoint:
    """Answer with evidence that she has, without a connection to the victim."""
    return TowardsClient(alice, connection.name, talks_alone(alice, evidence), shows=shows, evidence=evidence)


class EvidenceCollector:
    """An ordinary connection to the victim, which anybody may open: keeps its certificate and its evidence.

    Both are there once the network has become quiet.
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
        """The victim's certificate, in DER."""
        return self._leg.connection.peer_certificates[:1]

    @property
    def hello(self) -> tls.ServerHello | None:
        """The victim's ServerHello."""
        return self._leg.server_hello

    @property
    def evidence(self) -> bytes:
        """The victim's evidence, encoded."""
        return self._leg.evidence or self._answers[-1].answer


def use_key_of_victim(alice: Alice, key: BorrowedKey, *, whole: bool = False) -> None:
    """Answer in TLS 1.3 in the victim's name, with the victim's certificate and the use of its `key`."""
    own = alice.rogue_identity() if alice.placement.mutual else None
    alice.take_place(lambda connection: Middle(alice, connection, own=own, key=key, whole=whole))
