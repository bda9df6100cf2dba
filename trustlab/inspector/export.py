"""The inspector as one HTML file: it opens from a disk, without a kernel, a server or a network."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trustlab.inspector.badge import badge
from trustlab.inspector.ladder import Ladder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.trace import Trace

STATIC = Path(__file__).parent / "static"
EXPORT = "export default"

# What the module expects of a notebook's model, over values that stand in the page.
MODEL = r"""
const state = JSON.parse(document.getElementById("trace").textContent);
const model = { get: (name) => state[name], on: () => {}, off: () => {}, send: () => {} };
const chosen = Number((location.hash.match(/^#row-(\d+)$/) ?? [])[1] ?? NaN);
if (chosen < state._picture.rows.length) state._picture.chosen = chosen;
inspector.initialize({ model });
inspector.render({ model, el: document.getElementById("inspector") });
document.getElementById("inspector").addEventListener("tl-select", (event) => {
  history.replaceState(null, "", `#row-${event.detail}`);
});
"""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 16px; max-width: 1400px; }}
{css}
</style>
</head>
<body>
<main id="inspector"></main>
<noscript>This page draws a trace with its own script; with scripts off there is nothing to see.</noscript>
<script type="application/json" id="trace">{state}</script>
<script type="module">
{script}
{model}
</script>
</body>
</html>
"""  # noqa: E501 - one policy, one line


def page(trace: Trace, *, secrets: bool = False, alice_knows: Sequence[str] | None = None) -> str:
    """Return the trace as a page with the inspector in it; with secrets only if asked for, and then it says so."""
    ladder = Ladder.of(trace, secrets=secrets)
    state = {
        "_title": trace.title,
        "_substrate": trace.substrate,
        "_badge": badge(trace.substrate),
        "_secrets": secrets,
        "_controls": False,
        "_live": False,
        "_picture": {
            "rows": [row.to_json() for row in ladder.rows],
            "lifelines": ladder.lifelines,
            "keys": ladder.secrets,
            "alice_knows": None if alice_knows is None else list(alice_knows),
        },
    }
    text = msgspec.json.encode(state).decode()
    return PAGE.format(
        title=escape(trace.title or "Trace"),
        css=(STATIC / "inspector.css").read_text("utf-8"),
        # Nothing in a trace may end the script element it stands in.
        state=text.replace("<", "\\u003c"),
        script=(STATIC / "inspector.js").read_text("utf-8").replace(EXPORT, "const inspector ="),
        model=MODEL,
    )


def save_page(
    path: str | Path, trace: Trace, *, secrets: bool = False, alice_knows: Sequence[str] | None = None
) -> Path:
    """Write `page` to a file and return its path."""
    path = Path(path)
    path.write_text(page(trace, secrets=secrets, alice_knows=alice_knows), "utf-8")
    return path
