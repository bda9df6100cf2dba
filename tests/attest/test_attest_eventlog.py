from __future__ import annotations

import hashlib
import re
import subprocess
from contextlib import suppress

import pytest
from attest_cases import covers_every_octet, damaged, vectors
from hypothesis import given
from hypothesis import strategies as st

from trustlab.attest import (
    EventLog,
    EventLogError,
    LogEvent,
    claim_event,
    eventlog_spans,
    extend,
    image_event,
    launch_event,
    launch_policy_event,
)
from trustlab.attest.errors import shown
from trustlab.attest.eventlog import EV_NO_ACTION, MAX_ALGORITHMS, MAX_EVENTS, MAX_LOG, SPEC_ID, STARTUP_LOCALITY

REAL_LOGS = ["arch-linux", "bootorder", "gce-ubuntu-2104-log", "moklisttrusted", "postcode", "sd-boot-fedora37"]
REAL_LOGS += ["uefi-sha1-log", "uefiaction", "uefiservices", "uefivar"]
CODE = hashlib.sha256(b"HyperSafe").digest()
IMAGE = hashlib.sha256(b"bank image").digest()

events = st.builds(
    LogEvent,
    st.integers(0, 23),
    st.integers(0, 2**32 - 1).filter(lambda kind: kind != EV_NO_ACTION),
    st.binary(min_size=32, max_size=32).map(lambda octets: (("sha256", octets),)),
    st.binary(max_size=40),
)
logs = st.lists(events, max_size=6).map(EventLog)


def lab_log() -> EventLog:
    return EventLog(
        [
            launch_event(CODE, "HyperSafe 1.0"),
            launch_policy_event(b"one VM, no debugger"),
            image_event(IMAGE, "bank 1.0"),
            claim_event("antivirus.signatures", "2026-11-20"),
        ]
    )


def replay_of(yaml: str) -> dict[str, dict[int, str]]:
    """Read what `tpm2_eventlog` prints under `pcrs:`, by bank."""
    banks: dict[str, dict[int, str]] = {}
    for line in yaml.split("\npcrs:")[1].splitlines():
        if bank := re.match(r"  (\w+):$", line):
            values = banks.setdefault(bank[1], {})
        elif pcr := re.match(r"    (\d+)\s*: 0x([0-9a-f]+)", line):
            values[int(pcr[1])] = pcr[2]
    return banks


def hexed(values: dict[int, bytes]) -> dict[int, str]:
    return {pcr: octets.hex() for pcr, octets in values.items()}


@pytest.mark.parametrize("name", REAL_LOGS)
def test_a_real_machines_log_replays_to_what_tpm2_eventlog_says(name):
    folder = vectors("eventlogs")
    log = EventLog.decode((folder / f"event-{name}.bin").read_bytes())
    banks = replay_of((folder / f"event-{name}.bin.yaml").read_text())
    assert banks
    assert {bank: hexed(log.replay(bank)) for bank in banks} == banks


@pytest.mark.parametrize("name", REAL_LOGS)
def test_a_real_machines_log_names_every_octet(name):
    raw = (vectors("eventlogs") / f"event-{name}.bin").read_bytes()
    assert covers_every_octet(eventlog_spans(raw), raw)


@pytest.mark.parametrize("name", ["arch-linux", "gce-ubuntu-2104-log", "uefi-sha1-log", "sd-boot-fedora37"])
def test_a_real_machines_log_encodes_to_the_same_octets(name):
    raw = (vectors("eventlogs") / f"event-{name}.bin").read_bytes()
    assert EventLog.decode(raw).encode() == raw


def test_our_log_replays_in_tpm2_eventlog_to_the_same_pcrs(tmp_path):
    path = tmp_path / "log"
    path.write_bytes(lab_log().encode())
    yaml = subprocess.run(["tpm2_eventlog", path], capture_output=True, text=True, check=True).stdout
    assert replay_of(yaml) == {"sha256": hexed(lab_log().replay())}


def test_our_log_extends_zeros_with_each_events_digest():
    values = lab_log().replay()
    assert values[17] == extend(bytes(32), CODE)
    assert values[18] == extend(bytes(32), hashlib.sha256(b"one VM, no debugger").digest())
    assert values[19] == extend(bytes(32), IMAGE)
    assert values[20] == extend(bytes(32), hashlib.sha256(b"antivirus.signatures=2026-11-20").digest())


@given(logs)
def test_a_log_reads_back_as_it_was_written(log):
    raw = log.encode()
    assert EventLog.decode(raw) == log
    assert EventLog.decode(raw).encode() == raw


@given(logs, st.data())
def test_a_damaged_log_gives_an_event_log_error_or_is_read(log, data):
    raw = data.draw(damaged(log.encode()))
    with suppress(EventLogError):
        read = EventLog.decode(raw)
        for bank in read.algorithms:
            assert all(read.replay(bank).values())


def test_an_initial_value_stands_in_for_zeros():
    log = EventLog([image_event(IMAGE, "bank")])
    assert log.replay(initial={19: b"\xff" * 32}) == {19: extend(b"\xff" * 32, IMAGE)}


def test_a_no_action_event_is_not_extended_but_may_set_the_startup_locality():
    note = LogEvent(0, EV_NO_ACTION, (("sha256", bytes(32)),), STARTUP_LOCALITY + b"\3")
    assert EventLog([note]).replay() == {0: bytes(31) + b"\3"}


@pytest.mark.parametrize(
    "data", [STARTUP_LOCALITY, STARTUP_LOCALITY + b"\3\3", b"N" * (len(STARTUP_LOCALITY) + 1), b""]
)
def test_any_other_no_action_event_changes_nothing(data):
    assert EventLog([LogEvent(0, EV_NO_ACTION, (("sha256", bytes(32)),), data)]).replay() == {}


def test_replaying_a_bank_the_log_lacks_is_an_event_log_error():
    with pytest.raises(EventLogError, match="no sha384 digests"):
        lab_log().replay("sha384")


def test_appending_an_event_of_another_bank_is_an_event_log_error():
    with pytest.raises(EventLogError, match="banks"):
        EventLog().append(LogEvent(17, 1, (("sha1", bytes(20)),), b""))


def test_a_digest_of_another_size_is_an_event_log_error():
    with pytest.raises(EventLogError, match="32 octets"):
        image_event(b"short", "bank")


def test_a_log_that_is_too_big_is_not_read():
    with pytest.raises(EventLogError, match="the limit is"):
        EventLog.decode(bytes(MAX_LOG + 1))


def test_an_event_that_announces_more_data_than_there_are_is_an_event_log_error():
    raw = lab_log().encode()
    at = raw.index(b"HyperSafe 1.0") - 4
    with pytest.raises(EventLogError, match=r"events\[1\].event at offset"):
        EventLog.decode(raw[:at] + b"\xff\xff\xff\xff" + raw[at + 4 :])


def test_a_log_may_have_as_many_octets_as_the_bound_and_no_more():
    def log_of(size: int) -> bytes:
        return EventLog([LogEvent(19, 1, (("sha256", IMAGE),), bytes(size))]).encode()

    room = MAX_LOG - len(log_of(0))
    largest = log_of(room)
    assert len(largest) == MAX_LOG
    assert EventLog.decode(largest).encode() == largest
    assert eventlog_spans(largest)
    for read in (EventLog.decode, eventlog_spans):
        with pytest.raises(EventLogError, match=f"the limit is {MAX_LOG}"):
            read(log_of(room + 1))


def test_a_log_may_have_as_many_events_as_the_bound_and_no_more():
    longest = EventLog([image_event(IMAGE, "")] * MAX_EVENTS)
    assert EventLog.decode(longest.encode()) == longest
    with pytest.raises(EventLogError, match=f"more than {MAX_EVENTS} events"):
        EventLog.decode(EventLog([image_event(IMAGE, "")] * (MAX_EVENTS + 1)).encode())


@pytest.mark.parametrize(("pcr", "read"), [(0, True), (31, True), (32, False), (0xFFFFFFFE, False), (0xFFFFFFFF, True)])
def test_an_event_is_of_a_pcr_or_of_the_index_that_stands_for_none(pcr, *, read):
    raw = bytearray(EventLog([LogEvent(19, EV_NO_ACTION, (("sha256", bytes(32)),), b"")]).encode())
    raw[-50:-46] = pcr.to_bytes(4, "little")
    if read:
        assert EventLog.decode(bytes(raw)).events[0].pcr == pcr
    else:
        with pytest.raises(EventLogError, match=f"{pcr} is not a PCR"):
            EventLog.decode(bytes(raw))


@pytest.mark.parametrize(
    ("count", "read"), [(0, False), (1, True), (MAX_ALGORITHMS, True), (MAX_ALGORITHMS + 1, False)]
)
def test_a_log_is_of_one_bank_to_as_many_as_the_bound(count, *, read):
    banks = [(0x000B, 32), *((0x1000 + n, 32) for n in range(MAX_ALGORITHMS))][:count]
    sizes = b"".join(number.to_bytes(2, "little") + size.to_bytes(2, "little") for number, size in banks)
    data = SPEC_ID + bytes(4) + bytes([0, 2, 0, 2]) + count.to_bytes(4, "little") + sizes + b"\0"
    raw = bytes(4) + EV_NO_ACTION.to_bytes(4, "little") + bytes(20) + len(data).to_bytes(4, "little") + data
    if read:
        assert EventLog.decode(raw).algorithms == ("sha256",)
    else:
        with pytest.raises(EventLogError, match=f"{count}; 1 to 8 can be meant"):
            EventLog.decode(raw)


def test_the_labs_events_have_the_types_and_pcrs_that_are_written_down():
    """The numbers stand in signed logs and in traces of before: they never change."""
    found = [(e.event_type, e.pcr) for e in lab_log().events]
    assert found == [(0x54500001, 17), (0x54500002, 18), (0x54500003, 19), (0x54500004, 20)]
    assert EV_NO_ACTION == 3


@pytest.mark.parametrize("agile", [False, True])
def test_events_are_counted_from_0_with_the_first(agile):
    legacy = bytes(4) + b"\5\0\0\0" + bytes(20) + bytes(4)
    raw = lab_log().encode() if agile else legacy * 3
    names = {s.name.partition(".")[0] for s in eventlog_spans(raw)}
    assert names == {f"events[{n}]" for n in range(5 if agile else 3)}


@pytest.mark.parametrize(("size", "read"), [(1, True), (64, True), (0, False), (65, False)])
def test_a_bank_of_an_unknown_hash_has_1_to_64_octets(size, *, read):
    raw = bytearray(lab_log().encode())
    at = raw.index(SPEC_ID) + len(SPEC_ID) + 8
    algorithms = b"\2\0\0\0" + b"\x0b\0\x20\0" + b"\x77\x77" + size.to_bytes(2, "little") + b"\0"
    data = bytes(raw[at - 8 - len(SPEC_ID) : at]) + algorithms
    spec = bytes(4) + b"\3\0\0\0" + bytes(20) + len(data).to_bytes(4, "little") + data
    if read:
        assert EventLog.decode(spec).events == []
    else:
        with pytest.raises(EventLogError, match=f"of {size} octets"):
            EventLog.decode(spec)


def test_a_log_of_no_bank_that_is_known_is_an_error():
    head = SPEC_ID + bytes(4) + b"\0\2\0\2"  # a client, version 2.0, 64 bits wide
    for algorithm, known in ((b"\x0b\0", True), (b"\x77\x77", False)):
        data = head + b"\1\0\0\0" + algorithm + b"\x20\0" + b"\0"
        spec = bytes(4) + b"\3\0\0\0" + bytes(20) + len(data).to_bytes(4, "little") + data
        if known:
            assert EventLog.decode(spec).events == []
        else:
            with pytest.raises(EventLogError, match="no algorithm known here"):
                EventLog.decode(spec)


@pytest.mark.parametrize(
    ("at", "value", "told"),
    [
        (0, 1, "for PCR 0, with a digest of zeros"),
        (8, 1, "for PCR 0, with a digest of zeros"),
        (27, 1, "for PCR 0, with a digest of zeros"),
        (48, 2, r"platform class 2, version 2\.0"),
        (52, 1, r"version 2\.1"),
        (53, 3, r"version 3\.0"),
        (55, 3, "UINTN of size 3"),
    ],
)
def test_a_spec_id_event_is_what_its_profile_says(at, value, told):
    raw = bytearray(lab_log().encode())
    raw[at] = value
    with pytest.raises(EventLogError, match=told):
        EventLog.decode(bytes(raw))
    raw = bytearray(lab_log().encode())
    raw[48], raw[54], raw[55] = 1, 105, 1  # a server's, errata 1.05, 32 bits wide
    assert EventLog.decode(bytes(raw)).replay() == lab_log().replay()


@pytest.mark.parametrize(("kind", "data"), [(EV_NO_ACTION, b"a note"), (1, SPEC_ID + bytes(12))])
def test_only_an_event_without_action_with_the_name_of_the_form_begins_a_crypto_agile_log(kind, data):
    head = (4).to_bytes(4, "little") + kind.to_bytes(4, "little") + bytes(20)
    log = EventLog.decode(head + len(data).to_bytes(4, "little") + data)
    assert (log.legacy, log.algorithms, [event.data for event in log.events]) == (True, ("sha1",), [data])


@pytest.mark.parametrize(("length", "said"), [(80, 80), (81, 80), (500, 80)])
def test_a_strangers_words_are_cut_to_a_length(length, said):
    assert len(shown("x" * length)) == said
    assert shown("x" * length).endswith("x" if length == 80 else "x…")
