"""What a Relying Party remembers: it only goes forward, and two processes at once cannot undo each other."""

from __future__ import annotations

import fcntl
import hashlib
import json
import multiprocessing
import os

import pytest
from msgspec.structs import replace as changed
from software_tpm import REFERENCES, Machine, log_of, verifier

from trustlab.attest import BootCounters, Memory, ReferenceValuesError, RevocationList, Revocations
from trustlab.attest import memory as module
from trustlab.attest.structures import ClockInfo

MACHINE = hashlib.sha256(b"EK certificate").digest()
FIRST = BootCounters(7, 3, b"one")
SECOND = BootCounters(8, 0, b"two")


def appraise(machine: Machine, memory: Memory, version: int = 7):
    references = changed(REFERENCES, version=version)
    judge = verifier(references=references, memory=memory, last_reference_version=0)
    return judge.appraise(machine.evidence().encode(), machine.expected())


def test_an_accepted_version_and_boot_are_remembered_and_neither_goes_back(tmp_path):
    memory = Memory(tmp_path / "memory")
    later = Machine(clock=ClockInfo(5, 8, 0, safe=True), log=log_of(nonce=hashlib.sha256(b"later").digest()))
    assert appraise(Machine(), memory)["boot continuity"].verdict == "not demanded"
    assert memory.last == 7
    assert appraise(Machine(), memory)["boot continuity"].verdict == "pass"
    assert appraise(later, memory, 8).accepted
    back = appraise(Machine(), memory, 8)
    assert back.failed == ["boot continuity"]
    assert "a later launch was accepted" in back["boot continuity"].sentence
    assert appraise(later, memory, 7).failed == ["reference version"]
    assert memory.last == 8


def test_an_older_revocation_list_refuses_once_a_later_one_was_used(tmp_path):
    memory, machine = Memory(tmp_path / "memory"), Machine()

    def by_list(version: int, memory: Memory | None):
        listed = RevocationList.from_toml(f"version = {version}\nexpires = 2026-12-31T00:00:00Z\n")
        judge = verifier(memory=memory, revocations=Revocations(listed))
        return judge.appraise(machine.evidence().encode(), machine.expected())

    assert by_list(2, memory).accepted
    assert by_list(3, memory).accepted
    assert memory.last_list == 3
    older = by_list(2, memory)
    assert older.failed == ["AK chain"]
    assert "Version 3 of the revocation list was used before, and this is version 2." in older["AK chain"].sentence
    assert by_list(2, None).accepted
    assert appraise(machine, memory).accepted  # without a list nothing of one is said
    assert memory.last_list == 3
    assert "was used meanwhile" in memory.accept(7, MACHINE, SECOND, 2)


def test_counters_that_went_back_are_refused_though_the_launch_is_new(tmp_path):
    memory = Memory(tmp_path / "memory")
    assert appraise(Machine(), memory).accepted
    cleared = Machine(clock=ClockInfo(1, 1, 0, safe=True), log=log_of(nonce=hashlib.sha256(b"new").digest()))
    result = appraise(cleared, memory)
    assert result.failed == ["boot continuity"]
    assert "its TPM was cleared" in result["boot continuity"].sentence


def test_what_is_refused_is_not_remembered(tmp_path):
    memory = Memory(tmp_path / "memory")
    machine = Machine()
    judge = verifier(memory=memory)
    assert not judge.appraise(machine.evidence().encode(), machine.expected(binder=bytes(32))).accepted
    assert memory.last == 0
    assert not (tmp_path / "memory").exists()


def test_two_that_accept_at_once_cannot_go_back(tmp_path, monkeypatch):
    """The other process accepts between this one's check and its note."""
    memory, other = Memory(tmp_path / "memory"), Memory(tmp_path / "memory")
    accept = memory.accept

    def late(*arguments):
        assert other.accept(9, arguments[1], BootCounters(9, 0, b"later")) == ""
        return accept(*arguments)

    monkeypatch.setattr(memory, "accept", late)
    result = appraise(Machine(), memory)
    assert result.failed == ["boot continuity"]
    assert "was accepted meanwhile" in result["boot continuity"].sentence
    assert memory.last == 9


def _count(path, first, amount):
    memory = Memory(path)
    for n in range(amount):
        memory.accept(10_000, bytes([first % 256, n]), FIRST)


def test_processes_that_write_at_once_lose_nothing(tmp_path):
    path = tmp_path / "memory"
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_count, args=(path, 100 * n, 20)) for n in range(1, 5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert Memory(path).last == 10_000
    assert all(Memory(path).boot_of(bytes([100 * w % 256, n])) for w in range(1, 5) for n in range(20))
    assert list(tmp_path.glob("memory?*")) == []


def test_a_lock_that_nobody_gives_back_is_an_error_and_no_hang(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.1)
    memory = Memory(tmp_path / "memory")
    held = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        with pytest.raises(ReferenceValuesError, match="another process has held its lock"):
            memory.remember(1)
    finally:
        os.close(held)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": "x"}', b'{"other": 1}', b"-"])
def test_a_damaged_memory_is_an_error_and_not_a_fresh_start(tmp_path, content):
    (tmp_path / "memory").write_bytes(content)
    with pytest.raises(ReferenceValuesError, match="not a memory of ours"):
        appraise(Machine(), Memory(tmp_path / "memory"))


def test_a_memory_of_versions_alone_goes_on_and_a_folder_gets_a_file(tmp_path):
    (tmp_path / "memory.json").write_text("6")
    memory = Memory(tmp_path)
    assert memory.last == 6
    assert memory.accept(7, MACHINE, FIRST) == ""
    assert json.loads((tmp_path / "memory.json").read_text())["version"] == 7


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ReferenceValuesError, match="cannot be remembered there"):
        Memory(tmp_path / "nowhere" / "memory").remember(1)


def test_an_earlier_launch_stays_refused(tmp_path):
    memory = Memory(tmp_path / "memory")
    assert memory.accept(1, MACHINE, FIRST) == ""
    assert memory.accept(1, MACHINE, SECOND) == ""
    assert "launched again since" in memory.accept(1, MACHINE, replace_counters(FIRST, SECOND))


def replace_counters(boot: BootCounters, like: BootCounters) -> BootCounters:
    return changed(boot, reset_count=like.reset_count, restart_count=like.restart_count)
