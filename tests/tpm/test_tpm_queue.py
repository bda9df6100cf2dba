"""Commands that belong together wait in the TPM for one another, where it has a queue and nobody wants between them."""

from __future__ import annotations

import os
import signal
import time
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15

from trustlab.octets import u16, u32
from trustlab.tpm import (
    DeviceTpm,
    GateRefused,
    LatencyProfile,
    Platform,
    Swtpm,
    TpmDead,
    TpmResponseError,
    TpmTimeout,
    create_ak,
    create_srk,
    create_tls_key,
    quote,
    rsa_decrypt,
    sign,
)
from trustlab.tpm.command_channel import RESUBMISSIONS
from trustlab.tpm.commands import command_of
from trustlab.tpm.framing import PASSWORD, parameters_of
from trustlab.tpm.responses import RC_OBJECT_MEMORY, RC_RETRY
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tpm_machine import Machine

    from trustlab.tpm import LoadedKey
    from trustlab.trace import TraceEvent

GROUP = ["TPM2_PolicyPCR", "TPM2_PolicyLocality", "TPM2_Quote"]
QUEUED = [("tpm.command", name) for name in GROUP] + [("tpm.response", name) for name in GROUP]
ONE_BY_ONE = [(kind, name) for name in GROUP for kind in ("tpm.command", "tpm.response")]
RANDOM = command_of("GetRandom", parameters=u16(8))


def tpm_events(trace: Trace, since: int) -> list[TraceEvent]:
    return [event for event in trace[since:] if event.kind.startswith("tpm.")]


def order(trace: Trace, since: int) -> list[tuple[str, str]]:
    return [(event.kind, event.name) for event in tpm_events(trace, since)]


@pytest.fixture
def ak(machine: Machine) -> LoadedKey:
    ak = create_ak(machine.hypersafe)
    quote(machine.hypersafe, ak, bytes(32))  # the session stands
    return ak


def test_a_policy_and_its_command_are_sent_before_the_first_answer_is_read(machine: Machine, ak: LoadedKey) -> None:
    before = len(machine.trace)
    assert quote(machine.hypersafe, ak, b"b" * 32).attest
    assert order(machine.trace, before) == QUEUED
    events = tpm_events(machine.trace, before)
    assert [event.links[0].seq for event in events[3:]] == [event.seq for event in events[:3]], "each answers its own"


def test_the_times_of_queued_commands_are_the_tpms_own_and_not_the_logs(machine: Machine) -> None:
    """PolicyPCR is a matter of microseconds; an RSA decryption takes a hundred times as long, whatever is read when."""
    key = create_tls_key(machine.hypersafe, "rsa-decrypt")
    ciphertext = key.public_key.encrypt(b"secret", PKCS1v15())  # type: ignore[union-attr]
    leave = machine.trace.subscribe(lambda _: time.sleep(0.002))  # a slow log
    before = len(machine.trace)
    for _ in range(5):
        assert rsa_decrypt(machine.hypersafe, key, ciphertext) == b"secret"
    leave()
    took: dict[str, list[float]] = defaultdict(list)
    for event in tpm_events(machine.trace, before):
        if event.kind == "tpm.response":
            took[event.name].append(float(str(event.data["ms"])))
    policy, decrypt = median(took["TPM2_PolicyPCR"]), median(took["TPM2_RSA_Decrypt"])
    assert 0 < policy < decrypt / 3


def test_where_others_want_to_come_between_each_waits_for_the_one_before(machine: Machine, ak: LoadedKey) -> None:
    end = machine.platform.router.interleave()
    before = len(machine.trace)
    quote(machine.hypersafe, ak, bytes(32))
    assert order(machine.trace, before) == ONE_BY_ONE
    end()
    before = len(machine.trace)
    quote(machine.hypersafe, ak, bytes(32))
    assert order(machine.trace, before) == QUEUED


def test_what_plays_slow_hardware_has_no_queue() -> None:
    trace = Trace()
    with Platform("slow", trace.party("slow"), latency=LatencyProfile("slow", {"TPM2_GetRandom": 1.0})) as platform:
        before = len(trace)
        assert len(platform.client("you").run_together([RANDOM, RANDOM])) == 10 + 2 + 8
        assert [kind for kind, _ in order(trace, before)] == ["tpm.command", "tpm.response"] * 2


def test_a_device_has_no_queue() -> None:
    trace = Trace()
    with Swtpm() as emulator:
        emulator.transmit(command_of("Startup", parameters=u16(0)))
        device = DeviceTpm(opener=lambda _: os.dup(emulator.fileno()))
        with Platform("pc", trace.party("pc"), tpm=device) as platform:
            before = len(trace)
            platform.client("you").run_together([RANDOM, RANDOM])
            assert [kind for kind, _ in order(trace, before)] == ["tpm.command", "tpm.response"] * 2


def test_the_first_failure_is_the_one_that_is_told_and_the_tpm_goes_on(machine: Machine) -> None:
    wrong = command_of("GetCapability", parameters=u32(0x99) + u32(0) + u32(1))
    with pytest.raises(TpmResponseError, match="GetCapability"):
        machine.alice.run_together([RANDOM, wrong, command_of("PCR_Extend", (0,), (PASSWORD,), u32(0)), RANDOM])
    assert len(machine.alice.random(8)) == 8


def test_one_by_one_nothing_follows_a_failure(machine: Machine) -> None:
    wrong = command_of("GetCapability", parameters=u32(0x99) + u32(0) + u32(1))
    before = len(machine.trace)
    with pytest.raises(TpmResponseError, match="GetCapability"):
        machine.alice.run_together([RANDOM, wrong, RANDOM], queued=False)
    assert [name for kind, name in order(machine.trace, before) if kind == "tpm.command"] == [
        "TPM2_GetRandom",
        "TPM2_GetCapability",
    ]


def test_a_foreign_handle_anywhere_refuses_all_before_any_is_sent(machine: Machine) -> None:
    hers = create_srk(machine.hypersafe)
    before = len(machine.trace)
    with pytest.raises(GateRefused, match="not one of its own"):
        machine.alice.run_together([RANDOM, command_of("ReadPublic", (hers.handle,))])
    assert not order(machine.trace, before)


@pytest.mark.parametrize("kind", ["tpm.command", "tpm.response"])
def test_whoever_answers_the_log_of_a_queued_command_comes_behind_the_queue(
    machine: Machine, ak: LoadedKey, kind: str
) -> None:
    """As a queue is: an extend that Alice sends on seeing PolicyPCR is too late for this quote."""

    def answer(event: TraceEvent) -> None:
        if event.kind == kind and event.name == "TPM2_PolicyPCR":
            machine.alice.pcr_extend(0, bytes(32))

    before = len(machine.trace)
    leave = machine.trace.subscribe(answer)
    assert quote(machine.hypersafe, ak, b"b" * 32).attest
    leave()
    events = tpm_events(machine.trace, before)
    asked = {(e.party, e.seq): e.name for e in events if e.kind == "tpm.command"}
    answers = [e for e in events if e.kind == "tpm.response"]
    assert sorted(e.name for e in answers) == sorted([*GROUP, "TPM2_PCR_Extend"])
    assert all(e.data["rc"] == 0 for e in answers)
    assert all(asked[e.links[0].party, e.links[0].seq] == e.name for e in answers)


def test_full_slots_are_made_room_in_before_the_queue_is_sent(machine: Machine, ak: LoadedKey) -> None:
    key = create_tls_key(machine.hypersafe, "ecdsa")
    hers = [create_srk(machine.alice) for _ in range(3)]  # she takes all slots there are
    assert quote(machine.hypersafe, ak, bytes(32))
    assert sign(machine.hypersafe, key, bytes(32))
    assert len({machine.alice.run("ReadPublic", (key.handle,)) for key in hers}) == 1


@pytest.fixture
def saying(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Have the TPM answer the next command with a response code; the command itself never reaches it."""
    tpm = machine.platform.tpm
    assert isinstance(tpm, Swtpm)
    receive, due = tpm.receive, []

    def say(timeout: float) -> bytes:
        response = receive(timeout)
        return bytes.fromhex("80010000000a") + u32(due.pop()) if due else response

    monkeypatch.setattr(tpm, "receive", say)
    yield due.append
    assert not due


@pytest.mark.parametrize("code", [RC_RETRY, RC_OBJECT_MEMORY])
def test_what_a_tpm_wants_done_first_is_done_where_there_is_time_for_it(
    machine: Machine, ak: LoadedKey, saying: Callable[[int], None], code: int
) -> None:
    saying(code)
    before = len(machine.trace)
    assert quote(machine.hypersafe, ak, bytes(32)).attest
    restart = [("tpm.command", "TPM2_PolicyRestart"), ("tpm.response", "TPM2_PolicyRestart")]
    assert order(machine.trace, before) == [*QUEUED, *restart, *ONE_BY_ONE]


def test_a_tpm_that_dies_with_a_queue_says_so_and_can_be_started_again(machine: Machine) -> None:
    assert isinstance(machine.platform.tpm, Swtpm)
    pid = machine.platform.tpm.pid or 0
    machine.alice.random(8)  # the TPM is at her locality

    def kill(event: TraceEvent) -> None:
        if event.kind == "tpm.command":
            os.kill(pid, signal.SIGKILL)

    os.kill(pid, signal.SIGSTOP)  # so that the queue is under way and not answered yet
    leave = machine.trace.subscribe(kill)
    with pytest.raises(TpmDead, match="exit status -9"):
        machine.alice.run_together([RANDOM] * 20)
    leave()
    with pytest.raises(TpmDead):
        machine.alice.run_together([RANDOM] * 2)
    machine.platform.cycle()
    assert len(machine.alice.random(8)) == 8


def test_each_answer_of_a_queue_is_due_within_the_bound(machine: Machine) -> None:
    assert isinstance(machine.platform.tpm, Swtpm)
    assert machine.platform.tpm.pid is not None
    machine.alice.random(8)  # the TPM is at her locality
    machine.platform._channel.timeout = 0.2
    os.kill(machine.platform.tpm.pid, signal.SIGSTOP)
    with pytest.raises(TpmTimeout, match=r"within 0\.2 s to 'a command'"):
        machine.alice.run_together([RANDOM, RANDOM])
    machine.platform.cycle()
    assert len(machine.alice.random(8)) == 8


def test_interrupted_in_a_queue_no_answer_is_taken_for_another(machine: Machine) -> None:
    """Ctrl-C in the middle of the log: what was sent is answered, and those answers are nobody else's."""

    def interrupt(event: TraceEvent) -> None:
        if event.kind == "tpm.command":
            raise KeyboardInterrupt

    leave = machine.trace.subscribe(interrupt)
    with pytest.raises(KeyboardInterrupt):
        machine.alice.run_together([command_of("GetRandom", parameters=u16(n)) for n in (1, 2, 3)])
    leave()
    assert len(machine.alice.random(8)) == 8
    last = machine.alice.run_together([command_of("GetRandom", parameters=u16(n)) for n in (4, 5)])
    assert len(parameters_of(last).sized("randomBytes")) == 5


@pytest.mark.parametrize("refusals", [1, RESUBMISSIONS - 1])
def test_a_command_that_the_tpm_did_not_begin_is_sent_again(
    machine: Machine, saying: Callable[[int], None], refusals: int
) -> None:
    for _ in range(refusals):
        saying(RC_RETRY)
    before = len(machine.trace)
    assert machine.alice.transmit(RANDOM)[6:10] == u32(0)
    events = tpm_events(machine.trace, before)
    assert [event.raw for event in events if event.kind == "tpm.command"] == [RANDOM] * (refusals + 1)
    answers = [event.data["rc_name"] for event in events if event.kind == "tpm.response"]
    assert answers == ["TPM_RC_RETRY"] * refusals + ["TPM_RC_SUCCESS"]


def test_a_command_that_the_tpm_never_begins_is_sent_no_more_than_so_often(
    machine: Machine, saying: Callable[[int], None]
) -> None:
    for _ in range(RESUBMISSIONS):
        saying(RC_RETRY)
    before = len(machine.trace)
    assert machine.alice.transmit(RANDOM)[6:10] == u32(RC_RETRY)
    assert order(machine.trace, before) == [("tpm.command", "TPM2_GetRandom"), ("tpm.response", "TPM2_GetRandom")] * 5


def test_a_command_that_failed_is_not_sent_again(machine: Machine, saying: Callable[[int], None]) -> None:
    saying(0x101)  # TPM_RC_FAILURE
    before = len(machine.trace)
    assert machine.alice.transmit(RANDOM)[6:10] == u32(0x101)
    assert order(machine.trace, before) == [("tpm.command", "TPM2_GetRandom"), ("tpm.response", "TPM2_GetRandom")]
