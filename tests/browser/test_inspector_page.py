"""The exported page: the inspector from a file, without a network, light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from trustlab.inspector.export import save_page
from trustlab.trace import Link, Span, Trace, TraceEvent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page


def trace() -> Trace:
    """Return a small refusal in the shapes of a real one."""
    result = Trace("A refusal <b>&amp;</b> </script>", "memory")
    lab, teller, alice, bank = (result.party(name) for name in ("lab", "teller", "alice", "bank"))
    lab.emit("note", "the payment", sentence="Bob's teller pays.")
    alice.emit("attack", "rogue-certificate", step="certificate", sentence="Alice has a certificate.")
    spans = [Span("msg_type", 0, 1, "1", "What it is.", "RFC 5246 7.4"), Span("random", 1, 33, "", "Fresh octets.")]
    place = {"connection": "teller-bank-1", "direction": "client", "offset": 0, "records": [[0, 38]]}
    raw = b"\x01" + bytes(range(32))
    teller.emit("tls.message", "ClientHello", raw=raw, spans=spans, sent=True, **place)
    alice.emit("tls.message", "ClientHello", raw=raw, spans=spans, sent=False, **place)
    command = bank.emit("tpm.command", "TPM2_Quote", raw=b"\x80\x02", client="HyperSafe", locality=2)
    respond(bank.emit, command)
    fields = [["nonce_C", "00" * 32], ["H(SPKI_S)", "11" * 32]]
    other = [["nonce_C", "00" * 32], ["H(SPKI_S)", "22" * 32]]
    bank.emit("binder", "trusted-passage", role="S", side="attester", fields=other, binder="44" * 32)
    teller.emit("binder", "trusted-passage", role="S", side="verifier", fields=fields, binder="33" * 32)
    about = {"connection": "teller-bank-1", "about": "bank"}
    teller.emit("verdict", "signature", verdict="pass", sentence="The AK signed.", expected="", found="", **about)
    teller.emit(
        "verdict",
        "extraData",
        verdict="fail",
        sentence="Another channel.",
        expected="33" * 32,
        found="44" * 32,
        **about,
    )
    teller.emit("appraisal", "refused", refused_by="extraData", failed=["extraData"], sentence="No.", **about)
    return result


def respond(emit: object, command: TraceEvent) -> None:
    link = [Link("response-to", command.party, command.seq)]
    emit("tpm.response", "TPM2_Quote", raw=b"\x80\x02", links=link, rc=0, rc_name="TPM_RC_SUCCESS", ms=0.7)  # type: ignore[operator]


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    return save_page(tmp_path / "trace.html", trace(), alice_knows=[])


@pytest.fixture(params=[("light", 1280), ("dark", 1280), ("light", 420), ("dark", 420)], ids=lambda p: f"{p[0]}-{p[1]}")
def sheet(request: pytest.FixtureRequest, chrome: Browser, exported: Path) -> Iterator[Page]:
    scheme, width = request.param
    context = chrome.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(exported.as_uri())
    yield page
    context.close()
    assert said == []


def test_the_page_shows_the_refusal_and_axe_finds_nothing(sheet: Page) -> None:
    expect(sheet.get_by_role("heading", name="Refused by teller: extraData")).to_be_visible()
    expect(sheet.get_by_text("✘ H(SPKI_S)").or_(sheet.get_by_role("rowheader", name="H(SPKI_S)"))).to_be_visible()
    expect(sheet.get_by_text("A refusal <b>&amp;</b> </script>", exact=True)).to_be_visible()
    found = Axe().run(sheet, context=".tl")
    assert found.violations_count == 0, found.generate_report()
    sheet.get_by_role("option", name="ClientHello, teller to alice").click()
    expect(sheet.get_by_role("treeitem").first).to_be_visible()
    found = Axe().run(sheet, context=".tl")
    assert found.violations_count == 0, found.generate_report()


def test_nothing_is_wider_than_the_window(sheet: Page) -> None:
    sheet.get_by_role("option", name="ClientHello, teller to alice").click()
    assert sheet.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_link_leads_to_a_row_and_a_choice_makes_a_link(sheet: Page, exported: Path) -> None:
    hello = sheet.get_by_role("option", name="ClientHello, teller to alice")
    hello.click()
    link = sheet.url
    assert link == f"{exported.as_uri()}#row-{hello.get_attribute('data-row')}"
    sheet.goto("about:blank")
    sheet.goto(link)
    expect(hello).to_have_attribute("aria-selected", "true")
