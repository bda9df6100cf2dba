"""Evidence as a tree of fields: the collection, the structures in it, and the log replayed. It is for people to read.

`evidence_fields` shows what `evidence.Evidence.decode` reads, and more: what it would refuse is shown as far as it can
be read. Names are the collection's labels and, below `value`, the names of TPM structures, certificates and logs:
`quote.value.extraData`, `ak-certificates.certificate[0].value.tbsCertificate.subject`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from trustlab.attest import cbor
from trustlab.attest.certificates import OID_AK_NAME, OID_EK_KEY
from trustlab.attest.creation import creation_data_spans
from trustlab.attest.errors import AttestError, plural, shown
from trustlab.attest.eventlog import EventLog, event_text, eventlog_spans
from trustlab.attest.evidence import CERTIFICATE_TYPE, ENDORSEMENT, EVIDENCE, MAX_EVIDENCE, PREFIX
from trustlab.attest.measurements import quoted_pcrs
from trustlab.attest.public import public_spans
from trustlab.attest.signature import signature_spans
from trustlab.attest.structures import attest_spans
from trustlab.octets import SpanTree
from trustlab.x509 import PrivateExtension, certificate_fields

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from trustlab.attest.cbor import CborPart
    from trustlab.attest.eventlog import ReplayStep
    from trustlab.attest.logevent import LogEvent
    from trustlab.attest.measurements import QuotedPcrs
    from trustlab.trace import Span

CMW = "RFC 9999, 3"
STRING = "A byte string begins, and how many bytes it has."
CDDL = "docs/evidence.cddl"
UNREADABLE = "unreadable"
REMEMBERED = 64
"""Evidence whose fields are kept: both ends of both legs see the same one."""
PCR_VALUES = PREFIX + "pcr-values+cbor"
EVENT_LOG = PREFIX + "tcg-event-log"
AK_EXTENSIONS = (
    PrivateExtension(
        OID_AK_NAME.dotted_string,
        "akName",
        "The Name of the AK: the certificate is about the key with this Name, and no other.",
        "trustlab protocol, AK certificate",
    ),
    PrivateExtension(
        OID_EK_KEY.dotted_string,
        "ekKey",
        "SHA-256 of the EK's SubjectPublicKeyInfo. It tells one machine from another; a Verifier may pin it.",
        "trustlab protocol, AK certificate",
    ),
)
ENTRIES = {
    "__cmwc_t": "What kind of collection this is.",
    "quote": "What the TPM signed about its PCRs: a TPMS_ATTEST, with the binder in extraData.",
    "signature": "The AK's signature over the TPMS_ATTEST in quote.",
    "key-attestation.signature": "The AK's signature over the TPMS_ATTEST in attest.",
    "ak-public": "The AK's public area: the key that signed, and the rules for using it.",
    "ak-certificates": "The privacy CA's word that this AK lives in a genuine TPM.",
    "event-log": "What was measured, in order. Replayed, it must lead to the quoted PCR values.",
    "pcr-values": "The values behind the quoted digest. They help to see what differs, and prove nothing.",
    "key-attestation": "The proof about the TLS key: where it was made, and who may use it.",
    "attest": "What the TPM signed about the key: a TPMS_ATTEST.",
    "public": "The TLS key's public area: its public number, and the rules for using it.",
    "creation-data": "The state of the machine when the key was made.",
}
"""What each entry of the collection is for."""
INDICATORS = {EVIDENCE: "4: Evidence", ENDORSEMENT: "2: Endorsement"}


@dataclass(slots=True)
class _Item:
    """A CBOR data item: its head ends at `body`, the item at `end`; entries of a list have no label."""

    start: int
    body: int
    end: int
    major: int
    argument: int
    content: str = ""
    entries: list[tuple[_Item | None, _Item]] = field(default_factory=list)

    @property
    def label(self) -> str:
        """The name that this item gives to an entry: without a dot, which would look like a path."""
        return (self.content or str(self.argument)).replace(".", "-")


class EvidenceTree(SpanTree):
    """The tree of one Evidence, whose log is shown beside what the quote proves of it."""

    def __init__(self, proof: QuotedPcrs | None) -> None:
        super().__init__()
        self.proof = proof


@lru_cache(maxsize=REMEMBERED)
def evidence_fields(raw: bytes) -> tuple[Span, ...]:
    """Return a span for each field of Evidence, in the order of the octets, parents before children.

    Never raises: octets that cannot be read are one span, `unreadable`, whose value says why.
    """
    tree = EvidenceTree(quoted_pcrs(raw))
    if len(raw) > MAX_EVIDENCE:
        _unreadable(tree, 0, len(raw), f"{len(raw)} bytes; Evidence has at most {MAX_EVIDENCE}")
        return tuple(tree.spans)
    parts, error = cbor.parts(raw, "evidence")
    end = 0
    if parts:
        whole = _item(deque(parts))
        _collection(tree, raw, whole, "collection")
        end = whole.end
    _unreadable(tree, end, len(raw), str(error))
    return tuple(tree.spans)


def log_fields(raw: bytes, proof: QuotedPcrs | None = None) -> list[Span]:
    """Return the spans of an event log; each measured event says what its PCR is before and after it.

    With `proof`, what the quote beside it proves, the replay is of the quoted bank, and an event says if nothing proves
    it. EventLogError as `eventlog_spans`.
    """
    spans = eventlog_spans(raw)
    log = EventLog.decode(raw)
    first = 0 if log.legacy else 1  # the Spec ID event is in the octets, but is no measurement
    banks = [proof.bank] if proof and proof.bank in log.algorithms else log.algorithms[:1]
    steps = log.steps(banks[0]) if banks else []
    told = {first + step.number: step for step in steps}
    unproved = _unproved(log, banks, proof)
    events = {f"events[{first + n}]": (first + n, event) for n, event in enumerate(log.events)}
    result = []
    for span in spans:
        if span.name in events:
            number, event = events[span.name]
            span = _told(span, told.get(number), unproved(event))  # noqa: PLW2901 - the same span, with more to say
        result.append(span)
    return result


def _told(span: Span, step: ReplayStep | None, unproved: str) -> Span:
    """Say of an event what it makes of its PCR, and whether anything proves it."""
    if step is None:
        return replace(span, note=f"{span.note} {unproved}".rstrip())
    after = f"PCR {step.pcr} becomes {step.after.hex()}"
    note = f"A measurement. PCR {step.pcr} was {step.before.hex()}; the TPM hashes that with the digest below."
    return replace(span, value=after, note=f"{note} {unproved}".rstrip())


def _unproved(log: EventLog, banks: Sequence[str], proof: QuotedPcrs | None) -> Callable[[LogEvent], str]:
    """Return what says of an event why nothing proves it; it says nothing of an event that is proved."""
    replayed = log.replay(banks[0]) if banks else {}
    proved = frozenset() if proof is None else proof.proved(replayed if proof.bank in banks else {})

    def why(event: LogEvent) -> str:
        if log.registers:
            return "Set aside: it is about a measurement register, which is no PCR."
        if not event.extends and event.locality is None:
            return "Set aside: it extends no PCR, so nothing proves it."
        if proof is None or event.pcr in proved:
            return ""
        if event.pcr not in proof.pcrs:
            return f"Set aside: the quote does not cover PCR {event.pcr}, so nothing proves it."
        return f"Set aside: the log does not replay to the quoted value of PCR {event.pcr}, so nothing proves it."

    return why


def is_evidence(raw: bytes) -> bool:
    """Whether octets look like Evidence: a CBOR map with one of the labels that ours has."""
    return raw[:1] >= b"\xa1" and raw[:1] <= b"\xb7" and any(raw.startswith(first, 1) for first in _FIRST)


_FIRST = tuple(cbor.encode(label) for label in ("quote", "attest", "__cmwc_t"))
"""How the first entry begins: labels stand in the order of their lengths, then of their octets."""


def _item(parts: deque[CborPart]) -> _Item:
    """Take one item; where reading broke off, what was read of it."""
    head = parts.popleft()
    item = _Item(head.start, head.end, head.end, head.major, head.argument)
    if head.major in cbor.STRINGS and head.argument and parts:
        content = parts.popleft()
        item.content, item.end = content.value, content.end
    elif head.major in (cbor.ARRAY, cbor.MAP):
        for _ in range(head.argument):
            label = _item(parts) if head.major == cbor.MAP and parts else None
            if not parts:
                break
            item.entries.append((label, _item(parts)))
            item.end = item.entries[-1][1].end
    return item


def _unreadable(tree: SpanTree, start: int, end: int, why: str) -> None:
    if start < end:
        note = "These bytes do not have the form that Evidence has here."
        tree.add(UNREADABLE, start, end, why, note, CDDL)


def _collection(tree: SpanTree, raw: bytes, item: _Item, what: str) -> None:
    """Name a map of entries; anything else is one field."""
    if item.major != cbor.MAP:
        tree.add(what, item.start, item.end, shown(item.content), "Something other than a CMW collection.", CMW)
        return
    note = f"A CBOR map begins. It has {plural(item.argument, 'entry', 'entries')}, each with a label."
    tree.add("map_head", item.start, item.body, str(item.argument), note, cbor.RFC)
    for label, value in item.entries:
        if label is None:
            continue
        name = label.label if label.major == cbor.TEXT else f"certificate[{label.argument}]"
        words = ENTRIES.get(f"{what}.{name}") or ENTRIES.get(name) or "A certificate of the chain, the AK's own first."
        with tree.inside(name, label.start, value.end, "", words, CMW):
            tree.add("label", label.start, label.end, label.label, "Which entry this is.", CMW)
            _entry(tree, raw, name, value, words)


def _entry(tree: SpanTree, raw: bytes, name: str, value: _Item, words: str) -> None:
    kinds = [item.major for _, item in value.entries]
    if value.major == cbor.ARRAY and kinds == [cbor.TEXT, cbor.BYTES, cbor.UNSIGNED]:
        _record(tree, raw, value, words)
    elif value.major == cbor.MAP:
        _collection(tree, raw, value, name)
    else:
        tree.add("value", value.start, value.end, value.content or str(value.argument), words, CMW)


def _record(tree: SpanTree, raw: bytes, record: _Item, words: str) -> None:
    """Name a CMW record: media type, value, indicator."""
    media, value, indicator = (item for _, item in record.entries)
    note = "An array of three begins: media type, value, indicator."
    tree.add("record_head", record.start, record.body, "", note, CMW)
    tree.add("media_type", media.start, media.end, media.content, "What form the value has.", CMW)
    tree.add(
        "value_head",
        value.start,
        value.body,
        str(value.argument),
        STRING,
        cbor.RFC,
    )
    if value.body < value.end:
        octets = raw[value.body : value.end]
        with tree.inside("value", value.body, value.end, _shown(media.content), words, CMW):
            _inside(tree, octets, media.content, value.body)
    said = INDICATORS.get(indicator.argument, str(indicator.argument))
    tree.add("indicator", indicator.start, indicator.end, said, "What kind of message it is (RFC 9334).", CMW)


def _shown(media: str) -> str:
    """Return the form of a value in short."""
    return media.removeprefix(PREFIX).removeprefix("application/")


def _inside(tree: SpanTree, octets: bytes, media: str, at: int) -> None:
    if media == PCR_VALUES:
        _pcrs(tree, octets, at)
        return
    reader = READERS.get(media)
    if reader is None:
        return
    try:
        if media == EVENT_LOG and isinstance(tree, EvidenceTree):
            tree.graft(log_fields(octets, tree.proof), at)
        else:
            tree.graft(reader(octets), at)
    except AttestError as error:
        _unreadable(tree, at, at + len(octets), str(error))


def _pcrs(tree: SpanTree, octets: bytes, at: int) -> None:
    parts, error = cbor.parts(octets, "pcr-values")
    end = 0
    if parts:
        whole = _item(deque(parts))
        note = f"A CBOR map begins. It has {plural(whole.argument, 'entry', 'entries')}, one for each PCR."
        tree.add("map_head", at, at + whole.body, str(whole.argument), note, cbor.RFC)
        for label, value in whole.entries:
            if label is not None:
                _pcr(tree, label, value, at)
        end = whole.end
    _unreadable(tree, at + end, at + len(octets), str(error))


def _pcr(tree: SpanTree, label: _Item, value: _Item, at: int) -> None:
    pcr = label.label
    note = f"The value of PCR {pcr}, as the sender states it. Only the quote proves it."
    with tree.inside(f"PCR{pcr}", at + label.start, at + value.end, value.content, note, CDDL):
        tree.add("index", at + label.start, at + label.end, pcr, "Which PCR.", CDDL)
        tree.add(
            "value_head",
            at + value.start,
            at + value.body,
            str(value.argument),
            STRING,
            cbor.RFC,
        )
        if value.body < value.end:  # damaged evidence may have an empty one
            tree.add("value", at + value.body, at + value.end, value.content, note, CDDL)


def steps_of(log: bytes, sent: Mapping[int, bytes]) -> list[dict[str, Any]]:
    """Replay a log: for each step what was measured, and the PCR before and after, in JSON values.

    The last step of a PCR also says whether `sent`, the values sent along, has the same (`agrees`, None if it has
    none). The bank is SHA-256 where the log has it, else its first. EventLogError for a log that cannot be replayed.
    """
    read = EventLog.decode(log)
    bank = "sha256" if "sha256" in read.algorithms else next(iter(read.algorithms), "sha256")
    steps = read.steps(bank)
    last = {step.pcr: step for step in steps}
    result: list[dict[str, Any]] = []
    for step in steps:
        entry: dict[str, Any] = {
            "pcr": step.pcr,
            "type": step.event.type_name,
            "digest": step.event.digest_of(bank).hex(),
            "says": event_text(step.event.data),
            "before": step.before.hex(),
            "after": step.after.hex(),
        }
        if last[step.pcr] is step:
            entry["agrees"] = sent[step.pcr] == step.after if step.pcr in sent else None
        result.append(entry)
    return result


READERS: dict[str, Callable[[bytes], Iterable[Span]]] = {
    PREFIX + "tpms-attest": attest_spans,
    PREFIX + "tpmt-signature": signature_spans,
    PREFIX + "tpmt-public": public_spans,
    PREFIX + "tpms-creation-data": creation_data_spans,
    EVENT_LOG: log_fields,
    CERTIFICATE_TYPE: lambda raw: certificate_fields(raw, AK_EXTENSIONS),
}
"""What reads a value, by its media type."""
