"""Views that no page has taken up: some time after the cell, their still pictures are shown in their place.

A JupyterLab without anywidget's extension (hub and kernel have different environments) puts an error where the view
should be. Nobody tells the kernel. But a page that can show the view asks for its document as soon as it hears of it;
so a kernel that has nothing to do, and still has not been asked after a few seconds, is not going to be.
"""

from __future__ import annotations

import threading
import weakref
from typing import Any, Protocol

from IPython import get_ipython

PATIENCE = 4.0
"""Seconds that a kernel waits for a page to ask, counted from the end of the last cell."""


class Shown(Protocol):
    """A view in a cell's output."""

    def give_up(self) -> None:
        """Show the still picture instead."""


_waiting: weakref.WeakSet[Any] = weakref.WeakSet()
_timer: threading.Timer | None = None
_lock = threading.Lock()
_shell: Any = None


def wait_for_a_page(view: Shown) -> None:
    """Have a view give up if no page asks for it. Outside a notebook there is nobody to wait for."""
    global _shell  # noqa: PLW0603 - a kernel has one shell
    shell = get_ipython()
    if getattr(shell, "kernel", None) is None:
        return
    _waiting.add(view)
    if _shell is not shell:
        shell.events.register("pre_run_cell", _busy)
        shell.events.register("post_run_cell", _idle)
        _shell = shell


def heard(view: Shown) -> None:
    """Let a view be: a page has asked for it."""
    _waiting.discard(view)


def _busy(_info: object) -> None:
    """Wait no longer: while a cell runs, the kernel may hear nobody."""
    global _timer  # noqa: PLW0603
    with _lock:
        if _timer is not None:
            _timer.cancel()
            _timer = None


def _idle(_result: object) -> None:
    """Begin to wait."""
    global _timer  # noqa: PLW0603
    _busy(None)
    if not _waiting:
        return
    with _lock:
        _timer = threading.Timer(PATIENCE, _expired)
        _timer.daemon = True
        _timer.start()


def _expired() -> None:
    for view in list(_waiting):
        _waiting.discard(view)
        view.give_up()
