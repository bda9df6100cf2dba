"""`scripted`: plays any attack that the finder found, from the list of provenances in its measured configuration.

The setting `script` is JSON: the found `steps` (each with the provenance of every field that Alice chose), the `goal`,
whether the bank was gone before the teller came (`replay`), whether both ends see the same handshake (`unchanged`), and
whether she `forges` evidence.
The program is made of the same blocks as the attacks that have a name:

- Unchanged: Alice forwards every octet and decrypts her recording, with a key or a leaked secret.
- The teller ends at her genuine machine: she diverts its connection.
- Only the bank takes part: she is its client.
- She has the attestation keys: she is one of the ends alone, and forges the evidence that it has to show.
- Else she has two legs, or evidence that she kept, and copies exactly the values that the script says.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trustlab import tls
from trustlab.attacks.alice.applications import OWN_NONCE, STATEMENT, Ask, ListenAndThank, Relay, ShowEvidence
from trustlab.attacks.alice.borrowed_key import BorrowedKey
from trustlab.attacks.alice.ends import EvidenceCollector, clone, plain
from trustlab.attacks.alice.forged import forging_end
from trustlab.attacks.alice.legs import Credentials, Hello, TowardsClient, TowardsServer
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import HTTPS, QUESTIONS, Alice
from trustlab.attacks.programs import deployed_key, evidence_replay, key_abuse, known_dh_secret
from trustlab.attacks.programs.client_evidence_forwarding import Forwarding
from trustlab.attacks.programs.same_pms_reencryption import HandOver
from trustlab.attacks.programs.stranger import asking
from trustlab.passage import PlainEndpoint
from trustlab.passage.exchange import frame

if TYPE_CHECKING:
    from trustlab.cloud import Guest, Identity
    from trustlab.wire import Endpoint, WireConnection

BANK = "bank"
SERVER_FLIGHT, CLIENT_HELLO, CLIENT_FLIGHT = "server's flight", "ClientHello", "client's flight"


class Script:
    """The setting `script`, as the blocks ask for it."""

    def __init__(self, text: str) -> None:
        read = json.loads(text)
        self.goal: str = read["goal"]
        self.unchanged: bool = read["unchanged"]
        self.forges: bool = read["forges"]
        self._replay: bool = read["replay"]
        self._steps: list[tuple[str, str, dict[str, str]]] = [
            (taken["party"], taken["message"], taken["fields"]) for taken in read["steps"]
        ]

    def fields(self, party: str, message: str) -> dict[str, str]:
        """Return the provenances of the message that an end accepted; empty if it accepted none."""
        return next((fields for who, what, fields in self._steps if (who, what) == (party, message) and fields), {})

    def takes_part(self, party: str) -> bool:
        """Return whether this end plays in the attack."""
        return any(who == party for who, _, _ in self._steps)

    @property
    def answered(self) -> dict[str, str]:
        """The provenances of what the teller accepts as the server's flight."""
        return self.fields("teller", SERVER_FLIGHT)

    @property
    def whole(self) -> bool:
        """Whether both hellos pass unchanged, because she knows the secret that they agree on."""
        return self.answered.get("share") == BANK

    @property
    def alone(self) -> bool:
        """Whether she answers the teller without a connection to the bank, and shows no evidence."""
        return not self.fields(BANK, CLIENT_HELLO) and not self.answered.get("evidence")

    @property
    def replays(self) -> bool:
        """Whether she shows what she kept: the bank was gone before the teller came."""
        return self._replay and bool(self.fields(BANK, CLIENT_HELLO) or self.fields("machine", "question"))

    def copied(self, fields: dict[str, str], own: Hello, other: Hello) -> Hello:
        """Return her hello with the values of the other leg's hello that the script names, and no more."""
        if fields.get("random", "own") != "own":
            own = replace(own, random=other.random)
        theirs = tls.attestation_of(other)
        if fields.get("nonce", "own") != "own" and theirs is not None:
            own = tls.with_attestation(own, nonce=theirs.nonce)
        return own


class ScriptedServerLeg(TowardsServer):
    """Her leg to the bank: a hello and a secret as the script says."""

    def __init__(self, alice: Alice, *parts: Any, **choices: Any) -> None:  # noqa: ANN401 - as its base
        self.script = Script(alice.guest.setting("script"))
        super().__init__(alice, *parts, **choices)

    def own_hello(self, own: tls.ClientHello, clients: tls.ClientHello) -> tls.ClientHello:
        """Copy what the script says; with a leaked secret the teller's whole hello passes."""
        if self.script.whole:
            return super().own_hello(own, clients)
        return self.script.copied(self.script.fields(BANK, CLIENT_HELLO), own, clients)

    def go_on(self, pms: bytes, evidence: bytes, epms: bytes = b"") -> None:
        """Go on with the client's evidence, and with its secret or her own."""
        where = self.script.fields(BANK, CLIENT_FLIGHT).get("secret", "teller-anew")
        super().go_on(b"" if where == "own" else pms, evidence, epms if where == "teller" else b"")


class ScriptedClientLeg(TowardsClient):
    """Her leg to the teller: a hello as the script says. `kept` is one of the bank's, from before."""

    kept: tls.ServerHello | None = None

    def __init__(self, alice: Alice, *parts: Any, **choices: Any) -> None:  # noqa: ANN401 - as its base
        self.script = Script(alice.guest.setting("script"))
        super().__init__(alice, *parts, **choices)

    def own_hello(self, own: tls.ServerHello, servers: tls.ServerHello) -> tls.ServerHello:
        """Copy what the script says; with a leaked secret the bank's whole hello passes."""
        if self.script.whole:
            return super().own_hello(own, servers)
        return self.script.copied(self.script.answered, own, servers)

    def respond(self, request: tls.Request) -> None:
        """Copy from the hello that she kept, if there is one."""
        match request:
            case tls.MessageReady(message=tls.ServerHello() as own) if self.kept is not None:
                self.connection.answer(request, self.own_hello(own, self.kept))
            case _:
                super().respond(request)

    def handle(self, event: tls.Event) -> None:
        """If she chooses the secret, forward the teller's evidence at once: she may be unable to read its Finished."""
        if isinstance(event, tls.MessageReceived) and isinstance(event.message, tls.SupplementalData):
            chooses = self.script.fields(BANK, CLIENT_FLIGHT).get("secret") == "own"
            if chooses and self.behind is not None:
                self.behind.go_on(b"", event.message.entries[0][1])
        super().handle(event)


class ScriptedMiddle(Middle):
    """Her two legs, joined as the script says."""

    leg_towards_client = ScriptedClientLeg
    leg_towards_server = ScriptedServerLeg


class ScriptedForwarding(Forwarding):
    """The same where the teller's evidence goes on to the bank, in TLS 1.3."""

    leg_towards_client = ScriptedClientLeg
    leg_towards_server = ScriptedServerLeg


def start(guest: Guest) -> None:
    """Take the places that the script needs."""
    alice, script = Alice(guest), Script(guest.setting("script"))
    if script.unchanged:
        alice.only_listen()
    elif script.forges and script.answered:
        be_server(alice)
    elif script.answered.get("certificate") == "genuine":
        genuine = guest.setting("genuine")
        alice.powers.redirect(alice.victim, HTTPS, to=genuine)
        alice.tell("divert", f"sends connections for {alice.victim} to her own genuine machine, {genuine}.")
    elif not script.takes_part("teller") or not script.answered:
        be_client(alice, script)
    else:
        be_between(alice, script)


def be_server(alice: Alice) -> None:
    """Answer the teller in the bank's name, alone, with a key and a certificate of her own and forged evidence."""
    shows = Credentials.of(alice.rogue_identity())
    alice.take_place(lambda link: forging_end(alice, link.name, "server", ListenAndThank(), shows))
    alice.tell("forge", "waits for the teller, with a certificate and the attestation key of the bank's machine.")


def be_client(alice: Alice, script: Script) -> None:
    """Open an ordinary connection to the bank, and ask for the balance."""
    shows = Credentials.of(alice.rogue_identity()) if alice.design.client_key else None
    alice.tell("ask", f"connects to {alice.victim} as anybody may, and asks for the balance.")
    if script.forges:
        alice.connect(lambda name: forging_end(alice, name, "client", Ask(STATEMENT), shows))
    else:
        alice.connect(lambda name: asking(alice, name, shows))


def be_between(alice: Alice, script: Script) -> None:
    """Answer the teller in the bank's name, and connect to the bank if the script needs it."""
    rogue = script.answered["certificate"] == "rogue"
    identity = alice.rogue_identity() if rogue or alice.design.client_key or alice.placement.mutual else None
    asked = alice.placement.asks_before or alice.placement.asks_inside  # old answers to questions: the same in both
    between = between12 if alice.design.tls == "1.2" or (script.replays and asked) else between13
    between(alice, script, identity, BorrowedKey(alice))
    told = ", ".join(f"{name}: {where}" for name, where in script.answered.items())
    alice.tell("script", f"waits for the teller, to send it as the script says ({told}).")


def between12(alice: Alice, script: Script, identity: Identity | None, key: BorrowedKey) -> None:
    """Sit between the ends of a design on TLS 1.2."""
    rogue = script.answered["certificate"] == "rogue"
    visit = None if rogue and not script.replays else EvidenceCollector(alice)

    def credentials() -> Credentials:
        if rogue and identity is not None:
            return Credentials.of(identity)
        return Credentials(visit.chain if visit else (), key)

    def answer(connection: WireConnection) -> Endpoint:
        if not alice.placement.our_engine and identity is not None:
            return plain(alice, identity, connection)
        if script.replays and visit is not None:
            return replay(alice, connection, credentials(), visit)
        if identity is not None and rogue and script.alone:
            return clone(alice, identity, connection)
        return ScriptedMiddle(
            alice, connection, own=credentials(), whole=script.whole, applications=applications12(alice, script)
        )

    alice.take_place(answer)
    if alice.placement.asks_before and script.replays and visit is not None:
        alice.take_place(lambda _connection: PlainEndpoint(ShowEvidence(visit.evidence, 1)), QUESTIONS)


def replay(alice: Alice, connection: WireConnection, shows: Credentials, visit: EvidenceCollector) -> Endpoint:
    """Answer with what she kept of her visit to the bank: its evidence, and the values of its hello that it names."""
    place = alice.placement
    application = ShowEvidence(visit.evidence, place.frames, opening=frame(OWN_NONCE) if place.mutual else b"")
    leg = ScriptedClientLeg(alice, connection.name, application, shows=shows, evidence=visit.evidence)
    leg.kept = visit.hello
    return leg


def applications12(alice: Alice, script: Script) -> tuple[Relay, Relay]:
    """Return what she does in her two channels: she relays, or asks the bank for the balance."""
    if script.goal != "balance":
        return Relay(), Relay(stays=True)
    return (
        (HandOver(), Relay())
        if alice.placement.mutual
        else (Relay(passes=False, stays=True), Relay(STATEMENT, stays=True))
    )


def between13(alice: Alice, script: Script, identity: Identity | None, key: BorrowedKey) -> None:
    """Sit between the ends of a design on TLS 1.3."""
    borrowed = None if script.answered["certificate"] == "rogue" else key
    source = alice.guest.setting("genuine") if script.answered.get("evidence") == "genuine-machine" else ""
    kept = evidence_replay.collected(alice, identity) if script.replays else None

    def answer(connection: WireConnection) -> Endpoint:
        if script.goal == "balance":
            return ScriptedForwarding(alice, connection, own=identity, key=borrowed, source=source)
        return ScriptedMiddle(
            alice, connection, own=identity, key=borrowed, kept=kept, whole=script.whole, source=source
        )

    alice.take_place(answer)


def afterwards(guest: Guest) -> None:
    """Decrypt the recording of an unchanged handshake, with whatever key or secret she has."""
    alice, script = Alice(guest), Script(guest.setting("script"))
    if not script.unchanged:
        return
    deployed_key.afterwards(guest)
    key_abuse.afterwards(guest)
    if alice.powers.own_secrets("shared_secret") or alice.powers.own_secrets("pre_master_secret"):
        known_dh_secret.afterwards(guest)
