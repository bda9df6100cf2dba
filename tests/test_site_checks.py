"""What a page of the site may not do is found, and each sentence names the page and the link."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import nbformat
import pytest

from trustlab.inspector.stills import LIVE, wrapped

HERE = Path(__file__).parents[1] / "docs" / "site"


def module(name):
    spec = importlib.util.spec_from_file_location(f"site_{name}", HERE / f"{name}.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    return made


checks = module("checks")


def told(folder, body, most=1000):
    (folder / "a.html").write_text(body)
    return list(checks.faults(folder, most))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ('<a href="b.html">', "links to b.html, which is not there"),
        ('<a href="#b">', "links to #b: that page has no such place"),
        ('<a href="a.html#b">', "has no such place"),
        ('<img src="c.png">', "links to c.png, which is not there"),
        ('<script src="https://cdn.example/x.js">', "fetches https://cdn.example/x.js from another host"),
        ('<link rel="stylesheet" href="//fonts.example/x.css">', "from another host"),
        ('<iframe src="https://example.org/">', "from another host"),
        ("x" * 2000, "at most"),
    ],
)
def test_what_is_wrong_is_said(body, why, tmp_path):
    assert [why in one for one in told(tmp_path, body)] == [True]


def test_what_is_right_is_not_a_fault(tmp_path):
    body = (
        '<h1 id="b"></h1><a href="#b"><a href="a.html#b"><a href="https://example.org/"><img src="data:,"><a href="">'
    )
    assert told(tmp_path, body) == []


def test_a_style_that_fetches_is_found(tmp_path):
    (tmp_path / "a.css").write_text('@import url("https://fonts.example/a.css"); b { background: url(data:,) }')
    assert len(told(tmp_path, "")) == 1


def test_a_public_name_that_the_reference_lacks_is_named(tmp_path):
    (tmp_path / "api").mkdir()
    (tmp_path / "api" / "trace.html").write_text('<dt id="trustlab.trace.Trace">')
    names = ("trustlab.trace.Trace", "trustlab.trace.Span")
    assert list(checks.missing(tmp_path, names)) == ["the API reference lacks trustlab.trace.Span"]


def test_a_still_picture_becomes_the_live_page_and_stays_for_paper(tmp_path):
    executed = module("executed")
    (tmp_path / "tl-still-ab.html").write_text("<title>A &amp; B</title>")
    picture = nbformat.v4.new_output("display_data", {"text/html": wrapped("<b>rows</b>", "tl-still-ab")})
    html = executed.alive(picture, tmp_path, "../runs").data["text/html"]
    assert '<iframe src="../runs/tl-still-ab.html" title="A &amp; B, alive"' in html
    assert '<div class="tl-paper"><b>rows</b></div>' in html
    assert executed.only_live(nbformat.v4.new_output("display_data", {LIVE: {}}))
    gone = nbformat.v4.new_output("display_data", {"text/html": wrapped("", "tl-still-cd")})
    with pytest.raises(executed.SiteError, match=r"tl-still-cd\.html was not written"):
        executed.alive(gone, tmp_path, "../runs")
