"""`trustlab serve` and `trustlab connect`: two shells, two machines, one world."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trustlab.cli import watching
from trustlab.cli.failure import Failure
from trustlab.cli.passage import connect, serve
from trustlab.cloud import Authority, CloudError, World
from trustlab.passage import DesignError
from trustlab.tpm import TpmError
from trustlab.tpm.framing import command
from trustlab.tpm.programs import find_program
from trustlab.trace import Trace

COMMAND = [sys.executable, "-m", "trustlab"]


@contextlib.contextmanager
def serving(lab, *arguments: str):
    """Run a bank in another shell; yield where it serves, and its process."""
    process = subprocess.Popen(
        [*COMMAND, "serve", "--lab", str(lab), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "100"},
    )
    try:
        line = process.stdout.readline().strip()
        yield line.removeprefix("serving on "), process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    lab = tmp_path_factory.mktemp("shells") / "lab"
    with serving(lab, "--port", "0", "--quiet", "--quote-burst", "0") as (target, _):
        yield target, lab


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=100, check=False)


def told(done: subprocess.CompletedProcess[str]) -> str:
    """Return what went wrong, in one sentence."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split()).removeprefix("trustlab: ")


def test_a_payment_between_two_shells_with_the_ladder(bank):
    target, lab = bank
    done = run("connect", target, "/pay?amount=120.00&to=carol", "--lab", str(lab))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"paid": "120.00", "to": "carol"}
    assert "ClientKeyExchange" in done.stderr
    assert "teller accepts" in done.stderr


def test_the_bank_keeps_its_account_and_answers_what_it_does_not_know(bank):
    target, lab = bank

    def asked(path: str) -> subprocess.CompletedProcess[str]:
        return run("connect", target, path, "--lab", str(lab), "--quiet")

    before = json.loads(asked("/balance").stdout)["balance"]
    assert json.loads(asked("/pay?amount=0.75&to=dave").stdout)["to"] == "dave"
    assert float(before) - float(json.loads(asked("/balance").stdout)["balance"]) == 0.75
    assert json.loads(asked("/").stdout)["bank"] == "open"
    for path, answer in (
        ("/moon", "the bank says 404 Not Found"),
        ("/pay?amount=-1&to=me", "the bank says 400 Bad Request"),
        ("/pay?amount=999999.00&to=me", "the bank says 409 Conflict"),
    ):
        assert told(asked(path)).startswith(answer)


def test_a_machine_of_another_world_is_refused_and_the_check_is_named(bank, tmp_path):
    assert "give the same --lab in both shells" in told(
        run("connect", bank[0], "--lab", str(tmp_path / "other"), "--quiet")
    )


def test_the_labs_keys_are_for_its_owner_alone(bank):
    assert {(file.stat().st_mode & 0o777) for file in bank[1].iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"target": "127.0.0.1:1"}, "nothing listens there. Is `trustlab serve` running there"),
        ({"target": "[::1]:1"}, "::1, port 1"),
        ({"target": "nowhere.invalid:1"}, "nowhere.invalid, port 1"),
        ({"target": "nowhere"}, "HOST:PORT"),
        ({"target": "127.0.0.1:99999"}, "HOST:PORT"),
        ({"path": "balance"}, "begins with /"),
        ({"path": "/a b"}, "has no spaces"),
        ({"vm": True}, "with --in-vm, give bank"),
        ({"vm": True, "target": "bank", "peer_tpm": "device"}, "the TPMs of virtual machines are emulated"),
        (
            {"vm": True, "target": "bank", "makers": Path("/nope")},
            "do not give --tpm, --peer-tpm or --ek-roots with --in-vm",
        ),
        ({"makers": Path("/nope")}, "give --ek-roots only with --tpm device:"),
        ({"design": "moon"}, "trusted-passage"),
        ({"design": "plain-tls"}, "plain-tls"),
        ({"design": "session-hash"}, "no passage: the peer sent the alert handshake_failure. Give the same --design"),
        ({"peer_tpm": "tpm"}, "choose swtpm or device"),
        ({"peer_tpm": "device"}, "'AK chain' refused"),
        ({"tpm": "tpm0"}, "write swtpm for an emulator, or device:/dev/tpmrm0"),
        ({"tpm": "device:/nowhere/tpmrm0"}, "No such file or directory"),
        ({"tpm": f"device:{__file__}"}, "is not a TPM"),
        ({"tpm": "device:/dev/null"}, "gave no answer"),
    ],
)
def test_a_customer_is_told_what_is_wrong(bank, change, named):
    with pytest.raises((Failure, CloudError, DesignError, TpmError)) as caught:
        connect(**{"target": bank[0], "lab": bank[1], "quiet": True, **change})
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"host": "192.0.2.1"}, "does not have the address"),
        ({"host": "nowhere.invalid"}, "cannot serve on nowhere.invalid"),
        ({"design": "attest-then-connect"}, "no single attested channel"),
        ({"makers": Path("/nope"), "port": 0, "count": 1, "host": "nowhere.invalid"}, "give --ek-roots only with"),
        ({"vm": True, "makers": Path("/nope"), "design": "plain-tls"}, "--ek-roots with --in-vm"),
        ({"tpm": "device:/nowhere/tpmrm0"}, "No such file or directory"),
    ],
)
def test_a_bank_that_cannot_open_says_why(tmp_path, change, named):
    with pytest.raises((Failure, CloudError, DesignError, TpmError)) as caught:
        serve(lab=tmp_path, quiet=True, **change)
    assert named in str(caught.value)


def test_two_banks_at_one_port_are_one_too_many(bank):
    port = bank[0].rpartition(":")[2]
    assert "the port is taken" in told(run("serve", "--port", port, "--lab", str(bank[1]), "--quiet"))


def test_a_folder_that_holds_no_whole_lab_is_named(bank, tmp_path):
    (tmp_path / "web-ca.pem").write_text("nonsense")
    with pytest.raises(CloudError, match=r"does not hold a usable lab.* give both shells another --lab"):
        World(tmp_path)
    half = shutil.copytree(bank[1], tmp_path / "half")
    (half / "web-ca.pem").unlink()
    with pytest.raises(CloudError, match=r"has lost its web-ca\.pem"):
        World(half)
    (half / "web-ca.pem").write_bytes(Authority("yesterday's", lifetime=dt.timedelta(minutes=-1)).keep())
    with pytest.raises(CloudError, match="have expired"):
        World(half)
    with pytest.raises(NotADirectoryError):
        World(tmp_path / "web-ca.pem" / "lab")


def has_ipv6() -> bool:
    """Whether this machine has IPv6: containers often do without."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


def test_ipv6_in_brackets_and_said_where_there_is_none(tmp_path):
    if not has_ipv6():
        assert "cannot serve on ::1" in told(run("serve", "--host", "::1", "--lab", str(tmp_path), "--quiet"))
        return
    with serving(tmp_path, "--host", "::1", "--port", "0", "--quiet") as (target, _):
        assert target.startswith("[::1]:")
        assert run("connect", target, "--lab", str(tmp_path), "--quiet").returncode == 0


def test_garbage_half_a_handshake_and_a_killed_customer_do_not_stop_the_bank(bank):
    target, lab = bank
    host, _, port = target.rpartition(":")
    for octets in (b"GET / HTTP/1.1\r\n\r\n", os.urandom(500), b"\x16\x03\x01\x00\x05\x01", b""):
        with socket.create_connection((host, int(port))) as stranger:
            stranger.sendall(octets)
    customer = subprocess.Popen([*COMMAND, "connect", target, "--lab", str(lab)], stderr=subprocess.PIPE)
    while b"ServerHello" not in customer.stderr.readline():
        pass
    customer.kill()
    customer.communicate()
    assert run("connect", target, "--lab", str(lab), "--quiet").returncode == 0


def test_a_server_that_is_killed_in_the_middle_is_said_in_a_sentence(tmp_path):
    with serving(tmp_path, "--port", "0", "--quiet") as (target, process):
        os.kill(process.pid, signal.SIGSTOP)
        customer = subprocess.Popen(
            [*COMMAND, "connect", target, "--lab", str(tmp_path)], stderr=subprocess.PIPE, text=True
        )
        heard = ""
        while "ClientHello" not in heard and "connects to" not in heard:
            heard += customer.stderr.readline()
        process.kill()
        _, rest = customer.communicate(timeout=60)
    assert customer.returncode == 1
    assert "no passage: " in rest
    assert "Traceback" not in rest


def test_ctrl_c_ends_a_server_that_has_customers(tmp_path):
    with serving(tmp_path, "--port", "0", "--quiet") as (target, process):
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))):
            process.send_signal(signal.SIGINT)
            _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in rest


@pytest.mark.parametrize(
    ("design", "alert"), [("trusted-passage", "internal_error"), ("tls13-exporter", "general_error")]
)
def test_an_address_that_asks_too_often_gets_no_more_quotes(tmp_path, design, alert):
    limits = ("--quote-burst", "1", "--quote-rate", "0", "--design", design)
    with serving(tmp_path, "--port", "0", *limits) as (target, process):
        asked = ("connect", target, "--lab", str(tmp_path), "--design", design)
        assert run(*asked, "--quiet").returncode == 0
        done = run(*asked)
        process.send_signal(signal.SIGINT)
        _, ladder = process.communicate(timeout=60)
    sentence = told(done)
    assert f"the peer sent the alert {alert}" in sentence
    assert "--quote-burst" in sentence
    assert "instead of its evidence" in " ".join(
        re.sub("[│├]", " ", sentence).split()
    )  # the ladder of the refused side
    assert "has used up its quotes" in " ".join(ladder.split())


@pytest.fixture
def device(tmp_path):
    """Start an emulator behind a socket, with power on: it stands in for a device where there is none."""
    path = tmp_path / "tpm.sock"
    process = subprocess.Popen(
        [
            *(find_program("swtpm"), "socket", "--tpm2", "--flags", "startup-clear,not-need-init"),
            *("--tpmstate", f"dir={tmp_path}", "--server", f"type=unixio,path={path}"),
        ]
    )
    while not path.exists():
        time.sleep(0.01)
    yield path
    process.kill()
    process.wait()


def test_a_device_proves_its_firmware_to_those_who_ask_for_no_more(device, tmp_path):
    lab = ("--lab", str(tmp_path / "lab"))
    with serving(tmp_path / "lab", "--port", "0", "--quiet", "--tpm", f"device:{device}") as (target, _):
        done = run("connect", target, "/balance", "--peer-tpm", "device", *lab)
        assert json.loads(done.stdout) == {"balance": "1000.00"}
        assert "anybody on that machine may be able" in " ".join(done.stderr.split())
        assert "AK chain" in told(run("connect", target, "--quiet", *lab))


def test_a_device_says_what_it_cannot_prove_and_other_firmware_is_refused(device, tmp_path):
    lab = ("--lab", str(tmp_path / "lab"))
    with serving(tmp_path / "lab", "--port", "0", "--quiet", "--peer-tpm", "device") as (target, _):
        here = ("connect", target, "--quiet", "--tpm", f"device:{device}", *lab)
        done = run(*here)
        assert done.returncode == 0, done.stderr
        assert "It does not prove which program runs" in done.stderr
        assert "the first it sees" in " ".join(done.stderr.split())
        assert "are the ones in" in " ".join(run(*here).stderr.split())
        with socket.socket(socket.AF_UNIX) as line:
            line.connect(str(device))
            extend = bytes.fromhex("00000001000b") + bytes(32)  # one digest, SHA-256
            line.sendall(command(0x182, (4,), (bytes.fromhex("40000009 0000 00 0000"),), extend))
            assert line.recv(100)[6:10] == bytes(4)
        assert "PCR 4 of this machine is not what" in told(run(*here))


def test_a_ladder_that_has_grown_long_is_put_away_and_a_new_one_goes_on(capsys, monkeypatch):
    monkeypatch.setattr(watching, "LONG", 5)
    trace = Trace("a long day", "tcp", keep=4)
    bank, ladders = trace.party("bank"), set()
    watch = watching.Watch(trace)
    trace.subscribe(watch.feed)
    for number in range(9):
        ends = {"from": "teller", "to": "bank", "dst": f"customer {number}"}
        bank.emit("connection", "TCP", connection=f"c{number}", direction="client", data=ends)
        bank.emit("app", "served", sentence=f"number {number} is served")
        ladders.add(watch._ladder)
    watch.end()
    said = capsys.readouterr().err
    assert said.count("a long day") == 1
    assert all(f"number {number} is served" in said for number in range(9))
    assert len(ladders) == 3
