"""The live inspector for notebooks: an anywidget view of one Trace.

The rows live in Python; a browser gets all of them when it opens a view, and batches of what is new while the run goes
on.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import msgspec
import traitlets
from IPython.display import DisplayHandle, display

from trustlab.capture import open_trace, write_trace
from trustlab.inspector.badge import badge
from trustlab.inspector.export import save_page
from trustlab.inspector.ladder import Ladder
from trustlab.inspector.static_html import picture_html, picture_svg
from trustlab.inspector.trace_tail import TraceTail

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from trustlab.inspector.rows import LadderRow
    from trustlab.trace import Controller, Trace, TraceEvent

STATIC = Path(__file__).parent / "static"
INTERVAL = 0.1
"""Seconds between two batches, at least."""

ACTIONS = ("pause", "step", "play")
FILES = ("page", "trace", "capture")


def _whole(_value: object, widget: Inspector) -> dict[str, Any]:
    return widget.picture()


class Inspector(anywidget.AnyWidget):  # type: ignore[misc]
    """A view of `trace`, live while it grows; with a `controller` it also has buttons.

    Instead of a Trace the path of a trace or a capture will do; what is wrong with it is a CaptureError.

    `secrets=True` puts private plaintext and keys into the page, and says so there. `alice_knows` may be set to the
    names of the secrets that Alice holds. `flush` sends at once what still waits for the next batch; `close` ends the
    view. Every button is a call: those of the controller are its `pause`, `step` and `play`.
    """

    _esm = STATIC / "inspector.js"
    _css = STATIC / "inspector.css"
    _title = traitlets.Unicode().tag(sync=True)
    _substrate = traitlets.Unicode().tag(sync=True)
    _badge = traitlets.Unicode().tag(sync=True)
    _secrets = traitlets.Bool(default_value=False).tag(sync=True)
    _controls = traitlets.Bool(default_value=False).tag(sync=True)
    _live = traitlets.Bool(default_value=True).tag(sync=True)
    _picture = traitlets.Dict().tag(sync=True, to_json=_whole)

    def __init__(
        self, trace: Trace | str | os.PathLike[str], controller: Controller | None = None, *, secrets: bool = False
    ) -> None:
        trace = open_trace(trace)
        self._ladder = Ladder(secrets=secrets)
        self._dirty: dict[int, LadderRow] = {}
        self._sent_at = 0.0
        self._timer: threading.Timer | None = None
        self._knows: list[str] | None = None
        self._outputs: list[DisplayHandle] = []
        self._controller = controller
        self._trace = trace
        self._tail = TraceTail(trace, self._take)
        super().__init__(
            _title=trace.title,
            _substrate=trace.substrate,
            _badge=badge(trace.substrate),
            _secrets=secrets,
            _controls=controller is not None,
        )
        self.on_msg(self._heard)
        self._tail.start()

    @property
    def rows(self) -> tuple[LadderRow, ...]:
        """The rows of the ladder so far, for those who rather read than look."""
        with self._tail.lock:
            return tuple(self._ladder.rows)

    # What the page gets

    def picture(self) -> dict[str, Any]:
        """Return everything a view draws, in JSON values: rows, lifelines, keys (only with secrets), Alice's loot."""
        with self._tail.lock:
            return {"rows": [row.to_json() for row in self._ladder.rows], **self._frame()}

    def _frame(self) -> dict[str, Any]:
        keys = [msgspec.to_builtins(secret) for secret in self._ladder.secrets]
        return {"lifelines": list(self._ladder.lifelines), "keys": keys, "alice_knows": self._knows}

    def _take(self, events: Sequence[TraceEvent]) -> None:
        for event in events:
            for row in self._ladder.feed(event):
                self._dirty[row.id] = row
        wait = self._sent_at + INTERVAL - time.monotonic()
        if wait <= 0:
            self._send_batch()
        elif self._timer is None:
            self._timer = threading.Timer(wait, self._flush)
            self._timer.daemon = True
            self._timer.start()

    def _send_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rows = [row.to_json() for _, row in sorted(self._dirty.items())]
        self._dirty.clear()
        self._sent_at = time.monotonic()
        self.send({"type": "batch", "rows": rows, **self._frame()})

    def flush(self) -> None:
        """Send what waits for the next batch, now, and renew the still pictures beside the live view."""
        self._flush()
        for output in self._outputs:
            output.update(self._repr_mimebundle_(), raw=True)  # type: ignore[no-untyped-call]

    def _flush(self) -> None:
        with self._tail.lock:
            if self._dirty:
                self._send_batch()

    @property
    def alice_knows(self) -> list[str] | None:
        """Names of the secrets that Alice holds, or None where nobody has said."""
        return self._knows

    @alice_knows.setter
    def alice_knows(self, names: Sequence[str] | None) -> None:
        with self._tail.lock:
            self._knows = None if names is None else list(names)
            self._send_batch()

    def select(self, row: int) -> None:
        """Choose a row of the ladder in every view, as a click does; IndexError if there is none."""
        self._flush()
        with self._tail.lock:
            chosen = self._ladder.rows[row]
        self.send({"type": "select", "row": chosen.id})

    # What can be kept; the page's buttons are these calls

    def save_page(self, path: str | Path) -> Path:
        """Write the inspector as one HTML page that works from a file, with secrets if this view has them."""
        return save_page(path, self._trace, secrets=self._secrets, alice_knows=self._knows)

    def save_trace(self, path: str | Path) -> Path:
        """Write the trace as JSON Lines, with secrets if this view has them."""
        return self._trace.save(path, secrets=self._secrets)

    def save_capture(self, path: str | Path) -> Path:
        """Write frames and TPM traffic as pcapng, which opens decrypted if this view has the secrets."""
        return write_trace(path, self._trace, secrets=self._secrets)

    def _download(self, what: str, asker: object) -> None:
        save, suffix = {
            "page": (self.save_page, ".html"),
            "trace": (self.save_trace, ".jsonl"),
            "capture": (self.save_capture, ".pcapng"),
        }[what]
        name = re.sub(r"[^a-z0-9]+", "-", (self._title or "trace").lower()).strip("-") + suffix
        with tempfile.TemporaryDirectory() as folder:
            octets = save(Path(folder) / name).read_bytes()
        self.send({"type": "file", "name": name, "asker": asker}, buffers=[octets])

    # What the page asks for

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        if content.get("type") == "resync":
            with self._tail.lock:
                self._dirty.clear()
                self.send({"type": "whole", "picture": self.picture()})
        elif content.get("type") == "control" and self._controller is not None and content.get("action") in ACTIONS:
            getattr(self._controller, content["action"])()
        elif content.get("type") == "download" and content.get("what") in FILES:
            self._download(content["what"], content.get("asker"))

    # Without a live kernel

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - IPython's own protocol
        """Return the widget, and beside it pictures for readers without a kernel. They show no secrets' values."""
        bundle = super()._repr_mimebundle_(**options)
        data = dict(bundle[0] if isinstance(bundle, tuple) else bundle or {})
        with self._tail.lock:
            data["text/html"] = picture_html(self._ladder, self._title, self._substrate, self._knows)
            data["image/svg+xml"] = picture_svg(self._ladder)
        return data

    def _ipython_display_(self) -> None:
        """Show the widget in an output that `flush` can renew: the still pictures of a live view are born empty."""
        handle = display(self._repr_mimebundle_(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        self._outputs.append(handle)

    def close(self) -> None:
        """Send what is left and let go of the trace and of the page."""
        if "_tail" not in vars(self):  # there was no trace to open; the library closes what was never made, too
            return
        self._tail.stop()
        self._flush()
        with self._tail.lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        super().close()
