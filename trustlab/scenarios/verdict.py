"""The outcome of an act as a sentence. Nothing is judged here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.scenarios.assumptions import BOBS, genuine_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.attacks import Attack, Judgement, Stop
    from trustlab.trace import Trace
    from trustlab.wire import Waiting

KEPT = {
    "service": "The payment went through in spite of Alice.",
    "quotes": "The bank's TPM did not make a quote for every question of Alice's.",
    "oracle": "Whatever was wrong with the secret, the bank's answer was the same, octet for octet.",
    "unnoticed": "The change was noticed, and the payment was not made.",
    "evidence": "Alice cannot read anybody's evidence.",
}
"""The sentence when Alice did not get a prize that is neither a secret nor a peer."""
WON = {
    "service": "The payment did not go through. Alice learned nothing, and nobody was deceived.",
    "quotes": "The bank's TPM made a quote for every question of Alice's.",
    "oracle": "The bank's answers depend on what is wrong with the secret: an oracle that decrypts recordings.",
    "unnoticed": "Alice changed what the teller sent, nobody noticed, and the payment was made.",
}
"""The sentence when she did."""
SECRETS = {"pin": "the PIN", "balance": "the balance of the account"}


def verdict(
    outcome: str,
    facts: Judgement,
    attack: Attack | None,
    trace: Trace,
    *,
    customer: str,
    paid: bool,
    waiting: Sequence[Waiting] = (),
    stop: Stop | None = None,
) -> str:
    """Say in a sentence or two what happened in a run; `customer` ordered the payment.

    `waiting` says who still waits for what, if the run did not come to its end; `stop` is what stopped the attack.
    """
    match outcome:
        case "succeeded" if attack:
            return _success(attack, facts, paid=paid)
        case "failed" if attack and attack.prize in KEPT:
            return stop.sentence if stop else KEPT[attack.prize]
        case "completed":
            return "The payment went through. Alice saw every byte on the wire, but cannot read the PIN."
        case "refused":
            sent = trace.select("app", party=customer, name="connected")
            kept = "" if sent else " The PIN was never sent."
            return f"Refused by the check '{facts.refused_by}'.{kept}"
        case _ if attack is None:
            return _failure(trace, facts, waiting)
        case _:
            because = [stop.sentence] if stop else ["Nobody refused anything.", *map(str, waiting)]
            return " ".join([f"The attack failed: {_kept(attack)}.", *because])


def _kept(attack: Attack) -> str:
    if attack.prize == "peer":
        return "nobody took another machine for the bank"
    if attack.prize == "agree":
        return "the bank shares the keys of every channel that the teller trusts"
    return f"Alice cannot read {SECRETS[attack.prize]}"


def _failure(trace: Trace, facts: Judgement, waiting: Sequence[Waiting]) -> str:
    """Say why a payment that nobody attacked did not go through."""
    ended = [str(e.data["sentence"]) for e in trace.select("app", name="channel failed")]
    known = f" Alice knows: {', '.join(facts.alice_knows)}." if facts.alice_knows else ""
    if waiting:
        return " ".join([f"The payment stalled: {waiting[0]}", *map(str, waiting[1:]), *ended]) + known
    return " ".join(["The payment failed.", *(ended or ["Nobody waits, and nobody reported an error."])]) + known


def _success(attack: Attack, facts: Judgement, *, paid: bool) -> str:
    if attack.prize == "peer":
        what = "another machine of Bob's" if genuine_name(attack) == BOBS else "a machine of Alice's"
        return f"The {facts.wrong_peer} took {what} for the bank, and told it the PIN."
    if attack.prize == "agree":
        read = " She read the PIN." if "pin" in facts.alice_knows else ""
        return f"The {facts.disagrees} trusts a channel whose keys Alice has, and the bank does not.{read}"
    if attack.prize == "evidence":
        return f"Alice can read the evidence of {' and '.join(facts.evidence_of)} in her recording."
    if attack.prize in WON:
        return WON[attack.prize]
    rest = " The payment went through, and neither end noticed." if paid else ""
    return f"Alice read {SECRETS[attack.prize]}.{rest}"
