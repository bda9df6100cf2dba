from __future__ import annotations

import io

import pytest
import sample
from rich.console import Console

from trustlab.inspector import TerminalLadder
from trustlab.inspector.hexdiff import aligned
from trustlab.trace import Trace


def printed(kind: str, width: int, *, ascii_only: bool = False) -> str:
    class Narrow(io.TextIOWrapper):
        pass

    sink = io.BytesIO()
    encoding = "ascii" if ascii_only else "utf-8"
    file = Narrow(sink, encoding=encoding, write_through=True)
    console = Console(file=file, width=width, legacy_windows=False)
    trace = Trace("a title", "memory")
    with TerminalLadder(console) as ladder:
        ladder.attach(trace)
        sample.story(kind, trace)
    file.flush()
    return sink.getvalue().decode(encoding)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("kind", ["plain", "trusted", "refused"])
def test_no_line_is_wider_than_the_terminal(kind: str, width: int) -> None:
    assert max(map(len, printed(kind, width).splitlines())) <= width


def test_an_arrow_leads_from_its_writers_lifeline_to_its_readers() -> None:
    lines = printed("refused", 80).splitlines()
    names = next(line for line in lines if "alice" in line and "bank" in line)
    alice = names.index("alice") + 2
    hello, second = (line for line in lines if "ClientHello" in line)
    assert hello.index("▶") == alice - 1
    assert second.index("▶") > alice
    assert "≠ random" in second


def test_a_refusal_names_the_check_the_clause_and_the_first_differing_octet() -> None:
    text = printed("refused", 80)
    assert "✘ REFUSED by teller: extraData" in text
    assert "first differing octet: 0; 32 of 32 octets differ" in text
    assert "TPM 2.0 Part 2, 10.12.8" in text
    assert "✘ client_random, client's random: here " in text


def test_every_check_is_listed_with_its_sign() -> None:
    lines = printed("refused", 120).splitlines()
    for name, _, _ in sample.CHECKS:
        sign = {"extraData": "✘", "machine pinned": "○"}.get(name, "✔")
        assert any(f"{sign} {name} " in line for line in lines), name


def test_nothing_secret_is_printed() -> None:
    text = printed("trusted", 120)
    assert sample.PIN.decode() not in text
    assert sample.PIN.hex()[:12] not in text


def test_a_terminal_without_unicode_gets_plain_characters() -> None:
    text = printed("refused", 80, ascii_only=True)
    assert "REFUSED by teller: extraData" in text
    assert "ClientHello . 90" in text


def test_piped_output_holds_no_escape_sequence() -> None:
    assert "\x1b" not in printed("refused", 80)


def test_a_message_that_nobody_read_is_printed_when_the_ladder_lets_go() -> None:
    sink = io.StringIO()
    trace = Trace("t", "memory")
    detach = TerminalLadder(Console(file=sink, width=80)).attach(trace)
    trace.party("teller").emit(
        "tls.message", "ClientHello", raw=b"\x01", connection="c", direction="client", offset=0, sent=True
    )
    assert "ClientHello" not in sink.getvalue()
    detach()
    assert "ClientHello" in sink.getvalue()


def test_after_letting_go_the_trace_is_no_longer_followed() -> None:
    sink = io.StringIO()
    trace = Trace("t", "memory")
    TerminalLadder(Console(file=sink, width=80)).attach(trace)()
    before = sink.getvalue()
    sample.story("trusted", trace)
    assert sink.getvalue() == before


def test_differing_octets_are_marked_below_and_only_those() -> None:
    lines = [line.plain for line in aligned("00112233", "0011ff33")]
    assert lines[0].endswith("00 11 22 33")
    assert lines[1].endswith("00 11 ff 33")
    assert lines[2].index("▲▲") == lines[1].index("ff")
    assert lines[2].count("▲▲") == 1


def test_a_missing_octet_counts_as_a_difference() -> None:
    lines = [line.plain for line in aligned("0011", "00")]
    assert lines[2].count("▲▲") == 1


def test_what_a_stranger_wrote_cannot_steer_the_terminal() -> None:
    sink = io.StringIO()
    trace = Trace("t", "memory")
    with TerminalLadder(Console(file=sink, width=80)) as ladder:
        ladder.attach(trace)
        trace.party("teller").emit("app", "x", sentence="\x1b]0;owned\x07 and \x1b[2J")
    assert "\x1b" not in sink.getvalue()
    assert "owned" in sink.getvalue()
