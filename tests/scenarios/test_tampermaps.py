"""Maps played side by side have the rows of maps played alone, and end with whoever asked for them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from processes import children

from trustlab.cloud import CloudError
from trustlab.scenarios import TamperMap, TamperMaps
from trustlab.scenarios.tampermaps import _Worker

PAIR = ("plain-tls", "key-in-quote")


def essence(rows):
    """What does not depend on random bytes: in a changed length OpenSSL finds one fault or another, with an alert each."""
    return [
        (
            row.design,
            row.message,
            row.nth,
            row.field,
            row.kind,
            row.party,
            row.kind == "alert" or row.caught_by,
            row.clause,
        )
        for row in rows
    ]


def gone(pids, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.05)
    return False


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.long
def test_rows_are_those_of_each_map_alone_and_come_as_they_are_played():
    with TamperMaps(PAIR, processes=2) as maps:
        assert maps.total is None
        rows = list(maps)
    assert maps.total == len(rows) == sum(maps.totals.values())
    for design in PAIR:
        assert essence(row for row in rows if row.design == design) == essence(TamperMap(design))
    order = [row.design for row in rows]
    assert order not in (sorted(order), sorted(order, reverse=True)), "the two were not played at once"


def test_it_ends_when_told_to_from_another_thread_and_leaves_no_process():
    maps = TamperMaps(PAIR, processes=2)
    rows = iter(maps)
    next(rows)
    workers = [worker.pid for worker in maps._workers]
    assert len(workers) == 2
    ours = [*workers, *children(workers[0]), *children(workers[1])]
    assert len(ours) > 2
    threading.Thread(target=maps.close).start()
    assert len(list(rows)) < 300
    assert gone(ours)
    assert list(maps) == []


def test_a_worker_that_is_killed_is_missed(monkeypatch):
    workers = []
    born = _Worker.__init__
    monkeypatch.setattr(_Worker, "__init__", lambda self, heard: (workers.append(self), born(self, heard))[1])
    rows = iter(TamperMaps(["plain-tls"]))
    next(rows)
    os.kill(workers[0].pid, signal.SIGKILL)
    with pytest.raises(CloudError, match=r"the process that played the map of plain-tls ended \(-9\): play it again"):
        list(rows)


def test_what_is_not_a_design_is_said_before_any_process_is_started():
    with pytest.raises(ValueError, match="no design 'tls14'"):
        TamperMaps(["plain-tls", "tls14"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_command_that_is_interrupted_leaves_nothing(number):
    command = [sys.executable, "-m", "trustlab", "tamper", "tls13-exporter", "trusted-passage", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            below = children(process.pid)
            if sum("swtpm" in Path(f"/proc/{pid}/cmdline").read_text() for pid in below if alive(pid)) >= 2:
                break
            time.sleep(0.1)
        assert len(below) >= 4
        process.send_signal(number)
        said, complained = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert gone(below)
    assert said == ""
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert "interrupted" in complained
        assert "Traceback" not in complained
