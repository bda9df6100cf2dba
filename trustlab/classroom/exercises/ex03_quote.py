"""03-quote: judge a quote. One honest machine, and four ways in which a quote can be worth nothing."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustlab.attest import EventLog, Evidence, parse_attest, parse_public, parse_signature
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong
from trustlab.classroom.fixtures import HONEST, evidence

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from trustlab.attacks.verifier import Presented

    Judge = Callable[[Any, bool, bytes, dict[int, bytes]], str | None]

GAMES = {
    "detached-binder": "the quote is genuine and somebody else's: it was made for another nonce",
    "edited-quote": "Alice changed bytes in the quote after it was signed",
    "event-log-tampering": "the event log tells another story than the PCRs",
    "narrow-selection": "the quote is over fewer PCRs than you need: PCR 17 and 18, and not the image in PCR 19",
}
SHORTEST = 10
"""Characters of a complaint that somebody could act on."""


def judge(quote, signed_by_ak: bool, nonce: bytes, pcr_values: dict[int, bytes]) -> str | None:  # type: ignore[no-untyped-def]  # noqa: ANN001, FBT001
    """Return None if this quote is to be believed, or a sentence that says why not.

    `quote` is a parsed TPMS_ATTEST: `quote.extra_data`, `quote.attested.selections[0].pcrs` (a tuple of numbers),
    `quote.attested.pcr_digest`. `signed_by_ak`: whether the AK's signature over it verifies. `nonce`: what you asked
    with. `pcr_values`: what the event log that came along replays to. You need PCR 17, 18, 19 and 20.
    """
    if not signed_by_ak:
        return "the AK did not sign these bytes"
    if quote.extra_data != nonce:
        return "this quote answers another question"
    if [selection.pcrs for selection in quote.attested.selections] != [(17, 18, 19, 20)]:
        return "the quote is not over PCR 17 to 20"
    replayed = b"".join(pcr_values.get(pcr, bytes(32)) for pcr in (17, 18, 19, 20))
    if hashlib.sha256(replayed).digest() != quote.attested.pcr_digest:
        return "the log does not replay to the quoted PCRs"
    return None


def _ask(answer: Judge, presented: Presented) -> str | None:
    shown = Evidence.decode(presented.evidence)
    quote, public = parse_attest(shown.quote), parse_public(shown.ak_public)
    signed = parse_signature(shown.signature).verify(public.public_key, quote.raw)
    return answer(quote, signed, presented.expected.binder, EventLog.decode(shown.event_log).replay())


def _judge(answer: Judge, student: Student) -> Ruling:
    complaint = _ask(answer, evidence(HONEST))
    if complaint is not None:
        return wrong(
            f"You refused an honest machine: {told(complaint)}. A check that refuses everybody protects nothing; it "
            "only stops the bank."
        )
    for name in student.shuffled("order", list(GAMES)):
        complaint = _ask(answer, evidence(name))
        if complaint is None:
            return wrong(
                f"You believed a bad quote ({name}): {GAMES[name]}.", look=f"the attack {name} in docs/ablation.md"
            )
        if not isinstance(complaint, str) or len(complaint) < SHORTEST:
            return wrong(
                f"You refused {name}, but with {told(complaint)}. Say in a sentence what is wrong: whoever reads the log "
                "must be able to act on it."
            )
    return right("The honest quote passes, four bad ones are refused, each with a reason.")


def _over_what_is_selected(quote: Any, values: dict[int, bytes]) -> bool:
    chosen = b"".join(values.get(pcr, bytes(32)) for pcr in quote.attested.selections[0].pcrs)
    return bool(hashlib.sha256(chosen).digest() == quote.attested.pcr_digest)


EXERCISE = Exercise(
    id="03-quote",
    task="Judge a quote: believe the honest one, and say what is wrong with the others.",
    hints=(
        "Four things can be wrong: who signed, for which question, over which PCRs, and what the PCRs are.",
        "pcr_digest is SHA256 over the values of the selected PCRs, in ascending order, joined.",
        "The set of PCRs must be the one you demand, (17, 18, 19, 20). A quote over fewer PCRs is genuine and says less.",
    ),
    judge=_judge,
    solution=judge,
    given="import hashlib",
    varies="the order of four attacks",
    wrong={
        "signature only": (lambda q, s, n, v: None if s else "the signature is bad", "You believed a bad quote"),
        "nonce only": (
            lambda q, s, n, v: None if q.extra_data == n else "another nonce is in it",
            "You believed a bad quote",
        ),
        "digest over whatever is selected": (
            lambda q, s, n, v: None if s and q.extra_data == n and _over_what_is_selected(q, v) else "it is no good",
            "PCR 17 and 18, and not the image",
        ),
        "refuses all": (lambda q, s, n, v: "I trust nobody here", "A check that refuses everybody protects nothing"),
        "says only no": (lambda q, s, n, v: None if judge(q, s, n, v) is None else "no", "Say in a sentence"),
        "True and False": (lambda q, s, n, v: judge(q, s, n, v) is None, "You refused an honest machine: True"),
    },
)
