"""What a reader of the inspector waits for: painting, scrolling, a key, and what a saved page weighs."""

from __future__ import annotations

import contextlib
import itertools
import json
import queue
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from trustlab.inspector import Inspector
from trustlab.inspector.export import EXPORT, STATIC, page, save_page
from trustlab.inspector.screenshot import browser
from trustlab.scenarios import acts
from trustlab.trace import Link, Trace

if TYPE_CHECKING:
    from playwright.sync_api import Page, ViewportSize

GOALS = {
    "events_5000_paint_s": 1.0,
    "slow_frames_50000": 0.05,
    "key_press_50000_ms": 50.0,
    "export_act_kb": 300.0,
    "export_50000_mb": 20.0,
}
NOTES = {
    "events_5000_paint_s": "from the first of 5,000 events, handed over as fast as the widget takes them, to the frame "
    "that shows the last row",
    "events_5000_after_s": "of this, from the last event on",
    "slow_frames_50000": "share of frames over 33 ms while 50,000 rows scroll for four seconds",
    "key_press_50000_ms": "median from ArrowDown to the frame that shows the next of 50,000 rows",
    "export_act_kb": "Act II with Alice as a page",
    "export_50000_mb": "50,000 events as a page",
}
EVENTS, MANY = 5000, 50_000
WINDOW: ViewportSize = {"width": 1400, "height": 900}
FED = """
const state = { _document: { frame: { title: "fed", live: true }, rows: [], texts: [""] } };
let hear = () => {};
const model = { get: (name) => state[name], set: (name, value) => { state[name] = value; }, save_changes: () => {},
  on: (name, f) => { if (name === "msg:custom") hear = f; }, off: () => {}, send: (content) => ask(content) };
inspector.initialize({ model });
inspector.render({ model, el: document.body });
window.feed = (message) => hear(message, []);
window.painted = async () => {
  await new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
  return Number(document.querySelector(".tl-steps").textContent.replace(/^.* of /, "").replace(",", ""));
};
window.ready = true;
"""
SCROLL = """async () => {
  const list = document.querySelector(".tl-rows");
  list.scrollTop = 0;
  const times = [];
  let last = performance.now();
  const end = last + 4000;
  await new Promise((go) => {
    const step = (now) => {
      times.push(now - last);
      last = now;
      list.scrollTop += 120;
      if (now < end) requestAnimationFrame(step); else go();
    };
    requestAnimationFrame(step);
  });
  return times.slice(5).filter((one) => one > 33.4).length / (times.length - 5);
}"""
KEYS = """async () => {
  const list = document.querySelector(".tl-rows");
  list.focus();
  const times = [];
  for (let n = 0; n < 40; n += 1) {
    await new Promise((go) => setTimeout(go, 40));
    const began = performance.now();
    list.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true, cancelable: true }));
    await new Promise((go) => requestAnimationFrame(() => { const port = new MessageChannel(); port.port1.onmessage = go; port.port2.postMessage(0); }));
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[20];
}"""  # noqa: E501 - one line, one frame


def run() -> dict[str, float]:
    """Measure the view in the distribution's Chromium, and the pages that it is saved as."""
    traces = played(EVENTS)
    with tempfile.TemporaryDirectory(prefix="trustlab-bench-") as folder, sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        chrome = playwright.chromium.launch(executable_path=browser(), args=options)
        try:
            painted, after = paints(chrome.new_page(viewport=WINDOW), together(traces, EVENTS))
            saved = save_page(Path(folder) / "many.html", together(traces, MANY), secrets=True)
            opened = chrome.new_page(viewport=WINDOW)
            opened.goto(saved.as_uri())
            opened.locator(".tl-rows [data-row]").first.wait_for(timeout=120_000)
            slow, key = opened.evaluate(SCROLL), opened.evaluate(KEYS)
        finally:
            chrome.close()
        size = saved.stat().st_size
    return {
        "events_5000_paint_s": painted,
        "events_5000_after_s": after,
        "slow_frames_50000": slow,
        "key_press_50000_ms": key,
        "export_act_kb": len(page(traces[0], secrets=True).encode()) / 1000,
        "export_50000_mb": size / 1e6,
    }


def played(count: int) -> list[Trace]:
    """Return traces of one act, played until there are as many events: each has keys and randoms of its own."""
    traces: list[Trace] = []
    while sum(map(len, traces)) < count:
        with acts.trusted_passage("rogue-certificate") as act:
            act.run()
            traces.append(act.trace)
    return traces


def together(traces: list[Trace], count: int) -> Trace:
    """Return a trace of `count` events: those of one act after the other, each on its own connections."""
    result, before = Trace(traces[0].title, traces[0].substrate), Counter[str]()
    for number, trace in enumerate(itertools.cycle(traces)):
        for event in trace:
            if len(result) == count:
                return result
            links = tuple(Link(one.rel, one.party, one.seq + before[one.party]) for one in event.links)
            data = dict(event.data)
            if isinstance(data.get("connection"), str):
                data["connection"] = _renamed(data["connection"], number)
            where = (_renamed(event.connection, number), event.direction, event.offset, event.sent, data)
            result.append(event.party, event.kind, event.name, event.raw, event.spans, links, *where)
        before.update(event.party for event in trace)
    return result


def _renamed(connection: str, again: int) -> str:
    """Return `teller-bank-1` as it would be called in a later act of the same trace."""
    name, dash, number = connection.rpartition("-")
    return f"{name}-{int(number) + 10 * again}" if dash and number.isdigit() else connection


class Pipe:
    """Carries what the widget sends to a page, as text, and back what the page asks for."""

    def __init__(self, view: Page, trace: Trace) -> None:
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.view = view
        self.inspector = Inspector(trace, secrets=True)
        self.inspector.send = self._send
        view.expose_function("ask", self._asked)
        script = (STATIC / "inspector.js").read_text("utf-8").replace(EXPORT, "const inspector =")
        view.set_content(f"<style>{(STATIC / 'inspector.css').read_text('utf-8')}</style><body></body>")
        view.add_script_tag(content=f"{script}\n{FED}", type="module")
        view.wait_for_function("() => window.ready === true")

    def _asked(self, content: dict[str, object]) -> None:
        self.inspector._handle_custom_msg(content, [])  # noqa: SLF001 - as ipywidgets calls it

    def _send(self, content: object, buffers: object = None) -> None:  # noqa: ARG002 - as a widget has it
        self._waiting.put(json.dumps(content))

    def carry(self) -> None:
        """Take one message to the page, or wait a moment for one."""
        with contextlib.suppress(queue.Empty):
            self.view.evaluate("(text) => { feed(JSON.parse(text)); }", self._waiting.get(timeout=0.01))

    @property
    def empty(self) -> bool:
        """Whether everything has been carried."""
        return self._waiting.empty()


def paints(view: Page, trace: Trace) -> tuple[float, float]:
    """Hand events to a widget one by one, as fast as it takes them, and carry its batches to a page meanwhile.

    Return the seconds from the first event, and from the last, to the frame that shows the last row.
    """
    events, growing, handed = list(trace), Trace(trace.title, trace.substrate), list[float]()
    pipe = Pipe(view, growing)
    pipe.carry()  # what the page asked for at its birth

    def hand_over() -> None:
        for event in events:
            where = (event.connection, event.direction, event.offset, event.sent, event.data)
            growing.append(event.party, event.kind, event.name, event.raw, event.spans, event.links, *where)
        handed.append(time.perf_counter())

    began = time.perf_counter()
    run = threading.Thread(target=hand_over)
    run.start()
    rows = 0
    while run.is_alive() or not pipe.empty or rows < len(pipe.inspector.rows):
        pipe.carry()
        if not run.is_alive() and pipe.empty:
            rows = view.evaluate("() => painted()")
    ended = time.perf_counter()
    run.join()
    pipe.inspector.close()
    return ended - began, ended - handed[0]
