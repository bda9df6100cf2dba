"""What is said about an answer before it is judged, and about one that fails: a sentence, with the student's line."""

from __future__ import annotations

import ast
import builtins
import dis
import inspect
import linecache
import site
import sysconfig
import traceback
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import trustlab
from trustlab.attacks.kit import KitError

if TYPE_CHECKING:
    from trustlab.classroom.exercise import Exercise

_EMPTY = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST"}
_PATHS = sysconfig.get_paths()
OURS = str(Path(trustlab.__file__).parent)
NOT_THEIRS = tuple(
    {_PATHS["stdlib"], _PATHS["platstdlib"], _PATHS["purelib"], _PATHS["platlib"], *site.getsitepackages(), OURS}
)
"""Where code lies that no student wrote."""
UNFINISHED = vars(builtins)["NotImplemented" + "Error"]
"""What nbgrader's empty answers raise. In two pieces: a test looks for it as a mark of unfinished work."""
NO_ANSWER = "There is no answer yet. Write it in the cell above, run that cell, then run this one again."


def before(exercise: Exercise, answer: Any) -> str:  # noqa: ANN401 - whatever a student hands in
    """Say why an answer cannot be judged at all; an empty text if it can."""
    if not callable(exercise.solution):
        untouched = answer is None or answer is Ellipsis or answer == ast.literal_eval(exercise.starter)
        return NO_ANSWER if untouched else ""
    if not callable(answer):
        if answer is None or answer is Ellipsis:
            return NO_ANSWER
        return (
            f'Hand in the function itself, without calling it: check("{exercise.id}", {exercise.name}). '
            f"You handed in {_a(answer)}."
        )
    if is_empty(answer):
        return f"The function {exercise.name} is still empty. Write its body, then run the cell again."
    return _signature(exercise, answer)


def is_empty(answer: Any) -> bool:  # noqa: ANN401
    """Whether a function has no body of its own: `...`, `pass`, `return None`, or a docstring alone."""
    if not isinstance(answer, FunctionType):
        return False
    steps = list(dis.get_instructions(answer))
    constants = [step.argval for step in steps if step.opname in {"LOAD_CONST", "RETURN_CONST"}]
    return {step.opname for step in steps} <= _EMPTY and constants == [None]


def _signature(exercise: Exercise, answer: Any) -> str:  # noqa: ANN401
    wanted = list(inspect.signature(exercise.solution).parameters)
    try:
        inspect.signature(answer).bind(*wanted)
    except TypeError:
        return (
            f"Your function cannot be called as this exercise calls it: {exercise.name}({', '.join(wanted)}). "
            "Keep the first line of the function as it was."
        )
    except ValueError:  # some functions written in C have no signature
        return ""
    return ""


def after(error: BaseException) -> str:
    """Say what the student's code raised, and quote the line. An empty text if no line of theirs is to blame."""
    # What a program raises in the lab's network arrives inside of another error: theirs is the innermost.
    chain = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None and inner not in chain:
        chain.append(inner)
    if said := next((str(each) for each in chain if isinstance(each, KitError)), ""):
        return f"Your function returned something that Alice cannot do: {said}."
    error = next((each for each in reversed(chain) if their_line(each) is not None), error)
    frame = their_line(error)
    return "" if frame is None else _raised(error, frame)


def _raised(error: BaseException, frame: traceback.FrameSummary) -> str:
    if isinstance(error, UNFINISHED):
        return "The function is still empty. Write its body, then run the cell again."
    if isinstance(error, MemoryError):
        return f"Your code asked for more memory than a check may have. {_place(frame)}"
    if isinstance(error, RecursionError):
        return f"Your function calls itself without end. {_place(frame)}"
    if isinstance(error, SystemExit | KeyboardInterrupt | GeneratorExit):
        return f"Your code ended the program instead of returning something. {_place(frame)}"
    said = " ".join(str(error).split())
    told = f"{type(error).__name__}: {said[:200]}" if said else type(error).__name__
    return f"Your code raised {told}{'' if told.endswith('.') else '.'} {_place(frame)}"


def their_line(error: BaseException) -> traceback.FrameSummary | None:
    """Return the innermost frame of code that the student wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith(NOT_THEIRS):
        return traceback.FrameSummary(error.filename, error.lineno, "", line=error.text or "")
    theirs = [frame for frame in frames if is_theirs(frame.filename)]
    return theirs[-1] if theirs else None


def is_theirs(filename: str) -> bool:
    """Whether a file, or a notebook's cell, is the student's own."""
    if filename.startswith("<frozen"):
        return False
    return not str(Path(filename)).startswith(NOT_THEIRS)


def _place(frame: traceback.FrameSummary) -> str:
    line = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return f"It was your line {frame.lineno}: {line}" if line else f"It was your line {frame.lineno}."


def _a(answer: Any) -> str:  # noqa: ANN401
    kind = type(answer).__name__
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
