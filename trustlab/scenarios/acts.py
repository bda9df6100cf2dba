"""The acts: Bob's teller pays through Bob's bank, in Alice's cloud, over one design, with or without her attack.

The demo, the notebooks, the tests and the benchmarks all use them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.passage import PLAIN_TLS, TRUSTED_PASSAGE, Design, design_named
from trustlab.scenarios.setup import plan
from trustlab.scenarios.stage import Act

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.attacks import Attack
    from trustlab.attest import AppraisalPolicy


def plain_tls(attack: str | None = "rogue-certificate", *, substrate: str = "memory") -> Act:
    """Act I: Alice, who has a certificate for the bank's name, breaks plain TLS by OpenSSL.

    `substrate`, here and in the other acts, is the cloud's: `memory`, `uml` or `auto`.
    """
    return Act(
        plan(PLAIN_TLS, attack),
        substrate=substrate,
        expected=("succeeded",) if attack else ("completed",),
        title="Act I: plain TLS",
        sentence=(
            "Bob's teller talks to Bob's bank over ordinary TLS: a trusted CA says who the bank is. "
            "Both VMs, and the network between them, are in Alice's data centre."
        ),
    )


def trusted_passage(attack: str | None = None, *, without: tuple[str, ...] = (), substrate: str = "memory") -> Act:
    """Act II: the same over a trusted passage, alone (`attack=None`) or against the same Alice."""
    return Act(
        plan(TRUSTED_PASSAGE, attack, without=without),
        substrate=substrate,
        expected=(("succeeded",) if without else ("refused",)) if attack else ("completed",),
        title="Act II: a trusted passage, and Alice" if attack else "Act II: a trusted passage",
        sentence=("The same Alice, with the same certificate. " if attack else "")
        + (
            "Both VMs run on HyperSafe, which the CPU launched (DRTM) and the TPM measured. The handshake carries "
            "quotes: the bank's over the key that only its measured software can use, the teller's over the secret "
            "that it chose."
        ),
    )


def rung(
    design: str | Design,
    attack: str | Attack | None = None,
    *,
    without: tuple[str, ...] = (),
    checks: Mapping[str, object] | None = None,
    policy: AppraisalPolicy | str | None = None,
    seed: int | str | None = None,
    substrate: str = "memory",
) -> Act:
    """Any rung of the ladder, or your own design, alone or against an attack.

    `attack` is a name, or your own `Attack` (`Attack.from_source`). `without` leaves out checks of Bob's Verifiers,
    rules (`passage.RULES`) of his programs, or parts (`passage.PARTS`) of the design's binders. `checks` replaces
    checks, by their names, with your own functions: each takes the `Appraisal` and returns None, or a sentence that
    says what is wrong; it is measured as source text, so it must define or import whatever it uses. `policy` is what
    the teller demands of the bank, an `AppraisalPolicy` or its TOML; if it pins no machine, the machines that Bob
    rented are pinned. With a `seed` the secrets, and all octets that we draw, are the same in each run; TPMs, OpenSSL
    and kernels draw their own. ValueError if a name is unknown or something cannot be played; the sentence says which.
    """
    chosen = design_named(design) if isinstance(design, str) else design
    wanted = plan(chosen, attack, without=without, checks=checks, policy=policy, seed=seed)
    played = wanted.attack
    return Act(
        wanted,
        substrate=substrate,
        expected=("completed",) if played is None else ("succeeded", "refused", "failed"),
        title=f"{chosen.name} against {played.name}" if played else chosen.name,
        sentence=" ".join(filter(None, (chosen.sentence, played.why if played else ""))),
    )
