"""A trace that an earlier version wrote still loads, saves to the same lines, and can be looked at."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from rich.console import Console

from trustlab.inspector import TerminalLadder
from trustlab.trace import Trace

KEPT = Path(__file__).parents[1] / "trace" / "data" / "before.jsonl.gz"
"""`rung("trusted-passage", "rogue-certificate")` of version 0.1.0 before rooms and names were put in order."""


def test_a_trace_of_before_loads_and_is_written_again_line_by_line(tmp_path):
    whole = gzip.decompress(KEPT.read_bytes())
    path = tmp_path / "before.jsonl"
    path.write_bytes(whole)
    trace = Trace.load(path)
    assert len(trace) == whole.count(b"\n") - 1
    assert trace.save(tmp_path / "again.jsonl").read_bytes() == whole


def test_a_trace_of_before_shows_its_ladder_and_who_refused(tmp_path):
    path = tmp_path / "before.jsonl"
    path.write_bytes(gzip.decompress(KEPT.read_bytes()))
    shown = io.StringIO()
    with TerminalLadder(Console(file=shown, width=120), lifelines=("teller", "alice", "bank")) as ladder:
        for event in Trace.load(path):
            ladder.feed(event)
    assert "ClientHello" in shown.getvalue()
    assert "extraData" in shown.getvalue()
