"""What a reader of the inspector waits for: painting, scrolling, a key, and what a saved page weighs."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from playwright.sync_api import sync_playwright

from trustlab.inspector import Ladder
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
    "events_5000_paint_s": "from the last of 5,000 rows, sent in batches of 250, to the frame that shows it",
    "slow_frames_50000": "share of frames over 33 ms while 50,000 rows scroll for four seconds",
    "key_press_50000_ms": "median from ArrowDown to the frame that shows the next of 50,000 rows",
    "export_act_kb": "Act II with Alice as a page",
    "export_50000_mb": "50,000 events as a page",
}
WINDOW: ViewportSize = {"width": 1400, "height": 900}
FED = """
const state = { _document: { frame: { title: "fed", live: true }, rows: [], texts: [""] } };
let hear = () => {};
const model = { get: (name) => state[name], set: (name, value) => { state[name] = value; }, save_changes: () => {},
  on: (name, f) => { if (name === "msg:custom") hear = f; }, off: () => {}, send: () => {} };
inspector.initialize({ model });
inspector.render({ model, el: document.body });
window.feed = (message) => hear(message, []);
window.frames = () => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)));
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
    with acts.trusted_passage("rogue-certificate") as act:
        act.run()
        trace = act.trace
    many = repeated(trace, 50_000)
    with tempfile.TemporaryDirectory(prefix="trustlab-bench-") as folder, sync_playwright() as playwright:
        saved = save_page(Path(folder) / "many.html", many, secrets=True)
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        chrome = playwright.chromium.launch(executable_path=browser(), args=options)
        try:
            painted = paints(chrome.new_page(viewport=WINDOW), repeated(trace, 5000))
            opened = chrome.new_page(viewport=WINDOW)
            opened.goto(saved.as_uri())
            opened.locator(".tl-rows [data-row]").first.wait_for(timeout=120_000)
            slow, key = opened.evaluate(SCROLL), opened.evaluate(KEYS)
        finally:
            chrome.close()
        size = saved.stat().st_size
    return {
        "events_5000_paint_s": painted,
        "slow_frames_50000": slow,
        "key_press_50000_ms": key,
        "export_act_kb": len(page(trace, secrets=True).encode()) / 1000,
        "export_50000_mb": size / 1e6,
    }


def repeated(trace: Trace, count: int) -> Trace:
    """Return a trace of `count` events: those of a real act, over and over, linked as in it."""
    result, events = Trace(trace.title, trace.substrate), list(trace)
    own = Counter(event.party for event in events)
    for number in range(count):
        again, event = divmod(number, len(events))[0], events[number % len(events)]
        links = tuple(Link(one.rel, one.party, one.seq + again * own[one.party]) for one in event.links)
        where = (event.connection, event.direction, event.offset, event.sent, event.data)
        result.append(event.party, event.kind, event.name, event.raw, event.spans, links, *where)
    return result


def paints(view: Page, trace: Trace) -> float:
    """Feed a document to a view in batches, and return the seconds from the last batch to the frame that shows it."""
    script = (STATIC / "inspector.js").read_text("utf-8").replace(EXPORT, "const inspector =")
    view.set_content(f"<style>{(STATIC / 'inspector.css').read_text('utf-8')}</style><body></body>")
    view.add_script_tag(content=f"{script}\n{FED}", type="module")
    view.wait_for_function("() => window.ready === true")
    ladder = Ladder(trace.title, trace.substrate, secrets=True)
    changed: dict[int, Any] = {}
    for number, event in enumerate(trace, 1):
        changed |= {row.id: row for row in ladder.feed(event)}
        if number % 250 == 0 or number == len(trace):
            batch = ladder.batch(row for _, row in sorted(changed.items()))
            changed = {}
            message = {"type": "batch", **msgspec.to_builtins(batch)}
            began = time.perf_counter()
            view.evaluate("(message) => { feed(message); }", message)
    view.evaluate("() => frames()")
    return time.perf_counter() - began
