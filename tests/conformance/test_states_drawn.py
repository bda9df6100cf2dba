"""The state machines in the documentation are those the engine runs on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from trustlab.tls import states

ROOT = Path(__file__).parents[2]


def test_the_page_of_state_machines_is_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "draw-states"), "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_page_shows_every_edge_of_every_table() -> None:
    page = (ROOT / "docs" / "tls-states.md").read_text()
    for table in (states.CLIENT12, states.SERVER12, states.CLIENT13, states.SERVER13):
        for edge in table.edges:
            assert f"    {edge.source} --> {edge.target}: {edge.action} {edge.message}\n" in page


def test_every_state_of_a_table_can_be_reached_and_left() -> None:
    for table in (states.CLIENT12, states.SERVER12, states.CLIENT13, states.SERVER13):
        sources, targets = {e.source for e in table.edges}, {e.target for e in table.edges}
        assert sources - {table.start} <= targets, table
        assert targets - {"Closed"} <= sources, table
