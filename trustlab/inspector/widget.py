"""The live inspector for notebooks: an anywidget view of one trace's document.

The document lives in Python; a browser gets all of it when it opens a view, and batches of what is new while the run
goes on. Every button is a call.
"""

from __future__ import annotations

import re
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import msgspec
import traitlets
from IPython.display import display

from trustlab.capture import write_trace
from trustlab.inspector.export import save_page
from trustlab.inspector.ladder import Ladder
from trustlab.inspector.mapping import TamperPlay, mappable
from trustlab.inspector.requests import BadRequest, Requests
from trustlab.inspector.source import trace_of
from trustlab.inspector.static_html import picture_html
from trustlab.inspector.static_svg import ladder_svg
from trustlab.inspector.stills import Stills
from trustlab.inspector.trace_tail import TraceTail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trustlab.inspector.document import AnyRow, Document, Tampered, Tampering
    from trustlab.trace import Controller, TraceEvent

STATIC = Path(__file__).parent / "static"
INTERVAL = 0.1
"""Seconds between two batches, at least."""

FILES = ("page", "trace", "capture")
"""What a page may ask for as a file."""


def _whole(_value: object, widget: Inspector) -> Any:  # noqa: ANN401 - JSON values
    return widget.whole()


class Inspector(anywidget.AnyWidget):  # type: ignore[misc]
    """A view of a run, live while it grows; with a `controller` it can be steered.

    `source` is a `Trace`, an act, or the path of a trace or a capture. An act brings its controller along. With
    `secrets=True` private plaintext and keys are in the page, and it says so. `chosen` is the row that the reader looks
    at (-1: none yet) and `chosen_field` the path of the field in it; both may be set. `flush` sends at once what still
    waits for the next batch; `close` ends the view. TypeError says in a sentence what `source` cannot be.
    """

    _esm = STATIC / "inspector.js"
    _css = STATIC / "inspector.css"
    _document = traitlets.Dict().tag(sync=True, to_json=_whole)
    _controls = traitlets.Bool(default_value=False).tag(sync=True)
    _still = traitlets.Unicode(default_value="").tag(sync=True)
    chosen = traitlets.Int(default_value=-1).tag(sync=True)
    chosen_field = traitlets.Unicode(default_value="").tag(sync=True)
    _born = False
    """Whether there is a trace to let go of: a widget that could not be made is closed too."""

    def __init__(self, source: object, controller: Controller | None = None, *, secrets: bool = False) -> None:
        trace, own = trace_of(source)
        self._trace = trace
        self._controller = controller if controller is not None else own
        self._ladder = Ladder(trace.title, trace.substrate, secrets=secrets)
        self._ladder.document.frame.live = True
        self._ladder.document.frame.mappable = mappable(source)
        self._playing: TamperPlay | None = None
        self._fresh: list[Tampered] = []
        self._dirty: dict[int, AnyRow] = {}
        self._sent_at = 0.0
        self._heard_a_page = False
        self._renewed_at, self._renewing = 0.0, 0.0
        self._timer: threading.Timer | None = None
        self._stills = Stills(f"tl-still-{uuid.uuid4().hex}", self._pictures)
        self._requests = Requests(self._controller, source)
        self._tail = TraceTail(trace, self._take)
        self._born = True
        super().__init__(_controls=self._controller is not None, _still=self._stills.name)
        self.on_msg(self._heard)
        self._tail.start()
        subscribe = getattr(self._controller, "subscribe", None)
        self._leave: Callable[[], None] = (lambda: None) if subscribe is None else subscribe(self._steered)
        self._steered()

    @property
    def rows(self) -> tuple[AnyRow, ...]:
        """The rows of the ladder so far, for those who rather read than look."""
        with self._tail.lock:
            return tuple(self._ladder.rows)

    @property
    def document(self) -> Document:
        """The document that is drawn; it goes on growing while the run does."""
        return self._ladder.document

    # What the page gets

    def whole(self) -> Any:  # noqa: ANN401 - JSON values
        """Return the whole document in JSON values."""
        with self._tail.lock:
            return msgspec.to_builtins(self._ladder.document)

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

    def _steered(self) -> None:
        """Show at once where the run is held, or that it goes on."""
        if self._controller is None:
            return
        with self._tail.lock:
            self._ladder.steer(self._controller, self._requests.breaks)
            self._send_batch()
        if self._controller.state == "ended":
            self._requests.over()

    def _send_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        batch = self._ladder.batch(row for _, row in sorted(self._dirty.items()))
        batch.tamper, self._fresh = self._fresh, []
        self._dirty.clear()
        self._sent_at = time.monotonic()
        self.send({"type": "batch", **msgspec.to_builtins(batch)})
        self._renew()
        self._stills.changed()

    def _renew(self) -> None:
        """Put the whole into the model's state until a page has been heard.

        A message that comes before a page listens is lost, and a kernel that is busy with a cell cannot hear the page
        ask for it again; state waits for the page. It is large, so it takes a tenth of the time at most.
        """
        began = time.monotonic()
        if self._heard_a_page or began < self._renewed_at + 10 * self._renewing:
            return
        self.send_state("_document")
        self._renewed_at = time.monotonic()
        self._renewing = self._renewed_at - began

    def flush(self) -> None:
        """Send what waits for the next batch, now, and renew the still pictures beside the live view."""
        self._flush()
        self._stills.renew()

    def _flush(self) -> None:
        with self._tail.lock:
            if self._dirty:
                self._send_batch()

    def select(self, row: int, field: str = "") -> None:
        """Choose a row of the ladder, and a field by its path, in every view, as a click does.

        IndexError if there is no such row.
        """
        self._flush()
        with self._tail.lock:
            chosen = self._ladder.rows[row]
        self.chosen, self.chosen_field = chosen.id, field
        self.send({"type": "select", "row": chosen.id, "field": field})

    def tamper_map(self, runs: Iterable[object] | None = None, *, keys: bool = False) -> TamperPlay:
        """Show a tamper map while it is played beside this cell, and return at once.

        Without `runs`, it is the map of this view's act; with `keys` the layer under the record's protection. `runs`
        are the rows of another one, as in `tamper_map(TamperMap("tls13-key"))`: any object with the fields of
        `document.Tampered` is one. It takes the place of what is shown of its layer, and ends a map that is played now.
        `stop_tamper_map` ends it, as the page's button does; what was played stays, and travels with a page that is
        saved later. TypeError if this view has no act whose map could be played.
        """
        if runs is None:
            if not mappable(self._requests.act):
                raise TypeError('this view has no act of a known design: tamper_map(TamperMap("tls13-key"))')
            runs = self._requests.act.tamper_map(keys=keys)  # type: ignore[attr-defined]
        self.stop_tamper_map()
        layer = bool(getattr(runs, "keys", False))
        with self._tail.lock:
            shown = self._ladder.document.tamper
            shown[:] = [row for row in shown if row.keys != layer]
            self.send({"type": "whole", "document": msgspec.to_builtins(self._ladder.restart())})
        self._playing = TamperPlay(runs, self._tampered)
        self._playing.start()
        return self._playing

    def stop_tamper_map(self) -> None:
        """End the tamper map that is played; what was played of it stays."""
        if self._playing is not None:
            self._playing.stop()

    def _tampered(self, rows: list[Tampered], progress: Tampering) -> None:
        """Take what a map has to show; rows are sent together, as events are."""
        with self._tail.lock:
            self._ladder.tampering(progress)
            self._ladder.document.tamper.extend(rows)
            self._fresh.extend(rows)
            if not rows or time.monotonic() >= self._sent_at + INTERVAL:
                self._send_batch()

    # What can be kept; the page's buttons are these calls

    def save_page(self, path: str | Path) -> Path:
        """Write the inspector as one HTML page that works from a file, with secrets if this view has them."""
        document = self.document
        return save_page(path, self._trace, secrets=document.frame.secrets_shown, tamper=document.tamper)

    def save_trace(self, path: str | Path) -> Path:
        """Write the trace as JSON Lines, with secrets if this view has them."""
        return self._trace.save(path, secrets=self.document.frame.secrets_shown)

    def save_capture(self, path: str | Path) -> Path:
        """Write frames and TPM traffic as pcapng, which opens decrypted if this view has the secrets."""
        return write_trace(path, self._trace, secrets=self.document.frame.secrets_shown)

    def _download(self, what: str, asker: object) -> None:
        save, suffix = {
            "page": (self.save_page, ".html"),
            "trace": (self.save_trace, ".jsonl"),
            "capture": (self.save_capture, ".pcapng"),
        }[what]
        name = re.sub(r"[^a-z0-9]+", "-", (self._trace.title or "trace").lower()).strip("-") + suffix
        with tempfile.TemporaryDirectory() as folder:
            octets = save(Path(folder) / name).read_bytes()
        self.send({"type": "file", "name": name, "asker": asker}, buffers=[octets])

    # What the page asks for

    def _heard(self, _widget: object, content: object, _buffers: object) -> None:
        """Do what a page asks for. What it should not have sent gets a sentence, never an exception in the kernel."""
        self._heard_a_page = True
        try:
            self._answer(content)
        except BadRequest as error:
            self.send({"type": "say", "text": str(error)})
        except Exception as error:  # noqa: BLE001 - a page must not break the kernel that it asks
            self.send({"type": "say", "text": f"That did not work: {error}"})

    def _answer(self, content: object) -> None:
        if not isinstance(content, dict):
            raise BadRequest("The page sent something that is not a message.")
        match content.get("type"):
            case "resync":
                with self._tail.lock:
                    self._dirty.clear()
                    self._fresh.clear()
                    document = self._ladder.restart()
                    self.send({"type": "whole", "document": msgspec.to_builtins(document)})
            case "control":
                self._requests.control(content)
                self._steered()
            case "download" if content.get("what") in FILES:
                self._download(content["what"], content.get("asker"))
            case "tamper-map" if content.get("action") == "stop":
                self.stop_tamper_map()
            case "tamper-map" if content.get("action") == "start":
                self._map_wanted(keys=content.get("keys") is True)
            case "what-if":
                self._requests.what_if(content, self._ladder, self.send)
            case other:
                raise BadRequest(f"This version does not know the message {other!r} of the page.")

    def _map_wanted(self, *, keys: bool) -> None:
        """A page asks for the map of its act."""
        if not mappable(self._requests.act):
            raise BadRequest("To play a tamper map, the inspector needs an act of a known design: Inspector(act).")
        if getattr(self._requests.act, "outcome", None) is None:
            raise BadRequest("The act has not ended yet. Let it go on to its end first.")
        self.tamper_map(keys=keys)

    # Without a live kernel

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - IPython's own protocol
        """Return the widget, and beside it pictures for readers without a kernel. They show no secrets' values."""
        bundle = super()._repr_mimebundle_(**options)
        return dict(bundle[0] if isinstance(bundle, tuple) else bundle or {}) | self._pictures()

    def _pictures(self) -> dict[str, str]:
        """Return the still pictures by their media types."""
        with self._tail.lock:
            html, svg = picture_html(self._ladder), ladder_svg(self._ladder)
        return {"text/html": html, "image/svg+xml": svg, "text/plain": self._in_words()}

    def _in_words(self) -> str:
        title = self._trace.title or "a trace"
        return f"Inspector of {title!r} ({len(self._ladder.rows)} rows)"

    def _ipython_display_(self) -> None:
        """Show the widget, and behind it pictures that are renewed: those of a live view are born empty."""
        self._stills.show(self._repr_mimebundle_())

    def close(self) -> None:
        """Send what is left and let go of the trace and of the page."""
        if self._born:
            self.stop_tamper_map()
            self._leave()
            self._tail.stop()
            self._flush()
            self._stills.renew()
            with self._tail.lock:
                if self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
        super().close()


def watch(act: object, *, secrets: bool = False) -> Inspector:
    """Show an act while it plays, with the buttons that steer it, and return the view.

    Ask for it before the act begins: `act = acts.rung("tls13-key"); watch(act); act.start()`.
    """
    picture = Inspector(act, secrets=secrets)
    display(picture)  # type: ignore[no-untyped-call]
    return picture
