"""An old quote, edited to fit this passage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Take the evidence of another passage and write this passage's binder into its quote."""
    machine = stage.machine().boot()
    key = machine.tls_key()
    old = machine.evidence(bytes(32), key)
    edited = replace(old, quote=old.quote.replace(bytes(32), stage.binder, 1))
    return stage.present(edited, stage.expected(key), pinned=machine)


ATTACK = OnVerifier(
    attack=Attack(
        name="edited-quote",
        needs=("any evidence she has seen",),
        steps=(
            "Alice records an evidence on the wire",
            "she overwrites extraData in it with the binder of her own connection",
        ),
        breaks="freshness",
        why="Everything in a quote is believed because, and only because, the AK signed it.",
        source="TPM 2.0 Part 1, 31",
        stopped_by="the signature over the quote's octets",
    ),
    check="signature",
    base="all demanded",
    carry_out=carry_out,
)
