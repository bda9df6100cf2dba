"""Runs in the kernel of a notebook that is executed for the site: keeps every view that is shown, to save it as a page.

The kernel imports it at its start (`executed.py`); after the last cell `save` writes a page for each view, named as
its still picture is in the notebook's outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trustlab.inspector.widget import Inspector
from trustlab.studio import Studio

SHOWN: dict[str, Any] = {}


def keep(view: type[Any]) -> None:
    """Have every view of this class kept when it is shown."""
    show = view._ipython_display_

    def shown(self: Any) -> None:
        SHOWN[self._stills.name] = self
        show(self)

    view._ipython_display_ = shown


def save(folder: str) -> None:
    """Write a page for each view that was shown. What runs has ended by now, so it is the whole of it."""
    for name, view in SHOWN.items():
        view.save_page(Path(folder) / f"{name}.html").chmod(0o644)  # its secrets were made for this run


keep(Inspector)
keep(Studio)
