"""Looking into Evidence: the structures inside a SupplementalData message, field by field, and its event log replayed.

What cannot be read stays as the message's own octets: showing is not judging, and the Verifier says what is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.attest import (
    AttestError,
    EventLog,
    Evidence,
    attest_spans,
    creation_data_spans,
    eventlog_spans,
    evidence_spans,
    extend,
    public_spans,
    signature_spans,
)
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trustlab.inspector.rows import RowPart

MEDIA = "application/x.trustlab."
READERS: dict[str, Callable[[bytes], list[Span]]] = {
    f"{MEDIA}tpms-attest": attest_spans,
    f"{MEDIA}tpmt-signature": signature_spans,
    f"{MEDIA}tpmt-public": public_spans,
    f"{MEDIA}tpms-creation-data": creation_data_spans,
    f"{MEDIA}tcg-event-log": eventlog_spans,
}
ENTRIES = {
    "quote": "What the TPM signed about its PCRs: a TPMS_ATTEST, with the binder in extraData.",
    "signature": "The AK's signature over it.",
    "ak-public": "The AK's public area: the rules for the key that signed.",
    "ak-certificates": "The privacy CA's statement that this AK lives in a genuine TPM.",
    "event-log": "What was measured, in order. It must replay to the quoted PCR values.",
    "pcr-values": "The values behind the quoted digest. They show what differs, and prove nothing.",
    "key-attestation": "The proof about the TLS key: where it was made and who may use it.",
    "attest": "What the TPM signed about the key: a TPMS_ATTEST.",
    "public": "The key's public area: its number, and the rules for using it.",
    "creation-data": "The state of the machine when the key was made.",
    "__cmwc_t": "The type of this collection.",
}
PARTS = {"0": "media_type", "1": "value", "2": "indicator"}


def deepen(part: RowPart) -> dict[str, Any]:
    """Add the fields of the Evidence in a SupplementalData message to `part`; return its event log, replayed."""
    outer = next((s for s in part.spans if s.name.endswith("].data") and s.end > s.start), None)
    if outer is None:
        return {}
    raw = bytes.fromhex(part.hex)[outer.start : outer.end]
    try:
        log = replay(Evidence.decode(raw))  # first: it is strict about the collection's shape
        inner = _entries(_named(evidence_spans(raw), raw), outer.name)
    except AttestError:
        return {}
    moved = [msgspec.structs.replace(s, start=s.start + outer.start, end=s.end + outer.start) for s in inner]
    part.spans = (*part.spans, *moved)
    return {"log": log}


def _named(spans: Sequence[Span], raw: bytes) -> list[Span]:
    """Say what each octet string holds by the media type before it, and add its fields."""
    result: list[Span] = []
    media = ""
    for span in spans:
        result.append(span)
        if span.value.startswith("application/"):
            media = span.value
        elif media in READERS and span.name.endswith(".1"):
            fields = READERS[media](raw[span.start : span.end])
            result += [_moved(field, span) for field in fields]
            media = ""
    return result


def _moved(field: Span, outer: Span) -> Span:
    start, end = field.start + outer.start, field.end + outer.start
    return msgspec.structs.replace(field, name=f"{outer.name}.{field.name}", start=start, end=end)


def _entries(spans: Sequence[Span], prefix: str) -> list[Span]:
    """Give every entry of the collection a field of its own, and CBOR's parts names that say what they are."""
    heads = [s for s in spans if s.name == "collection.(key).head"]
    keys = [s for s in spans if s.name == "collection.(key)"]
    end = max((s.end for s in spans), default=0)
    stops = [*(s.start for s in heads[1:]), end]
    outer = [
        Span(f"{prefix}.{key.value}", head.start, stop, "", ENTRIES.get(key.value, ""), "RFC 9999, 3.3")
        for head, key, stop in zip(heads, keys, stops, strict=True)
    ]
    inner = []
    for span in spans:
        owner = next((o for o in outer if o.start <= span.start < o.end), None)
        name = span.name.removeprefix("collection.")
        if owner is not None and name.startswith("(key)"):
            name = f"{owner.name.removeprefix(prefix + '.')}.{name.replace('(key)', 'label')}"
        inner.append(msgspec.structs.replace(span, name=f"{prefix}.{_readable(name)}"))
    return sorted([*outer, *inner], key=lambda s: (s.start, -s.end))


def _readable(name: str) -> str:
    words = name.split(".")
    return ".".join(PARTS.get(word, word) if n else word for n, word in enumerate(words))


def replay(evidence: Evidence) -> list[dict[str, Any]]:
    """Return the log's events with the PCR value that each leads to, and whether the last agrees with the one sent."""
    values: dict[int, bytes] = {}
    steps: list[dict[str, Any]] = []
    for event in EventLog.decode(evidence.event_log).events:
        if event.type_name == "EV_NO_ACTION":
            continue
        before = values.get(event.pcr, bytes(32))
        values[event.pcr] = extend(before, event.digest)
        steps.append(
            {
                "pcr": event.pcr,
                "type": event.type_name,
                "digest": event.digest.hex(),
                "says": _text(event.data),
                "before": before.hex(),
                "after": values[event.pcr].hex(),
            }
        )
    for step in _last_of_each(steps):
        sent = evidence.pcr_values.get(step["pcr"])
        step["agrees"] = None if sent is None else sent == values[step["pcr"]]
    return steps


def _last_of_each(steps: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({step["pcr"]: step for step in steps}.values())


def _text(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    return text if text.isprintable() else data.hex()
