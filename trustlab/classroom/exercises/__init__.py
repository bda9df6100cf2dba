"""The exercises of the course, a module each. `EXERCISES` finds every module `exNN_...` in this folder by itself."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.classroom.exercise import Exercise


__all__ = ["EXERCISES", "PATHS"]


def _found() -> dict[str, Exercise]:
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("ex"))
    found = [importlib.import_module(f"{__name__}.{name}").EXERCISE for name in names]
    return {exercise.id: exercise for exercise in found}


EXERCISES: dict[str, Exercise] = _found()
"""Every exercise by its id, in the order of the course."""
PATHS = {"90-minutes": ("02-intercepted", "02-relay", "05-reading", "05-relay", "05-bind", "11-repair")}
"""Ways through the course for who has little time: the exercises that are on them."""
