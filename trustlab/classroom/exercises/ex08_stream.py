"""08-stream: put the bytes of one direction together from the frames that passed."""

from __future__ import annotations

import random
from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong

START = 1000
TEXT = b"GET /pay?amount=120.00&to=carol&note=%s HTTP/1.1\r\nHost: bank.example\r\n\r\n"


def stream(segments: list[tuple[int, bytes]]) -> bytes:
    """Return the bytes of the stream, each once and in order.

    A segment is (number of its first byte, its bytes), in the order in which the frames passed Alice's switch. Some came late,
    some twice, and some were sent again cut in another way. None is missing.
    """
    held: dict[int, int] = {}
    for first, data in segments:
        for at, octet in enumerate(data):
            held.setdefault(first + at, octet)
    return bytes(held[number] for number in sorted(held))


def _cut(draw: random.Random, text: bytes, longest: int) -> list[tuple[int, bytes]]:
    found, at = [], 0
    while at < len(text):
        step = draw.randint(1, longest)
        found.append((START + at, text[at : at + step]))
        at += step
    return found


def _segments(student: Student) -> tuple[bytes, list[tuple[int, bytes]]]:
    """Return the stream and the segments that passed: some late, some twice, some cut anew."""
    draw = random.Random(student.own("segments"))  # noqa: S311 - places, not secrets
    text = TEXT % student.own("note", 12).hex().encode()
    passed = _cut(draw, text, 17)
    late = draw.randrange(1, len(passed) - 2)
    passed.insert(late + 2, passed.pop(late))
    passed.insert(draw.randrange(3, len(passed)), passed[1])
    first = draw.randrange(5, 25)
    passed.append((START + first, text[first : first + 40]))
    return text, passed


def _judge(answer: Any, student: Student) -> Ruling:
    text, passed = _segments(student)
    got = answer(list(passed))
    if not isinstance(got, bytes):
        return wrong(f"Return bytes; you returned {type(got).__name__}.")
    if got == text:
        return right(
            "Every byte, once and in order. TLS sees this stream and no frames: a frame that Alice drops, delays or repeats is "
            "mended by the kernels, and no TLS alert tells of it."
        )
    if got == b"".join(data for _, data in passed):
        return wrong(
            "You joined the segments as they passed. One came late, and some bytes came twice: look at the numbers."
        )
    if got == b"".join(data for _, data in sorted(passed)):
        return wrong(
            "In order now, but some bytes are in it twice: a segment was sent again, and another was cut in a new way."
        )
    if got == b"".join(dict(sorted(passed)).values()):
        return wrong(
            "You kept one segment for each number. But one was sent again from another number on, and overlaps others."
        )
    at = next((n for n, (a, b) in enumerate(zip(got, text, strict=False)) if a != b), min(len(got), len(text)))
    return wrong(
        f"{len(got)} bytes instead of {len(text)}; the first {at} are right. What is the number of the byte after them?"
    )


EXERCISE = Exercise(
    id="08-stream",
    task="Put the bytes of one direction together from the frames that passed.",
    hints=(
        "The number says where a segment's first byte belongs. Frames may come in any order.",
        "A kernel that sends again may cut the bytes differently: think in bytes, not in segments.",
        "Keep a dict from the byte's number to the byte; then join them in the order of their numbers.",
    ),
    judge=_judge,
    solution=stream,
    wrong={
        "as they passed": (lambda segments: b"".join(data for _, data in segments), "as they passed"),
        "sorted": (lambda segments: b"".join(data for _, data in sorted(segments)), "some bytes are in it twice"),
        "one each": (lambda segments: b"".join(dict(sorted(segments)).values()), "one segment for each number"),
        "the first": (lambda segments: segments[0][1], "What is the number of the byte after them"),
        "text": (lambda segments: "GET", "Return bytes"),
    },
    varies="the bytes, and how they were cut",
)
