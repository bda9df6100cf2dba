"""A tamper map that is played beside the notebook: its cell returns at once, and rows come as they are played.

A process plays one such map at a time: the next one ends the one before, and so does the cell that made its view, when
it runs again. The maps of an act are played by processes that end with this one, so a kernel that is restarted leaves
nothing.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from IPython import get_ipython

from trustlab.inspector.document import Tampered, Tampering
from trustlab.passage import DESIGNS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PlayState = Literal["playing", "over", "stopped", "failed"]


class TamperPlay:
    """A map that is played. `stop` ends it; `wait` waits for its end; `state` says how it stands."""

    _now: TamperPlay | None = None
    _lock = threading.Lock()

    def __init__(self, runs: Iterable[object], show: Callable[[list[Tampered], Tampering], None]) -> None:
        self._runs = runs
        self._show = show
        self._keys = bool(getattr(runs, "keys", False))
        self._design = ", ".join(getattr(runs, "designs", ())) or str(getattr(runs, "design", ""))
        self._done = 0
        self._state: PlayState = "playing"
        self._why = ""
        self._stopped = threading.Event()
        self._cell = running_cell()
        self._shell: Any = None
        self._thread = threading.Thread(target=self._play, name=f"tamper map {self._design}", daemon=True)

    def __repr__(self) -> str:
        return f"<tamper map of {self._design}: {self.progress.said}>"

    @property
    def state(self) -> PlayState:
        """`playing`, `over`, `stopped` or `failed`."""
        return self._state

    @property
    def progress(self) -> Tampering:
        """How far it is."""
        total = getattr(self._runs, "total", None)
        return Tampering(
            design=self._design, keys=self._keys, done=self._done, total=total, state=self._state, why=self._why
        )

    def start(self) -> None:
        """Begin, in place of one that is played now."""
        with TamperPlay._lock:
            before, TamperPlay._now = TamperPlay._now, self
        if before is not None:
            before.stop()
        self._shell = get_ipython()
        if self._shell is not None:
            self._shell.events.register("pre_run_cell", self._cell_runs)
        self._show([], self.progress)
        self._thread.start()

    def stop(self) -> None:
        """End it; what was played stays. Returns when nothing of it runs any more."""
        self._stopped.set()
        close = getattr(self._runs, "close", None)
        if close is not None:
            close()
        if threading.current_thread() is not self._thread and self._thread.ident is not None:
            self._thread.join()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; False if it has not after `timeout` seconds."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _cell_runs(self, info: Any) -> None:  # noqa: ANN401 - IPython's own
        """The cell that asked for it runs again: its output goes, and this with it."""
        if self._cell and getattr(info, "cell_id", None) == self._cell:
            self.stop()

    def _play(self) -> None:
        runs = iter(self._runs)
        try:
            for run in runs:
                if self._stopped.is_set():
                    break
                row = msgspec.convert(run, Tampered, from_attributes=True)
                self._done += 1
                self._show([msgspec.structs.replace(row, keys=self._keys or row.keys)], self.progress)
            self._state = "stopped" if self._stopped.is_set() else "over"
        except Exception as error:  # noqa: BLE001 - whatever happened, the reader is told
            self._state = "stopped" if self._stopped.is_set() else "failed"
            self._why = str(error) or type(error).__name__
        finally:
            if isinstance(runs, Generator):
                runs.close()  # the machines of a map that is played in this process
            if self._shell is not None:
                with contextlib.suppress(ValueError):
                    self._shell.events.unregister("pre_run_cell", self._cell_runs)
            self._show([], self.progress)


def running_cell() -> str:
    """Return the id of the notebook's cell that runs now, or nothing where that is not known."""
    shell = get_ipython()
    parent = shell.get_parent() if hasattr(shell, "get_parent") else {}
    cell = (parent or {}).get("metadata", {}).get("cellId", "")
    return cell if isinstance(cell, str) else ""


def mappable(source: object) -> str:
    """Return the design whose map a page may ask for, since its act can play it; nothing if there is none."""
    name = getattr(getattr(source, "design", None), "name", "")
    return name if hasattr(source, "tamper_map") and name in DESIGNS else ""
