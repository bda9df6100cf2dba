"""The machine's TPM is exchanged: same machine, another endorsement key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks.attack import Attack
from trustlab.attacks.on_verifier.kind import OnVerifier
from trustlab.tpm.framing import PASSWORD, RH_PLATFORM
from trustlab.tpm.gate import OPEN

if TYPE_CHECKING:
    from trustlab.attacks.on_verifier.stage import Presented, Stage


def carry_out(stage: Stage) -> Presented:
    """Replace the endorsement seed (as soldering in another TPM would), and attest with the new identity."""
    meant = stage.machine("bank").boot()
    pinned = stage.present(meant.evidence(stage.binder), pinned=meant).policy
    owner = meant.platform.client("owner of the hardware", gate=OPEN)
    owner.run("ChangeEPS", (RH_PLATFORM,), (PASSWORD,))
    meant.platform.cycle()
    meant.ek_certificate = b""
    meant.boot()
    key = meant.tls_key()
    return stage.present(meant.evidence(stage.binder, key), stage.expected(key), policy=pinned)


ATTACK = OnVerifier(
    attack=Attack(
        name="ek-swap",
        needs=("the machine's hardware", "a TPM maker's certificate for the new EK"),
        steps=(
            "Alice exchanges the TPM, here by TPM2_ChangeEPS",
            "the new TPM is genuine too, and is enrolled like any",
            "it attests whatever the machine now measures",
        ),
        breaks="identity",
        why="A TPM vouches for what is wired to it; a pinned identity notices when it is another TPM.",
        source="TPM 2.0 Part 3, 24.5; ID-Crisis 2026",
        stopped_by="the EK's digest in the AK certificate is compared with the pinned one",
    ),
    check="machine pinned",
    base="same image; machine pinned",
    carry_out=carry_out,
)
