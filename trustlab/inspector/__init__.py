"""Views of a `Trace`: the terminal ladder, the static picture, and the live inspector for notebooks.

`Inspector` needs the extra `[labs]` (anywidget); it is loaded when it is first asked for.
"""

from __future__ import annotations

from trustlab.inspector.badge import badge
from trustlab.inspector.ladder import Ladder
from trustlab.inspector.rows import Part, Row
from trustlab.inspector.terminal import TerminalLadder

__all__ = ["Ladder", "Part", "Row", "TerminalLadder", "badge"]
