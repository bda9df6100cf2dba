"""The honest ends of TLS 1.2: the teller and a bank, with RSA key exchange or an ephemeral key agreement."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from trustlab.finder.ends import (
    CLIENT_FINISHED,
    EVIDENCE,
    REQUEST,
    SERVER_FINISHED,
    SIGNED,
    Choice,
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
from trustlab.finder.terms import NOTHING, Term, aenc, agreed, atom, h, kdf, mac, pk, senc, seq, share, sign
from trustlab.finder.world import BALANCE, BANK_NAME, PIN, as_it_is, certificate, own

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.finder.deduction import Deduction
    from trustlab.finder.terms import View
    from trustlab.finder.world import SymbolicWorld

EXCHANGED = (
    *("client_random", "nonce_C", "server_random", "nonce_S", "certificate_S", "evidence_S", "share_S"),
    *("evidence_C", "certificate_C"),
)
"""What the transcript consists of, before ClientKeyExchange."""


class Ends12:
    """Both ends of a design on TLS 1.2 in one world."""

    def __init__(self, world: SymbolicWorld) -> None:
        self._world = world
        self._design = world.design
        self._in_handshake = world.design.when == "handshake"
        self._agrees = not world.design.transports_key

    @property
    def exchange(self) -> str:
        """The name of what the client sends as ClientKeyExchange: its share, or the encrypted secret."""
        return "share_C" if self._agrees else "epms"

    def teller(self) -> list[Move]:
        """Return the teller's moves."""
        moves = [Move(self._hello), Move(self._server_flight, chooses=True), Move(self._finished)]
        if self._design.when == "inside":
            moves += asks_inside(self._world, "master_secret")
        if self._design.when == "after-finished":
            moves += Mutual12(self._world, "teller").moves()
        return [*moves, orders("master_secret", PIN)]

    def bank(self, machine: str, key: Term) -> list[Move]:
        """Return the moves of a bank on a machine, with its TLS key."""
        flight = _Bank12(self, self._world, machine, key)
        moves = [Move(flight.hello, chooses=True), Move(flight.client_flight, chooses=True)]
        if self._design.when == "inside":
            moves.append(answers_inside(self._world, "master_secret", machine))
        if self._design.when == "after-finished":
            moves += Mutual12(self._world, machine).moves()
        return [*moves, answers_orders("master_secret", BALANCE, machine)]

    def finish(self, view: View) -> None:
        """Add what both ends derive from a complete exchange: transcript, master secret, Finished of both sides."""
        handshake_only = {} if self._in_handshake else {"nonce_C": NOTHING, "nonce_S": NOTHING}
        transcript = seq(*({**view, **handshake_only}[name] for name in (*EXCHANGED, self.exchange)))
        context = (
            h(transcript) if self._design.extended_master_secret else seq(view["client_random"], view["server_random"])
        )
        master = kdf(view["pms"], context)
        key = view["spki_C"]
        verify = NOTHING if key is NOTHING else sign(key.terms[0], seq(SIGNED, transcript))
        client = mac(master, seq(CLIENT_FINISHED, transcript, verify))
        server = mac(master, seq(SERVER_FINISHED, transcript, verify, client))
        view |= {"transcript": transcript, "master_secret": master, "verify_C": verify}
        view |= {"traffic_key": master, "finished_C": client, "finished_S": server}

    # the teller

    def _hello(self, view: View, _other: View, _alice: Deduction) -> Iterator[Way]:
        hello = {"client_random": atom("teller's random")}
        if self._in_handshake:
            hello["nonce_C"] = atom("teller's nonce_C")
        yield Way({"nonce_C": NOTHING, **view, **hello}, tuple(hello.values()), step("teller", "ClientHello"))

    def _server_flight(self, view: View, bank: View, alice: Deduction) -> Iterator[Way]:
        randoms = menu(alice, own("server random"), bank, "server_random", "bank")
        nonces = (
            menu(alice, own("server nonce"), bank, "nonce_S", "bank") if self._in_handshake else [Choice(NOTHING, "")]
        )
        shares = menu(alice, share(own("server exponent")), bank, "share_S", "bank")
        if not self._agrees:
            shares = [Choice(NOTHING, "")]
        keys = server_keys(self._world, alice)
        for random, nonce, theirs, (key, named, where) in product(randoms, nonces, shares, keys):
            if self._in_handshake and differs_in_vain(self._world, random, {"nonce_S": nonce}):
                continue
            signed = sign(key, seq(SIGNED, view["client_random"], random.value, theirs.value))
            if self._agrees and not alice.derives(signed):
                continue
            seen = {**view, "server_random": random.value, "nonce_S": nonce.value, "spki_S": pk(key)}
            seen |= {"share_S": theirs.value, "certificate_S": named, "evidence_S": NOTHING}
            whose = ""
            if self._in_handshake and self._design.server is not None:
                found = self._world.teller_accepts(alice, seen, as_it_is)
                if found is None:
                    continue
                seen["evidence_S"], whose = found
            yield Way(
                seen,
                self._client_flight(seen),
                step(
                    "teller",
                    "server's flight",
                    random=random.where,
                    nonce=nonce.where,
                    share=theirs.where,
                    certificate=where,
                    evidence=whose,
                ),
            )

    def _client_flight(self, view: View) -> tuple[Term, ...]:
        """Complete the teller's view with the secret that it chooses; return what it sends."""
        secret = atom("teller's secret")
        if self._agrees:
            exponent = atom("teller's exponent")
            view |= {"pms": agreed(exponent, view["share_S"].terms[0]), "share_C": share(exponent)}
        else:
            view |= {"pms": secret, "epms": aenc(view["spki_S"], secret, atom("teller's coins"))}
        view["spki_C"], view["certificate_C"] = teller_key(self._world)
        proves = self._in_handshake and self._design.client is not None
        view["evidence_C"] = self._world.teller_evidence(view) if proves else NOTHING
        self.finish(view)
        flight = (view["evidence_C"], view["certificate_C"], view[self.exchange], view["verify_C"], view["finished_C"])
        return tuple(sent for sent in flight if sent is not NOTHING)

    def _finished(self, view: View, _other: View, alice: Deduction) -> Iterator[Way]:
        if alice.derives(view["finished_S"]):
            yield Way(view, (), step("teller", "Finished", verify_data="checked"))


class _Bank12:
    """The moves of one bank: what it sends, and what it accepts from its client."""

    def __init__(self, ends: Ends12, world: SymbolicWorld, machine: str, key: Term) -> None:
        self._ends, self._world, self._design = ends, world, world.design
        self._machine, self._key = machine, key
        self._in_handshake = world.design.when == "handshake"
        self._agrees = not world.design.transports_key

    def hello(self, _view: View, teller: View, alice: Deduction) -> Iterator[Way]:
        """Read a ClientHello, and answer with everything up to ServerHelloDone."""
        machine, exponent = self._machine, atom(f"{self._machine}'s exponent")
        nonces = menu(alice, own("nonce"), teller, "nonce_C", "teller") if self._in_handshake else [Choice(NOTHING, "")]
        for random, nonce in product(menu(alice, own("random"), teller, "client_random", "teller"), nonces):
            if self._in_handshake and differs_in_vain(self._world, random, {"nonce_C": nonce}):
                continue
            view = {"client_random": random.value, "nonce_C": nonce.value, "spki_S": pk(self._key)}
            view |= {"server_random": atom(f"{machine}'s random"), "nonce_S": atom(f"{machine}'s nonce_S")}
            view |= {"share_S": share(exponent) if self._agrees else NOTHING, "evidence_S": NOTHING}
            view["certificate_S"] = certificate(BANK_NAME, pk(self._key))
            if self._in_handshake and self._design.server is not None:
                view["evidence_S"] = self._world.bank_evidence(view, machine)
            names = ("server_random", "nonce_S", "certificate_S", "evidence_S", "share_S")
            sent = tuple(view[name] for name in names if view[name] is not NOTHING)
            if self._agrees:
                sent += (sign(self._key, seq(SIGNED, random.value, view["server_random"], view["share_S"])),)
            yield Way(view, sent, step(machine, "ClientHello", random=random.where, nonce=nonce.where))

    def client_flight(self, view: View, teller: View, alice: Deduction) -> Iterator[Way]:
        """Read everything from the client's certificate to Finished; answer with Finished."""
        for secret, (key, named, where) in product(self._secrets(view, teller), client_keys(self._world, alice)):
            if not alice.derives(secret.value) or (not self._agrees and secret.value.terms[0] is not view["spki_S"]):
                continue
            seen = {
                **view,
                self._ends.exchange: secret.value,
                "spki_C": key,
                "certificate_C": named,
                "evidence_C": NOTHING,
            }
            exponent = atom(f"{self._machine}'s exponent")
            seen["pms"] = agreed(secret.value.terms[0], exponent) if self._agrees else secret.value.terms[1]
            whose = ""
            if self._in_handshake and self._design.client is not None:
                found = self._world.bank_accepts(alice, seen, as_it_is)
                if found is None:
                    continue
                seen["evidence_C"], whose = found
            self._ends.finish(seen)
            leaked = (seen["pms"],) if self._agrees and "dh-known" in self._world.powers else ()
            knows = alice.learn(leaked)
            if knows.derives(seen["verify_C"]) and knows.derives(seen["finished_C"]):
                taken = step(self._machine, "client's flight", secret=secret.where, certificate=where, evidence=whose)
                yield Way(seen, (seen["finished_S"], *leaked), taken)

    def _secrets(self, view: View, teller: View) -> list[Choice]:
        """Return what Alice may send as ClientKeyExchange."""
        exchange = self._ends.exchange
        theirs = [Choice(teller[exchange], "teller")] if exchange in teller else []
        if self._agrees:
            return [Choice(share(own("client exponent")), "own"), *theirs]
        anew = aenc(view["spki_S"], atom("teller's secret"), own("coins"))
        mine = aenc(view["spki_S"], own("secret"), own("coins"))
        return [Choice(mine, "own"), Choice(anew, "teller-anew"), *theirs]


class Mutual12(EachAsks):
    """After Finished each side asks the other inside the channel, and judges the answer before anything else."""

    def __init__(self, world: SymbolicWorld, party: str) -> None:
        super().__init__(world, party)
        self._mine, self._theirs = ("nonce_C", "nonce_S") if self._is_teller else ("nonce_S", "nonce_C")

    def _asks(self, view: View, _other: View, _alice: Deduction) -> Iterator[Way]:
        nonce = atom(f"{self._party}'s nonce inside")
        asked = senc(view["master_secret"], seq(self._me, REQUEST, nonce))
        yield Way({**view, self._mine: nonce}, (asked,), step(self._party, "question inside"))

    def _answers(self, view: View, other: View, alice: Deduction) -> Iterator[Way]:
        key, source = view["master_secret"], "bank" if self._is_teller else "teller"
        for nonce in inside(own("nonce inside"), other, self._theirs, source):
            if not alice.derives(senc(key, seq(self._peer, REQUEST, nonce.value))):
                continue
            asked = {**view, self._theirs: nonce.value}
            make = self._world.evidence_of(self._party, asked)
            answer = senc(key, seq(self._me, EVIDENCE, make))
            yield Way(asked, (answer,), step(self._party, "question inside", nonce=nonce.where))

    def _judges(self, view: View, _other: View, alice: Deduction) -> Iterator[Way]:
        key = view["master_secret"]
        accepts = self._world.teller_accepts if self._is_teller else self._world.bank_accepts
        if found := accepts(alice, view, lambda shown: senc(key, seq(self._peer, EVIDENCE, shown))):
            yield Way(view, (), step(self._party, "evidence inside", evidence=found[1]))
