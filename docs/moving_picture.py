"""Draws docs/inspector.gif: Act I until Alice reads the PIN, then Act II until the teller refuses, in the inspector.

`.venv/bin/python docs/moving_picture.py` plays both acts and takes a picture of each step in Chromium. It needs the
extra `[test]` for the browser, and Pillow (`.venv/bin/pip install pillow`), which joins the pictures.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import sync_playwright

from trustlab.inspector import Ladder
from trustlab.inspector.document import AppraisalRow, MessageRow, ReadRow
from trustlab.inspector.export import save_page
from trustlab.inspector.screenshot import browser
from trustlab.scenarios import acts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from trustlab.trace import Trace

PICTURE = Path(__file__).parent / "inspector.gif"
WIDTH, HEIGHT = 1280, 800
SHOWN = 960
"""Width of the picture in pixels."""
STEP, END = 350, 4500
"""Milliseconds that a step, and that the last one of an act stands."""
COLOURS = 96
"""Colours that each of two methods may choose."""
LARGEST = 1_000_000


def told_steps(trace: Trace) -> tuple[list[int], int]:
    """Return the steps to show of a trace, and the one that it is about: the PIN that is read, or the refusal."""
    rows = Ladder.of(trace, secrets=True).rows
    ends = [
        r.id
        for r in rows
        if (isinstance(r, ReadRow) and r.secret) or (isinstance(r, AppraisalRow) and r.mark == "fail")
    ]
    steps = [r.id for r in rows if isinstance(r, MessageRow) and r.id < ends[0]]
    return steps, ends[0]


def pictures(page: Page, trace: Trace, folder: Path) -> Iterator[tuple[Image.Image, int]]:
    """Yield pictures of an act, each with the milliseconds that it stands."""
    path = save_page(folder / "act.html", trace, secrets=True)
    page.goto(path.as_uri())
    page.locator(".tl-rows").wait_for()
    steps, end = told_steps(trace)
    for step in (*steps, end):
        page.locator("input[type=range]").evaluate(
            "(slider, step) => { slider.value = step; slider.dispatchEvent(new Event('input', { bubbles: true })); }",
            step,
        )
        page.wait_for_timeout(120)  # two frames, and a moment for the ladder to come to rest
        drawn = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        drawn = drawn.resize((SHOWN, SHOWN * HEIGHT // WIDTH), Image.Resampling.LANCZOS)
        yield drawn, END if step == end else STEP


def colours(image: Image.Image, method: Image.Quantize) -> list[int]:
    """Return the colours of a picture: one method finds its common tints, the other its rare accents."""
    return (image.quantize(COLOURS, method, dither=Image.Dither.NONE).getpalette() or [])[: 3 * COLOURS]


def main() -> None:
    """Write the picture."""
    found: list[tuple[Image.Image, int]] = []
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as player:
        chromium = player.chromium.launch(executable_path=browser(), args=[*root, "--disable-gpu"])
        page = chromium.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        for act in (acts.plain_tls(), acts.trusted_passage("rogue-certificate")):
            with act:
                act.run()
                found += pictures(page, act.trace, Path(name))
        chromium.close()
    ends = [image for image, stands in found if stands == END]
    both = Image.new("RGB", (SHOWN, sum(image.height for image in ends)))
    for number, image in enumerate(ends):
        both.paste(image, (0, number * image.height))
    palette = Image.new("P", (1, 1))
    palette.putpalette([*colours(both, Image.Quantize.MEDIANCUT), *colours(both, Image.Quantize.MAXCOVERAGE)])
    frames = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image, _ in found]
    frames[0].save(
        PICTURE, save_all=True, append_images=frames[1:], duration=[ms for _, ms in found], loop=0, optimize=True
    )
    size = PICTURE.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{PICTURE} has {size:,} bytes: draw fewer steps, or a smaller picture")
    sys.stdout.write(f"{PICTURE}: {len(frames)} steps, {size:,} bytes\n")


if __name__ == "__main__":
    main()
