"""Alice's genuine machine takes over the name and address of Bob's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Switch Bob's machine off, and let another genuine one attest under its name."""
    meant = stage.machine("bank").boot()
    meant.platform.power_off()
    own = stage.machine("alice").boot()
    key = own.tls_key()
    return stage.present(own.evidence(stage.binder, key), stage.expected(key), pinned=meant)


ATTACK = OnVerifier(
    attack=Attack(
        name="identifier-takeover",
        needs=("a genuine machine of her own, with the same image",),
        steps=(
            "Alice turns Bob's machine off and gives its address and name to a genuine machine of hers",
            "everything it attests is true, of the wrong machine, to whose hardware she has access",
        ),
        breaks="identity",
        why="Attestation says what a machine is, not which one.",
        source="ID-Crisis 2026",
        stopped_by="the EK's digest in the AK certificate is compared with the pinned one",
    ),
    check="machine pinned",
    base="same image on both machines; machine pinned",
    carry_out=carry_out,
)
