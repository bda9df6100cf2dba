"""`trustlab alice`: her proxy on real sockets, between a real `serve` and a real `connect`."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from trustlab.capture import open_trace
from trustlab.cli import app
from trustlab.cli.failure import Failure
from trustlab.passage import DESIGNS
from trustlab.scenarios.verdict_of_proxy import _beyond_evidence, verdict_of
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
COMMAND = [sys.executable, "-m", "trustlab"]


@contextlib.contextmanager
def started(*arguments: str, says: str, stream: str = "stdout") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Run a command in another shell; yield where it listens, and its process."""
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = getattr(process, stream).readline()
        assert says in line, (line, process.stderr.read() if process.stderr else "")
        yield line.partition(says)[2].split()[0], process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("alice") / "lab"


@pytest.fixture(scope="module")
def served(lab: Path) -> Iterator[dict[str, str]]:
    """Two banks: one whose evidence names the channel's key, and one whose evidence only names the nonce."""
    with contextlib.ExitStack() as stack:
        common = ("serve", "--lab", str(lab), "--port", "0", "--quiet", "--quote-burst", "0", "--design")
        yield {
            design: stack.enter_context(started(*common, design, says="serving on "))[0]
            for design in ("trusted-passage", "tls13-nonce")
        }


def played(lab: Path, target: str, mode: str, design: str, *more: str) -> tuple[int, dict[str, Any], str]:
    """Let a client connect through Alice; return her exit code, her verdict, and what the client printed."""
    where = ("--lab", str(lab), "--design", design)
    options = ("--listen", "127.0.0.1:0", "--connect", target, "--json")
    with started("alice", mode, *where, *options, *more, says="listens on ", stream="stderr") as (here, alice):
        client = subprocess.run(
            [*COMMAND, "connect", here, "/balance", *where, "--quiet"],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        out, err = alice.communicate(timeout=60)
        assert out, err
        return alice.returncode, json.loads(out), client.stdout + client.stderr


def test_against_a_bound_channel_she_reads_nothing(lab: Path, served: dict[str, str], tmp_path: Path) -> None:
    design = "trusted-passage"
    file = tmp_path / "alice.pcapng"
    code, told, said = played(lab, served[design], "relay", design, "--pcapng", str(file))
    verdict = told["connections"][0]
    assert (code, told["outcome"], verdict["refused_by"], verdict["alert"]) == (0, "refused", "client", "access_denied")
    assert "the check 'extraData' refused the evidence" in " ".join(said.split())
    names = [event.name for event in open_trace(file).select("tls.message")]
    assert names.count("SupplementalData") >= 2  # on her leg to the bank, and on the teller's


def test_where_evidence_names_only_the_nonce_she_reads_the_request(
    lab: Path, served: dict[str, str], tmp_path: Path
) -> None:
    file, page = tmp_path / "alice.pcapng", tmp_path / "alice.html"
    kept = ("--pcapng", str(file), "--page", str(page))
    code, told, said = played(lab, served["tls13-nonce"], "relay", "tls13-nonce", *kept)
    assert (code, told["outcome"]) == (1, "succeeded")
    assert told["connections"][0]["read"] > len("GET /balance HTTP/1.1")
    assert json.loads(said) == {"balance": "1000.00"}
    opened = [event.raw for event in open_trace(file).select("secret", name="application data")]
    assert any(b"GET /balance" in octets for octets in opened)
    assert [path.stat().st_mode & 0o077 for path in (file, page)] == [0, 0]  # her keys are in them
    assert "inspector.page();" in page.read_text("utf-8")


OTHERS = [
    ("replay", "tls13-nonce", "refused", "access_denied"),
    ("forward", "tls13-nonce", "failed", ""),
    ("downgrade", "trusted-passage", "refused", "handshake_failure"),
    ("replay", "trusted-passage", "refused", "access_denied"),
]


@pytest.mark.parametrize(("mode", "design", "outcome", "alert"), OTHERS if SOAK else OTHERS[:2])
def test_what_else_she_can_do(
    lab: Path, served: dict[str, str], mode: str, design: str, outcome: str, alert: str
) -> None:
    code, told, said = played(lab, served[design], mode, design)
    assert (code, told["outcome"], told["connections"][0]["alert"]) == (0, outcome, alert)
    assert ("balance" in said) == (mode == "forward")


def dialled(here: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(here.rpartition(":")[2])))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("relay", "--listen", "0.0.0.0:0"), "--i-own-both-ends"),
        (("forward", "--connect", "bank.example:443"), "--connect bank.example is not this machine's loopback"),
        (("wiretap",), "there is no 'wiretap'; choose from: relay, replay, forward, downgrade"),
        (("relay", "--design", "plain-tls"), "plain-tls has no single attested channel"),
        (("replay", "--connect", "127.0.0.1:1"), "127.0.0.1, port 1: nothing answers there"),
    ],
)
def test_what_she_does_not_do(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["alice", *arguments, "--lab", str(tmp_path / "lab")])
    assert isinstance(done.exception, Failure)
    assert said in str(done.exception)


def test_a_client_that_says_nothing_gets_no_verdict(tmp_path: Path) -> None:
    options = ("relay", "--listen", "127.0.0.1:0", "--idle", "0.3", "--lab", str(tmp_path / "lab"), "--json")
    with started("alice", *options, says="listens on ", stream="stderr") as (here, alice), dialled(here):
        out, _ = alice.communicate(timeout=30)
    assert (alice.returncode, json.loads(out)["outcome"]) == (3, "unknown")


def test_ctrl_c_keeps_what_was_seen_and_ends(lab: Path, served: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "kept.pcapng"
    options = ("forward", "--listen", "127.0.0.1:0", "--connect", served["trusted-passage"], "--lab", str(lab))
    more = ("--count", "0", "--pcapng", str(file), "--quiet")
    with started("alice", *options, *more, says="listens on ") as (here, alice), dialled(here) as peer:
        peer.sendall(b"\x16\x03\x01")
        time.sleep(0.5)
        alice.send_signal(signal.SIGINT)
        _, err = alice.communicate(timeout=30)
    assert "interrupted" in err
    assert alice.returncode == 130
    assert file.stat().st_size > 200


def test_frames_of_evidence_do_not_count_as_read() -> None:
    inside = DESIGNS["connect-then-attest"]
    assert _beyond_evidence(b"\x00\x02no", inside) == b""
    assert _beyond_evidence(b"\x00\x02noGET", inside) == b"GET"
    assert _beyond_evidence(b"\x00", inside) == b""
    assert verdict_of(Trace("t", "tcp"), "relay", inside, "c", ()).outcome == "unknown"
