"""Run an experiment: play an attack on a design, leave something out, and play it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from trustlab.attacks import BY_CAROL, CATALOGUE
from trustlab.attacks.verifier import ATTACKS_ON_BINDERS, ATTACKS_ON_VERIFIER, VerifierTestbed
from trustlab.passage import design_without
from trustlab.scenarios.acts import rung
from trustlab.scenarios.facts import facts
from trustlab.scenarios.left_out import left_out
from trustlab.scenarios.peers import Peers
from trustlab.scenarios.third_party import third_party
from trustlab.wire import EndpointError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from trustlab.attacks import Experiment
    from trustlab.attest import AttestationResult
    from trustlab.passage import Binder, Design
    from trustlab.scenarios.stage import Act

NOT_COMPARED = "not compared"


class Played(msgspec.Struct, frozen=True):
    """The outcome of an attack: it `succeeded`, was `refused`, `failed` for another reason, or `broke` (see `Outcome`).

    `failed` are all checks that failed when it was first refused, and `refused_by` is the first of them. `sentence`
    says what happened, `evidence` which facts of the trace show it; `trace` is the trace's file, if it was kept.
    `stopped_by` is what stopped her, `reached` are all goals that the run reached.
    """

    outcome: str
    failed: tuple[str, ...] = ()
    refused_by: str | None = None
    sentence: str = ""
    evidence: str = ""
    trace: str = ""
    stopped_by: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether Alice got the prize."""
        return self.outcome == "succeeded"


class Result(msgspec.Struct, frozen=True):
    """The result of an experiment: `whole`, with nothing left out; without `each` name; and `less`, without all names.

    `left_out` are the names that were left out for `less`.
    """

    experiment: Experiment
    whole: Played
    each: dict[str, Played]
    left_out: tuple[str, ...]
    less: Played

    @property
    def decisive(self) -> bool:
        """Whether the attack is stopped as long as one of the things is in place, and succeeds when none is.

        For a check, it must be the only one that refuses. For a field, some check must refuse.
        """
        stopped = not self.whole.succeeded
        match self.experiment.kind:
            case "checks":
                stopped = self.whole.failed == self.experiment.without
            case "fields":
                stopped = self.whole.outcome == "refused" and bool(self.whole.failed)
            case _ if len(self.each) > 1:
                stopped = stopped and not any(played.succeeded for played in self.each.values())
        return stopped and self.less.succeeded


def run(experiments: Iterable[Experiment], *, without: tuple[str, ...] = ()) -> Iterator[Result]:
    """Run each experiment; `without` leaves out other things than the experiment names.

    ValueError for a name that cannot be left out.
    """
    for experiment in experiments:
        names = without or experiment.without
        whole = play(experiment.attack, experiment.design)
        each = {name: play(experiment.attack, experiment.design, without=(name,)) for name in names}
        less = each[names[0]] if len(names) == 1 else play(experiment.attack, experiment.design, without=names)
        yield Result(experiment, whole, each, names, less)


def play(
    attack: str,
    design: Design | None,
    *,
    without: tuple[str, ...] = (),
    substrate: str = "memory",
    keep: Path | None = None,
) -> Played:
    """Play one attack, by name, with something left out: on a design, or (without one) on the Verifier alone.

    With `keep`, a file, the trace of the act is written there. ValueError for an unknown attack, or for a name that
    cannot be left out.
    """
    if design is None or attack in ATTACKS_ON_BINDERS:
        return _judged(attack, design, without)
    with act_of(attack, design, without=without, substrate=substrate) as act:
        try:
            told = act.run()
        except EndpointError as error:
            return Played("broke", sentence=f"The run ended with an error: {error}", evidence=str(error))
        kept = str(act.trace.save(keep, secrets=True)) if keep else ""
    prize = (CATALOGUE.get(attack) or BY_CAROL[attack]).prize
    return Played(
        "succeeded" if told.outcome == "completed" else told.outcome,
        told.failed,
        told.refused_by,
        told.sentence,
        facts(act.trace, prize, told.alice_knows),
        kept,
        told.stopped_by,
        told.reached,
    )


def act_of(attack: str, design: Design, *, without: tuple[str, ...] = (), substrate: str = "memory") -> Act:
    """Return the act that plays an attack; the attack says who takes part, and who demands what."""
    if attack in BY_CAROL:
        return third_party(attack, without=without, design=design, substrate=substrate)
    if attack in CATALOGUE and CATALOGUE[attack].assumes.peers:
        return Peers(design, attack, without=without, substrate=substrate)
    return rung(design, attack, without=without, substrate=substrate)


def _judged(attack: str, design: Design | None, without: tuple[str, ...]) -> Played:
    """Have evidence judged on a testbed, without a cloud."""
    names = left_out(without)
    with VerifierTestbed() as bed:
        if design is not None:
            unasked = (*design.not_demanded, *names.checks)
            less = msgspec.structs.replace(design_without(design, names.parts), not_demanded=unasked)
            return _played(ATTACKS_ON_BINDERS[attack].carry_out(bed, less))
        if attack not in ATTACKS_ON_VERIFIER:
            raise ValueError(
                f"there is no attack on the Verifier {attack!r}; choose from: {', '.join(ATTACKS_ON_VERIFIER)}"
            )
        if no_checks := (*names.rules, *names.parts):
            raise ValueError(
                f"{attack} is played on the Verifier alone, and {no_checks[0]!r} is not a check: leave out a check"
            )
        return _played(ATTACKS_ON_VERIFIER[attack].carry_out(bed).appraise(names.checks))


def _played(result: AttestationResult) -> Played:
    failed = tuple(result.failed)
    refused_by = failed[0] if failed else None
    return Played("succeeded" if result.accepted else "refused", failed, refused_by, stopped_by=failed)


def formulas(experiment: Experiment) -> tuple[str, str]:
    """Return the formulas of the binder that an experiment on a field is about, with the field and without it."""
    if experiment.design is None:
        return NOT_COMPARED, NOT_COMPARED
    designs = experiment.design, design_without(experiment.design, experiment.without)
    binders: list[Binder | None] = [getattr(design, experiment.binder) for design in designs]
    with_it, less = (binder.formula if binder else NOT_COMPARED for binder in binders)
    return with_it, less
