"""The honest ends of TLS 1.3: the teller and a bank, with evidence beside the certificate or in authenticators."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from trustlab.finder.ends import (
    CLIENT_FINISHED,
    EVIDENCE,
    FROM_CLIENT,
    FROM_SERVER,
    REQUEST,
    SERVER_FINISHED,
    SIGNED,
    EachAsks,
    Move,
    Way,
    answers_inside,
    answers_orders,
    asks_inside,
    client_keys,
    differs_in_vain,
    inside,
    menu,
    orders,
    server_keys,
    teller_key,
)
from trustlab.finder.provenance import step
from trustlab.finder.terms import NOTHING, Term, agreed, atom, h, kdf, mac, pk, public, senc, seq, share, sign
from trustlab.finder.world import BALANCE, BANK_NAME, PIN, as_it_is, certificate, own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.finder.deduction import Deduction
    from trustlab.finder.terms import View
    from trustlab.finder.world import SymbolicWorld

AUTHENTICATOR = public("authenticator")


def hellos(view: View) -> None:
    """Add what both ends derive after ServerHello."""
    names = ("client_random", "share_C", "nonce_C", "server_random", "nonce_S", "share_S")
    view["hellos"] = h(seq(*(view[name] for name in names)))
    view["handshake_secret"] = kdf(view["shared_secret"], public("handshake secret"))


def server_flight(view: View) -> None:
    """Add the server's signature and Finished, what follows from them, and the flight as it travels: encrypted."""
    so_far = h(seq(view["hellos"], view["extensions"], view["certificate_S"], view["evidence_S"]))
    view["verify_S"] = sign(view["spki_S"].terms[0], seq(SIGNED, FROM_SERVER, so_far))
    finished = kdf(view["handshake_secret"], seq(SERVER_FINISHED, view["hellos"]))
    view["finished_S"] = mac(finished, seq(so_far, view["verify_S"]))
    view["transcript"] = h(seq(so_far, view["verify_S"], view["finished_S"]))
    view["main_secret"] = kdf(view["handshake_secret"], public("main secret"))
    view["traffic_key"] = kdf(view["main_secret"], seq(public("traffic"), view["transcript"]))
    under = kdf(view["handshake_secret"], seq(public("s hs traffic"), view["hellos"]))
    names = ("extensions", "certificate_S", "evidence_S", "verify_S", "finished_S")
    view["flight_S"] = senc(under, seq(*(view[name] for name in names)))


def client_flight(view: View) -> None:
    """Add the client's signature and Finished."""
    key, shown = view["spki_C"], (view["certificate_C"], view["evidence_C"])
    covered = h(seq(view["transcript"], *shown))
    view["verify_C"] = NOTHING if key is NOTHING else sign(key.terms[0], seq(SIGNED, FROM_CLIENT, covered))
    finished = kdf(view["handshake_secret"], seq(CLIENT_FINISHED, view["hellos"]))
    view["finished_C"] = mac(finished, seq(view["transcript"], *shown, view["verify_C"]))


class Ends13:
    """Both ends of a design on TLS 1.3 in one world."""

    def __init__(self, world: SymbolicWorld) -> None:
        self._world, self._design = world, world.design
        self._in_handshake = world.design.when == "handshake"

    def teller(self) -> list[Move]:
        """Return the teller's moves."""
        after = Authenticators(self._world, "teller").moves() if self._design.when == "after-finished" else []
        if self._design.when == "inside":
            after = asks_inside(self._world, "traffic_key")
        return [Move(self._hello), Move(self._server_flight, chooses=True), *after, orders("traffic_key", PIN)]

    def bank(self, machine: str, key: Term) -> list[Move]:
        """Return the moves of a bank on a machine, with its TLS key."""
        flight = _Bank13(self._world, machine, key)
        after = Authenticators(self._world, machine).moves() if self._design.when == "after-finished" else []
        if self._design.when == "inside":
            after = [answers_inside(self._world, "traffic_key", machine)]
        moves = [Move(flight.hello, chooses=True), Move(flight.client_flight, chooses=True)]
        return [*moves, *after, answers_orders("traffic_key", BALANCE, machine)]

    def _hello(self, view: View, _other: View, _alice: Deduction) -> Iterator[Way]:
        hello = {"client_random": atom("teller's random"), "nonce_C": atom("teller's nonce_C")}
        hello["share_C"] = share(atom("teller's exponent"))
        yield Way({**view, **hello}, tuple(hello.values()), step("teller", "ClientHello"))

    def _server_flight(self, view: View, bank: View, alice: Deduction) -> Iterator[Way]:
        randoms = menu(alice, own("server random"), bank, "server_random", "bank")
        nonces = menu(alice, own("server nonce"), bank, "nonce_S", "bank")
        shares = menu(alice, share(own("server exponent")), bank, "share_S", "bank")
        changed = (NOTHING, public("other extensions"))
        keys = server_keys(self._world, alice)
        for random, nonce, theirs, extensions in product(randoms, nonces, shares, changed):
            if differs_in_vain(self._world, theirs, {"server_random": random, "nonce_S": nonce}):
                continue
            secret = agreed(atom("teller's exponent"), theirs.value.terms[0])
            if not alice.derives(secret) and extensions is not NOTHING:
                continue
            seen = {**view, "server_random": random.value, "nonce_S": nonce.value, "share_S": theirs.value}
            seen |= {"shared_secret": secret, "extensions": extensions}
            hellos(seen)
            for key, named, where in keys:
                shown = {**seen, "spki_S": pk(key), "certificate_S": named, "evidence_S": NOTHING}
                whose = self._completes(shown, alice)
                if whose is None:
                    continue
                said = step(
                    "teller",
                    "server's flight",
                    random=random.where,
                    nonce=nonce.where,
                    share=theirs.where,
                    extensions="" if extensions is NOTHING else "own",
                    certificate=where,
                    evidence=whose,
                )
                sent = (shown[name] for name in ("certificate_C", "evidence_C", "verify_C", "finished_C"))
                yield Way(shown, tuple(term for term in sent if term is not NOTHING), said)

    def _completes(self, view: View, alice: Deduction) -> str | None:
        """Complete the teller's view; return whose evidence it accepted, or None if Alice cannot make the flight."""
        whose = ""
        if self._in_handshake and self._design.server is not None:

            def shown(offered: Term) -> Term:
                seen = {**view, "evidence_S": offered}
                server_flight(seen)
                return seen["flight_S"]

            found = self._world.teller_accepts(alice, view, shown)
            if found is None:
                return None
            view["evidence_S"], whose = found
        server_flight(view)
        if not alice.derives(view["flight_S"]):
            return None
        view["spki_C"], view["certificate_C"] = teller_key(self._world)
        proves = self._in_handshake and self._design.client is not None
        view["evidence_C"] = self._world.teller_evidence(view) if proves else NOTHING
        client_flight(view)
        return whose


class _Bank13:
    """The moves of one bank: what it sends, and what it accepts from its client."""

    def __init__(self, world: SymbolicWorld, machine: str, key: Term) -> None:
        self._world, self._design = world, world.design
        self._machine, self._key = machine, key
        self._in_handshake = world.design.when == "handshake"

    def hello(self, _view: View, teller: View, alice: Deduction) -> Iterator[Way]:
        """Read a ClientHello, and answer with everything up to Finished."""
        machine, exponent = self._machine, atom(f"{self._machine}'s exponent")
        for random, theirs, nonce in product(
            menu(alice, own("random"), teller, "client_random", "teller"),
            menu(alice, share(own("client exponent")), teller, "share_C", "teller"),
            menu(alice, own("nonce"), teller, "nonce_C", "teller"),
        ):
            if differs_in_vain(self._world, theirs, {"client_random": random, "nonce_C": nonce}):
                continue
            view = {"client_random": random.value, "share_C": theirs.value, "nonce_C": nonce.value}
            view |= {"server_random": atom(f"{machine}'s random"), "nonce_S": atom(f"{machine}'s nonce_S")}
            view |= {"share_S": share(exponent), "shared_secret": agreed(theirs.value.terms[0], exponent)}
            view |= {"spki_S": pk(self._key), "certificate_S": certificate(BANK_NAME, pk(self._key))}
            view |= {"extensions": NOTHING, "evidence_S": NOTHING}
            hellos(view)
            if self._in_handshake and self._design.server is not None:
                view["evidence_S"] = self._world.bank_evidence(view, machine)
            server_flight(view)
            sent = [view[name] for name in ("server_random", "nonce_S", "share_S", "flight_S")]
            if "dh-known" in self._world.powers:
                sent.append(view["shared_secret"])
            said = step(machine, "ClientHello", random=random.where, nonce=nonce.where, share=theirs.where)
            yield Way(view, tuple(sent), said)

    def client_flight(self, view: View, _teller: View, alice: Deduction) -> Iterator[Way]:
        """Read the client's certificate, evidence, signature and Finished."""
        for key, named, where in client_keys(self._world, alice):
            seen = {**view, "spki_C": key, "certificate_C": named, "evidence_C": NOTHING}
            whose = ""
            if self._in_handshake and self._design.client is not None:
                found = self._world.bank_accepts(alice, seen, as_it_is)
                if found is None:
                    continue
                seen["evidence_C"], whose = found
            client_flight(seen)
            if alice.derives(seen["verify_C"]) and alice.derives(seen["finished_C"]):
                yield Way(seen, (), step(self._machine, "client's flight", certificate=where, evidence=whose))


class Authenticators(EachAsks):
    """Exported authenticators (RFC 9261): each side asks, and the other signs its evidence for this channel."""

    def _signed(self, view: View, key: Term, named: Term, context: Term, shown: Term) -> Term:
        if key is NOTHING:
            return NOTHING
        exported = kdf(view["main_secret"], seq(public("exporter"), AUTHENTICATOR, view["transcript"]))
        return sign(key.terms[0], seq(AUTHENTICATOR, h(seq(exported, context, named, shown))))

    def _asks(self, view: View, _other: View, _alice: Deduction) -> Iterator[Way]:
        context = atom(f"{self._party}'s context")
        asked = senc(view["traffic_key"], seq(self._me, REQUEST, context))
        yield Way({**view, "asked": context}, (asked,), step(self._party, "request"))

    def _answers(self, view: View, other: View, alice: Deduction) -> Iterator[Way]:
        key = view["traffic_key"]
        side = "C" if self._is_teller else "S"
        for context in inside(own("context"), other, "asked", "bank" if self._is_teller else "teller"):
            if not alice.derives(senc(key, seq(self._peer, REQUEST, context.value))):
                continue
            asked = {**view, "context": context.value}
            make = self._world.evidence_of(self._party, asked)
            signed = self._signed(view, view[f"spki_{side}"], view[f"certificate_{side}"], context.value, make)
            answer = senc(key, seq(self._me, EVIDENCE, make, signed))
            yield Way(view, (answer,), step(self._party, "request", context=context.where))

    def _judges(self, view: View, _other: View, alice: Deduction) -> Iterator[Way]:
        key, context = view["traffic_key"], view["asked"]
        side = "S" if self._is_teller else "C"

        def shown(offered: Term) -> Term:
            signed = self._signed(view, view[f"spki_{side}"], view[f"certificate_{side}"], context, offered)
            return senc(key, seq(self._peer, EVIDENCE, offered, signed))

        accepts = self._world.teller_accepts if self._is_teller else self._world.bank_accepts
        if found := accepts(alice, {**view, "context": context}, shown):
            yield Way(view, (), step(self._party, "authenticator", evidence=found[1]))
