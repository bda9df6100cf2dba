"""Power cycles, sleep, snapshots, the slowness of hardware."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from trustlab.attest import parse_attest
from trustlab.tpm import (
    SLB9670,
    GateRefused,
    LatencyProfile,
    Platform,
    TpmError,
    TpmResponseError,
    create_ak,
    create_srk,
    create_tls_key,
    load_key,
    quote,
    sign,
)
from trustlab.trace import Trace

if TYPE_CHECKING:
    from tpm_machine import Machine


def counters(machine: Machine) -> tuple[int, int]:
    clock = parse_attest(quote(machine.hypersafe, create_ak(machine.hypersafe), b"").attest).clock_info
    return clock.reset_count, clock.restart_count


def test_a_power_cycle_counts_as_a_reset(machine: Machine) -> None:
    before = counters(machine)
    machine.platform.cycle()
    machine.relaunch()
    assert counters(machine)[0] == before[0] + 1


def test_each_launch_counts_as_a_restart(machine: Machine) -> None:
    before = counters(machine)
    machine.relaunch()
    assert counters(machine) == (before[0], before[1] + 1)


def test_sleep_keeps_static_pcrs_and_forgets_the_launch(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "ecdsa")
    machine.alice.pcr_extend(4, b"\1" * 32)
    kept = machine.alice.pcr_read((4,))
    before = counters(machine)
    machine.platform.suspend()
    assert not machine.platform.on
    machine.platform.resume()
    assert machine.alice.pcr_read((4,)) == kept
    assert machine.alice.pcr_read((17,))[17] == b"\xff" * 32
    assert not machine.platform.event_log.events
    with pytest.raises(TpmResponseError) as caught:
        sign(machine.hypersafe, load_key(machine.hypersafe, key), bytes(32))
    assert caught.value.rc == 0x99D
    machine.relaunch()
    assert counters(machine)[0] == before[0]
    assert counters(machine)[1] > before[1]
    assert sign(machine.hypersafe, load_key(machine.hypersafe, key), bytes(32))


def test_a_snapshot_brings_back_pcrs_loaded_keys_sessions_and_the_log(machine: Machine) -> None:
    key, spare = create_tls_key(machine.hypersafe, "ecdsa"), [create_srk(machine.hypersafe) for _ in range(3)]
    sign(machine.hypersafe, key, bytes(32))
    pcrs, log = machine.hypersafe.pcr_read(range(24)), machine.platform.event_log.encode()
    snapshot = machine.platform.snapshot()
    machine.hypersafe.pcr_extend(19, bytes(32))
    machine.hypersafe.flush(key)
    machine.platform.restore(snapshot)
    assert machine.hypersafe.pcr_read(range(24)) == pcrs
    assert machine.platform.event_log.encode() == log
    assert sign(machine.hypersafe, key, bytes(32))
    for srk in spare:
        assert machine.hypersafe.ask("ReadPublic", (srk.handle,)).sized("outPublic") == srk.public


def test_a_snapshot_can_be_restored_more_than_once_and_after_power_off(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "ecdsa")
    snapshot = machine.platform.snapshot()
    for _ in range(2):
        machine.platform.power_off()
        machine.platform.restore(snapshot)
        assert sign(machine.hypersafe, key, bytes(32))
        machine.hypersafe.flush(key)


def test_restoring_takes_back_the_counters_as_no_hardware_does(machine: Machine) -> None:
    snapshot = machine.platform.snapshot()
    before = counters(machine)
    machine.platform.cycle()
    machine.relaunch()
    assert counters(machine) != before
    machine.platform.restore(snapshot)
    assert counters(machine) == before
    assert "no such rollback" in str(machine.trace.select("machine", name="restore")[-1].data["sentence"])


def test_a_snapshot_shows_nothing_and_fits_no_other_machine(machine: Machine) -> None:
    snapshot = machine.platform.snapshot()
    assert len(repr(snapshot)) < 60
    with Platform("elsewhere", Trace().party("elsewhere")) as elsewhere, pytest.raises(TpmError):
        elsewhere.restore(snapshot)
    assert not elsewhere.on


def test_a_session_in_the_middle_of_its_assertions_does_not_spoil_what_comes_after_a_restore(machine: Machine) -> None:
    ak = create_ak(machine.hypersafe)
    quote(machine.hypersafe, ak, bytes(32))
    machine.hypersafe.policy_session().assert_policy(ak.policy)  # type: ignore[arg-type]
    snapshot = machine.platform.snapshot()
    quote(machine.hypersafe, ak, bytes(32))
    machine.platform.restore(snapshot)
    assert quote(machine.hypersafe, ak, bytes(32))


def test_a_client_that_came_after_the_snapshot_has_nothing_in_it(machine: Machine) -> None:
    snapshot = machine.platform.snapshot()
    late = machine.platform.client("late", 2)
    srk = create_srk(late)
    machine.platform.restore(snapshot)
    with pytest.raises(GateRefused):
        late.run("ReadPublic", (srk.handle,))


def test_a_latency_profile_slows_its_own_tpm_and_no_other() -> None:
    slow = LatencyProfile("slow", {"TPM2_GetRandom": 500.0})
    with (
        Platform("slow", Trace().party("slow"), latency=slow) as one,
        Platform("fast", Trace().party("fast")) as other,
    ):
        began = time.perf_counter()
        future = one.submit(one.client("a", 2).random, 8)
        for _ in range(3):
            other.client("b", 2).random(8)
        assert time.perf_counter() - began < 0.5, "the other TPM does not wait"
        future.result(10)
        assert time.perf_counter() - began >= 0.5
        told = one.party.trace.select("tpm.response", name="TPM2_GetRandom")[0].data["ms"]
        assert isinstance(told, float)
        assert told >= 500


def test_the_hardware_profile_names_the_costly_commands() -> None:
    assert SLB9670.wanted("TPM2_Quote") > 50
    assert SLB9670.wanted("TPM2_RSA_Decrypt") > SLB9670.wanted("TPM2_Quote")
    assert SLB9670.wanted("TPM2_PCR_Read") == 0
