"""The acts: Bob's teller pays through Bob's bank, in Alice's cloud, over one design, with or without her attack.

Used by the demo, the notebooks, the tests and the benchmarks alike.
"""

from __future__ import annotations

from trustlab.attacks import CATALOGUE
from trustlab.passage import DESIGNS, PLAIN_TLS, TRUSTED_PASSAGE, Design
from trustlab.scenarios.stage import Act


def plain_tls(attack: str | None = "rogue-certificate", *, substrate: str = "memory") -> Act:
    """Act I: plain TLS by OpenSSL falls to Alice, who has a certificate for the bank's name.

    `substrate` of this and the others is the cloud's: `memory`, `uml` or `auto`.
    """
    return Act(
        PLAIN_TLS,
        attack,
        substrate=substrate,
        expected=("succeeded",) if attack else ("completed",),
        title="Act I: plain TLS",
        sentence=(
            "Bob's teller talks to Bob's bank over TLS, as the world does it: a trusted CA says who the bank is. "
            "Both VMs, and the network between them, stand in Alice's data centre."
        ),
    )


def trusted_passage(attack: str | None = None, *, without: tuple[str, ...] = (), substrate: str = "memory") -> Act:
    """Act II: the same over a trusted passage, alone (`attack=None`) or against the same Alice."""
    return Act(
        TRUSTED_PASSAGE,
        attack,
        substrate=substrate,
        expected=(("succeeded",) if without else ("refused",)) if attack else ("completed",),
        title="Act II: a trusted passage, and Alice" if attack else "Act II: a trusted passage",
        without=without,
        sentence=("The same Alice, with the same certificate. " if attack else "")
        + (
            "HyperSafe, launched by DRTM and measured by the TPM, holds both VMs. The handshake carries quotes: the "
            "bank's over the key that only its measured software can use, the teller's over the secret it chose."
        ),
    )


def rung(
    design: str | Design, attack: str | None = None, *, without: tuple[str, ...] = (), substrate: str = "memory"
) -> Act:
    """Any rung of the ladder, or a design of one's own, alone or against one of the attacks.

    ValueError names what there is.
    """
    if isinstance(design, str) and design not in DESIGNS:
        raise ValueError(f"no design {design!r}; there are: {', '.join(DESIGNS)}")
    chosen = DESIGNS[design] if isinstance(design, str) else design
    return Act(
        chosen,
        attack,
        substrate=substrate,
        expected=("completed",) if attack is None else ("succeeded", "refused", "failed"),
        title=f"{chosen.name} against {attack}" if attack else chosen.name,
        without=without,
        sentence=chosen.sentence + (f" {CATALOGUE[attack].why}" if attack in CATALOGUE else ""),
    )
