"""11-repair: a binder under constraints, or None if there is none.

The answers were searched: 32 client binders, each played against three attacks. `_stops` is what those runs said, and
`tests/classroom/test_repair.py` plays them again.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong
from trustlab.classroom.material import played
from trustlab.passage import DESIGNS, Binder, BinderError, Design, DesignError
from trustlab.scenarios import rung

FIELDS = ("nonce_S", "client_random", "server_random", "HMAC(PMS)", "H(EPMS)")
IMPERSONATION, REENCRYPTION, REPLAY = "client-impersonation", "same-pms-reencryption", "client-evidence-replay"
ENOUGH = {
    IMPERSONATION: {"HMAC(PMS)", "H(EPMS)"},
    REENCRYPTION: {"H(EPMS)"},
    REPLAY: {"nonce_S", "server_random", "HMAC(PMS)", "H(EPMS)"},
}
"""For each attack the fields of which any one is enough."""
FORBIDDEN = (("H(EPMS)",), ("HMAC(PMS)", "nonce_S"), ("H(EPMS)", "nonce_S", "server_random"), ("H(EPMS)", "HMAC(PMS)"))
TOGETHER = (
    (IMPERSONATION,),
    (REENCRYPTION,),
    (REPLAY,),
    (IMPERSONATION, REPLAY),
    (IMPERSONATION, REENCRYPTION, REPLAY),
)
Puzzle = tuple[tuple[str, ...], tuple[str, ...]]


def repaired(forbidden: list[str], attacks: list[str]) -> tuple[str, ...] | None:
    """Return the fields of a client's binder, beside "L" and "C", that holds against these attacks; None if none does.

    None of the `forbidden` fields may be in it. The fields are "nonce_S", "client_random", "server_random", "HMAC(PMS)" and
    "H(EPMS)". To try one: `rung(Design.custom("mine", like=DESIGNS["key-in-quote"], client=Binder(("L", "C", ...))), attack).run()`.
    """
    allowed = [field for field in ("H(EPMS)", "HMAC(PMS)", "nonce_S", "server_random") if field not in forbidden]
    for field in allowed:
        design = Design.custom("mine", like=DESIGNS["key-in-quote"], client=Binder(("L", "C", field)))
        outcomes = [rung(design, attack).run().outcome for attack in attacks]
        if "succeeded" not in outcomes:
            return (field,)
    return None


def solutions(forbidden: tuple[str, ...], attacks: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return every binder that holds, the shortest first."""
    every = [some for count in range(len(FIELDS) + 1) for some in combinations(FIELDS, count)]
    return [
        some for some in every if not {*some} & {*forbidden} and all(ENOUGH[attack] & {*some} for attack in attacks)
    ]


def puzzles(student: Student) -> list[Puzzle]:
    """Return a student's three puzzles: two that have a solution, and one that has none."""
    every = [(forbidden, attacks) for forbidden in FORBIDDEN for attacks in TOGETHER]
    solvable = [puzzle for puzzle in every if solutions(*puzzle)]
    hopeless = [puzzle for puzzle in every if not solutions(*puzzle)]
    return student.shuffled("order", [student.choose("none", hopeless), *student.shuffled("some", solvable)[:2]])


def _judge(answer: Any, student: Student) -> Ruling:
    for forbidden, attacks in puzzles(student):
        story = f"Forbidden: {', '.join(forbidden)}. Attacks: {', '.join(attacks)}. "
        got, ways = answer(list(forbidden), list(attacks)), solutions(forbidden, attacks)
        if got is None and not ways:
            continue
        if got is None:
            act = played(_design(ways[0]), attacks[0])
            outcome = act.run()
            count = f"{len(ways[0])} field{'s' * (len(ways[0]) != 1)}"
            return wrong(
                f"{story}You say that there is none. There are {len(ways)}, and the shortest has {count}. It was just played: "
                f"{outcome.outcome}.",
                trace=act.trace,
            )
        if ruling := _played(story, got, forbidden, attacks, possible=bool(ways)):
            return ruling
    return right(
        "All three, and one of them has no solution. To know that there is none you must have tried them all, or have an "
        "argument. Which did you have?"
    )


def _design(fields: tuple[str, ...]) -> Design:
    return Design.custom("mine", like=DESIGNS["key-in-quote"], client=Binder(("L", "C", *fields)))


def _played(
    story: str, got: Any, forbidden: tuple[str, ...], attacks: tuple[str, ...], *, possible: bool
) -> Ruling | None:
    """Play a binder, first without Alice; return what is wrong with it."""
    if not isinstance(got, tuple | list) or not all(isinstance(field, str) for field in got):
        return wrong(f"{story}Return a tuple of fields, or None. You returned {told(got)}.")
    if bad := [field for field in got if field in forbidden]:
        return wrong(f"{story}You used {bad[0]}, which is forbidden here.")
    try:
        design = _design(tuple(got))
    except BinderError as error:
        return wrong(f"{story}{str(error).rstrip('.')[:200]}.")
    except DesignError as error:
        return wrong(
            f"{story}Your design does not work even without Alice, so it would hold against everybody. "
            f"{str(error).partition(';')[0][:200]}."
        )
    act = played(design)
    outcome = act.run()
    if outcome.outcome != "completed":
        return wrong(
            f"{story}Your design does not work even without Alice, so it holds against everybody. {outcome.sentence}",
            trace=act.trace,
        )
    for attack in attacks:
        act = played(design, attack)
        outcome = act.run()
        if outcome.outcome == "succeeded":
            more = (
                "Try others, or consider that there may be no such binder."
                if not possible
                else "There is one that holds."
            )
            return wrong(f"{story}{attack}: {outcome.sentence} {more}", look="the bank's green row", trace=act.trace)
    return None


EXERCISE = Exercise(
    id="11-repair",
    task="Find a binder that holds and has none of the forbidden fields, or say that there is none.",
    hints=(
        "Play each attack at a binder that binds nothing, then at one that binds a single field.",
        "Which fields does Alice choose or copy herself? They cannot hold her off.",
        "same-pms-reencryption is stopped by H(EPMS) alone: nothing else in the list says for whom the secret was encrypted.",
    ),
    judge=_judge,
    solution=repaired,
    given="from trustlab.passage import DESIGNS, Binder, Design\nfrom trustlab.scenarios import rung",
    wrong={
        "everything allowed": (
            lambda forbidden, attacks: tuple(field for field in FIELDS if field not in forbidden),
            "there may be no such binder",
        ),
        "always the same": (lambda forbidden, attacks: ("H(EPMS)",), "which is forbidden here"),
        "never": (lambda forbidden, attacks: None if attacks else (), "You say that there is none"),
        "not yet known": (lambda forbidden, attacks: ("session_hash",), "does not work even without Alice"),
        "text": (lambda forbidden, attacks: "nonce_S", "Return a tuple of fields"),
        "unknown": (lambda forbidden, attacks: ("nonce",), "nonce"),
    },
    varies="the three puzzles",
)
