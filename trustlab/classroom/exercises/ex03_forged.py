"""03-forged: which event of this log did Alice rewrite: its digest, its note, or none."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, NamedTuple

from trustlab.attacks.verifier import VerifierTestbed
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attest import LogEvent

Rows = list[tuple[int, bytes, bytes]]
WATCHED = (17, 18, 19, 20)
HASHED = (18, 20)
"""The PCRs of events whose digest is the hash of their data: the launch policy and the claim."""


class _ForgedLog(NamedTuple):
    """A log, the event that Alice rewrote, and what she did."""

    events: list[LogEvent]
    rewritten: int | None
    story: str


def forged(events: list[tuple[int, bytes, bytes]], pcrs: dict[int, bytes]) -> int | None:
    """Return the index of the event that Alice rewrote, or None if the log is honest.

    An event is (pcr, digest, data). `pcrs` are the values that the TPM quotes. In PCR 18 (launch policy) and 20 (claim)
    the digest is SHA256 of the data. In PCR 17 and 19 it is not: there the data is only a name for what was measured.
    """
    values: dict[int, bytes] = {}
    for pcr, digest, _data in events:
        values[pcr] = hashlib.sha256(values.get(pcr, bytes(32)) + digest).digest()
    for index, (pcr, digest, data) in enumerate(events):
        if values[pcr] != pcrs[pcr]:
            return index
        if pcr in (18, 20) and hashlib.sha256(data).digest() != digest:
            return index
    return None


def _renoted(events: list[LogEvent], pcr: int) -> _ForgedLog:
    """Let the note of the last event of a PCR lie; digests and PCRs agree still."""
    at = max(n for n, event in enumerate(events) if event.pcr == pcr)
    lying = dataclasses.replace(events[at], data=events[at].data.replace(b"2026", b"2027") + b" ")
    story = "the digests replay to the PCRs, and one note is not what was hashed"
    return _ForgedLog([*events[:at], lying, *events[at + 1 :]], at, story)


def _redigested(events: list[LogEvent], pcr: int) -> _ForgedLog:
    """Replace the one event of a PCR by another, with a digest that fits its note, as far as one can tell."""
    at = next(n for n, event in enumerate(events) if event.pcr == pcr)
    data = events[at].data
    if pcr in HASHED:
        data += b", and a debugger"
    measured = data if pcr in HASHED else b"another program"
    lying = dataclasses.replace(events[at], data=data, digests=(("sha256", hashlib.sha256(measured).digest()),))
    return _ForgedLog(
        [*events[:at], lying, *events[at + 1 :]], at, "one digest does not lead to the PCR that the TPM has"
    )


def _judge(answer: Callable[[Rows, dict[int, bytes]], int | None], student: Student) -> Ruling:
    with VerifierTestbed() as bed:
        machine = bed.machine().boot()
        events, pcrs = list(machine.platform.event_log.events), machine.hypersafe.pcr_read(WATCHED)
    honest = _ForgedLog(events, None, "nothing was rewritten")
    logs = [
        _renoted(events, student.choose("note", HASHED)),
        _redigested(events, student.choose("digest", (18, 19))),
    ]
    for log in [honest, *student.shuffled("order", logs)]:
        got = answer([(event.pcr, event.digest, event.data) for event in log.events], dict(pcrs))
        if got is not None and not (type(got) is int and 0 <= got < len(events)):
            return wrong(f"Return the index of an event, 0 to {len(events) - 1}, or None; you returned {told(got)}.")
        if got == log.rewritten:
            continue
        said = "that all is well" if got is None else f"that it is event {got} (PCR {log.events[got].pcr})"
        if log.rewritten is None:
            return wrong(
                f"You cried wolf: in this log {log.story}, and you say {said}. Not every digest is of its data."
            )
        pcr = log.events[log.rewritten].pcr
        return wrong(f"In this log {log.story}, in PCR {pcr}; you say {said}.")
    return right(
        "An honest log, a lying note and a lying digest: told apart. The log is signed by nobody. It is believed as far "
        "as it replays, and a note as far as it is hashed."
    )


def _replay_only(events: Rows, pcrs: dict[int, bytes]) -> int | None:
    values: dict[int, bytes] = {}
    for pcr, digest, _ in events:
        values[pcr] = hashlib.sha256(values.get(pcr, bytes(32)) + digest).digest()
    return next((n for n, (pcr, _, _) in enumerate(events) if values[pcr] != pcrs[pcr]), None)


def _hashes_all(events: Rows, pcrs: dict[int, bytes]) -> int | None:
    found = (n for n, (_, digest, data) in enumerate(events) if hashlib.sha256(data).digest() != digest)
    return next(found, _replay_only(events, pcrs))


EXERCISE = Exercise(
    id="03-forged",
    task="Which event of this log was rewritten, if any?",
    hints=(
        "There are two kinds of forgery: of the data beside a digest, and of the digest itself.",
        "For launch policy and claim the digest is SHA256(data). For the image it is not: the data is only a name.",
        "First replay and compare with the PCRs. If they agree, every digest is good, and the lie is in some data.",
    ),
    judge=_judge,
    solution=forged,
    given="import hashlib",
    varies="which event, and the order",
    wrong={
        "replay only": (_replay_only, "one note is not what was hashed"),
        "hashes all data": (_hashes_all, "You cried wolf"),
        "only what is not empty": (lambda events, pcrs: None if events else 0, "you say that all is well"),
        "always the last": (lambda events, pcrs: len(events) - 1, "you say that it is event 4"),
        "out of the log": (lambda events, pcrs: 99, "Return the index of an event"),
    },
)
