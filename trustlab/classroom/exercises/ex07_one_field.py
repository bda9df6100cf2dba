"""07-one-field: find a design on which a given field decides."""

from __future__ import annotations

from typing import Any

from trustlab.attacks import CATALOGUE
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import played
from trustlab.passage import DESIGNS, Design, design_without

FIELDS = ("nonce and randoms", "HMAC(PMS)", "H(EPMS)", "H(SPKI_S)")
ASKED = 2


def base(field: str) -> tuple[str, str]:
    """Return (design, attack): the design stops the attack, and falls to it when `field` is left out of its binders.

    Both are names: of `DESIGNS`, and of `ATTACKS`. `field` is one of "nonce and randoms", "HMAC(PMS)", "H(EPMS)" and
    "H(SPKI_S)". Try with `rung(design, attack, without=(field,)).run()`.
    """
    return {
        "nonce and randoms": ("client-quote", "client-evidence-replay"),
        "HMAC(PMS)": ("pms-in-quote", "client-impersonation"),
        "H(EPMS)": ("trusted-passage", "same-pms-reencryption"),
        "H(SPKI_S)": ("key-in-quote", "tunnel-relay"),
    }[field]


def _quick(design: Design) -> Design:
    """Return the design with a deployed key of the bank: a TPM takes long to make an RSA key.

    The fields of the client's quote do not depend on it.
    """
    if design.tls == "1.3" or design.key_origin == "deployed":
        return design
    return Design.custom(design.name, like=design, key_origin="deployed")


def _judge(answer: Any, student: Student) -> Ruling:
    for field in student.shuffled("fields", FIELDS)[:ASKED]:
        said = answer(field)
        if not isinstance(said, tuple | list) or len(said) != 2:
            return wrong(f"For {field!r}: return (design, attack), two names. You returned {said!r}.")
        design, attack = said
        known = DESIGNS.get(design) if isinstance(design, str) else design
        if not isinstance(known, Design):
            return wrong(f"For {field!r}: there is no design {design!r}. DESIGNS has {', '.join(DESIGNS)}.")
        if attack not in CATALOGUE:
            return wrong(f"For {field!r}: there is no attack {attack!r}. `list(ATTACKS)` has their names.")
        if design_without(known, (field,)) == known:
            return wrong(
                f"For {field!r}: the binders of {known.name} do not have this field, so it decides nothing there."
            )
        known = known if field == "H(SPKI_S)" else _quick(known)
        try:
            act = played(known, attack)
            outcome = act.run()
            other = played(known, attack, without=(field,))
            without = other.run()
        except ValueError as error:
            return wrong(f"For {field!r}: this cannot be played. {str(error)[:200]}.")
        if outcome.outcome == "succeeded":
            return wrong(
                f"{field!r}: on {known.name}, {attack} succeeds although the field is there. {outcome.sentence}",
                look="the fields of the binder",
                trace=act.trace,
            )
        if without.outcome != "succeeded":
            what = f"the check {without.refused_by!r}" if without.refused_by else "something else"
            return wrong(
                f"{field!r}: on {known.name}, without it {attack} is still stopped, by {what}. Another field of the "
                "binder does the same work there. Look for a design that has nothing else for this purpose.",
                look="the equation in the red row",
                trace=other.trace,
            )
    return right(
        f"{ASKED} fields, {ASKED} designs on which each decides. On the last rung of the slides most of them overlap: that "
        "is caution, not waste."
    )


EXERCISE = Exercise(
    id="07-one-field",
    task="On which design does this field decide, and against which attack?",
    hints=(
        "A field decides where nothing else does its work. The last rung has most fields twice.",
        "Go down the ladder: which rung was built to stop which attack, and by which field?",
        "HMAC(PMS) was added against client-impersonation, H(EPMS) against same-pms-reencryption, the key against the "
        "relay; and without anything fresh an old quote fits (client-evidence-replay).",
    ),
    judge=_judge,
    solution=base,
    given="from trustlab.attacks import ATTACKS\nfrom trustlab.passage import DESIGNS\nfrom trustlab.scenarios import rung",
    wrong={
        "always the last rung": (
            lambda field: (
                "trusted-passage",
                {
                    "nonce and randoms": "client-evidence-replay",
                    "H(EPMS)": "same-pms-reencryption",
                    "H(SPKI_S)": "tunnel-relay",
                }.get(field, "client-impersonation"),
            ),
            "is still stopped",
        ),
        "the wrong attack": (lambda field: ("pms-in-quote", "same-pms-reencryption"), "succeeds although"),
        "a rung without the field": (lambda field: ("plain-tls", "rogue-certificate"), "do not have this field"),
        "an unknown design": (lambda field: ("trusted", "tunnel-relay"), "there is no design"),
        "an unknown attack": (lambda field: ("trusted-passage", "relay"), "there is no attack"),
        "one name": (lambda field: "trusted-passage", "two names"),
    },
    varies="which fields are asked for",
)
