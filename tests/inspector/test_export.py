from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import sample

from trustlab.inspector.export import MODEL, page, save_page

STATIC = Path(__file__).parents[2] / "trustlab" / "inspector" / "static"


def test_the_page_asks_for_nothing_from_outside(tmp_path: Path) -> None:
    text = save_page(tmp_path / "trace.html", sample.story("refused")).read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)|@import|url\(", text)


def test_the_page_holds_the_whole_trace_and_no_secret_unless_asked() -> None:
    text = page(sample.story("trusted"))
    state = json.loads(re.search(r'id="trace">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert len(state["_picture"]["rows"]) > 40
    assert sample.PIN.hex() not in text
    assert sample.PIN.hex() in page(sample.story("trusted"), secrets=True)


def test_the_module_ends_in_one_export_which_the_page_takes_the_place_of() -> None:
    script = (STATIC / "inspector.js").read_text("utf-8")
    assert script.count("export default") == 1
    assert "import " not in re.sub(r"^\s*\*.*$|//.*$", "", script, flags=re.MULTILINE)
    assert "inspector.render" in MODEL


@pytest.mark.parametrize("name", ["inspector.js", "inspector.css"])
def test_the_widgets_files_name_no_address(name: str) -> None:
    assert "http" not in (STATIC / name).read_text("utf-8")
