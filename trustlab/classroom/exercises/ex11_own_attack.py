"""11-own-attack: a program of the student's own that beats a given design, with no more powers than it declares."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - as in the notebook
from typing import TYPE_CHECKING, Any

from trustlab.attacks import Attack, kit
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong
from trustlab.cloud import Guest  # noqa: TC001 - as in the notebook
from trustlab.scenarios import rung

if TYPE_CHECKING:
    from trustlab.cloud.ports import Provider

DESIGNS = ("plain-tls", "attest-then-connect", "connect-then-attest")
USES = {
    "redirect": "network",
    "on_connection": "network",
    "obtain_certificate": "certificate",
    "disk_of": "disk",
    "search_memory": "memory",
    "root_tpm": "root TPM",
    "order_tpm": "root TPM",
}
"""A call of the provider's, and the power that it uses."""
POWERS = tuple(dict.fromkeys(USES.values()))


def attack(design: str) -> tuple[Callable[[Guest], None], list[str]]:
    """Return (start, needs): a program of Alice's that reads the PIN on this design, and the powers that it uses.

    `start(guest)` runs on Alice's machine before the payment. `kit.relay(guest, f)` and `kit.redirect(guest, f)` put her in the
    middle, as in 05 and 04. The powers are "network", "certificate", "disk", "memory" and "root TPM"; both functions use the
    first two. `design` is "plain-tls", "attest-then-connect" or "connect-then-attest".
    """

    def relay(guest: Guest) -> None:
        kit.relay(guest, lambda heard_from, data: {"bank" if heard_from == "teller" else "teller": data})

    def redirect(guest: Guest) -> None:
        kit.redirect(guest, lambda number, port: "bank" if port == kit.QUESTIONS else "alice")

    return (redirect if design == "attest-then-connect" else relay), ["network", "certificate"]


class _Watched:
    """The provider's powers, and a note of those that are used."""

    def __init__(self, provider: Provider, used: set[str]) -> None:
        self._provider, self._used = provider, used

    def __getattr__(self, name: str) -> Any:
        if name in USES:
            self._used.add(USES[name])
        return getattr(self._provider, name)


def _judge(answer: Any, student: Student) -> Ruling:
    design = student.choose("design", DESIGNS)
    said = answer(design)
    if not isinstance(said, tuple) or len(said) != 2 or not callable(said[0]):
        return wrong(f"Return (start, needs): a function, and a list of powers. You returned {told(said)}.")
    begin, needs = said
    if not isinstance(needs, list | tuple | set) or set(needs) - set(POWERS):
        return wrong(f"The powers are {', '.join(POWERS)}. You declared {told(needs)}.")
    used: set[str] = set()

    def start(guest: Guest) -> None:
        if guest.provider is not None:
            guest.provider = _Watched(guest.provider, used)
        begin(guest)

    with rung(design, Attack.from_function("my-attack", start)) as act:
        outcome = act.run()
    if outcome.outcome != "succeeded":
        return wrong(f"On {design}: {outcome.sentence} What was missing?", look="the last rows", trace=act.trace)
    if hidden := used - set(needs):
        return wrong(
            f"On {design} you read the PIN. But you used the power {min(hidden)!r}, and your attack does not declare it: whoever "
            "reads it will repair the wrong thing.",
            trace=act.trace,
        )
    if unused := set(needs) - used:
        return wrong(
            f"On {design} you read the PIN. But you declare the power {min(unused)!r}, and did not use it: your attack is "
            "stronger than you say.",
            trace=act.trace,
        )
    return right(
        f"On {design} you read {outcome.alice_read.strip()!r}, with {' and '.join(sorted(used))}, as declared. An attack is a "
        "statement too: with these powers, this falls.",
        trace=act.trace,
    )


EXERCISE = Exercise(
    id="11-own-attack",
    task="Write a program of Alice's that beats your design, and declare what it needs.",
    hints=(
        "Which notebook broke this design, and by which idea: a redirect, or a relay?",
        "kit.relay for one connection, kit.redirect for two. Define start(guest) inside, and return it.",
        'plain-tls and connect-then-attest: kit.relay(guest, f) with f of 05. Powers: ["network", "certificate"].',
    ),
    judge=_judge,
    solution=attack,
    given=(
        "from collections.abc import Callable\n\nfrom trustlab.attacks import kit\nfrom trustlab.cloud import Guest"
    ),
    wrong={
        "no powers declared": (lambda design: (attack(design)[0], []), "does not declare it"),
        "one too many": (lambda design: (attack(design)[0], ["network", "certificate", "disk"]), "did not use it"),
        "only listens": (lambda design: (lambda guest: kit.Alice(guest).only_listen(), []), "What was missing"),
        "everything": (lambda design: (attack(design)[0], ["everything"]), "The powers are"),
        "the function alone": (lambda design: attack(design)[0], "Return (start, needs)"),
    },
    varies="the design",
)
