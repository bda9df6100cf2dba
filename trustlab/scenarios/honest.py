"""The honest run before every judgement: a design that cannot work must not look secure.

If not even an honest payment goes through, every attack comes to nothing, and that says nothing about the attack. So
the act is played without Alice first, in memory; each design, with all that is demanded or left out, once in a process.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from trustlab.passage import setting_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from trustlab.scenarios.setup import Plan

BROKE = "Not even an honest payment goes through, so the attack shows nothing."
_works: set[Hashable] = set()
_lock = threading.Lock()


def honest_fault(kind: type, plan: Plan, honest: Callable[[], tuple[str, str]]) -> str:
    """Return why an honest run of a plan does not come to its end; "" if it does.

    `kind` is the class of the act; `honest` plays it without Alice, and returns the outcome and its sentence.
    """
    key = (kind, *_key(plan))
    with _lock:
        if key in _works:
            return ""
    outcome, sentence = honest()
    if outcome == "completed":
        with _lock:
            _works.add(key)
        return ""
    return f"{BROKE} {sentence}"


def _key(plan: Plan) -> tuple[Hashable, ...]:
    """Return what an honest run depends on, but for what is drawn."""
    settings = tuple((image, tuple(sorted(more.items()))) for image, more in sorted(plan.settings.items()))
    return setting_of(plan.design), plan.customer, plan.without, settings
