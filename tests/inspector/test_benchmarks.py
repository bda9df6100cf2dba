"""The inspector's benchmarks run, and print every name that others ask for, each with a number."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import inspector, painted

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {
    "events_5000_paint_s",
    "slow_frames_50000",
    "key_press_50000_ms",
    "export_act_kb",
    "export_50000_mb",
    "chosen_octets_explained",
}


@pytest.mark.browser
@pytest.mark.long
def test_every_name_is_printed_with_a_number_and_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(painted, "EVENTS", 400)
    monkeypatch.setattr(painted, "MANY", 700)
    monkeypatch.setattr(inspector, "DESIGNS", ("plain-tls", "tls13-key"))
    monkeypatch.setattr(benchmarks, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["benchmarks", "inspector", "--json"])
    benchmarks.main()
    printed = json.loads(capsys.readouterr().out)
    assert printed.keys() >= NAMES
    assert all(type(value) in {int, float} and value >= 0 for value in printed.values())
    assert printed["events_5000_paint_s"] > printed["events_5000_after_s"] > 0
    assert printed["chosen_octets_explained"] > 0.9
    assert json.loads((tmp_path / "inspector.json").read_text())["ratios"] == printed
    assert inspector.GOALS.keys() | painted.GOALS.keys() >= NAMES
