"""The world of one search: who has which keys, what Alice knows at first, and what evidence an end accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.finder.deduction import CERTIFICATE, KEY_ATTESTATION, QUOTE, Deduction
from trustlab.finder.powers import assumed, uses_key
from trustlab.finder.terms import NOTHING, Term, atom, bound, pk, public, seq, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.finder.terms import View
    from trustlab.passage import Design

BANK, TELLER, GENUINE = "bank", "teller", "genuine"
BANK_KEY, TELLER_KEY, GENUINE_KEY, ROGUE_KEY = (atom(f"TLS key of {who}") for who in (BANK, TELLER, GENUINE, "alice"))
CA_KEY, ENDORSER_KEY = atom("key of the web CA"), atom("key of the privacy CA")
BANK_NAME, TELLER_NAME = public("the bank's name"), public("the teller's name")
BANK_IMAGE, TELLER_IMAGE, EVIL_IMAGE = (public(f"image of {who}") for who in (BANK, TELLER, "alice"))
PASSWORD = public("password")
PIN, BALANCE = atom("PIN"), atom("balance")
ATTESTATION_KEYS = {who: atom(f"attestation key of {who}") for who in (BANK, TELLER, GENUINE)}
OWN = (
    *("random", "nonce", "nonce inside", "context", "secret", "coins", "client exponent", "server exponent"),
    *("server random", "server nonce", "question"),
)
"""The values that Alice draws herself."""


def own(name: str) -> Term:
    """Return a value that Alice drew herself."""
    return atom(f"alice's {name}")


def certificate(name: Term, key: Term) -> Term:
    """Return a certificate of the web CA."""
    return sign(CA_KEY, seq(CERTIFICATE, name, key))


def only_for(image: Term) -> Term:
    """Return the policy of a key that only one measured image can use."""
    return seq(public("only for"), image)


def endorsed(machine: str) -> Term:
    """Return the certificate of a machine's attestation key."""
    return sign(ENDORSER_KEY, seq(CERTIFICATE, public(machine), pk(ATTESTATION_KEYS[machine])))


def evidence(machine: str, image: Term, binder: Term, key: Term | None, policy: Term) -> Term:
    """Return evidence: the AK's certificate, a quote over a binder, and the attestation of a key if one is proved."""
    quoting = ATTESTATION_KEYS[machine]
    proof = NOTHING if key is None else sign(quoting, seq(KEY_ATTESTATION, key, policy))
    return seq(endorsed(machine), sign(quoting, seq(QUOTE, image, binder)), proof)


class SymbolicWorld:
    """One design, and one set of powers."""

    def __init__(self, design: Design, powers: frozenset[str]) -> None:
        self.design = assumed(design, powers)
        self.powers = powers
        self.lax = "lax-peer" in powers
        self._uses_key = uses_key(self.design, powers)
        self._asks_policy = self.design.attests_key and "key policy" not in self.design.not_demanded
        self._bank_policy = only_for(BANK_IMAGE) if self.design.key_origin == "tcb" else PASSWORD
        self._accepted = (BANK, TELLER, GENUINE) if "unpinned" in powers else (BANK, TELLER)

    # what the powers give

    def decrypts(self, private: Term) -> bool:
        """Return whether somebody decrypts with this key for Alice."""
        return private is BANK_KEY and self._uses_key

    def signs(self, private: Term, message: Term) -> tuple[Term, ...] | None:
        """Return what Alice needs to have this signed for her; None if nobody signs it."""
        if private is BANK_KEY and self._uses_key:
            return (message,)
        if private is CA_KEY and "ca" in self.powers and message.operator == "seq" and message.terms[0] is CERTIFICATE:
            return message.terms[1:]
        if private is ATTESTATION_KEYS[GENUINE] and "evil-image" in self.powers and message.operator == "seq":
            kind, *rest = message.terms
            if kind is QUOTE and rest[0] is EVIL_IMAGE:
                return (rest[1],)
            if kind is KEY_ATTESTATION and rest[1] in {PASSWORD, only_for(EVIL_IMAGE)}:
                return (rest[0],)
        return None

    def beginning(self) -> Deduction:
        """Return what Alice knows at first."""
        known = [
            *map(own, OWN),
            ROGUE_KEY,
            certificate(BANK_NAME, pk(BANK_KEY)),
            certificate(TELLER_NAME, pk(TELLER_KEY)),
        ]
        known += [pk(CA_KEY), pk(ENDORSER_KEY), *map(endorsed, ATTESTATION_KEYS)]
        known += [pk(key) for key in (BANK_KEY, TELLER_KEY, GENUINE_KEY)]
        if "own-machine" in self.powers:
            known.append(certificate(BANK_NAME, pk(GENUINE_KEY)))
        if "copy" in self.powers and self.design.key_origin == "deployed":
            known.append(BANK_KEY)
        if "ak-leaked" in self.powers:
            known += ATTESTATION_KEYS.values()
        return Deduction(self).learn(known)

    # what honest ends show and accept

    def _attested(self, view: View) -> Term | None:
        """Return the server's key if the evidence has to prove it; outside a handshake nobody compares it."""
        return view.get("spki_S") if self.design.attests_key else None

    def bank_evidence(self, view: View, machine: str = BANK) -> Term:
        """Return the evidence that a server with the bank's image makes over its view."""
        key = self._attested(view)
        return evidence(machine, BANK_IMAGE, bound(self.design.server, view), key, self._bank_policy)

    def teller_evidence(self, view: View) -> Term:
        """Return the evidence that the teller makes over its view."""
        key = view["spki_C"] if self.design.client_key else None
        return evidence(TELLER, TELLER_IMAGE, bound(self.design.client, view), key, only_for(TELLER_IMAGE))

    def evidence_of(self, party: str, view: View) -> Term:
        """Return the evidence of the teller, or of a bank on a machine."""
        return self.teller_evidence(view) if party == TELLER else self.bank_evidence(view, party)

    def teller_accepts(self, alice: Deduction, view: View, shown: Callable[[Term], Term]) -> tuple[Term, str] | None:
        """Return evidence that the teller accepts and Alice can show, and whose it is; None if there is none."""
        if self.lax:
            return NOTHING, "any"
        key = self._attested(view)
        return self._shows(alice, bound(self.design.server, view), BANK_IMAGE, key, shown, ask=self._asks_policy)

    def bank_accepts(self, alice: Deduction, view: View, shown: Callable[[Term], Term]) -> tuple[Term, str] | None:
        """Return evidence that the bank accepts and Alice can show, and whose it is; None if there is none."""
        key = view["spki_C"] if self.design.client_key else None
        return self._shows(alice, bound(self.design.client, view), TELLER_IMAGE, key, shown, ask=True)

    def _shows(
        self, alice: Deduction, binder: Term, image: Term, key: Term | None, shown: Callable[[Term], Term], *, ask: bool
    ) -> tuple[Term, str] | None:
        for machine in self._accepted:
            policies = (only_for(image),) if ask else (only_for(image), PASSWORD, only_for(EVIL_IMAGE))
            for policy in policies if key is not None else policies[:1]:
                offered = evidence(machine, image, binder, key, policy)
                if alice.derives(shown(offered)):
                    return offered, f"{machine}-machine"
        return None


def as_it_is(offered: Term) -> Term:
    """Return evidence as it travels in clear."""
    return offered
