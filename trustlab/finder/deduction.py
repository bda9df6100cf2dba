"""Deduction: what Alice can make from what she knows.

She takes apart what she hears, as far as her keys reach (`learn`), and builds whatever she can from the pieces
(`derives`). Taking apart is done at once, because it never hurts to know more. Building is done on demand, because
there is no end to what she could build.

Her powers are rules: a CA signs certificates for her, the bank's key signs and decrypts for her, a genuine machine
quotes an image of hers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustlab.finder.terms import Term, public, share

if TYPE_CHECKING:
    from collections.abc import Iterable

CERTIFICATE, QUOTE, KEY_ATTESTATION = public("certificate"), public("quote"), public("key attestation")
"""The first part of what a CA signs, and of what an attestation key signs."""


class WorkDone(Protocol):
    """What others do with their keys for Alice."""

    def decrypts(self, private: Term) -> bool:
        """Return whether somebody decrypts with this key for her."""

    def signs(self, private: Term, message: Term) -> tuple[Term, ...] | None:
        """Return what she needs to have this signed for her; None if nobody signs it."""


class Deduction:
    """Alice's knowledge: `known` is what she has heard or taken apart. It never changes; `learn` makes more of it."""

    def __init__(
        self, world: WorkDone, known: frozenset[Term] = frozenset(), locked: frozenset[Term] = frozenset()
    ) -> None:
        self.known = known
        self._world = world
        self._locked = locked
        self._derived: dict[Term, bool] = {}

    def learn(self, terms: Iterable[Term]) -> Deduction:
        """Return her knowledge after she has heard these terms, and taken apart everything that she can."""
        known, locked = set(self.known), set(self._locked)
        heard = [term for term in terms if term not in known]
        if not heard:
            return self
        more = self
        while heard:
            while heard:
                term = heard.pop()
                if term in known:
                    continue
                known.add(term)
                if term.operator == "seq":
                    heard.extend(term.terms)
                elif term.operator == "sign":
                    heard.append(term.terms[1])
                elif term.operator in {"aenc", "senc"}:
                    locked.add(term)
            more = Deduction(self._world, frozenset(known), frozenset(locked))
            opened = {term for term in locked if more.opens(term)}
            locked -= opened
            heard = [term.terms[1] for term in opened]
        more = Deduction(self._world, more.known, frozenset(locked))
        more._derived = {term: True for term, can in self._derived.items() if can}
        return more

    def opens(self, term: Term) -> bool:
        """Return whether she can decrypt an encrypted term."""
        key = term.terms[0]
        if term.operator == "senc":
            return self.derives(key)
        private = key.terms[0]
        return self.derives(private) or self._world.decrypts(private)

    def derives(self, term: Term) -> bool:
        """Return whether she can make a term."""
        if term in self.known or term.operator == "public":
            return True
        if term.operator == "atom":
            return False
        found = self._derived.get(term)
        if found is None:
            self._derived[term] = False  # a term is never needed to make itself
            found = self._derived[term] = self._makes(term)
        return found

    def _makes(self, term: Term) -> bool:
        if term.operator == "agreed":
            one, other = term.terms
            return (self.derives(one) and self.derives(share(other))) or (
                self.derives(other) and self.derives(share(one))
            )
        if all(self.derives(part) for part in term.terms):
            return True
        if term.operator == "sign":
            private, message = term.terms
            needs = self._world.signs(private, message)
            return needs is not None and all(self.derives(part) for part in needs)
        return False
