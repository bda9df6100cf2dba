"""The measured-boot event log in its crypto-agile form, TCG_PCR_EVENT2, and its replay.

Source: TCG PC Client Platform Firmware Profile 1.05, chapter 10. All integers are little-endian. The first
event, in the older TCG_PCR_EVENT form, is the Spec ID event: it lists the hash algorithms of all that follow. Logs
from before that (TCG_PCR_EVENT with SHA-1 throughout) are read as well. The log itself is not protected by anything:
only its replay, compared with a quote's pcrDigest, makes the digests - and nothing else in it - believable.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from trustlab.attest.constants import ALG_SHA1, HASH_IDS, HASH_NAMES, HASH_SIZES, algorithm_name
from trustlab.attest.errors import CodecError, EventLogError
from trustlab.attest.reading import StructureReader, spans_of
from trustlab.octets import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustlab.trace import Span

EV_NO_ACTION = 0x00000003
EVENT_LAUNCH = 0x54500001
"""HyperSafe's launch, PCR 17; the digest is SHA-256 of the launched code, the data a description."""
EVENT_LAUNCH_POLICY = 0x54500002
"""HyperSafe's launch policy, PCR 18; the digest is the hash of the data."""
EVENT_IMAGE = 0x54500003
"""The VM image, PCR 19; the digest is the image's, the data its name."""
EVENT_CLAIM = 0x54500004
"""A claim `name=value` by measured code, PCR 20; the digest is the hash of the data."""

EVENT_NAMES = {
    EV_NO_ACTION: "EV_NO_ACTION",
    EVENT_LAUNCH: "TRUSTLAB_LAUNCH",
    EVENT_LAUNCH_POLICY: "TRUSTLAB_LAUNCH_POLICY",
    EVENT_IMAGE: "TRUSTLAB_IMAGE",
    EVENT_CLAIM: "TRUSTLAB_CLAIM",
}
PCR_LAUNCH, PCR_LAUNCH_POLICY, PCR_IMAGE, PCR_CLAIMS = 17, 18, 19, 20

SPEC_ID = b"Spec ID Event03\0"
STARTUP_LOCALITY = b"StartupLocality\0"
SERVER = 1
"""The higher of the two platform classes; the other is the client's, 0."""
PROFILE = "TCG PC Client Platform Firmware Profile, 10.2.2 TCG_PCR_EVENT2"
SPEC = "TCG PC Client Platform Firmware Profile, 10.4.5.1 TCG_EfiSpecIDEvent"
LEGACY = "TCG PC Client Platform Firmware Profile, 10.2.1 TCG_PCR_EVENT"
NAME = "event log"
MAX_LOG = 1 << 20
MAX_EVENTS = 4096
MAX_ALGORITHMS = 8
MAX_PCR = 32


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One extend: `digests` holds (hash name, octets) for each bank, `data` what the event says was measured."""

    pcr: int
    event_type: int
    digests: tuple[tuple[str, bytes], ...]
    data: bytes

    @property
    def digest(self) -> bytes:
        """The SHA-256 digest, which is what gets extended; empty where the log has none."""
        return self.digest_of("sha256")

    def digest_of(self, bank: str) -> bytes:
        """Return the digest for a bank (`sha256`), empty if there is none."""
        for name, octets in self.digests:
            if name == bank:
                return octets
        return b""

    @property
    def type_name(self) -> str:
        """The event type's name, or its number in hex."""
        return EVENT_NAMES.get(self.event_type, f"{self.event_type:#010x}")


def launch_event(code_digest: bytes, description: str) -> LogEvent:
    """Note HyperSafe's launch: `code_digest` = SHA-256 of the code, which the launch itself extends into PCR 17."""
    return _event(PCR_LAUNCH, EVENT_LAUNCH, code_digest, description.encode())


def launch_policy_event(text: bytes) -> LogEvent:
    """Note HyperSafe's launch policy, measured into PCR 18 as the SHA-256 of its text."""
    return _event(PCR_LAUNCH_POLICY, EVENT_LAUNCH_POLICY, hashlib.sha256(text).digest(), text)


def image_event(image_digest: bytes, name: str) -> LogEvent:
    """Note the VM image, measured into PCR 19; the name is a hint for people, the digest decides."""
    return _event(PCR_IMAGE, EVENT_IMAGE, image_digest, name.encode())


def claim_event(name: str, value: str) -> LogEvent:
    """Note a claim of measured code at run time, such as ("antivirus.signatures", "2026-11-20"), into PCR 20."""
    data = f"{name}={value}".encode()
    return _event(PCR_CLAIMS, EVENT_CLAIM, hashlib.sha256(data).digest(), data)


def _event(pcr: int, event_type: int, digest: bytes, data: bytes) -> LogEvent:
    if len(digest) != hashlib.sha256().digest_size:
        raise EventLogError(f"a SHA-256 digest has 32 octets, this one for PCR {pcr} has {len(digest)}")
    return LogEvent(pcr, event_type, (("sha256", digest),), data)


@dataclass
class EventLog:
    """A list of events and the banks they have digests for. `legacy` logs are the SHA-1 form without Spec ID event."""

    events: list[LogEvent] = field(default_factory=list)
    algorithms: tuple[str, ...] = ("sha256",)
    legacy: bool = False

    def append(self, event: LogEvent) -> None:
        """Add an event; EventLogError unless it has one digest for each of the log's banks."""
        if tuple(name for name, _ in event.digests) != self.algorithms:
            raise EventLogError(f"the log's banks are {', '.join(self.algorithms)}, the event has others")
        self.events.append(event)

    def encode(self) -> bytes:
        """Return the log's octets, Spec ID event first; `tpm2_eventlog` reads them."""
        w = Writer("little")
        if not self.legacy:
            _push(w, LogEvent(0, EV_NO_ACTION, (("sha1", bytes(20)),), _spec_id(self.algorithms)), legacy=True)
        for event in self.events:
            _push(w, event, legacy=self.legacy)
        return w.result()

    @classmethod
    def decode(cls, raw: bytes) -> Self:
        """Read a whole log; EventLogError says at which event and offset it is damaged."""
        return cls(*_decode(StructureReader(_bounded(raw), prefix=NAME, order="little")))

    def replay(self, bank: str = "sha256", initial: Mapping[int, bytes] | None = None) -> dict[int, bytes]:
        """Return the PCR values that extending all events in order gives; PCRs without events are absent.

        PCRs begin at zeros (as 17 to 22 do after a launch) unless `initial` says otherwise. EV_NO_ACTION is not
        extended; a StartupLocality event sets PCR 0's last octet. EventLogError if the log lacks the bank.
        """
        values = dict(initial or {})
        for step in self.steps(bank, initial):
            values[step.pcr] = step.after
        return values

    def steps(self, bank: str = "sha256", initial: Mapping[int, bytes] | None = None) -> list[ReplayStep]:
        """Return what `replay` does, one step for each event that changes a PCR; EventLogError as `replay`."""
        if bank not in self.algorithms:
            raise EventLogError(f"the log has no {bank} digests, only {', '.join(self.algorithms)}")
        values = dict(initial or {})
        zeros = bytes(HASH_SIZES[HASH_IDS[bank]])
        steps: list[ReplayStep] = []
        for number, event in enumerate(self.events):
            pcr, before = event.pcr, values.get(event.pcr, zeros)
            if event.event_type == EV_NO_ACTION:
                if not event.data.startswith(STARTUP_LOCALITY) or len(event.data) != len(STARTUP_LOCALITY) + 1:
                    continue
                pcr, before, values[0] = 0, values.get(0, zeros), zeros[:-1] + event.data[-1:]
            else:
                values[pcr] = hashlib.new(bank, before + event.digest_of(bank)).digest()
            steps.append(ReplayStep(number, event, pcr, before, values[pcr]))
        return steps


@dataclass(frozen=True, slots=True)
class ReplayStep:
    """One step of a replay: event `number` of the log took `pcr` from `before` to `after`."""

    number: int
    event: LogEvent
    pcr: int
    before: bytes
    after: bytes


def eventlog_spans(raw: bytes) -> list[Span]:
    """Name every octet of a log; EventLogError as `EventLog.decode`."""
    return spans_of(_bounded(raw), NAME, _decode, "little")


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


def _decode(r: StructureReader) -> tuple[list[LogEvent], tuple[str, ...], bool]:
    try:
        with r.group("events[0]", "The first event. In a crypto-agile log it is the Spec ID event.", LEGACY):
            first = _legacy_event(r)
            data_at = r.position - len(first.data)
        if first.event_type == EV_NO_ACTION and first.data.startswith(SPEC_ID):
            if first.pcr or any(first.digest_of("sha1")):  # nothing is extended: no other value can be meant
                r.fail("digest", "a Spec ID event is for PCR 0, with a digest of zeros", at=0)
            sizes = _read_spec_id(r, first.data, data_at)
            events = _events(r, lambda: _agile_event(r, sizes), 1)
            names = tuple(HASH_NAMES[a] for a in sizes if a in HASH_NAMES)
            return events, tuple(name for name in names if all(e.digest_of(name) for e in events)), False
        events = [first, *_events(r, lambda: _legacy_event(r), 1)]
    except CodecError as error:
        raise EventLogError(str(error)) from error
    return events, ("sha1",), True


def _events(r: StructureReader, read_one: Callable[[], LogEvent], number: int) -> list[LogEvent]:
    events: list[LogEvent] = []
    while r.position < len(r.data):
        if len(events) >= MAX_EVENTS:
            raise EventLogError(f"more than {MAX_EVENTS} events")
        with r.group(f"events[{number + len(events)}]", "One measurement.", PROFILE):
            events.append(read_one())
    return events


def _head(r: StructureReader) -> tuple[int, int]:
    at = r.position
    pcr = r.uint(4, "pcrIndex", str, "The PCR that was extended.", PROFILE)
    if pcr >= MAX_PCR and pcr != 0xFFFFFFFF:  # EV_NO_ACTION may carry an index that stands for no PCR
        r.fail("pcrIndex", f"{pcr} is not a PCR", at=at)
    return pcr, r.uint(4, "eventType", _event_name, "What kind of thing was measured.", PROFILE)


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
    return r.octets(size, "event", event_text, _DATA.get(event_type, _ANY_DATA), PROFILE)


_ANY_DATA = "What the event says about itself. The digest covers it only if the event's type says so."
_HASHED = "The measured text itself, the hash's input: the digest above is its SHA-256."
_DATA = {
    EVENT_LAUNCH: "What was launched, for people to read. The digest covers the code, not this.",
    EVENT_IMAGE: "The image's name, for people to read. The digest covers the image, not this.",
    EVENT_LAUNCH_POLICY: _HASHED,
    EVENT_CLAIM: _HASHED,
}


def event_text(data: bytes) -> str:
    """Return an event's data as text if they are one, else in hex."""
    text = data.rstrip(b"\0").decode("utf-8", "replace")
    return text if text.isprintable() else data.hex()


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


def _event_name(number: int) -> str:
    return EVENT_NAMES.get(number, f"{number:#010x}")
