"""The command as a person or a script uses it, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trustlab import cli
from trustlab.tpm import TpmNotInstalled
from trustlab.trace import Trace
from trustlab.wire import EndpointError

COMMAND = [sys.executable, "-m", "trustlab"]


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=100, check=False, **options)


def children_of(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        if f"\nPPid:\t{pid}\n" in text:
            found.append(int(status.parent.name))
    return found


def emulators() -> set[int]:
    found = set()
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"swtpm" in line.read_bytes().split(b"\0")[0]:
                found.add(int(line.parent.name))
        except OSError:
            continue
    return found


def gone_soon(pids: set[int]) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not pids & emulators():
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    return run("demo", "--json", "--out", str(folder)), folder


def test_demo_json_prints_only_the_three_outcomes_as_told(demo):
    done, _ = demo
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    acts = json.loads(done.stdout)["acts"]
    short = [{k: act[k] for k in ("design", "attack", "outcome", "alice_knows", "refused_by")} for act in acts]
    assert short == [
        {
            "design": "plain-tls",
            "attack": "rogue-certificate",
            "outcome": "succeeded",
            "alice_knows": ["pin"],
            "refused_by": None,
        },
        {"design": "trusted-passage", "attack": None, "outcome": "completed", "alice_knows": [], "refused_by": None},
        {
            "design": "trusted-passage",
            "attack": "rogue-certificate",
            "outcome": "refused",
            "alice_knows": [],
            "refused_by": "extraData",
        },
    ]


def test_demo_leaves_a_trace_and_a_capture_of_each_act(demo):
    done, folder = demo
    for act in json.loads(done.stdout)["acts"]:
        assert Path(act["trace"]).parent == folder
        assert len(Trace.load(act["trace"])) > 50
        assert Path(act["capture"]).read_bytes()[:4] == b"\x0a\x0d\x0d\x0a"


def test_demo_for_people_tells_the_story_at_80_columns(tmp_path):
    done = run("demo", "--out", str(tmp_path), env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"})
    assert done.returncode == 0, done.stderr
    for words in ("Act I", "Act II", "ClientKeyExchange", "Quote", "extraData", "Alice prints", "PIN", "tshark -r"):
        assert words in done.stdout, words
    assert "\x1b[" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_a_folder_that_cannot_be_written_is_named_with_the_fix(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = run("demo", "--out", str(blocked / "sub"))
    assert done.returncode == 1
    assert "--out" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_or_terminal_is_one_sentence_and_no_half_a_file(tmp_path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "demo", "--out", str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("trustlab: ")
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob(".*"))


def test_a_terminal_that_knows_only_ascii_gets_ascii(tmp_path):
    done = run("demo", "--out", str(tmp_path), env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()


@pytest.mark.parametrize("seconds", [0.1, 0.4, 0.8])
def test_ctrl_c_at_any_moment_of_the_start_is_no_traceback(tmp_path, seconds):
    process = subprocess.Popen(
        [*COMMAND, "demo", "--pace", "1", "--out", str(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    if seconds > 0.1:  # before that Python itself is still starting
        assert "Traceback" not in said
    assert process.returncode != 0


def test_packets_are_dated(demo):
    done, _ = demo
    capture = json.loads(done.stdout)["acts"][0]["capture"]
    year = subprocess.run(
        ["tshark", "-r", capture, "-c", "1", "-T", "fields", "-e", "frame.time"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert time.strftime("%Y") in year


def test_help_teaches_and_a_wrong_option_is_one_clear_line():
    assert "Alice" in run("demo", "--help").stdout
    done = run("demo", "--nonsense")
    assert done.returncode == 2
    assert "--nonsense" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_emulator_is_named_with_the_package(monkeypatch, capsys, tmp_path):
    def act(**_options):
        raise TpmNotInstalled("swtpm is not installed: apt-get install swtpm")

    monkeypatch.setattr(sys.modules["trustlab.cli.demo"], "plain_tls", act)
    monkeypatch.setattr(sys, "argv", ["trustlab", "demo", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ending:
        cli.main()
    assert ending.value.code == 1
    assert capsys.readouterr().err.splitlines() == ["trustlab: swtpm is not installed: apt-get install swtpm"]


@pytest.mark.parametrize("debug", ["", "1"])
def test_the_exception_of_a_program_is_a_sentence_and_a_traceback_if_asked_for(monkeypatch, capsys, debug):
    def act(**_options):
        raise EndpointError("c", "alice", "c: alice failed: LookupError: no such key") from LookupError("no such key")

    monkeypatch.setattr(sys.modules["trustlab.cli.demo"], "plain_tls", act)
    monkeypatch.setattr(sys, "argv", ["trustlab", "demo"])
    monkeypatch.setenv("TRUSTLAB_DEBUG", debug)
    with pytest.raises(EndpointError if debug else SystemExit):
        cli.main()
    said = [] if debug else ["trustlab: c: alice failed: LookupError: no such key"]
    assert capsys.readouterr().err.splitlines() == said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill-9"])
def test_an_interrupted_demo_leaves_no_emulator_behind(tmp_path, how):
    process = subprocess.Popen(
        [*COMMAND, "demo", "--pace", "0.2", "--out", str(tmp_path)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 60
        mine: set[int] = set()
        while not mine and time.monotonic() < deadline:
            mine = {pid for pid in children_of(process.pid) if pid in emulators()}
            time.sleep(0.05)
        assert mine, "the demo started no emulator"
        process.send_signal(how)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert gone_soon(mine)
    if how == signal.SIGINT:
        assert process.returncode == 130
        assert b"interrupted" in said
        assert b"Traceback" not in said
