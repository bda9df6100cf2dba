"""01-who-notices: a bit of the ClientHello is flipped on the way; who notices, the parser, the keys or Finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong
from trustlab.tls import back_to_back

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.trace import Trace

GUARDS = ("parser", "keys", "Finished")
HEADER = 5
"""Bytes of the record's header, in front of the message."""
LENGTHS = (38, 43, 45, 46, 49, 50)
"""Bytes of the hello at which a length stands: of session_id, compression_methods, extensions, server_name."""
WHY = {
    "parser": "The message no longer means anything that the server could read or accept.",
    "keys": (
        "The randoms go into the keys, so the first encrypted record cannot be opened at all. (That record happens to "
        "be Finished.)"
    ),
    "Finished": (
        "The parser had nothing to complain about, and the keys are the same. Only Finished hashes what was sent."
    ),
}


def who(at: int) -> str:
    """Say who notices if the lowest bit of byte `at` of the ClientHello is flipped: "parser", "keys" or "Finished".

    Byte 0 is the message's type; the 5 bytes of the record's header stand before it. To find out, you may look at the
    message's fields in the inspector, or flip the bit and see: back_to_back("1.2", meddle=f) calls f(sender, data) for
    each flight of the "client" and the "server", and sends what f returns. `.alerts` are (who sent it, AlertSent).
    """
    flown: list[bytes] = []

    def meddle(sender, data):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        if sender == "client" and not flown:
            flown.append(data)
            return data[: 5 + at] + bytes([data[5 + at] ^ 1]) + data[6 + at :]
        return data

    pair = back_to_back("1.2", meddle=meddle)
    alert = type(pair.alerts[0][1].alert).__name__
    return {"BadRecordMac": "keys", "DecryptError": "Finished"}.get(alert, "parser")


def _flipped(at: int) -> tuple[str, str, str, Trace]:
    """Flip a bit and return who noticed, by which alert, the name of the field, and the trace."""
    flights = 0

    def meddle(sender: str, data: bytes) -> bytes:
        nonlocal flights
        flights += sender == "client"
        place = HEADER + at
        changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :] if len(data) > place else data
        return changed if sender == "client" and flights == 1 else data

    pair = back_to_back("1.2", meddle=meddle)
    alert = type(pair.alerts[0][1].alert).__name__
    guard = {"BadRecordMac": "keys", "DecryptError": "Finished"}.get(alert, "parser")
    hello = pair.trace.select("tls.message", party="teller", name="ClientHello")[0]
    return guard, alert, [span.name for span in hello.spans if span.start <= at < span.end][-1], pair.trace


def _places(student: Student) -> list[int]:
    """Choose a byte of each kind: of the random, of the signature algorithms, of a length."""
    chosen = [
        6 + student.number("random", 32),
        79 + student.number("algorithms", 26),
        student.choose("length", LENGTHS),
    ]
    return student.shuffled("order", chosen)


def _judge(answer: Callable[[int], str], student: Student) -> Ruling:
    for at in _places(student):
        guard, alert, name, trace = _flipped(at)
        said = answer(at)
        if said not in GUARDS:
            return wrong(f'Return "parser", "keys" or "Finished"; for byte {at} you returned {told(said)}.')
        if said != guard:
            return wrong(
                f"Byte {at}, in the field {name}: you say {said}. Played, the handshake ended with the alert {alert}. "
                f"That is the work of the {guard}. {WHY[guard]}",
                look="the ClientHello and the last row",
                trace=trace,
            )
    return right(
        "All three told apart. Not one byte of this hello can be changed unnoticed, and less than half of them need "
        "Finished for it."
    )


EXERCISE = Exercise(
    id="01-who-notices",
    task="For three bytes of the ClientHello: who notices a flipped bit?",
    hints=(
        "A parser notices nonsense. Keys notice a changed random. Finished notices all the rest.",
        "Bytes 6 to 37 are the random. Lengths are read by the parser.",
        "Make the map: flip each byte in turn with back_to_back(meddle=...), and read the alert.",
    ),
    judge=_judge,
    solution=who,
    given="from trustlab.tls import back_to_back",
    varies="the three bytes",
    wrong={
        "always Finished": (lambda at: "Finished", "you say Finished"),
        "always the parser": (lambda at: "parser", "you say parser"),
        "the keys notice all but lengths": (lambda at: "parser" if at in LENGTHS else "keys", "you say keys"),
        "the alert": (lambda at: "bad_record_mac", 'Return "parser"'),
    },
)
