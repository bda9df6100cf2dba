"""The matrix between virtual machines: the same table, judged by the same facts.

TRUSTLAB_SOAK=1 runs all that the slides have, TRUSTLAB_SOAK=all every cell there is (half an hour and more).

`rogue-certificate`, `memory-scrape` and `key-abuse` are also played in `test_uml_acts`, with more to say of each.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest
from uml_cases import PYTHON, ROOT, gone, living

from trustlab.attacks import SLIDES
from trustlab.passage import DESIGNS
from trustlab.scenarios import Peers, cells, run_cell, table_of, third_party
from trustlab.trace import Trace

pytestmark = pytest.mark.machines
SOAK = os.environ.get("TRUSTLAB_SOAK", "")
BROKEN_AND_STOPPED = {
    "toctou-redirect": ("attest-then-connect", "connect-then-attest"),
    "tunnel-relay": ("connect-then-attest", "key-in-quote"),
    "deployed-key": ("key-in-quote", "machine-linked-key"),
    "client-impersonation": ("client-quote", "client-certificate"),
    "same-pms-reencryption": ("pms-in-quote", "trusted-passage"),
    "known-dh-secret-and-key": ("tls13-handshake-secret", "tls13-exporter"),
}
"""Each attack with the rung that it breaks and the one that stops it; the last one lives on what the lab leaks."""
SAMPLE = [(design, attack) for attack, designs in BROKEN_AND_STOPPED.items() for design in designs]
EVERY = [(design, attack) for design, attack, cell in cells() if cell.mark != "-"]
SLIDES_ALONE = [(d, a) for d, a in EVERY if a in SLIDES and DESIGNS[d].tls == "1.2"]
CHOSEN = EVERY if SOAK == "all" else SLIDES_ALONE if SOAK else SAMPLE


def matrix(
    *arguments: str, command: str = "matrix", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    line = [PYTHON, "-m", "trustlab", command, *arguments]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False, env=env)


@pytest.mark.parametrize(("design", "attack"), CHOSEN)
def test_a_cell_between_virtual_machines_is_as_signed(design, attack, tmp_path):
    cell = table_of("all")[design, attack]
    result = run_cell(design, attack, cell, keep=tmp_path, substrate="uml")
    assert result.as_expected, f"{result.outcome}: {result.evidence}"
    trace = Trace.load(result.trace)
    assert (result.substrate, trace.substrate) == ("uml", "uml")
    booted = {event.party for event in trace.select("machine", name="guest kernel")}
    assert booted >= {"bank", "carol"} or booted >= {"bank", "teller"}


def test_every_attack_of_the_slides_is_broken_once_and_stopped_once_here_or_with_the_acts():
    assert {*BROKEN_AND_STOPPED, "rogue-certificate", "memory-scrape", "key-abuse"} >= {*SLIDES}
    marks = {
        attack: "".join(table_of("all")[d, attack].mark for d in rungs) for attack, rungs in BROKEN_AND_STOPPED.items()
    }
    assert set(marks.values()) == {"Sx"}


def test_the_commands_table_says_where_it_ran():
    done = matrix("--slides", "--substrate", "uml", "--design", "plain-tls", "--json")
    assert done.returncode == 0, done.stderr
    found = {cell["attack"]: cell for cell in json.loads(done.stdout)["cells"]}
    assert {*found} == {*SLIDES}
    assert {cell["substrate"] for cell in found.values()} == {"uml"}
    assert found["memory-scrape"]["outcome"] == "succeeded", "in memory there is nothing to scrape"
    assert found["key-abuse"]["outcome"] == "senseless"


def test_where_no_vm_can_run_the_command_says_so():
    done = matrix("--slides", "--substrate", "uml", env={**os.environ, "TRUSTLAB_UML": "/nowhere"})
    assert done.returncode == 1
    assert "no User Mode Linux kernel" in " ".join(done.stderr.split())


def test_the_lists_are_for_memory():
    done = matrix("checks", "--substrate", "uml", command="ablation")
    assert done.returncode == 2
    assert "No such option: --substrate" in " ".join(done.stderr.split())


def test_ctrl_c_in_the_middle_of_the_table_leaves_nothing(tmp_path):
    process = subprocess.Popen(
        [PYTHON, "-m", "trustlab", "matrix", "--slides", "--substrate", "uml"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until = time.monotonic() + 60
    while not any("linux" in line for line in living(tmp_path)) and time.monotonic() < until:
        time.sleep(0.05)
    assert living(tmp_path), "nothing began to boot"
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert gone(tmp_path), living(tmp_path)


def test_carol_and_the_bank_judge_each_other_between_virtual_machines():
    with third_party(substrate="uml") as act:
        outcome = act.run()
    assert (outcome.outcome, act.trace.substrate) == ("completed", "uml")
    assert {e.party: e.name for e in act.trace.select("appraisal")} == {"carol": "accepted", "bank": "accepted"}
    extended = act.trace.select("tpm.command", party="carol", name="TPM2_PCR_Extend")
    assert extended
    assert {e.data["client"] for e in extended} == {"HyperSafe"}


def test_carols_antivirus_grows_old_on_her_disk_and_the_next_evidence_says_so():
    with third_party("posture-drift", substrate="uml") as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.refused_by) == ("refused", "claims")
    assert len(act.trace.select("app", party="bank", name="payment")) == 1


def test_peers_of_one_kind_reflect_between_virtual_machines_too():
    with Peers(DESIGNS["tls13-exporter"], "reflection", substrate="uml") as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.failed) == ("refused", ("extraData", "key identity"))
