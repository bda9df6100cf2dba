"""The still pictures beside a live view, for whoever opens the notebook without its kernel.

A notebook keeps them as an output of their own, behind the widget's. While a live view is in the page it hides its
pictures; if there is none, the pictures hide the notice that a widget is missing. They are renewed when the run
rests, so that the notebook holds the end of the run and not its beginning.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from IPython.display import DisplayHandle, display

if TYPE_CHECKING:
    from collections.abc import Callable

REST = 0.7
"""Seconds without news after which the pictures are renewed."""
SHARE = 10
"""The pictures may take one part in so many of the time."""
LIVE = "application/vnd.jupyter.widget-view+json"
SENTENCE = (
    "A still picture. Run the cell again for the view in which you can search, step and change the run. If it stays "
    "a picture, this page lacks the extension of anywidget: install <code>anywidget</code> and <code>ipywidgets</code> "
    "in the environment that JupyterLab runs in (<code>trustlab doctor</code> looks into its own), and reload the page."
)
CHILD = ".jp-OutputArea-child"


def wrapped(picture: str, name: str) -> str:
    """Return a picture that a live view of this name hides, and that hides the empty place of a missing one.

    Where a notebook viewer drops style elements, the picture stands below the viewer's own notice.
    """
    missing = f"{CHILD}:has(+ {CHILD} .{name}):not(:has(.tl-root))"
    return (
        f'<div class="tl-still {name}"><style>{missing} {{ display: none; }}</style>'
        f'<p style="margin:0 0 6px"><em>{SENTENCE}</em></p>{picture}</div>'
    )


class Stills:
    """The pictures of one view in all its outputs. `draw` returns them by media type; `name` is the view's own."""

    def __init__(self, name: str, draw: Callable[[], dict[str, str]]) -> None:
        self.name = name
        self._draw = draw
        self._outputs: list[DisplayHandle] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._took = 0.0

    def show(self, view: dict[str, Any]) -> None:
        """Show a live view, and the pictures behind it."""
        display({LIVE: view[LIVE]}, raw=True)  # type: ignore[no-untyped-call]
        handle = display(self._pictures(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._outputs.append(handle)

    def renew(self) -> None:
        """Draw the pictures again, now."""
        self.stop()
        if not self._outputs:
            return
        began = time.monotonic()
        pictures = self._pictures()
        for output in self._outputs:
            output.update(pictures, raw=True)  # type: ignore[no-untyped-call]
        self._took = time.monotonic() - began

    def changed(self) -> None:
        """Renew the pictures when nothing has come for a while."""
        if not self._outputs:
            return
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(max(REST, SHARE * self._took), self.renew)
            self._timer.daemon = True
            self._timer.start()

    def stop(self) -> None:
        """Draw nothing later."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    def _pictures(self) -> dict[str, str]:
        drawn = self._draw()
        return drawn | {"text/html": wrapped(drawn["text/html"], self.name)}
