"""The matrix page in a browser: a cell opens its card without a script, in light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from trustlab.inspector.matrix_html import Heading, MatrixCell, matrix_page

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser

CELLS = (
    MatrixCell("plain-tls", "rogue-certificate", "succeeded", "Nobody asks.", evidence="Alice holds 'pin'"),
    MatrixCell("plain-tls", "key-abuse", "senseless", "There is no key in a TPM."),
    MatrixCell("trusted-passage", "rogue-certificate", "refused", "Another key.", refused_by="extraData"),
    MatrixCell("trusted-passage", "key-abuse", "failed", "The policy.", as_expected=False, page="a.html"),
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    designs = Heading("plain-tls", "A certificate.", group="2011"), Heading("trusted-passage", "Two.", group="today")
    attacks = (
        Heading("rogue-certificate", "Anyone gets one.", group="in the middle", tags=("no machine pinned",)),
        Heading("key-abuse", "Use it where it is.", group="the key"),
    )
    path = tmp_path / "matrix.html"
    path.write_text(matrix_page("Matrix", "Who wins?", designs, attacks, CELLS), "utf-8")
    return path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1180, 390])
def test_a_cell_opens_its_card_and_axe_finds_nothing(chrome: Browser, saved: Path, scheme: str, width: int) -> None:
    page = chrome.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    page.goto(saved.as_uri())
    assert Axe().run(page).response["violations"] == []
    card = page.get_by_role("article", name="plain-tls against rogue-certificate")
    expect(card).to_be_hidden()
    page.get_by_role("button", name="plain-tls against rogue-certificate: Alice wins").click()
    expect(card).to_contain_text("Alice holds 'pin'")
    expect(card).to_be_visible()
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.close()


def test_on_paper_every_card_stands_below_the_table(chrome: Browser, saved: Path) -> None:
    page = chrome.new_page()
    page.goto(saved.as_uri())
    page.emulate_media(media="print")
    cards = page.get_by_role("article")
    assert cards.count() == 8
    assert all(card.is_visible() for card in cards.all())
    page.close()
