"""The matrix as a page: whole without scripts or a network, every cell with its card, no colour alone."""

from __future__ import annotations

import re
import struct
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from trustlab.inspector.matrix_html import SIGNS, STYLE, Heading, MatrixCell, matrix_page
from trustlab.inspector.screenshot import NoPictureError, browser, screenshot

if TYPE_CHECKING:
    from pathlib import Path

DESIGNS = (
    Heading("plain-tls", "A <certificate>.", (("not enough", "Alice & her CA"),), "as in <2011>"),
    Heading("trusted-passage", group="today"),
)
ATTACKS = (
    Heading("rogue-certificate", "Anyone <gets> one.", group="in the middle", tags=("assumed: <nothing>",)),
    Heading("key-abuse", group="the key"),
)
CELLS = (
    MatrixCell(
        "plain-tls", "rogue-certificate", "succeeded", "Nobody <asks>.", evidence="Alice holds 'pin'", policy="strict"
    ),
    MatrixCell("plain-tls", "key-abuse", "senseless", "There is no key in a TPM."),
    MatrixCell("trusted-passage", "rogue-certificate", "refused", "Another key.", refused_by="extraData"),
    MatrixCell(
        "trusted-passage",
        "key-abuse",
        "failed",
        "The policy.",
        as_expected=False,
        leaks=("key usable",),
        trace="keep/a%20b.jsonl",
        page="keep/a%20b.html",
    ),
)


def page() -> str:
    return matrix_page("A matrix & <more>", "Who wins?", DESIGNS, ATTACKS, CELLS)


class Reader(HTMLParser):
    """Collects what stands in the page: tags with attributes, and the text of each card."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cards: dict[str, str] = {}
        self._card = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag == "article":
            self._card = dict(attributes)["id"] or ""
            self.cards[self._card] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._card = ""

    def handle_data(self, data: str) -> None:
        if self._card:
            self.cards[self._card] += data + " "


def test_the_page_has_no_script_and_asks_for_nothing_from_outside() -> None:
    text = page()
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert not re.findall(r"src\s*=|@import|url\(|https?:|\son\w+\s*=", text)


def test_what_the_data_say_is_text_and_never_markup() -> None:
    text = page()
    assert "<h1>A matrix &amp; &lt;more&gt;</h1>" in text
    assert "Nobody &lt;asks&gt;." in text
    assert "<certificate>" not in text
    assert "Anyone &lt;gets&gt; one." in text
    assert "as in &lt;2011&gt;" in text
    assert "assumed: &lt;nothing&gt;" in text


def test_attacks_stand_under_the_titles_of_their_families_and_designs_under_their_versions() -> None:
    text = page()
    order = ["today", "in the middle", ">rogue-certificate<", "the key", ">key-abuse<"]
    assert sorted(order, key=text.index) == order
    assert text.count('class="family"') == 2


def test_every_cell_and_heading_opens_a_card_that_is_there() -> None:
    read = Reader(page())
    opened = [
        given["popovertarget"] for tag, given in read.tags if tag == "button" and "popovertargetaction" not in given
    ]
    assert sorted(opened) == sorted(read.cards)
    assert len(read.cards) == len(DESIGNS) + len(ATTACKS) + len(CELLS)


def test_a_card_says_the_outcome_the_reason_and_what_it_rests_on() -> None:
    cards = Reader(page()).cards
    for word in ("Alice wins", "Nobody <asks>.", "Alice holds 'pin'", "strict"):
        assert word in cards["c0-0"]
    assert "refused by “extraData”" in cards["c1-0"]
    assert "key usable" in cards["c1-1"]
    assert "Alice & her CA" in cards["d0"]


def test_a_cell_with_a_trace_leads_to_it_and_to_its_inspector_page() -> None:
    links = [given["href"] for tag, given in Reader(page()).tags if tag == "a"]
    assert links == ["keep/a%20b.html", "keep/a%20b.jsonl"]


def test_no_cell_says_anything_by_colour_alone() -> None:
    tiles = [given for tag, given in Reader(page()).tags if tag == "button" and "tile" in (given.get("class") or "")]
    assert [given["aria-label"] for given in tiles] == [
        "plain-tls against rogue-certificate: Alice wins",
        "trusted-passage against rogue-certificate: refused",
        "plain-tls against key-abuse: makes no sense here",
        "trusted-passage against key-abuse: came to nothing, not as expected",
    ]
    assert len({(sign, kind) for sign, kind, _ in SIGNS.values()}) == 5


def test_what_the_signed_table_does_not_say_is_marked_and_counted() -> None:
    assert "<b>1</b> not as expected" in page()
    assert "not as expected<small>" not in matrix_page("", "", DESIGNS, ATTACKS, CELLS[:3])


def test_the_style_knows_light_dark_and_paper() -> None:
    style = STYLE.read_text("utf-8")
    for query in ("prefers-color-scheme: dark", "@media print", "prefers-reduced-motion"):
        assert query in style


@pytest.mark.browser
def test_a_picture_shows_the_whole_page(tmp_path: Path) -> None:
    drawn = screenshot(page(), tmp_path / "matrix.png", width=900, scale=1).read_bytes()
    assert drawn.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", drawn[16:24])
    assert width == 900
    assert 300 < height < 800


def test_without_a_browser_the_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("TRUSTLAB_CHROMIUM", raising=False)
    with pytest.raises(NoPictureError, match="install the package chromium"):
        browser()
