"""Views of a `Trace`: the terminal ladder, the static picture, and the live inspector for notebooks.

`Inspector` and `watch` need the extra `[labs]` (anywidget); they are loaded when they are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trustlab.inspector.badge import badge
from trustlab.inspector.document import Batch, Document
from trustlab.inspector.keyschedule import KeyNode, KeySchedule
from trustlab.inspector.ladder import Ladder
from trustlab.inspector.recording import recorded
from trustlab.inspector.terminal import TerminalLadder

if TYPE_CHECKING:
    from trustlab.inspector.widget import Inspector, watch

__all__ = [
    "Batch",
    "Document",
    "Inspector",
    "KeyNode",
    "KeySchedule",
    "Ladder",
    "TerminalLadder",
    "badge",
    "recorded",
    "watch",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type of a module attribute
    if name not in {"Inspector", "watch"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from trustlab.inspector import widget  # noqa: PLC0415 - anywidget only where it is asked for

    return getattr(widget, name)
