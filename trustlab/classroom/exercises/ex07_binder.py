"""07-binder: the fields that the client's TPM must sign.

The bank's key is a deployed one here: this is about the client's quote, and a TPM takes long to make an RSA key.
"""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import played
from trustlab.passage import TRUSTED_PASSAGE, Binder, BinderError, Design, DesignError

ATTACKS = {
    "client-impersonation": (
        "Alice let the hellos and the teller's quote pass, and chose the secret herself. Nothing in your quote says which "
        "secret the teller chose."
    ),
    "same-pms-reencryption": (
        "Evil opened the teller's secret and encrypted the very same secret to the bank. Your quote names the secret, and "
        "not how it was encrypted: the bank cannot tell that it was for another key."
    ),
    "client-evidence-replay": (
        "Alice showed the bank a quote of yesterday, from another handshake. Nothing in your quote is new each time."
    ),
}
OWN = "my binder"


def fields() -> tuple[str, ...]:
    """Return the fields of the client's binder, in order. Begin with "L" and "C".

    Choose from "nonce_S", "client_random", "server_random", "HMAC(PMS)", "H(EPMS)", "session_hash" and "H(SPKI_S)".
    """
    return ("L", "C", "nonce_S", "client_random", "server_random", "HMAC(PMS)", "H(EPMS)")


def _made(chosen: tuple[str, ...]) -> Design | str:
    """Return the design, or why there can be none."""
    try:
        return Design.custom(OWN, like=TRUSTED_PASSAGE, key_origin="deployed", client=Binder(chosen))
    except (BinderError, DesignError) as error:
        if any(name.lower() in {"pms", "epms"} for name in chosen):
            return (
                "Never the secret itself. extraData is a hash, but evidence crosses the wire in clear, and so does whatever "
                "the bank needs to check it. There is HMAC(PMS): it names the secret without showing it."
            )
        if isinstance(error, DesignError):
            return (
                "Even without Alice nobody could pay: a field of yours is not known yet when the teller has to quote, so the "
                f"lab refuses to make this design. {str(error).partition(';')[0][:200]}."
            )
        return f"{str(error).rstrip('.')[:250]}."


def _judge(answer: Any, student: Student) -> Ruling:
    said = answer()
    if not isinstance(said, tuple | list) or not all(isinstance(name, str) for name in said):
        return wrong(f'Return a tuple of names, such as ("L", "C", "nonce_S"). You returned {said!r}.')
    chosen = tuple(said)
    design = _made(chosen)
    if isinstance(design, str):
        return wrong(design)
    honest = played(design)
    outcome = honest.run()
    if outcome.outcome != "completed":
        return wrong(
            f"Even without Alice the payment does not go through. {outcome.sentence} Some field is not known yet when the "
            "teller has to quote.",
            trace=honest.trace,
        )
    for attack in student.shuffled("order", list(ATTACKS)):
        act = played(design, attack)
        outcome = act.run()
        if outcome.outcome == "succeeded":
            return wrong(
                f"{attack}: {outcome.sentence} {ATTACKS[attack]}",
                look="the bank's green row: every check passed",
                trace=act.trace,
            )
    if "C" not in chosen:
        return wrong(
            'It holds, but it does not say which side speaks. Add the role, "C": on other designs its absence lets Alice '
            "hand a quote back to the one who made it."
        )
    count = len(chosen)
    return right(
        f"Your binder holds against all three, with {count} fields. The slides' has 7: they bind the secret and its "
        "encryption both. Which of the seven could you spare, and what would it cost?"
    )


EXERCISE = Exercise(
    id="07-binder",
    task="Which fields must the client's TPM sign?",
    hints=(
        "What does the bank have to be sure of? That it is now, that it is this teller, that it is this secret, for this bank.",
        "nonce_S makes it new. HMAC(PMS) names the secret. H(EPMS) names the secret as it was encrypted.",
        "Take all fields but session_hash, which is not known yet. Then leave out one after the other, and look.",
    ),
    judge=_judge,
    solution=fields,
    wrong={
        "like the server's": (
            lambda: ("L", "C", "nonce_S", "client_random", "server_random"),
            "Alice read the balance",
        ),
        "the secret only": (
            lambda: ("L", "C", "nonce_S", "client_random", "server_random", "HMAC(PMS)"),
            "for another key",
        ),
        "the secret itself": (lambda: ("L", "C", "nonce_S", "PMS"), "Never the secret itself"),
        "nothing": (lambda: ("L", "C"), "Alice read the balance"),
        "too early": (lambda: ("L", "C", "nonce_S", "session_hash"), "Even without Alice"),
        "unknown": (lambda: ("L", "C", "nonce"), "nonce"),
        "text": (lambda: "nonce_S", "Return a tuple"),
        "no role": (lambda: ("L", "nonce_S", "H(EPMS)"), "which side speaks"),
    },
    varies="the order of the attacks",
)
