"""03-replay: from an event log to the values of the PCRs, against a real TPM."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustlab.attacks.verifier import VerifierTestbed
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong

if TYPE_CHECKING:
    from collections.abc import Callable

Events = list[tuple[int, bytes, bytes]]
Pcrs = dict[int, bytes]
ZEROS, ONES = bytes(32), b"\xff" * 32
WATCHED = (17, 18, 19, 20)


def replay(events: list[tuple[int, bytes, bytes]]) -> dict[int, bytes]:
    """Return the value of each PCR after these events. An event is (pcr, digest, data), in the order of the log.

    PCR 17 to 22 begin as 32 zero bytes when HyperSafe is launched. `data` is a note for people.
    """
    values: dict[int, bytes] = {}
    for pcr, digest, _data in events:
        values[pcr] = hashlib.sha256(values.get(pcr, bytes(32)) + digest).digest()
    return values


def _sha256(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()


def _fold(events: Events, step: Callable[[bytes, bytes, bytes], bytes], start: bytes = ZEROS) -> Pcrs:
    """Go through a log with another rule than a TPM's; `step` gets the old value, the digest and the data."""
    values: Pcrs = {}
    for pcr, digest, data in events:
        values[pcr] = step(values.get(pcr, start), digest, data)
    return values


def _material(student: Student) -> tuple[str, Events, Pcrs]:
    """Boot a machine with a claim of this student's; return the date, the log, and what the TPM holds."""
    date = f"2026-11-{student.number('date', 28) + 1:02d}"
    with VerifierTestbed() as bed:
        machine = bed.machine().boot(signatures=date)
        events = [(event.pcr, event.digest, event.data) for event in machine.platform.event_log.events]
        note = b"a second measurement"
        events.append((17, _sha256(date.encode()), note))
        machine.hypersafe.pcr_extend(17, events[-1][1])
        return date, events, machine.hypersafe.pcr_read(WATCHED)


def _judge(answer: Callable[[Events], Pcrs], student: Student) -> Ruling:
    date, events, true = _material(student)
    got = answer(list(events))
    if not isinstance(got, dict):
        return wrong(f"Return a dict, PCR number to 32 bytes; you returned {told(got)}.")
    if got == true:
        return right(
            f"The TPM says the same. With the claim {date} in the log, PCR 20 is {true[20].hex()[:16]}..., and no other "
            "log that you could write gives that value."
        )
    for value, sentence in _known(events):
        if got == value:
            return wrong(sentence, look="the rows 'measure' of the bank's machine")
    missing = sorted(set(true) - set(got))
    if missing:
        return wrong(f"PCR {missing[0]} is missing. Every PCR that the log names has a value.")
    pcr = next((pcr for pcr in WATCHED if got[pcr] != true[pcr]), None)
    if pcr is None:
        return wrong(f"PCR 17 to 20 are right, but the log does not name {told(min(set(got) - set(true)))}.")
    if not isinstance(got[pcr], bytes):
        return wrong(f"PCR {pcr} must be 32 bytes; you have {told(got[pcr])}.")
    return wrong(f"PCR {pcr} is wrong. The TPM has {true[pcr].hex()[:16]}..., you have {got[pcr].hex()[:16]}...")


def _known(events: Events) -> list[tuple[Pcrs, str]]:
    return [
        (
            _fold(events, lambda old, digest, data: _sha256(old + data)),
            "You extended by the event's data. The TPM is given only the digest; the data is a note in the log, and "
            "Alice may write what she likes there.",
        ),
        (
            _fold(events, lambda old, digest, data: _sha256(digest + old)),
            "Digest first, then the old value: the wrong way round. The TPM computes SHA256(old + digest).",
        ),
        (
            _fold(events, lambda old, digest, data: digest),
            "You set the PCR to the digest. If software could set a PCR, the last program to run could erase all "
            "traces of the others. A PCR can only be extended.",
        ),
        (
            _fold(events, lambda old, digest, data: _sha256(old + digest), ONES),
            "You began with 32 bytes of ff. PCR 17 to 22 hold that only while nothing was launched; the launch resets "
            "them to zero.",
        ),
        (
            _fold(events[::-1], lambda old, digest, data: _sha256(old + digest)),
            "You went through the log backwards. Order matters: that is the point of extending.",
        ),
        (
            _fold(events, lambda old, digest, data: _sha256(_sha256(old) + digest)),
            "You hashed the old value again before extending. It is a digest already.",
        ),
    ]


EXERCISE = Exercise(
    id="03-replay",
    task="From an event log, compute the values of the PCRs.",
    hints=(
        "A PCR is never set. It is extended: new = SHA256(old + digest).",
        "Start each PCR with 32 zero bytes, go through the events in order, and extend the PCR that the event names.",
        "Extend by the digest, not by the data. The data is only a note for people: nobody has to believe it.",
    ),
    judge=_judge,
    solution=replay,
    given="import hashlib",
    varies="the date that is claimed",
    wrong={
        "by the data": (
            lambda events: _fold(events, lambda old, digest, data: _sha256(old + data)),
            "Alice may write what she likes there",
        ),
        "set": (lambda events: {pcr: digest for pcr, digest, _ in events}, "could erase all traces of the others"),
        "from ff": (
            lambda events: _fold(events, lambda old, digest, data: _sha256(old + digest), ONES),
            "You began with 32 bytes of ff",
        ),
        "swapped": (
            lambda events: _fold(events, lambda old, digest, data: _sha256(digest + old)),
            "the wrong way round",
        ),
        "backwards": (lambda events: replay(events[::-1]), "Order matters"),
        "one PCR": (lambda events: {17: replay(events)[17]}, "PCR 18 is missing"),
        "hexadecimal": (lambda events: {pcr: value.hex() for pcr, value in replay(events).items()}, "must be 32 bytes"),
        "a list": (lambda events: list(replay(events).values()), "Return a dict"),
    },
)
