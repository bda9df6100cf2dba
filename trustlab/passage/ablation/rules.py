"""The rules of a passage that are not checks of the Verifier, by name: leave one out to see what it is for.

Only a measured configuration can leave a rule out, and the trace says so each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rule(msgspec.Struct, frozen=True):
    """One rule: what it says, and what a party does that breaks it."""

    name: str
    sentence: str
    without: str


class RuleError(ValueError):
    """There is no rule of that name; the message lists the rules."""


RULES = {
    rule.name: rule
    for rule in (
        Rule(
            "offer answered",
            "An offer of evidence that is not answered ends the handshake.",
            "goes on without evidence when the server says nothing about it",
        ),
        Rule(
            "error refuses",
            "If the verifier fails, the evidence is refused, whatever the error.",
            "accepts the evidence if the verifier fails",
        ),
        Rule(
            "evidence first",
            "The application sends nothing before the evidence has been accepted.",
            "sends its data as soon as the TLS handshake is over, and judges the evidence later",
        ),
        Rule(
            "CA identity",
            "Attestation adds to the identity that a CA signs, and never replaces it.",
            "accepts evidence instead of a certificate from a CA that it trusts",
        ),
        Rule(
            "evidence anew",
            "A resumed session must be attested like a new one; it has no session hash of its own, so it is refused.",
            "treats a resumed session as attested",
        ),
        Rule(
            "paced quotes",
            "If a configuration sets a limit, a peer gets no more quotes at once than that.",
            "quotes for anybody, as often as they ask",
        ),
        Rule(
            "one answer",
            "Whatever is wrong with an encrypted pre-master secret, the answer is the same (RFC 5246, 7.4.7.1).",
            "sends a special alert when a pre-master secret did not decrypt",
        ),
    )
}
"""The rules that can be left out, by name."""


def known_rules(names: Iterable[str]) -> frozenset[str]:
    """Return the names as a set; RuleError if one is not a rule."""
    chosen = frozenset(names)
    if unknown := chosen - RULES.keys():
        raise RuleError(f"no rule is called {min(unknown)!r}; choose from: {', '.join(RULES)}")
    return chosen
