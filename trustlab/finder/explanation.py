"""Explanation: a found attack in sentences, one for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.finder.provenance import PROVENANCES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.finder.provenance import AttackStep

WHO = {
    "teller": "the teller",
    "bank": "the bank",
    "machine": "the bank's machine",
    "genuine": "the bank's image on Alice's genuine machine",
}
SENT = {
    "ClientHello": "sends its ClientHello",
    "question": "asks the machine for a quote, on a connection of its own",
    "question inside": "asks for evidence inside the channel",
    "request": "requests an authenticator",
    "order": "trusts the channel and sends the order, with the PIN",
    "answer": "answers an order, with the balance",
}
"""What an end does in a step without fields, if it does not just accept the message."""


def explained(steps: Iterable[AttackStep]) -> tuple[AttackStep, ...]:
    """Return the steps, each with its sentence."""
    return tuple(msgspec.structs.replace(each, sentence=sentence_of(each)) for each in steps)


def deed_of(taken: AttackStep) -> str:
    """Return what an end does in a step, in words, without the fields and without a full stop."""
    who = WHO[taken.party]
    did = f"accepts the {taken.message}" if taken.fields else SENT.get(taken.message, f"accepts the {taken.message}")
    return f"{who[:1].upper()}{who[1:]} {did}"


def sends(taken: AttackStep) -> bool:
    """Return whether the end sends the message of a step; else it accepts it."""
    return not taken.fields and taken.message in SENT


def sentence_of(taken: AttackStep) -> str:
    """Return a step in words."""
    fields = ", ".join(f"{name}: {PROVENANCES[where]}" for name, where in taken.fields.items())
    return f"{deed_of(taken)} ({fields})." if fields else f"{deed_of(taken)}."
