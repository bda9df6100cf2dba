"""04-three-gaps: another machine, changed since, rebooted since.

Three runs are played with real TPMs. The student gets of each what a careful observer would note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab.attacks.verifier import VerifierTestbed
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import played
from trustlab.scenarios import third_party

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.trace import Trace

OTHER, CHANGED, REBOOTED = "other machine", "changed since", "rebooted since"
CLAIM_PCR = 20


def gap(holders: list[str], claims: list[str], boots: list[str]) -> str:  # noqa: ARG001 - two are enough
    """Return "other machine", "changed since" or "rebooted since".

    `holders`: the machine at the far end of each connection, in order. `claims` and `boots`: at each quote, what the
    measured software had claimed last, and the nonce that HyperSafe drew at the launch.
    """
    if len(set(holders)) > 1:
        return "other machine"
    if len(set(boots)) > 1:
        return "rebooted since"
    return "changed since"


def _at_each_quote(trace: Trace, machine: str) -> tuple[list[str], list[str]]:
    """Return the last claim and the launch nonce at each quote of a machine."""
    claims, boots = [], []
    claim = boot = "none"
    for event in trace.select(party=machine):
        if event.kind == "machine" and event.name == "measure" and event.data["pcr"] == CLAIM_PCR:
            what, _, value = str(event.data["sentence"]).rpartition(": ")
            if "nonce" in what:
                boot, claim = value[:12], "none"
            else:
                claim = value
        elif event.kind == "tpm.command" and event.name == "TPM2_Quote":
            claims.append(claim)
            boots.append(boot)
    return claims, boots


def _redirected() -> tuple[list[str], str, Trace]:
    act = played("attest-then-connect", "toctou-redirect")
    facts = [fact for fact in act.trace.select("ground-truth") if fact.data["client"] == "teller"]
    return [str(fact.data["server"]) for fact in facts], "bank", act.trace


def _drifted() -> tuple[list[str], str, Trace]:
    with third_party("posture-drift") as act:
        act.run()
    return [str(fact.data["client"]) for fact in act.trace.select("ground-truth")], "carol", act.trace


def _rebooted() -> tuple[list[str], str, Trace]:
    with VerifierTestbed() as bed:
        machine = bed.machine().boot()
        machine.evidence(bed.binder)
        machine.platform.cycle()
        machine.boot()
        machine.evidence(bed.binder)
    return ["bank", "bank"], "bank", bed.trace


STORIES: dict[str, tuple[Callable[[], tuple[list[str], str, Trace]], str]] = {
    OTHER: (
        _redirected,
        "The bank's machine answered the question, and Alice's held the payment's connection: look at the holders.",
    ),
    CHANGED: (
        _drifted,
        "One machine held both connections, in one boot. But its claim at the second quote is another one.",
    ),
    REBOOTED: (
        _rebooted,
        "One machine, one claim, the same software. But the launch nonces differ: it was launched in between.",
    ),
}


def _judge(answer: Any, student: Student) -> Ruling:
    for truth in student.shuffled("order", list(STORIES)):
        play, story = STORIES[truth]
        holders, machine, trace = play()
        claims, boots = _at_each_quote(trace, machine)
        got = answer(holders, claims, boots)
        if got not in STORIES:
            return wrong(f'Return "{OTHER}", "{CHANGED}" or "{REBOOTED}"; you returned {got!r}.')
        if got != truth:
            return wrong(
                f"In one run you say {got!r}. {story}",
                look="the rows of the machines, and who holds which end",
                trace=trace,
            )
    return right(
        "All three told apart. Each has a repair of its own: one connection; asking again; a launch nonce to compare."
    )


EXERCISE = Exercise(
    id="04-three-gaps",
    task="Which gap did Alice use: another machine, a change since, or a reboot since?",
    hints=(
        "Ask first who held the far end, each time.",
        "If it was one machine, compare what stays the same only within one boot.",
        "More than one holder: other machine. Else more than one launch nonce: rebooted since. Else: changed since.",
    ),
    judge=_judge,
    solution=gap,
    wrong={
        "always the machine": (lambda holders, claims, boots: OTHER, "In one run you say 'other machine'"),
        "always drift": (lambda holders, claims, boots: CHANGED, "In one run you say 'changed since'"),
        "boots only": (
            lambda holders, claims, boots: REBOOTED if len(set(boots)) > 1 else OTHER,
            "its claim at the second quote",
        ),
        "a letter": (lambda holders, claims, boots: "a", "you returned 'a'"),
    },
    varies="the order of the runs",
)
