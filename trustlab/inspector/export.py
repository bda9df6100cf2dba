"""The inspector as one HTML file: it opens from a disk, without a kernel, a server or a network."""

from __future__ import annotations

import base64
import gzip
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trustlab.inspector.ladder import Ladder
from trustlab.trace import private

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.inspector.document import Tampered
    from trustlab.trace import Trace

STATIC = Path(__file__).parent / "static"
EXPORT = "export default"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ margin: 0; }}
{css}
.tl-root {{ --tl-height: 100dvh; --tl-radius: 0; }}
</style>
</head>
<body>
<main id="inspector"></main>
<noscript>This page draws with its own script; with scripts off there is nothing to see.</noscript>
<script type="application/gzip" id="document">{state}</script>
<script type="module">
{script}
{bundle}.page();
</script>
</body>
</html>
"""  # noqa: E501 - one policy, one line


def page_of(bundle: str, title: str, document: bytes) -> str:
    """Return a page with one of the bundles of `static`, which draws a document in JSON."""
    return PAGE.format(
        bundle=bundle,
        title=escape(title),
        css=(STATIC / f"{bundle}.css").read_text("utf-8"),
        state=base64.b64encode(gzip.compress(document, mtime=0)).decode(),
        script=(STATIC / f"{bundle}.js").read_text("utf-8").replace(EXPORT, f"const {bundle} ="),
    )


def page(trace: Trace, *, secrets: bool = False, tamper: Sequence[Tampered] = ()) -> str:
    """Return the trace, and a tamper map, as a page with the inspector in it.

    Secrets are in it only if asked for, and then it says so.
    """
    document = Ladder.of(trace, secrets=secrets).document
    document.tamper.extend(tamper)
    return page_of("inspector", trace.title or "Trace", msgspec.json.encode(document))


def save_page(path: str | Path, trace: Trace, *, secrets: bool = False, tamper: Sequence[Tampered] = ()) -> Path:
    """Write `page` to a file and return its path. With secrets, nobody else on this machine can read it."""
    path = Path(path)
    with open(path, "w", encoding="utf-8", opener=private if secrets else None) as file:
        file.write(page(trace, secrets=secrets, tamper=tamper))
    return path
