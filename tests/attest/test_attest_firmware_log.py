"""Logs as real firmware writes them: what they replay to, what they say, and what nothing proves."""

from __future__ import annotations

import struct
from contextlib import suppress
from uuid import UUID

import pytest
from attest_cases import covers_every_octet, damaged
from firmware_machine import NAMES, log_of, octets_of, pcrs_of
from hypothesis import given
from hypothesis import strategies as st

from trustlab.attest import (
    EventLog,
    EventLogError,
    LogEvent,
    PcrReplay,
    eventlog_spans,
    extend,
    image_event,
    steps_of,
)
from trustlab.attest.eventcodec import MAX_LOG
from trustlab.attest.eventdata import LEFT_OUT, data_fields
from trustlab.attest.eventlog import EV_NO_ACTION, STARTUP_LOCALITY
from trustlab.attest.eventtypes import (
    EV_EFI_BOOT_SERVICES_APPLICATION,
    EV_EFI_GPT_EVENT,
    EV_EFI_HANDOFF_TABLES2,
    EV_EFI_PLATFORM_FIRMWARE_BLOB2,
    EV_EFI_VARIABLE_AUTHORITY,
    EV_EFI_VARIABLE_BOOT2,
    EV_EFI_VARIABLE_DRIVER_CONFIG,
    EV_EVENT_TAG,
    EV_IPL,
    EV_PLATFORM_CONFIG_FLAGS,
    EV_POST_CODE,
    EV_SEPARATOR,
    EVENT_NAMES,
)

GLOBAL = UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c").bytes_le
SHA256_LIST = UUID("c1c41626-504c-4092-aca9-41f936934328").bytes_le
D384 = (("sha384", b"\x5a" * 48),)


def variable(name: str, data: bytes, owner: bytes = GLOBAL) -> bytes:
    return owner + struct.pack("<QQ", len(name), len(data)) + name.encode("utf-16-le") + data


def said(event_type: int, data: bytes) -> str:
    return data_fields(event_type, data)[0]


def values_of(event_type: int, data: bytes) -> dict[str, str]:
    return {span.name: span.value for span in data_fields(event_type, data)[1]}


# replay


@pytest.mark.parametrize("name", NAMES)
def test_a_log_replays_to_what_the_machines_tpm_had(name):
    log, banks = log_of(name), pcrs_of(name)
    assert set(log.algorithms) == set(banks)
    for bank, values in banks.items():
        assert log.replay(bank) == values


@pytest.mark.parametrize("name", NAMES)
def test_every_octet_is_named_and_every_type_known(name):
    raw = octets_of(name)
    assert covers_every_octet(eventlog_spans(raw), raw)
    assert all(event.event_type in EVENT_NAMES for event in log_of(name).events)
    assert log_of(name).encode() == raw


def startup(locality: int, pcr: int = 0) -> LogEvent:
    return LogEvent(pcr, EV_NO_ACTION, (("sha256", bytes(32)),), STARTUP_LOCALITY + bytes((locality,)))


def measured(pcr: int) -> LogEvent:
    return LogEvent(pcr, EV_SEPARATOR, (("sha256", b"\1" * 32),), bytes(4))


def test_startup_locality_counts_once_for_pcr_0_before_any_extend():
    begun = bytes(31) + b"\3"
    assert EventLog([startup(3), measured(0)]).replay() == {0: extend(begun, b"\1" * 32)}
    assert EventLog([startup(3), startup(4), measured(0)]).replay() == {0: extend(begun, b"\1" * 32)}
    assert EventLog([measured(0), startup(3)]).replay() == {0: extend(bytes(32), b"\1" * 32)}
    assert EventLog([measured(7), startup(3)]).replay()[0] == begun
    assert EventLog([startup(3, pcr=1), measured(0)]).replay() == {0: extend(bytes(32), b"\1" * 32)}
    assert EventLog([startup(5)]).replay() == {}
    assert EventLog([startup(4)]).replay() == {0: bytes(31) + b"\4"}
    assert [step.number for step in EventLog([startup(3), startup(3)]).steps()] == [0]


def test_a_replay_launches_and_extends_as_a_tpm_does():
    pcrs = PcrReplay("sha384", {17: b"\xff" * 48, 16: b"\2" * 48})
    pcrs.launch()
    assert pcrs.value(17) == bytes(48)
    assert pcrs.value(16) == b"\2" * 48
    assert pcrs.value(23) == bytes(48)
    before, after = pcrs.extend(17, b"\1" * 48)
    assert (before, after) == (bytes(48), pcrs.values[17])


def test_a_remark_without_a_digest_of_a_bank_does_not_hide_the_bank():
    log = EventLog([LogEvent(0, EV_NO_ACTION, (("sha1", bytes(20)),), b"SP800-155 Event\0"), measured(4)])
    head = EventLog([], ("sha1", "sha256")).encode()
    raw = head + log.encode()[len(EventLog([], ("sha256",)).encode()) :]
    assert EventLog.decode(raw).algorithms == ("sha256",)
    assert EventLog.decode(raw).replay() == {4: extend(bytes(32), b"\1" * 32)}


def test_steps_for_people_are_of_a_bank_that_the_log_has():
    values = pcrs_of("systemd-boot")["sha384"]
    told = steps_of(octets_of("systemd-boot"), values)
    assert {step["pcr"]: step["after"] for step in told} == {pcr: value.hex() for pcr, value in values.items()}
    assert {len(step["digest"]) for step in told} == {96}
    assert all(step["agrees"] for step in told if "agrees" in step)


# a confidential VM's log


def confidential(*, index: int = 0, padding: int = 64, secure_boot: int = 1) -> bytes:
    events = [
        LogEvent(secure_boot, EV_EFI_VARIABLE_DRIVER_CONFIG, D384, variable("SecureBoot", b"\1")),
        LogEvent(2, EV_SEPARATOR, D384, bytes(4)),
        LogEvent(4, EV_EVENT_TAG, D384, b"\1\0\0\0\0\0\0\0"),
    ]
    raw = EventLog(events, ("sha384",)).encode()
    return index.to_bytes(4, "little") + raw[4:] + b"\xff" * padding


@pytest.mark.parametrize("how", [{"padding": 64}, {"padding": 1}, {"padding": 0}, {"padding": 0, "index": 1}])
def test_a_confidential_vms_log_ends_at_its_padding_and_is_never_replayed(how):
    raw = confidential(**how)
    log = EventLog.decode(raw)
    assert log.registers
    assert [event.pcr for event in log.events] == [1, 2, 4]
    assert log.replay("sha384") == {}
    assert log.steps("sha384") == []
    assert log.about((1, 2, 4), "sha384").events == []
    assert covers_every_octet(eventlog_spans(raw), raw)
    told = {span.name: span.value for span in eventlog_spans(raw)}
    assert told["events[1].mrIndex"] == "1 (RTMR[0])"
    assert told["events[3].mrIndex"] == "4 (RTMR[3])"
    assert not [name for name in told if name.endswith("pcrIndex")]


def test_what_begins_as_padding_and_is_none_is_an_event_that_cannot_be_read():
    with pytest.raises(EventLogError, match=r"events\[4\]"):
        EventLog.decode(confidential() + b"\0")


def test_a_tpms_log_of_sha384_alone_is_no_confidential_vms():
    assert not EventLog.decode(confidential(padding=0, secure_boot=7)).registers
    assert not log_of("systemd-boot").registers
    assert not EventLog.decode(log_of("systemd-boot").about((1, 4), "sha384").encode()).registers


def test_a_list_of_linux_ima_is_called_what_it_is():
    entry = struct.pack("<I20sI", 10, b"\1" * 20, 6) + b"ima-ng" + struct.pack("<I", 4) + b"data"
    with pytest.raises(EventLogError, match="Linux IMA"):
        EventLog.decode(entry)


# what travels


def test_of_a_log_travels_what_a_quote_can_prove():
    log = log_of("shim-grub")
    some = log.about((0, 7), "sha384")
    assert some.algorithms == ("sha384",)
    assert {event.pcr for event in some.events} == {0, 7}
    assert some.replay("sha384") == {pcr: pcrs_of("shim-grub")["sha384"][pcr] for pcr in (0, 7)}
    assert EventLog.decode(some.encode()) == some
    assert log.about((0, 7), "sha512") == EventLog([], ("sha512",))
    located = EventLog([startup(3), startup(3, pcr=1), measured(0)])
    assert located.about((0,), "sha256").replay() == located.replay()
    assert len(located.about((0, 1), "sha256").events) == 2


def test_what_has_no_room_leaves_its_data_out_and_keeps_its_digest():
    log = log_of("shim-grub").about((0, 2, 4, 7), "sha256")
    whole = len(log.encode())
    assert log.within(whole) == log
    short = log.within(whole // 2)
    assert len(short.encode()) <= whole // 2
    assert short.replay() == log.replay()
    marked = [(event, before) for event, before in zip(short.events, log.events, strict=True) if event != before]
    assert marked
    for event, before in marked:
        assert event.left_out == len(before.data)
        assert event.digests == before.digests
        assert said(event.event_type, event.data) == f"{len(before.data)} bytes, left out by the sender"
    kept = [event for event in short.events if event.left_out is None]
    assert max(len(event.data) for event in kept) <= min(len(before.data) for _, before in marked)
    raw = short.encode()
    assert covers_every_octet(eventlog_spans(raw), raw)
    with pytest.raises(EventLogError, match="Quote fewer PCRs"):
        log.within(100)


def test_the_labs_own_events_and_the_startup_locality_keep_their_data():
    log = EventLog([startup(3), image_event(b"\1" * 32, "x" * 500)])
    with pytest.raises(EventLogError, match="2 events"):
        log.within(300)
    assert log.events[1].left_out is None


# what events say


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (2, "917504 bytes at 0x820000"),
        (4, "SecureBoot: on"),
        (6, "KEK: 2 entries"),
        (7, "db: 2 entries"),
        (9, "0: nothing went wrong"),
        (10, "BootOrder: Boot0001, Boot0000, Boot0002"),
        (11, "Boot0001: UEFI Misc Device (PciRoot(0)/Pci(1,0))"),
        (14, "Calling EFI Application from Boot Option"),
        (22, "db: CN=Microsoft Corporation UEFI CA 2011"),
        (23, "1 partition: esp"),
        (24, "PciRoot(0)/Pci(1,0)/HD(1,"),
        (25, "MokList"),
        (27, "SbatLevel: sbat,1,"),
        (29, "MokListRT: CN=Debian Secure Boot CA"),
        (30, "\\EFI\\BOOT\\grubx64.efi"),
        (38, "grub_cmd: set linux=none here"),
    ],
)
def test_an_event_of_real_firmware_says_what_it_is(number, words):
    event = log_of("shim-grub").events[number - 1]
    assert said(event.event_type, event.data).startswith(words)


def load_option(name: str, path: bytes, more: bytes = b"") -> bytes:
    return struct.pack("<IH", 1, len(path)) + f"{name}\0".encode("utf-16-le") + path + more


END = bytes.fromhex("7fff0400")
FILE = struct.pack("<BBH", 4, 4, 4 + 8) + "\\a\0".encode("utf-16-le") + b"\0\0"
ENTRY = bytes(16) + b"\7" * 32


@pytest.mark.parametrize(
    ("event_type", "data", "words"),
    [
        (EV_EFI_VARIABLE_DRIVER_CONFIG, variable("SecureBoot", b"\0"), "SecureBoot: off"),
        (EV_EFI_VARIABLE_DRIVER_CONFIG, variable("SecureBoot", b"\2"), "SecureBoot: 2, which is neither on nor off"),
        (EV_EFI_VARIABLE_DRIVER_CONFIG, variable("SecureBoot", b""), "SecureBoot: "),
        (
            EV_EFI_VARIABLE_DRIVER_CONFIG,
            variable("dbx", SHA256_LIST + struct.pack("<III", 28 + 96, 0, 48) + ENTRY * 2),
            "dbx: 2 entries",
        ),
        (EV_EFI_VARIABLE_DRIVER_CONFIG, variable("dbx", b"\1\2\3"), "dbx: 010203"),
        (EV_EFI_VARIABLE_BOOT2, variable("Boot0007", load_option("disk", FILE + END, b"x")), "Boot0007: disk (\\a)"),
        (EV_EFI_VARIABLE_BOOT2, variable("BootOrder", b"\1\0\n\0"), "BootOrder: Boot0001, Boot000A"),
        (EV_EFI_VARIABLE_AUTHORITY, variable("SbatLevel", b"sbat,1,2023012900\n"), "SbatLevel: sbat,1,2023012900"),
        (EV_SEPARATOR, b"\xff" * 4, "ffffffff: nothing went wrong"),
        (EV_SEPARATOR, b"\1\0\0\0", "error 0x1"),
        (EV_IPL, "linux /vmlinuz\0".encode("utf-16-le"), "linux /vmlinuz"),
        (EV_IPL, b"grub_cmd: boot\0", "grub_cmd: boot"),
        (EV_EVENT_TAG, struct.pack("<II", 0x8F3B22ED, 4) + b"ro\0\0", "Linux: the command line: ro"),
        (EV_POST_CODE, b"ACPI DATA", "ACPI DATA"),
        (EV_POST_CODE, struct.pack("<QQ", 0xFF000000, 4096), "4096 bytes at 0xff000000"),
        (EV_EFI_PLATFORM_FIRMWARE_BLOB2, b"\3abc" + struct.pack("<QQ", 16, 32), "abc: 32 bytes at 0x10"),
        (
            EV_EFI_HANDOFF_TABLES2,
            b"\2hi" + struct.pack("<Q", 1) + UUID("eb9d2d31-2d88-11d3-9a16-0090273fc14d").bytes_le + bytes(8),
            "hi: SMBIOS table",
        ),
        (
            EV_PLATFORM_CONFIG_FLAGS,
            b"QEMU FW CFG\0\0\0\0\0" + b"etc/boot-menu-wait".ljust(56, b"\0") + b"\0\0",
            "QEMU's etc/boot-menu-wait",
        ),
        (EV_NO_ACTION, STARTUP_LOCALITY + b"\3", "TPM2_Startup came from locality 3"),
        (EV_EFI_BOOT_SERVICES_APPLICATION, struct.pack("<QQQQ", 1, 2, 3, len(FILE + END)) + FILE + END, "\\a"),
        (EV_EFI_BOOT_SERVICES_APPLICATION, struct.pack("<QQQQ", 1, 2, 3, 0), "a program without a path"),
        (0x12345678, b"\1\2\3", "010203"),
    ],
)
def test_an_event_is_decoded_to_its_last_octet(event_type, data, words):
    assert said(event_type, data) == words
    spans = data_fields(event_type, data)[1]
    named = bytearray(len(data))
    for span in spans:
        named[span.start : span.end] = b"\1" * (span.end - span.start)
    assert all(named) or not spans


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        (EV_EFI_VARIABLE_DRIVER_CONFIG, variable("db", b"")[:-1]),
        (EV_EFI_GPT_EVENT, bytes(100)),
        (EV_EFI_BOOT_SERVICES_APPLICATION, struct.pack("<QQQQ", 1, 2, 3, 4) + b"\1\1\3\0"),
        (EV_SEPARATOR, b"WBCL"[:3]),
    ],
)
def test_data_that_are_not_as_their_type_says_stay_one_field(event_type, data):
    assert data_fields(event_type, data)[1] == []


def test_what_secure_boot_trusts_is_named_entry_by_entry():
    event = log_of("shim-grub").events[6]
    values = values_of(event.event_type, event.data)
    assert values["VariableName"] == "EFI_IMAGE_SECURITY_DATABASE"
    assert values["VariableData.list[0].SignatureType"] == "EFI_CERT_X509"
    assert values["VariableData.list[0].entry[0].SignatureOwner"] == "Microsoft"
    assert values["VariableData.list[0].entry[0].SignatureData"].startswith("CN=Microsoft Windows Production PCA 2011")


@given(st.sampled_from([e for e in log_of("shim-grub").events if data_fields(e.event_type, e.data)[1]]), st.data())
def test_damaged_data_never_break_the_reading(event, data):
    octets = data.draw(damaged(event.data))
    text, spans = data_fields(event.event_type, octets)
    assert text.isprintable()
    assert all(0 <= span.start < span.end <= len(octets) for span in spans)


@given(damaged(octets_of("systemd-boot")))
def test_a_damaged_log_is_an_event_log_error_or_is_read(raw):
    with suppress(EventLogError):
        log = EventLog.decode(raw)
        assert covers_every_octet(eventlog_spans(raw), raw)
        for bank in log.algorithms:
            assert all(log.replay(bank).values())


def test_the_mark_of_left_out_data_is_the_one_that_is_written_down():
    """It stands in evidence that others read (docs/evidence.cddl)."""
    assert LEFT_OUT == b"trustlab: data left out\0"
    assert measured(4).without_data().data == LEFT_OUT + b"\4\0\0\0"
    assert MAX_LOG == 1 << 20
