"""What a trace holds of TLS, as plain values for programs: connections, their messages, every field of them.

The shape is that of `trustlab inspect --json`.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from trustlab.explain import fields_of
from trustlab.inspector.sound import sound
from trustlab.trace import other_role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.trace import Span, Trace, TraceEvent

_DIRECTIONS = ("client", "server")


def report(trace: Trace, source: str, *, secrets: bool = False) -> dict[str, Any]:
    """Return the connections of a trace and what was left out of it, in JSON values.

    Each message stands once: as its writer has it, or as its reader does where the writer is not in the trace. With
    `secrets` a message that carried decrypted data has it in `data`: its octets in hex, and their fields.
    """
    inside = _insides(trace)
    read = next(iter(trace.select("capture")), None)
    facts = read.data if read is not None else {}
    ends = _ends(trace)
    by_connection: dict[str, list[TraceEvent]] = defaultdict(list)
    for event in _once(map(sound, trace.select("tls.message"))):
        by_connection[event.connection].append(event)
    links, skipped, frames = facts.get("links"), facts.get("skipped"), facts.get("frames")
    return {
        "source": source,
        "link": ", ".join(map(str, links)) if isinstance(links, list) else "",
        "frames": frames if isinstance(frames, int) else len(trace.select("frame")),
        "connections": [
            _connection(name, events, ends[name], [_message(e, ends[name], inside, secrets=secrets) for e in events])
            for name, events in by_connection.items()
        ],
        "skipped": skipped if isinstance(skipped, list) else [],
        "notes": _notes(trace),
    }


def _notes(trace: Trace) -> list[str]:
    notes = [str(event.data["sentence"]) for event in trace.select("note") if event.data.get("sentence")]
    for event in trace.select("capture"):
        left_out = event.data.get("left_out")
        notes += [f"left out: {x['count']} {x['what']}" for x in left_out] if isinstance(left_out, list) else []
    return notes


def _once(events: Iterable[TraceEvent]) -> list[TraceEvent]:
    """Return of each message the event of its writer, or of its reader if there is no other.

    The two agree in connection, direction, offset and name; of several alike in one record the order tells.
    """
    events = list(events)
    seen: dict[tuple[object, ...], int] = defaultdict(int)
    kept: dict[tuple[object, ...], TraceEvent] = {}
    for event in events:
        place = (event.connection, event.direction, event.offset, event.name)
        side = (*place, event.sent is not False)
        seen[side] += 1
        key = (*place, seen[side])
        if key not in kept or (event.sent is not False and kept[key].sent is False):
            kept[key] = event
    return list(kept.values())


def _ends(trace: Trace) -> dict[str, dict[str, str]]:
    """Return who is at the two ends of each connection, as far as frames and messages tell."""
    ends: dict[str, dict[str, str]] = defaultdict(dict)
    for event in trace:
        if event.direction not in _DIRECTIONS:
            continue
        if event.kind in {"frame", "connection"}:
            known = {event.direction: event.data.get("from"), other_role(event.direction): event.data.get("to")}
        elif event.kind == "tls.message":
            known = {event.direction if event.sent is not False else other_role(event.direction): event.party}
        else:
            continue
        for role, party in known.items():
            if isinstance(party, str) and party:
                ends[event.connection].setdefault(role, party)
    return ends


def _insides(trace: Trace) -> dict[tuple[str, int], TraceEvent]:
    """Return the decrypted data of each event that carried some."""
    return {
        (link.party, link.seq): event
        for event in trace.select("secret")
        for link in event.links
        if link.rel == "inside"
    }


def _connection(
    name: str, events: list[TraceEvent], ends: dict[str, str], messages: list[dict[str, Any]]
) -> dict[str, Any]:
    unread = [event for event in events if event.data.get("readable") is False]
    protected = [event for event in events if event.data.get("encrypted")]
    why = str(unread[0].data.get("sentence") or "") if unread else ""
    hello = next((event for event in events if event.name == "ServerHello"), None)
    return {
        "name": name,
        "client": ends.get("client", ""),
        "server": ends.get("server", ""),
        "version": _version(hello),
        "suite": _value(hello, "cipher_suite"),
        "decrypted": bool(protected) and not unread,
        "why_not": why or ("" if protected else "nothing in it is protected"),
        "messages": messages,
    }


def _version(hello: TraceEvent | None) -> str:
    """Return the version that the server chose: in the extension where there is one (RFC 9846 4.3.1)."""
    if hello is None:
        return ""
    return _value(hello, "selected_version") or _value(hello, "server_version")


def _value(event: TraceEvent | None, field: str) -> str:
    """Return a field's value by its name in the registry, without the number behind it."""
    spans = event.spans if event is not None else ()
    value = next((span.value for span in spans if span.name.rpartition(".")[2] == field), "")
    return value.partition(" (0x")[0]


def _message(
    event: TraceEvent, ends: dict[str, str], inside: dict[tuple[str, int], TraceEvent], *, secrets: bool
) -> dict[str, Any]:
    records, data = event.data.get("records"), inside.get((event.party, event.seq))
    message = {
        "name": event.name,
        "from": ends.get(event.direction, event.party),
        "records": records if isinstance(records, list) else [],
        "encrypted": bool(event.data.get("encrypted")),
        "fields": _fields(fields_of(event, content=len(data.raw) if data is not None else None)),
    }
    if secrets and data is not None:
        message["data"] = {"hex": data.raw.hex(), "fields": _fields(fields_of(data))}
    return message


def _fields(spans: Iterable[Span]) -> list[dict[str, Any]]:
    return [
        {"path": s.name, "start": s.start, "end": s.end, "value": s.value, "sentence": s.note, "clause": s.clause}
        for s in spans
    ]
