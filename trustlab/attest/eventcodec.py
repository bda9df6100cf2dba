"""The octets of an event log: TCG_PCR_EVENT2 behind a Spec ID event, and the older TCG_PCR_EVENT.

Source: TCG PC Client Platform Firmware Profile 1.06, chapter 10. A confidential VM's log (CCEL) has the same form: its
indices are measurement registers, and what is left of its room is filled with 0xff.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from trustlab.attest.constants import ALG_SHA1, HASH_IDS, HASH_NAMES, HASH_SIZES, algorithm_name
from trustlab.attest.errors import CodecError, EventLogError
from trustlab.attest.eventdata import data_fields, event_text
from trustlab.attest.eventtypes import EV_EFI_VARIABLE_DRIVER_CONFIG, EV_NO_ACTION, data_note, event_name
from trustlab.attest.logevent import LogEvent
from trustlab.attest.reading import StructureReader, spans_of
from trustlab.octets import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from trustlab.trace import Span

SPEC_ID = b"Spec ID Event03\0"
SERVER = 1
"""The higher of the two platform classes; the other is the client's, 0."""
PROFILE = "TCG PC Client Platform Firmware Profile, 10.2.2 TCG_PCR_EVENT2"
SPEC = "TCG PC Client Platform Firmware Profile, 10.4.5.1 TCG_EfiSpecIDEvent"
CCEL = "UEFI Specification, 38.4.1 Confidential Computing Measurement"
LEGACY = "TCG PC Client Platform Firmware Profile, 10.2.1 TCG_PCR_EVENT"
NAME = "event log"
MAX_LOG = 1 << 20
MAX_EVENTS = 4096
MAX_ALGORITHMS = 8
MAX_PCR = 32
PADDING = 0xFF
LEGACY_HEAD, SPEC_ID_HEAD = 32, 8
"""What stands before the first event's data, and between their signature and the number of algorithms."""
REGISTERS = {0: "MRTD", 1: "RTMR[0]", 2: "RTMR[1]", 3: "RTMR[2]", 4: "RTMR[3]"}
"""What the indices of a confidential VM's log stand for (UEFI Specification 2.10, 38.4.1 for Intel TDX)."""
SECURE_BOOT = "SecureBoot".encode("utf-16-le")
SECURE_BOOT_PCR = 7
NO_PCR = 0xFFFFFFFF
SPEC_ID_FORM = "a Spec ID event is for PCR 0, with a digest of zeros"
IMA_PCR, IMA_NAME = 10, 24


class DecodedLog(NamedTuple):
    """What a log's octets say; `registers` where its indices are measurement registers, not PCRs."""

    events: list[LogEvent]
    algorithms: tuple[str, ...]
    legacy: bool
    registers: bool


def encode_log(events: Iterable[LogEvent], algorithms: tuple[str, ...], *, legacy: bool) -> bytes:
    """Return a log's octets, Spec ID event first unless the log is of the older form."""
    w = Writer("little")
    if not legacy:
        _push(w, LogEvent(0, EV_NO_ACTION, (("sha1", bytes(20)),), _spec_id(algorithms)), legacy=True)
    for event in events:
        _push(w, event, legacy=legacy)
    return w.result()


def decode_log(raw: bytes) -> DecodedLog:
    """Read a whole log; EventLogError says at which event and offset it is damaged."""
    return _decode(StructureReader(_bounded(raw), prefix=NAME, order="little"))


def bank_count(raw: bytes) -> int:
    """Return for how many banks the Spec ID event of a log that can be read announces digests; 0 if it has none."""
    at = LEGACY_HEAD + len(SPEC_ID) + SPEC_ID_HEAD
    return int.from_bytes(raw[at : at + 4], "little") if raw[LEGACY_HEAD:].startswith(SPEC_ID) else 0


def eventlog_spans(raw: bytes) -> list[Span]:
    """Name every octet of a log; EventLogError as `decode_log`."""
    spans = spans_of(_bounded(raw), NAME, _decode, "little")
    return [_of_register(span) for span in spans] if decode_log(raw).registers else spans


def _of_register(span: Span) -> Span:
    """Say of an index in a confidential VM's log what it is."""
    if not span.name.endswith(".pcrIndex"):
        return span
    name = span.name.removesuffix("pcrIndex") + "mrIndex"
    value = f"{span.value} ({REGISTERS[int(span.value)]})" if int(span.value) in REGISTERS else span.value
    return replace(span, name=name, value=value, note="The measurement register: it is no PCR.", clause=CCEL)


def _push(w: Writer, event: LogEvent, *, legacy: bool) -> None:
    w.uint(4, event.pcr)
    w.uint(4, event.event_type)
    if legacy:
        w.octets(event.digest_of("sha1"))
    else:
        w.uint(4, len(event.digests))
        for name, octets in event.digests:
            w.uint(2, HASH_IDS[name])
            w.octets(octets)
    w.vector(4, event.data)


def _spec_id(algorithms: tuple[str, ...]) -> bytes:
    w = Writer("little")
    w.octets(
        SPEC_ID + bytes(4) + bytes([0, 2, 0, 2])
    )  # platformClass 0 (client), spec 2.0 errata 0, uintnSize 2 (64 bit)
    w.uint(4, len(algorithms))
    for number in (HASH_IDS[name] for name in algorithms):
        w.uint(2, number)
        w.uint(2, HASH_SIZES[number])
    w.uint(1, 0)
    return w.result()


def _bounded(raw: bytes) -> bytes:
    if len(raw) > MAX_LOG:
        raise EventLogError(f"an event log of {len(raw)} octets; the limit is {MAX_LOG}")
    return raw


def _decode(r: StructureReader) -> DecodedLog:
    if _is_ima(r.data):
        raise EventLogError(
            "this is a measurement list of Linux IMA, not a firmware's log: PCR 10 counts by its value, without a list"
        )
    try:
        with r.group("events[0]", "The first event. In a crypto-agile log it is the Spec ID event.", LEGACY):
            first = _legacy_event(r)
            data_at = r.position - len(first.data)
        if first.event_type == EV_NO_ACTION and first.data.startswith(SPEC_ID):
            if first.pcr > 1 or any(first.digest_of("sha1")):  # nothing is extended: no other value can be meant
                r.fail("digest", SPEC_ID_FORM, at=0)
            sizes = _read_spec_id(r, first.data, data_at)
            events = _events(r, lambda: _agile_event(r, sizes), 1)
            names = tuple(HASH_NAMES[a] for a in sizes if a in HASH_NAMES)
            banks = tuple(name for name in names if all(e.digest_of(name) for e in events if e.extends))
            registers = _padding(r) or any(map(_of_confidential_vm, events))
            if first.pcr and not registers and banks != ("sha384",):
                r.fail("digest", SPEC_ID_FORM, at=0)
            registers = registers or bool(first.pcr)
            return DecodedLog(events, banks, legacy=False, registers=registers)
        events = [first, *_events(r, lambda: _legacy_event(r), 1)]
    except CodecError as error:
        raise EventLogError(str(error)) from error
    return DecodedLog(events, ("sha1",), legacy=True, registers=False)


def _of_confidential_vm(event: LogEvent) -> bool:
    """Whether this is SecureBoot's value in a register that is not PCR 7, where every TPM has it."""
    names_it = SECURE_BOOT in event.data[: 32 + len(SECURE_BOOT)]
    return event.event_type == EV_EFI_VARIABLE_DRIVER_CONFIG and names_it and event.pcr == 1


def _padding(r: StructureReader) -> bool:
    """Name the rest as padding, if there is any: reading stopped there."""
    if not r.left:
        return False
    r.octets(r.left, "padding", lambda octets: f"{len(octets)} bytes of ff", "The room that no event took.", CCEL)
    return True


def _is_ima(raw: bytes) -> bool:
    """Whether octets begin as an entry of Linux IMA: PCR 10, a SHA-1 digest, and the name of a template."""
    size = int.from_bytes(raw[IMA_NAME : IMA_NAME + 4], "little")
    name = raw[IMA_NAME + 4 : IMA_NAME + 4 + size] if size <= 32 else b""
    return int.from_bytes(raw[:4], "little") == IMA_PCR and name.startswith((b"ima", b"evm"))


def _events(r: StructureReader, read_one: Callable[[], LogEvent], number: int) -> list[LogEvent]:
    events: list[LogEvent] = []
    while r.left and not _only_padding(r):
        if len(events) >= MAX_EVENTS:
            raise EventLogError(f"more than {MAX_EVENTS} events")
        with r.group(f"events[{number + len(events)}]", "One measurement.", PROFILE):
            events.append(read_one())
    return events


def _only_padding(r: StructureReader) -> bool:
    if r.data[r.position] != PADDING:
        return False
    rest = r.data[r.position :]
    return rest.count(PADDING) == len(rest)


def _head(r: StructureReader) -> tuple[int, int]:
    at = r.position
    pcr = r.uint(4, "pcrIndex", str, "The PCR that was extended.", PROFILE)
    if pcr >= MAX_PCR and pcr != NO_PCR:  # EV_NO_ACTION may carry an index that stands for no PCR
        r.fail("pcrIndex", f"{pcr} is not a PCR", at=at)
    return pcr, r.uint(4, "eventType", event_name, "What kind of thing was measured.", PROFILE)


def _legacy_event(r: StructureReader) -> LogEvent:
    pcr, event_type = _head(r)
    digest = r.octets(20, "digest", None, "SHA-1, the only bank of the older form; zeros in the Spec ID event.", LEGACY)
    return LogEvent(pcr, event_type, (("sha1", digest),), _data(r, event_type))


def _agile_event(r: StructureReader, sizes: dict[int, int]) -> LogEvent:
    pcr, event_type = _head(r)
    at = r.position
    count = r.uint(4, "digests.count", str, "How many banks were extended.", PROFILE)
    if not 1 <= count <= len(sizes):  # real firmware lists banks that are not switched on
        r.fail("digests.count", f"{count} digests, the Spec ID event lists {len(sizes)} algorithms", at=at)
    digests: list[tuple[str, bytes]] = []
    left = list(sizes)
    for n in range(count):
        at = r.position
        algorithm = r.uint(2, f"digests[{n}].hashAlg", algorithm_name, "The bank.", PROFILE)
        if algorithm not in left:
            r.fail(f"digests[{n}].hashAlg", f"{algorithm_name(algorithm)} again, or not in the Spec ID event", at=at)
        left.remove(algorithm)
        octets = r.octets(sizes[algorithm], f"digests[{n}].digest", None, "What the PCR was extended with.", PROFILE)
        if algorithm in HASH_NAMES:
            digests.append((HASH_NAMES[algorithm], octets))
    return LogEvent(pcr, event_type, tuple(digests), _data(r, event_type))


def _data(r: StructureReader, event_type: int) -> bytes:
    size = r.uint(4, "eventSize", str, "How many bytes of event data follow.", PROFILE)
    start = r.position
    if r.spans is None:
        return r.octets(size, "event")
    if size > r.left:
        r.short(size, "event")
    said, fields = data_fields(event_type, r.data[start : start + size])
    octets = r.octets(size, "event", lambda _: said, data_note(event_type), PROFILE)
    for span in fields:
        r.record(f"event.{span.name}", start + span.start, start + span.end, span.value, span.note, span.clause)
    return octets


def _read_spec_id(r: StructureReader, data: bytes, data_at: int) -> dict[int, int]:
    """Read the Spec ID event, whose data begin at `data_at`: the banks and the sizes of their hashes."""
    spans: list[Span] | None = None if r.spans is None else []
    inner = StructureReader(data, prefix="TCG_EfiSpecIDEvent", order="little", spans=spans)
    inner.octets(len(SPEC_ID), "signature", event_text, "Says that the log has digests for each bank.", SPEC)
    platform = inner.uint(4, "platformClass", str, "0: a client, 1: a server.", SPEC)
    minor, major, _errata, uint_size = inner.octets(
        4, "specVersion", None, "Which version of the specification the log follows.", SPEC
    )
    if platform > SERVER or (minor, major) != (0, 2) or uint_size not in {1, 2}:
        what = f"platform class {platform}, version {major}.{minor}, UINTN of size {uint_size}"
        r.fail("event", f"{what}: not a log of this profile", at=data_at + len(SPEC_ID))
    at = inner.position
    count = inner.uint(4, "numberOfAlgorithms", str, "How many banks the log has digests for.", SPEC)
    if not 1 <= count <= MAX_ALGORITHMS:
        r.fail("event.numberOfAlgorithms", f"{count}; 1 to {MAX_ALGORITHMS} can be meant", at=data_at + at)
    sizes: dict[int, int] = {}
    for n in range(count):
        at = inner.position
        algorithm = inner.uint(2, f"digestSizes[{n}].algorithmId", algorithm_name, "The hash of a bank.", SPEC)
        size = inner.uint(2, f"digestSizes[{n}].digestSize", str, "How long its digests are, in bytes.", SPEC)
        if algorithm in sizes or HASH_SIZES.get(algorithm, size) != size or not 1 <= size <= 64:
            r.fail(f"event.digestSizes[{n}]", f"{algorithm_name(algorithm)} of {size} octets", at=data_at + at)
        sizes[algorithm] = size
    size = inner.uint(1, "vendorInfoSize", str, "How long the maker's own part is, in bytes.", SPEC)
    inner.octets(size, "vendorInfo", None, "What the maker of the firmware adds.", SPEC)
    inner.finish()
    for span in spans or ():
        r.record(
            f"events[0].event.{span.name}", span.start + data_at, span.end + data_at, span.value, span.note, span.clause
        )
    if not any(a in HASH_NAMES for a in sizes):
        r.fail("event.digestSizes", f"no algorithm known here beside {algorithm_name(ALG_SHA1)}'s family", at=data_at)
    return sizes
