"""The platform: power, launch, gates, handle spaces, one lock, one worker."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
from tpm_machine import CODE, Machine

from trustlab.attest import parse_attest, pcr_digest
from trustlab.octets import u16, u32
from trustlab.tpm import (
    OPEN,
    EvidenceMaker,
    GateRefused,
    Platform,
    TpmBusy,
    TpmClient,
    TpmDead,
    TpmOff,
    TpmResponseError,
    TpmTimeout,
    create_ak,
    create_ek,
    create_srk,
    create_tls_key,
    launch_pcr,
    policy,
    quote,
    sign,
)
from trustlab.tpm.command_queue import MAX_WAITING, CommandQueue
from trustlab.tpm.framing import PASSWORD, RH_ENDORSEMENT, RH_LOCKOUT, RH_OWNER, RH_PLATFORM, authorization, command
from trustlab.tpm.policy import PolicySession
from trustlab.tpm.resource_manager import MAX_OBJECTS, MAX_SESSIONS
from trustlab.trace import Trace

ZEROS, ONES = bytes(32), b"\xff" * 32


def test_after_power_on_static_pcrs_are_zero_and_dynamic_ones_all_ones(platform: Platform) -> None:
    values = platform.client("HyperSafe", 2).pcr_read(range(24))
    assert all(values[n] == ZEROS for n in (*range(17), 23))
    assert all(values[n] == ONES for n in range(17, 23))


def test_a_launch_measures_the_code_into_pcr_17_and_zeroes_18_to_22(platform: Platform) -> None:
    platform.launch(CODE)
    values = platform.client("HyperSafe", 2).pcr_read(range(17, 23))
    assert values[17] == launch_pcr(CODE) == platform.event_log.replay()[17]
    assert all(values[n] == ZEROS for n in range(18, 23))


def test_a_launch_of_long_code_is_hashed_whole(platform: Platform) -> None:
    code = os.urandom(100_000)
    platform.launch(code)
    assert platform.client("HyperSafe", 2).pcr_read((17,))[17] == launch_pcr(code)


def test_keys_loaded_before_a_launch_are_still_there_after_it(machine: Machine) -> None:
    keys = [create_ak(machine.hypersafe), create_ek(machine.hypersafe), create_srk(machine.hypersafe)]
    machine.relaunch()
    for key in keys:
        assert machine.hypersafe.ask("ReadPublic", (key.handle,)).sized("outPublic") == key.public


def test_the_same_tpm_has_the_same_ek_after_a_power_cycle(platform: Platform) -> None:
    client = platform.client("HyperSafe", 2)
    before = create_ek(client)
    platform.cycle()
    assert create_ek(client).name == before.name


def test_two_machines_have_different_eks(platform: Platform) -> None:
    with Platform("teller", Trace().party("teller")) as other:
        assert create_ek(platform.client("a", 2)).name != create_ek(other.client("b", 2)).name


def test_without_power_every_command_says_so() -> None:
    platform = Platform("bank", Trace().party("bank"))
    client = platform.client("HyperSafe", 2)
    with pytest.raises(TpmOff, match="no power"):
        client.random(8)
    with pytest.raises(TpmOff):
        platform.launch(CODE)
    platform.close()


def test_a_dead_tpm_is_revived_by_a_power_cycle(platform: Platform) -> None:
    client = platform.client("HyperSafe", 2)
    os.kill(platform.tpm.pid, signal.SIGKILL)  # type: ignore[attr-defined]
    with pytest.raises(TpmDead):
        client.random(8)
    with pytest.raises(TpmDead):
        client.random(8)
    platform.cycle()
    assert len(client.random(8)) == 8


def test_a_hung_tpm_times_out_and_a_power_cycle_revives_it(platform: Platform) -> None:
    client = platform.client("HyperSafe", 2)
    os.kill(platform.tpm.pid, signal.SIGSTOP)  # type: ignore[attr-defined]
    with pytest.raises(TpmTimeout):
        client.transmit(command(0x17B, parameters=b"\0\x08"), timeout=0.3)
    platform.cycle()
    assert len(client.random(8)) == 8


@pytest.mark.parametrize(
    ("name", "handle", "parameters"),
    [
        ("Clear", RH_LOCKOUT, b""),
        ("Clear", RH_PLATFORM, b""),
        ("ChangeEPS", RH_PLATFORM, b""),
        ("ChangePPS", RH_PLATFORM, b""),
        ("HierarchyControl", RH_PLATFORM, u32(RH_ENDORSEMENT) + b"\0"),
        ("HierarchyChangeAuth", RH_ENDORSEMENT, b"\0\1x"),
        ("DictionaryAttackParameters", RH_LOCKOUT, u32(1) * 3),
    ],
)
def test_the_gate_keeps_alice_from_destroying_what_others_use(
    machine: Machine, name: str, handle: int, parameters: bytes
) -> None:
    before = create_ek(machine.hypersafe).name
    with pytest.raises(GateRefused) as caught:
        machine.alice.run(name, (handle,), (PASSWORD,), parameters)
    assert caught.value.gate == "root VM"
    assert name in str(caught.value)
    assert create_ek(machine.hypersafe).name == before
    refusals = machine.trace.select("machine", name="gate refused")
    assert refusals[-1].data["command"] == f"TPM2_{name}"


def test_without_the_gate_the_tpm_itself_would_let_her_clear(machine: Machine) -> None:
    """The emulated platform's gate is not decoration: the TPM's own answer is success."""
    open_to_all = machine.platform.client("root VM", 0, gate=OPEN)
    open_to_all.run("Clear", (RH_LOCKOUT,), (PASSWORD,))


def test_alice_can_neither_use_nor_flush_nor_save_an_object_of_hypersafe(machine: Machine) -> None:
    ak = create_ak(machine.hypersafe)
    for attempt in (
        lambda: quote(machine.alice, ak, bytes(32)),
        lambda: machine.alice.flush(ak),
        lambda: machine.alice.run("ContextSave", (ak.handle,)),
        lambda: machine.alice.run("ReadPublic", (ak.handle,)),
    ):
        with pytest.raises(GateRefused) as caught:
            attempt()
        assert caught.value.gate == "foreign handle"
    quote(machine.hypersafe, ak, bytes(32))


def test_alice_can_neither_use_nor_flush_a_session_of_hypersafe(machine: Machine) -> None:
    session = machine.hypersafe.policy_session()
    with pytest.raises(GateRefused):
        machine.alice.flush(session.handle)
    with pytest.raises(GateRefused):
        machine.alice.run("PolicyPCR", (session.handle,), (), b"\0\0\0\0\0\0")
    for authorisations in ((authorization(session.handle, 1, b""),), (PASSWORD, authorization(session.handle, 1, b""))):
        with pytest.raises(GateRefused, match="foreign handle"):
            machine.alice.run("GetRandom", (), authorisations, u16(8))


def test_a_key_that_is_lent_can_be_used_by_the_borrower(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "ecdsa", policy="password")
    machine.platform.lend(key, owner=machine.hypersafe, to=machine.alice)
    assert sign(machine.alice, key, bytes(32))
    machine.hypersafe.flush(key)
    with pytest.raises(GateRefused):
        sign(machine.alice, key, bytes(32))


def test_only_an_owner_can_lend(machine: Machine) -> None:
    key = create_srk(machine.hypersafe)
    with pytest.raises(GateRefused):
        machine.platform.lend(key, owner=machine.alice, to=machine.alice)


def test_what_is_no_loaded_object_cannot_be_lent(machine: Machine) -> None:
    session = machine.hypersafe.policy_session()
    with pytest.raises(GateRefused, match="is not a loaded object"):
        machine.platform.lend(session, owner=machine.hypersafe, to=machine.alice)


def test_an_object_that_the_tpm_does_not_take_back_into_a_slot_is_an_error_of_its_context(platform: Platform) -> None:
    client = platform.client("owner", 0, gate=OPEN)
    keys = [create_srk(client) for _ in range(4)]  # one more than there are slots: the first is swapped out
    client.run("HierarchyControl", (RH_PLATFORM,), (PASSWORD,), u32(RH_OWNER) + b"\0")
    with pytest.raises(TpmResponseError, match="ContextLoad"):
        client.run("ReadPublic", (keys[0].handle,))


def test_more_keys_than_the_tpm_has_slots_stay_usable(machine: Machine) -> None:
    keys = [create_ak(machine.hypersafe) for _ in range(5)]
    mine = [create_srk(machine.alice) for _ in range(3)]
    for key in keys:
        quote(machine.hypersafe, key, bytes(32))
    for key in mine:
        assert machine.alice.ask("ReadPublic", (key.handle,)).sized("outPublic") == key.public


def test_alice_cannot_keep_hypersafe_out_by_filling_the_slots(machine: Machine) -> None:
    ak = create_ak(machine.hypersafe)
    quote(machine.hypersafe, ak, bytes(32))
    hers = [PolicySession(machine.alice) for _ in range(10)]
    for _ in range(4):
        create_srk(machine.alice)
    quote(machine.hypersafe, ak, bytes(32))
    another = machine.platform.client("HyperSafe, another thread", 2)
    create_ak(another)
    quote(another, create_ak(another), bytes(32))
    for session in hers:
        machine.alice.run("PolicyRestart", (session.handle,))
        session.close()


class Slots:
    """Makes and uses objects or sessions, and tells whether using one took a TPM2_ContextLoad."""

    def __init__(self, machine: Machine, kind: str) -> None:
        self.machine = machine
        self.kind = kind

    def make(self, client: TpmClient) -> tuple[TpmClient, int]:
        return client, (create_srk(client) if self.kind == "objects" else PolicySession(client)).handle

    def was_out(self, used: tuple[TpmClient, int]) -> bool:
        before = self._loads()
        client, handle = used
        client.run("ReadPublic" if self.kind == "objects" else "PolicyRestart", (handle,))
        return self._loads() > before

    def _loads(self) -> int:
        return len(self.machine.trace.select("tpm.command", name="TPM2_ContextLoad"))


@pytest.mark.parametrize("kind", ["objects", "sessions"])
def test_what_was_made_longest_ago_leaves_its_slot_first_whosever_it_is(machine: Machine, kind: str) -> None:
    slots = Slots(machine, kind)
    oldest, *others = (slots.make(c) for c in (machine.alice, machine.hypersafe, machine.hypersafe, machine.alice))
    assert [slots.was_out(other) for other in others] == [False] * 3
    assert slots.was_out(oldest)


@pytest.mark.parametrize("kind", ["objects", "sessions"])
def test_what_was_used_longest_ago_leaves_its_slot_before_what_is_older(machine: Machine, kind: str) -> None:
    slots = Slots(machine, kind)
    oldest, unused, newer = (slots.make(machine.hypersafe) for _ in range(3))
    assert not slots.was_out(oldest)
    newest = slots.make(machine.alice)
    assert [slots.was_out(other) for other in (oldest, newer, newest)] == [False] * 3
    assert slots.was_out(unused)
    assert slots.was_out(oldest), "it made room for the one before"
    assert slots.was_out(newer)


def test_a_client_gets_its_share_of_sessions_and_objects_and_no_more(machine: Machine) -> None:
    sessions = [PolicySession(machine.alice) for _ in range(MAX_SESSIONS)]
    with pytest.raises(GateRefused) as caught:
        PolicySession(machine.alice)
    assert caught.value.gate == "share"
    sessions[0].close()
    PolicySession(machine.alice).close()
    for _ in range(MAX_OBJECTS):
        create_srk(machine.alice)
    with pytest.raises(GateRefused, match="64 objects"):
        create_srk(machine.alice)
    assert quote(machine.hypersafe, create_ak(machine.hypersafe), bytes(32))


def test_handles_are_not_given_out_twice(machine: Machine) -> None:
    first = create_srk(machine.hypersafe)
    machine.hypersafe.flush(first)
    second = create_srk(machine.hypersafe)
    assert first.handle != second.handle
    with pytest.raises(GateRefused):
        machine.hypersafe.flush(first)


def test_after_a_power_cycle_old_handles_are_foreign(platform: Platform) -> None:
    client = platform.client("HyperSafe", 2)
    key = create_srk(client)
    platform.cycle()
    with pytest.raises(GateRefused):
        client.run("ReadPublic", (key.handle,))


def test_objects_that_a_clear_removed_are_not_confused_with_new_ones(platform: Platform) -> None:
    client = platform.client("owner", 0, gate=OPEN)
    old = create_srk(client)
    client.run("Clear", (RH_LOCKOUT,), (PASSWORD,))
    new = create_srk(client)
    assert client.ask("ReadPublic", (new.handle,)).sized("outPublic") == new.public
    with pytest.raises(GateRefused):
        client.run("ReadPublic", (old.handle,))


def test_a_command_whose_handles_cannot_be_read_is_stopped_at_the_gate(machine: Machine) -> None:
    with pytest.raises(GateRefused) as caught:
        machine.alice.transmit(bytes.fromhex("80010000000a00000158"))
    assert caught.value.gate == "malformed"


def test_an_unknown_command_gets_the_tpms_own_answer(machine: Machine) -> None:
    response = machine.alice.transmit(bytes.fromhex("80010000000a0000ffff"))
    assert response[6:10] == u32(0x143)
    assert machine.trace[-1].data["rc_name"] == "TPM_RC_COMMAND_CODE"


def test_a_client_speaks_at_locality_0_to_3_only(platform: Platform) -> None:
    with pytest.raises(ValueError, match="CPU"):
        platform.client("nobody", 4)


def test_locality_and_command_are_one_step_whoever_else_sends(machine: Machine) -> None:
    """Alice hammers at locality 0 while HyperSafe quotes at locality 2: neither ever runs at the other's."""
    ak = create_ak(machine.hypersafe)
    stop, refused, failures = threading.Event(), [], []

    def hammer() -> None:
        while not stop.is_set():
            try:
                machine.alice.pcr_extend(18, bytes(32))
                failures.append("an extend of PCR 18 passed at locality 0")
            except TpmResponseError as error:
                refused.append(error.rc)

    thread = threading.Thread(target=hammer)
    thread.start()
    try:
        for _ in range(40):
            quote(machine.hypersafe, ak, bytes(32))
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert set(refused) == {0x907}


def test_pcr_changed_is_retried_and_the_retry_is_in_the_trace(machine: Machine) -> None:
    ak = create_ak(machine.hypersafe)
    extended = []

    def meddle(event: object) -> None:
        """Extend PCR 0 right after the first PolicyLocality, as Alice can."""
        name = getattr(event, "name", "")
        if getattr(event, "kind", "") == "tpm.response" and name == "TPM2_PolicyLocality" and not extended:
            extended.append(name)
            machine.alice.pcr_extend(0, bytes(32))

    unsubscribe = machine.trace.subscribe(meddle)
    machine.platform.router.interleave()
    quote(machine.hypersafe, ak, bytes(32))
    unsubscribe()
    codes = [e.data["rc_name"] for e in machine.trace.select("tpm.response", name="TPM2_Quote")]
    assert codes == ["TPM_RC_PCR_CHANGED", "TPM_RC_SUCCESS"]
    assert machine.trace.select("note", name="PCR changed, trying again")


def disturbed(machine: Machine, times: int) -> list[int]:
    """Quote while Alice extends PCR 0 behind the first so many policies; return what the TPM answered to each quote."""
    ak, left = create_ak(machine.hypersafe), [times]

    def meddle(event: object) -> None:
        if getattr(event, "kind", "") == "tpm.response" and getattr(event, "name", "") == "TPM2_PolicyLocality":
            left[0] -= 1
            if left[0] >= 0:
                machine.alice.pcr_extend(0, bytes(32))

    unsubscribe = machine.trace.subscribe(meddle)
    machine.platform.router.interleave()
    try:
        quote(machine.hypersafe, ak, bytes(32))
    finally:
        unsubscribe()
    return [e.data["rc"] for e in machine.trace.select("tpm.response", name="TPM2_Quote")]


@pytest.mark.parametrize("times", [5, 63])
def test_so_many_foreign_extends_do_not_stop_a_quote(machine: Machine, times: int, monkeypatch) -> None:
    monkeypatch.setattr(policy, "SECONDS", 60.0)  # the bound of number is looked at, on however slow a machine
    assert disturbed(machine, times) == [0x128] * times + [0]


def test_pcr_changed_is_not_retried_for_ever(machine: Machine, monkeypatch) -> None:
    monkeypatch.setattr(policy, "SECONDS", 60.0)
    with pytest.raises(TpmResponseError) as caught:
        disturbed(machine, 64)
    assert caught.value.rc == 0x128
    assert len(machine.trace.select("tpm.response", name="TPM2_Quote")) == 64


def test_pcr_changed_is_not_retried_for_longer_than_a_peer_waits(machine: Machine, monkeypatch) -> None:
    assert policy.SECONDS == 2.0
    monkeypatch.setattr(policy, "SECONDS", 0.05)
    monkeypatch.setattr(policy, "ATTEMPTS", 10**6)
    began = time.monotonic()
    with pytest.raises(TpmResponseError):
        disturbed(machine, 10**6)
    assert time.monotonic() - began < 5
    assert len(machine.trace.select("tpm.response", name="TPM2_Quote")) >= 2


def test_evidence_is_made_anew_as_often_where_the_quoted_pcrs_themselves_are_extended(machine: Machine) -> None:
    ak, extends = create_ak(machine.hypersafe), 0
    maker = EvidenceMaker(machine.hypersafe, ak, (), machine.platform.event_log)
    other = machine.platform.client("another of HyperSafe's", 2)

    def meddle(event: object) -> None:
        """Extend PCR 20 between each quote and the reading of the values, and again behind that."""
        nonlocal extends
        seen = getattr(event, "kind", ""), getattr(event, "name", "")
        if seen in (("tpm.response", "TPM2_Quote"), ("tpm.response", "TPM2_PCR_Read")) and extends < 14:
            extends += 1
            other.pcr_extend(20, bytes(32))

    machine.trace.subscribe(meddle)
    machine.platform.router.interleave()
    made = maker.evidence(bytes(32))
    assert extends == 14  # seven quotes in vain
    assert parse_attest(made.quote).attested.pcr_digest == pcr_digest((17, 18, 19, 20), made.pcr_values)


def test_submitted_work_runs_on_the_tpms_own_thread(platform: Platform) -> None:
    client = platform.client("HyperSafe", 2)
    name, octets = platform.submit(lambda: (threading.current_thread().name, client.random(8))).result(10)
    assert name.startswith("tpm-bank")
    assert len(octets) == 8


def test_the_queue_is_bounded(platform: Platform) -> None:
    release = threading.Event()
    futures = [platform.submit(release.wait, 10) for _ in range(MAX_WAITING)]
    with pytest.raises(TpmBusy, match="wait"):
        platform.submit(time.sleep, 0)
    release.set()
    assert all(future.result(10) for future in futures)
    platform.submit(time.sleep, 0).result(10)


def test_no_more_callers_than_the_bound_wait_for_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustlab.tpm.command_queue.MAX_WAITING", 2)
    queue, held, release = CommandQueue("bank"), threading.Event(), threading.Event()
    had: list[str] = []

    def hold() -> None:
        with queue.take(0):
            held.set()
            release.wait(20)

    def wait(name: str) -> None:
        with queue.take(20):
            had.append(name)

    for again in ("first", "second"):  # a place is free again behind who waited in it
        held.clear()
        release.clear()
        threads = [threading.Thread(target=hold)]
        threads[0].start()
        assert held.wait(20)
        threads += [threading.Thread(target=wait, args=(f"{again} {n}",)) for n in range(2)]
        for thread in threads[1:]:
            thread.start()
        while queue._waiting._value:
            time.sleep(0.001)
        with pytest.raises(TpmBusy, match="2 callers are already waiting for the TPM of bank"):
            queue.take(20)
        release.set()
        for thread in threads:
            thread.join()
    assert sorted(had) == ["first 0", "first 1", "second 0", "second 1"]


def test_waiting_for_a_turn_is_bounded_too(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustlab.tpm.platform.GRACE", 0.1)
    platform._channel.timeout = 0.1
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        with platform.turn():
            held.set()
            release.wait(10)

    client = platform.client("late", 2)
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        with pytest.raises(TpmBusy, match="busy for"):
            client.random(8)
    finally:
        release.set()
        thread.join()


def test_esapi_takes_the_same_gated_and_logged_path(machine: Machine) -> None:
    from tpm2_pytss import ESYS_TR  # noqa: PLC0415

    assert len(machine.hypersafe.esys.get_random(8)) == 8
    assert machine.trace.select("tpm.command", name="TPM2_GetRandom")[-1].data["client"] == "HyperSafe"
    with pytest.raises(GateRefused):
        machine.alice.esys.clear(ESYS_TR.LOCKOUT)
    with pytest.raises(TpmResponseError) as caught:
        machine.alice.esys.pcr_extend(ESYS_TR.PCR18, _digests())
    assert caught.value.rc == 0x907


def _digests() -> object:
    from tpm2_pytss import TPM2_ALG, TPML_DIGEST_VALUES, TPMT_HA, TPMU_HA  # noqa: PLC0415

    return TPML_DIGEST_VALUES([TPMT_HA(hashAlg=TPM2_ALG.SHA256, digest=TPMU_HA(sha256=bytes(32)))])
