"""The recorded run that the first notebook shows before anything starts."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path

from trustlab.inspector import Ladder, badge, recorded
from trustlab.inspector.recording import RECORDED

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "labs" / "recorded-run.png"
STARTS_NOTHING = """
import sys
sys.modules.update(dict.fromkeys(("tpm2_pytss", "trustlab.tpm", "trustlab.cloud", "trustlab.scenarios")))
import subprocess
subprocess.Popen = None
from trustlab.inspector import Inspector, recorded
print(len(Inspector(recorded(), secrets=True).rows))
"""


def test_it_is_small_and_says_that_it_is_a_recording():
    assert RECORDED.stat().st_size < 300_000
    assert PICTURE.stat().st_size < 300_000
    trace = recorded()
    assert ", recorded 20" in trace.title
    assert trace.substrate == "replay"
    assert badge(trace.substrate).startswith("A recorded run")
    assert Ladder.of(trace).document.frame.title == trace.title


def test_it_is_of_virtual_machines_and_alice_reads_the_pin_in_it():
    assert b"a virtual machine with a Linux kernel of its own" in gzip.decompress(RECORDED.read_bytes())
    assert any(row.name == "Alice reads" for row in Ladder.of(recorded(), secrets=True).rows)


def test_it_is_shown_without_a_tpm_a_cloud_or_another_process():
    done = subprocess.run([sys.executable, "-c", STARTS_NOTHING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 50
