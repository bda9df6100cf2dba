"""The ablation of rules: for each, a base on which the attack is stopped, and succeeds when that rule is left out."""

from __future__ import annotations

import msgspec

from trustlab.passage import DESIGNS, RESUMED, Design


class RuleRow(msgspec.Struct, frozen=True):
    """One row: the rule's name, the attack that needs it, the design it is decisive on, and what else is assumed."""

    rule: str
    attack: str
    design: Design
    base: str


RULE_ROWS = (
    RuleRow(
        "offer answered", "downgrade", DESIGNS["trusted-passage"], "a rogue certificate; Alice's server says nothing"
    ),
    RuleRow(
        "error refuses", "fail-open", DESIGNS["trusted-passage"], "a rogue certificate; the teller's verifier fails"
    ),
    RuleRow(
        "evidence first", "early-canary", DESIGNS["connect-then-attest"], "a rogue certificate; Alice has no evidence"
    ),
    RuleRow("CA identity", "uncertified-mallory", DESIGNS["trusted-passage"], "no machine pinned; same image"),
    RuleRow("evidence anew", "resumption-splice", RESUMED, "sessions are resumed; no extended master secret"),
    RuleRow("paced quotes", "quote-flooding", DESIGNS["trusted-passage"], "at most four quotes at once for one peer"),
    RuleRow("one answer", "bleichenbacher", DESIGNS["tcb-key"], "anybody may be the client; RSA key transport"),
)
"""The rules that are no checks of the Verifier, with the attack that needs each."""
