"""The acts: Bob's teller pays through Bob's bank, in Alice's cloud, over one design, with or without her attack.

Used by the demo, the notebooks, the tests and the benchmarks alike.
"""

from __future__ import annotations

from trustlab.attacks import CATALOGUE
from trustlab.passage import DESIGNS, PLAIN_TLS, TRUSTED_PASSAGE
from trustlab.scenarios.stage import Act


def plain_tls(attack: str | None = "rogue-certificate") -> Act:
    """Act I: plain TLS by OpenSSL falls to Alice, who has a certificate for the bank's name."""
    return Act(
        PLAIN_TLS,
        attack,
        expected=("succeeded",) if attack else ("completed",),
        title="Act I: plain TLS",
        sentence=(
            "Bob's teller talks to Bob's bank over TLS, as the world does it: a trusted CA says who the bank is. "
            "Both VMs, and the network between them, stand in Alice's data centre."
        ),
    )


def trusted_passage(attack: str | None = None, *, without: tuple[str, ...] = ()) -> Act:
    """Act II: the same over a trusted passage, alone (`attack=None`) or against the same Alice."""
    return Act(
        TRUSTED_PASSAGE,
        attack,
        expected=(("succeeded",) if without else ("refused",)) if attack else ("completed",),
        title="Act II: a trusted passage, and Alice" if attack else "Act II: a trusted passage",
        without=without,
        sentence=("The same Alice, with the same certificate. " if attack else "")
        + (
            "HyperSafe, launched by DRTM and measured by the TPM, holds both VMs. The handshake carries quotes: the "
            "bank's over the key that only its measured software can use, the teller's over the secret it chose."
        ),
    )


def rung(design: str, attack: str | None = None, *, without: tuple[str, ...] = ()) -> Act:
    """Any rung of the ladder, alone or against one of the attacks; ValueError names what there is."""
    if design not in DESIGNS:
        raise ValueError(f"no design {design!r}; there are: {', '.join(DESIGNS)}")
    chosen = DESIGNS[design]
    return Act(
        chosen,
        attack,
        expected=("completed",) if attack is None else ("succeeded", "refused", "failed"),
        title=f"{design} against {attack}" if attack else design,
        without=without,
        sentence=chosen.sentence + (f" {CATALOGUE[attack].why}" if attack in CATALOGUE else ""),
    )
