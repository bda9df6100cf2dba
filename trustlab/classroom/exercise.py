"""What an exercise is: a solution, three hints, a judge that answers in sentences, and the wrong answers it knows.

One module of `classroom.exercises` holds one exercise, as `EXERCISE`. Its `judge(answer, student)` plays what there is
to play and returns `right(...)` or `wrong(...)`. It knows no notebook, no clock and no file: `classroom.check` runs it
in a child process, and says what is to be said about an empty answer, an endless loop or an exception.
"""

from __future__ import annotations

import inspect
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trustlab.trace import Trace

PUBLIC_SEED = b"trustlab: the public course seed"
"""The seed of whoever was given none. It hides nothing: it makes the answers of two students differ."""
LONGEST_NAME = 100
Item = TypeVar("Item")
Answer = Any
"""What a student hands in: a function most of the time, sometimes a text or a list."""


class ClassroomError(ValueError):
    """Something that the classroom cannot do; the message says what, and what to do instead."""


def name_of(text: object) -> str:
    """Return a student's name in one form, however it was typed. ClassroomError if it cannot be one."""
    name = unicodedata.normalize("NFC", str(text)).strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ClassroomError(f"{told(text)} is no student's name: use 1 to {LONGEST_NAME} printable characters")
    return name


@dataclass(frozen=True)
class Student:
    """One student in one exercise: numbers, names and orders of their own, by HKDF from the course's seed."""

    name: str
    exercise: str
    seed: bytes = field(default=PUBLIC_SEED, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", name_of(self.name))

    def own(self, what: str, length: int = 32) -> bytes:
        """Return bytes that belong to this student, this exercise and this purpose."""
        info = f"{self.exercise}/{what}/{self.name}".encode()
        return HKDF(SHA256(), length, None, info).derive(self.seed)

    def number(self, what: str, below: int) -> int:
        """Return a number from 0 up to, but not including, `below`."""
        return int.from_bytes(self.own(what, 16), "big") % below

    def choose(self, what: str, options: Sequence[Item]) -> Item:
        """Return one of the options."""
        return options[self.number(what, len(options))]

    def shuffled(self, what: str, items: Sequence[Item]) -> list[Item]:
        """Return the items in this student's order."""
        keys = [self.own(f"{what}/{n}", 8) for n in range(len(items))]
        return [items[n] for n in sorted(range(len(items)), key=keys.__getitem__)]


@dataclass(frozen=True)
class Ruling:
    """What a judge says: right or not, in one or two sentences; where to look; and the run that it is about."""

    right: bool
    sentence: str
    look: str = ""
    trace: Trace | None = field(default=None, repr=False)


def right(sentence: str, look: str = "", trace: Trace | None = None) -> Ruling:
    """Say that the answer is right, and what the student may take home."""
    return Ruling(right=True, sentence=sentence, look=look, trace=trace)


def wrong(sentence: str, look: str = "", trace: Trace | None = None) -> Ruling:
    """Say what was tried, what was seen, and where to look; never the solution."""
    return Ruling(right=False, sentence=sentence, look=look, trace=trace)


def told(value: object, longest: int = 60) -> str:
    """Return a value as it is quoted in a sentence: in one line, and not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


@dataclass(frozen=True, kw_only=True)
class Exercise:
    """One exercise.

    `task` is the question in one sentence. `hints` are three, from a nudge to nearly the answer. `judge` takes the
    answer and the `Student`. `solution` is a right answer: a function, whose signature and docstring are what the
    student is given, or a value (then `starter` is what the student finds in its place). `wrong` are typical wrong
    answers, each with words that the judge's sentence about it must contain. `given` are lines of Python, imports
    mostly, that the student's cell begins with. `varies` says what differs from student to student. A check may take
    `limit` seconds.
    """

    id: str
    task: str
    hints: tuple[str, str, str]
    judge: Callable[[Answer, Student], Ruling]
    solution: Answer
    wrong: Mapping[str, tuple[Answer, str]]
    given: str = ""
    starter: str = '""'
    varies: str = ""
    limit: float = 9.0

    @property
    def name(self) -> str:
        """The name that the answer has in the notebook."""
        if callable(self.solution):
            return str(self.solution.__name__)
        return self.id.partition("-")[2].replace("-", "_")

    def student(self, name: str, seed: bytes = PUBLIC_SEED) -> Student:
        """Return a student in this exercise."""
        return Student(name, self.id, seed)

    def source(self) -> str:
        """Return the source of the solution, without `given`."""
        if callable(self.solution):
            return inspect.getsource(self.solution)
        return f"{self.name} = {self.solution!r}\n"
