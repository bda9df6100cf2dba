"""The rules of a passage that are no checks of the Verifier, by name, so that one can be left out to see its worth.

Only a configuration that says so leaves a rule out, and the trace tells each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable


class Rule(msgspec.Struct, frozen=True):
    """One rule: what it says, and what a party does that does not keep it."""

    name: str
    sentence: str
    without: str


class RuleError(ValueError):
    """There is no rule of that name; the message names those there are."""


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
            "A verifier that errs refuses, whatever the error.",
            "takes a verifier that errs for one that accepts",
        ),
        Rule(
            "evidence first",
            "Nothing of the application is said before the evidence was accepted.",
            "speaks as soon as TLS stands, and judges the evidence afterwards",
        ),
        Rule(
            "CA identity",
            "Attestation adds to the identity that a CA signs, and never replaces it.",
            "takes evidence in place of a certificate of a CA it trusts",
        ),
        Rule(
            "evidence anew",
            "A resumed session is attested like a new one; that its handshake has no hash of its own refuses it.",
            "takes a resumed session for one that was attested",
        ),
        Rule(
            "paced quotes",
            "Where a configuration sets a limit, a peer gets no more quotes at once than that.",
            "quotes for whoever asks, as often as he asks",
        ),
        Rule(
            "one answer",
            "Whatever is wrong with an encrypted pre-master secret, the answer is the same (RFC 5246, 7.4.7.1).",
            "says by an alert of its own that a pre-master secret did not decrypt",
        ),
    )
}
"""The rules that can be left out, by name."""


def known_rules(names: Iterable[str]) -> frozenset[str]:
    """Return the names as a set; RuleError where one is no rule."""
    chosen = frozenset(names)
    if unknown := chosen - RULES.keys():
        raise RuleError(f"no rule {min(unknown)!r}; there are: {', '.join(RULES)}")
    return chosen
