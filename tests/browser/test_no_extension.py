"""JupyterLab without anywidget's extension: the still picture takes the place of the error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import nbformat
import pytest
from conftest import running_lab
from playwright.sync_api import Browser, expect

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)
PATIENCE = 90_000
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
CELL = """
from trustlab.inspector import Inspector
from trustlab.trace import Trace

trace = Trace("a run", "memory")
inspector = Inspector(trace)
display(inspector)
trace.party("teller").emit("app", "1", sentence="the teller pays")
inspector.flush()
print("the cell ends")
"""


def test_the_still_picture_is_shown_and_says_what_is_missing(chrome: Browser, tmp_path: Path) -> None:
    page_config = tmp_path / "jupyter_config_dir" / "labconfig" / "page_config.json"
    page_config.parent.mkdir(parents=True)
    page_config.write_text(json.dumps({"disabledExtensions": {"anywidget": True}}))
    with running_lab(tmp_path, windowing=False) as lab:
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(CELL.strip())], metadata={"kernelspec": KERNEL}
        )
        nbformat.write(notebook, lab.folder / "one.ipynb")
        context = chrome.new_context(viewport={"width": 1440, "height": 1000})
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(lab.url("lab/tree/one.ipynb"))
        expect(page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=PATIENCE)
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        expect(page.get_by_text("the cell ends", exact=True)).to_be_attached(timeout=PATIENCE)
        output = page.locator(".jp-OutputArea")
        still = output.locator(".tl-still")
        expect(still).to_contain_text("lacks the extension of anywidget", timeout=PATIENCE)
        expect(still).to_contain_text("the teller pays")
        expect(still.get_by_text("the teller pays").first).to_be_in_viewport()
        expect(output.get_by_text("error")).not_to_be_visible()
        context.close()
