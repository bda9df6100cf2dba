"""Alice's own genuine machine answers in the place of the one that is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Have another genuine machine with the same image attest this passage."""
    meant = stage.machine("bank").boot()
    own = stage.machine("alice").boot()
    key = own.tls_key()
    return stage.present(own.evidence(stage.binder, key), stage.expected(key), pinned=meant)


ATTACK = OnVerifier(
    attack=Attack(
        name="cuckoo",
        needs=("a genuine machine of her own, with the same image",),
        steps=(
            "the relying party means Bob's machine; Alice relays its challenge to a genuine one of hers",
            "everything it attests is true, of the wrong machine, to whose hardware she has access",
        ),
        breaks="identity",
        why="Attestation says what a machine is, not which one.",
        source="Parno 2008, Bootstrapping Trust in a Trusted Platform",
        stopped_by="the EK's digest in the AK certificate is compared with the pinned one",
    ),
    check="machine pinned",
    base="same image on both machines; machine pinned",
    carry_out=carry_out,
)
