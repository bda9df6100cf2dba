from __future__ import annotations

import base64
import gzip
import re
from pathlib import Path

import msgspec
import pytest
import sample

from trustlab.inspector import Document
from trustlab.inspector.export import page, save_page
from trustlab.trace import Trace


def packed(text: str) -> bytes:
    """Return the document in a page, as JSON."""
    found = re.search(r'id="document">([^<]*)</script>', text)
    assert found
    return gzip.decompress(base64.b64decode(found[1]))


STATIC = Path(__file__).parents[2] / "trustlab" / "inspector" / "static"


def test_the_page_asks_for_nothing_from_outside(tmp_path: Path) -> None:
    text = save_page(tmp_path / "trace.html", sample.story("refused")).read_text("utf-8")
    assert "default-src 'none'" in text
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)|@import|url\(", text)


def test_the_page_holds_the_whole_trace_and_no_secret_unless_asked() -> None:
    closed, opened = (packed(page(sample.story("trusted"), secrets=secrets)) for secrets in (False, True))
    assert len(msgspec.json.decode(closed, type=Document).rows) > 40
    assert sample.PIN.hex().encode() not in closed
    assert sample.PIN.hex().encode() in opened


def test_what_a_trace_says_cannot_leave_the_element_it_stands_in() -> None:
    trace = Trace("</script><script>alert(1)</script>", "memory")
    trace.party("bank").emit("app", "x", sentence="</script><img src=x onerror=alert(2)>")
    text = page(trace)
    assert text.count("<script") == 2
    assert "<img" not in text
    assert b"onerror" in packed(text)


def test_the_page_opens_what_it_holds() -> None:
    text = page(sample.story("refused"))
    assert "export default" not in text
    assert text.count("inspector.page();") == 1


@pytest.mark.parametrize("name", ["inspector.js", "inspector.css"])
def test_the_widgets_files_name_no_address(name: str) -> None:
    text = (STATIC / name).read_text("utf-8").replace("http://www.w3.org/2000/svg", "")  # a name, never fetched
    assert "http" not in text
