"""A capture of many hosts: clients stand left and servers right, and arrows say who they are."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright
from rich.console import Console

from trustlab.capture import decode_frames
from trustlab.inspector import Ladder, TerminalLadder
from trustlab.inspector.export import save_page
from trustlab.inspector.screenshot import browser
from trustlab.inspector.static_svg import ladder_svg
from trustlab.trace import Trace
from trustlab.wire import CapturedFrame, Host, TcpConversation

if TYPE_CHECKING:
    from pathlib import Path

RECORD = (
    bytes.fromhex("160301003a010000360303") + bytes(32) + bytes.fromhex("000004130113020100000900 2b0005040304 0303")
)
ALERT = bytes.fromhex("15030300020228")


def crowd(clients: int) -> Trace:
    """Return what a capture shows: each client asks a server, four clients to a server, and is refused."""
    wire = Trace()
    for n in range(clients):
        client = Host("", f"02:00:00:00:01:{n:02x}", f"10.0.1.{n + 1}")
        server = Host("", f"02:00:00:00:02:{n:02x}", f"10.0.2.{n // 4 + 1}")
        tcp = TcpConversation(wire.party("network"), f"c{n}", client, server, 50_000 + n, 443)
        tcp.open()
        tcp.data("client", RECORD)
        tcp.data("server", ALERT)
    return decode_frames(CapturedFrame(e.time, e.raw) for e in wire.select("frame"))


def test_a_still_picture_of_many_hosts_has_two_lifelines_and_names_the_hosts_at_the_arrows() -> None:
    drawn = ladder_svg(Ladder.of(crowd(32)))
    assert drawn.count("text-anchor='middle' font-size='13' font-weight='bold'") == 2
    assert ">clients</text>" in drawn
    assert "10.0.1.32 → 10.0.2.8</text>" in drawn
    assert "10.0.2.8 → 10.0.1.32</text>" in drawn
    few = ladder_svg(Ladder.of(crowd(2)))
    assert ">clients</text>" not in few
    assert few.count("text-anchor='middle' font-size='13' font-weight='bold'") == 3


def test_a_terminal_names_the_ends_of_each_connection() -> None:
    out = io.StringIO()
    with TerminalLadder(Console(file=out, width=100)) as ladder:
        ladder.attach(crowd(32))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 100
    assert any(line.split() == ["10.0.1.32", "10.0.2.8"] for line in lines)


@pytest.mark.browser
def test_a_page_of_many_hosts_can_be_read_at_every_width(tmp_path: Path) -> None:
    saved = save_page(tmp_path / "crowd.html", crowd(32))
    with sync_playwright() as playwright:
        chrome = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-gpu"])
        for width in (420, 1200):
            page = chrome.new_page(viewport={"width": width, "height": 900})
            page.goto(saved.as_uri())
            page.locator(".tl-half").first.wait_for()
            ladder = page.locator(".tl-rows").bounding_box()
            assert ladder is not None
            for one in page.locator(".tl-half").all():
                ends = one.locator(".tl-ends").bounding_box()
                assert "→ 10.0." in one.inner_text()
                assert ends is not None
                assert ladder["x"] <= ends["x"]
                assert ends["x"] + ends["width"] <= ladder["x"] + ladder["width"]
            if width == 1200:
                assert page.locator(".tl-name").all_inner_texts() == ["Clients\n32 hosts", "Servers\n8 hosts"]
        chrome.close()
