"""The inspector by keyboard: what keys do, what is on the screen, and a real terminal that is left as it was."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from typing import TYPE_CHECKING

import pytest
import sample

from trustlab.inspector import terminal_browser
from trustlab.inspector.terminal_browser import NoTerminalError, TerminalBrowser, browse
from trustlab.inspector.terminal_keys import keys
from trustlab.trace import Span, Trace

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE = 30.0


def shown(browser: TerminalBrowser) -> list[str]:
    lines = [line.plain for line in browser.screen()]
    assert len(lines) == browser.size[1]
    assert max(map(len, lines)) <= browser.size[0]
    return lines


def chosen(browser: TerminalBrowser) -> str:
    (line,) = [line for line in shown(browser)[1:-6] if line.startswith("▶")]
    return line.removeprefix("▶ ")


def pressed(browser: TerminalBrowser, *names: str) -> TerminalBrowser:
    for name in names:
        browser.press(name)
    return browser


@pytest.fixture(name="reader")
def opened() -> TerminalBrowser:
    return TerminalBrowser(sample.story("refused"))


def test_a_row_says_who_says_what_to_whom(reader: TerminalBrowser) -> None:
    pressed(reader, "/", *"clienthello", "enter")
    assert chosen(reader).startswith("teller ─▶ alice  ClientHello · ")
    assert "The client offers versions and suites" in "\n".join(shown(reader))


def test_arrows_move_and_stop_at_both_ends(reader: TerminalBrowser) -> None:
    rows = len(reader._rows)
    assert f"1 of {rows}" in shown(pressed(reader, "up"))[0]
    assert f"3 of {rows}" in shown(pressed(reader, "down", "j"))[0]
    assert f"2 of {rows}" in shown(pressed(reader, "k"))[0]
    assert f"{rows} of {rows}" in shown(pressed(reader, "end", "down"))[0]
    assert f"{rows - 17} of {rows}" in shown(pressed(reader, "page-up"))[0]
    assert f"1 of {rows}" in shown(pressed(reader, "home"))[0]


def test_enter_opens_the_fields_and_an_arrow_goes_back(reader: TerminalBrowser) -> None:
    pressed(reader, "/", *"clienthello", "enter", "enter", "/", *"random", "enter")
    lines = shown(reader)
    assert lines[0].startswith("ClientHello · fields")
    assert "random" in chosen(reader)
    assert lines[-5] == "random · RFC 5246 7.4.1.2"
    assert "Fresh octets of the client" in lines[-4]
    assert re.fullmatch(r"([0-9a-f]{2} )+[0-9a-f]*…?", lines[-2])
    row = reader.row
    assert shown(pressed(reader, "left"))[0].startswith("Act II")
    assert reader.row is row


def test_of_a_long_path_its_end_and_the_clause_are_shown() -> None:
    trace = Trace("t")
    path = ".".join(["list"] * 30) + ".random"
    trace.append("bank", "tls.message", "X", b"\1", (Span(path, 0, 1, "1", "A sentence.", "RFC 1 2"),), sent=True)
    line = shown(pressed(TerminalBrowser(trace), "enter", "end"))[-5]
    assert line.startswith("…")
    assert line.endswith("list/random · RFC 1 2")


def test_n_goes_to_each_refusal_and_begins_again(reader: TerminalBrowser) -> None:
    found = [chosen(pressed(reader, "n")) for _ in range(4)]
    assert found[0].startswith("✘ teller  extraData")
    assert found[1].startswith("✘ teller  refused")
    assert found[2].startswith("teller ─▶ alice  Alert: ")
    assert found[3] == found[0]
    quiet = TerminalBrowser(sample.story("trusted"))
    assert shown(pressed(quiet, "n"))[-1] == "nobody refused anything in this trace"


def test_a_search_finds_names_texts_and_hex_and_repeats(reader: TerminalBrowser) -> None:
    hello = next(row for row in reader._rows if row.name == "ClientHello")
    digits = hello.parts[0].hex[12:28]
    pressed(reader, "/", *" ".join(digits[n : n + 2] for n in range(0, 16, 2)), "enter")
    assert reader.row is hello
    pressed(reader, "home", "/", *"SERVERhello", "enter")
    first = reader.row
    pressed(reader, "/", "enter")
    assert reader.row is not first
    assert reader.row.name.startswith("ServerHello")
    assert shown(pressed(reader, "/", *"nowhere", "enter"))[-1] == "'nowhere' was not found"


def test_a_search_can_be_corrected_and_given_up(reader: TerminalBrowser) -> None:
    assert shown(pressed(reader, "/", *"xq", "backspace"))[-1] == "/x█"
    assert not reader.over, "a q that is typed ends nothing"
    pressed(reader, "escape", "q")
    assert reader.over


@pytest.mark.parametrize("size", [(80, 24), (20, 8), (200, 60), (19, 7), (1, 1)])
def test_the_screen_is_as_large_as_the_terminal(size: tuple[int, int]) -> None:
    browser = TerminalBrowser(sample.story("refused"), size=size)
    for key in ("n", "enter", "down", "down", "left", "end"):
        browser.press(key)
        lines = browser.screen()
        assert len(lines) <= size[1]
        assert all(len(line.plain) <= size[0] for line in lines)


def test_an_empty_trace_is_nothing_to_see() -> None:
    browser = TerminalBrowser(Trace("empty"))
    for key in ("down", "enter", "n", "/", "x", "enter", "page-down", "left"):
        pressed(browser, key)
        assert "nothing to see" in shown(browser)[0]


def test_decrypted_data_is_shown_only_where_it_was_asked_for() -> None:
    def whole(*, secrets: bool) -> str:
        browser, text = TerminalBrowser(sample.story("plain"), secrets=secrets), ""
        for _ in browser._rows:
            text += "\n".join(shown(pressed(browser, "enter", "end")))
            pressed(browser, "left", "down")
        return text

    assert sample.PIN.decode() in whole(secrets=True)
    assert sample.PIN.decode() not in whole(secrets=False)


def test_what_a_stranger_wrote_cannot_steer_the_terminal() -> None:
    trace = Trace("\x1b[2Jtitle")
    trace.append(
        "x\u202ey", "app", "\x1b]0;name\x07", raw=b"\1", data={"sentence": "one\x1b[31m\r\ntwo " * 40, "k": "\x9b"}
    )
    browser = TerminalBrowser(trace)
    text = "\n".join(shown(browser) + shown(pressed(browser, "enter", "down")))
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "name" in text


def test_keys_have_names() -> None:
    assert keys(b"\x1b[A\x1bOB\x1b[5~q\r\x7f\x1b") == ["up", "down", "page-up", "q", "enter", "backspace", "escape"]
    assert keys("/ü".encode()) == ["/", "ü"]
    assert keys(b"\x1b[200~\x00\x01\x1b[1;5C") == [], "what has no name here is nothing"


def test_without_a_terminal_there_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoTerminalError, match="standard input is not a terminal"):
        browse(sample.story("plain"))
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    with pytest.raises(NoTerminalError, match="cannot move its cursor"):
        terminal_browser.browse(sample.story("plain"))


class Session:
    """A program on a terminal of its own."""

    def __init__(self, *command: str, columns: int = 80) -> None:
        self.main, self._other = pty.openpty()
        self.before = termios.tcgetattr(self._other)
        termios.tcsetwinsize(self._other, (24, columns))
        environment = os.environ | {"TERM": "xterm", "COLUMNS": str(columns)}
        self.process = subprocess.Popen(
            ["env", "--default-signal=INT", "setsid", "--ctty", *command],
            stdin=self._other,
            stdout=self._other,
            stderr=self._other,
            env=environment,
        )
        self.output = ""

    def await_output(self, wanted: str) -> None:
        until = time.monotonic() + PATIENCE
        while wanted not in self.output:
            assert time.monotonic() < until, self.output[-2000:]
            if select.select([self.main], [], [], 0.2)[0]:
                self.output += os.read(self.main, 65_536).decode(errors="replace")

    def press(self, octets: bytes) -> None:
        self.output = ""
        os.write(self.main, octets)

    def end(self) -> int:
        code = self.process.wait(PATIENCE)
        while select.select([self.main], [], [], 0.2)[0]:
            self.output += os.read(self.main, 65_536).decode(errors="replace")
        assert termios.tcgetattr(self._other) == self.before, "the terminal is as it was"
        assert "\x1b[?1049l" in self.output
        os.close(self.main)
        os.close(self._other)
        return code


@pytest.fixture
def session(tmp_path: Path) -> Session:
    path = sample.story("refused").save(tmp_path / "story.jsonl")
    session = Session(sys.executable, "-m", "trustlab", "inspect", str(path), "--terminal")
    session.await_output("q quit")
    return session


def test_on_a_real_terminal_keys_do_what_they_say(session: Session) -> None:
    session.press(b"n")
    session.await_output("extraData")
    session.press(b"\x1b[B\x1b[B\r")
    session.await_output("fields")
    session.press(b"q")
    assert session.end() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_the_terminal_as_it_was(session: Session, number: int) -> None:
    if number == signal.SIGINT:
        session.press(b"\x03")
    else:
        session.process.send_signal(number)
    assert session.end() == 128 + number
