"""The honest run before every judgement: a design that cannot work must not look secure.

If not even an honest payment goes through, every attack comes to nothing, and that says nothing about the attack. So
the act is played without Alice first, in memory; each design, with all that is demanded or left out, once in a process.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from trustlab.passage import setting_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from trustlab.scenarios.setup import Plan
    from trustlab.scenarios.stage import Act

BROKE = "Not even an honest payment goes through, so the attack shows nothing."
_works: set[Hashable] = set()
_lock = threading.Lock()


def honest_fault(act: Act) -> str:
    """Return why an honest run of this act does not come to its end; "" if it does."""
    key = (type(act), *_key(act.plan))
    with _lock:
        if key in _works:
            return ""
    with act.honest() as honest:
        told = honest.run()
    if told.outcome == "completed":
        with _lock:
            _works.add(key)
        return ""
    return f"{BROKE} {told.sentence}"


def _key(plan: Plan) -> tuple[Hashable, ...]:
    """Return what an honest run depends on, but for what is drawn."""
    settings = tuple((image, tuple(sorted(more.items()))) for image, more in sorted(plan.settings.items()))
    return setting_of(plan.design), plan.customer, plan.without, settings
