"""Ctrl-C and SIGTERM, at any moment: a word, the exit code of the signal, and nothing that stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from test_cli import COMMAND
from test_cli_passage import serving

from trustlab import cli
from trustlab.cloud.uml import why_not
from trustlab.inspector import TerminalLadder
from trustlab.scenarios import stage

MOMENTS = {
    "the folder is written": (stage, "record"),
    "the last act is cleaned up": (stage.Act, "close"),
    "the summary is printed": (sys.modules["trustlab.cli.demo"], "_summary"),
    "the output is flushed": (cli, "_flushed"),
}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_demo_that_is_interrupted_at_its_last_moment_says_so(monkeypatch, capsys, tmp_path, moment, number):
    place, name = MOMENTS[moment]
    done = getattr(place, name)

    def interrupted(*arguments, **options):
        os.kill(os.getpid(), number)
        return done(*arguments, **options)

    handlers = {n: signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    monkeypatch.setattr(place, name, interrupted)
    monkeypatch.setattr(TerminalLadder, "attach", lambda *_: lambda: None)
    monkeypatch.setattr(sys, "argv", ["trustlab", "demo", "--out", str(tmp_path)])
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        for n, handler in handlers.items():
            signal.signal(n, handler)
    assert ended.value.code == 128 + number
    assert capsys.readouterr().err.splitlines() == ["interrupted: everything that was started has been stopped."]
    kept = sorted(path.suffix for path in tmp_path.iterdir())
    assert kept.count(".jsonl") == kept.count(".pcapng")  # whole recordings, and no folder of an unfinished one
    assert set(kept) <= {".jsonl", ".pcapng"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cloud_in_virtual_machines_takes_its_socket_away(tmp_path, number):
    assert why_not() is None
    with serving(tmp_path, "--in-vm", "--quiet") as (_, process):
        assert (tmp_path / "cloud.sock").exists()
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "interrupted" in said
    assert "Traceback" not in said
    assert not (tmp_path / "cloud.sock").exists()


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["s_server", "--port", "0", "--quiet"]])
def test_sigterm_ends_every_server_in_order(tmp_path, command):
    process = subprocess.Popen(
        [*COMMAND, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        assert " on " in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 143
    assert "interrupted" in said
    assert "Traceback" not in said
