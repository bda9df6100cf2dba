"""Two runs of an act side by side: what was edited, how the course differs, and which octets do.

Two runs without any edit differ too, in randoms, keys and signatures. So the three layers are kept apart, the exact
ones first: *edited* (read otherwise than it was written, within one run), *course* (events that only one run has, and
what the parties say), *octets* (fields that differ, beyond those that differ anyway).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from trustlab.trace import leaves

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trustlab.trace import Trace, TraceEvent

KINDS = ("tls.message", "authenticator", "appraisal", "app", "tpm.command")
"""What a run consists of; frames, states and secrets follow from these."""
SAYS = ("appraisal", "app")
FOLLOWS = ("length", "size", "header")
"""Fields that only say how long another is: DER makes signatures and certificates an octet longer or shorter."""
ALERT = 2
"""Octets of an alert (RFC 5246 7.2); a longer one could not be read."""
SHOWN = 12
Layer = Literal["edited", "course", "octets"]
What = Literal["changed", "new", "missing", "other"]


@dataclass(frozen=True, slots=True)
class Key:
    """Which event: the `nth` of its kind and name (from 1) by a party, on a connection, in a direction."""

    kind: str
    party: str
    connection: str
    direction: str
    name: str
    nth: int

    def __str__(self) -> str:
        where = f" on {self.connection}" if self.connection else ""
        return f"{self.name}{f' #{self.nth}' if self.nth > 1 else ''} at {self.party}{where}"


@dataclass(frozen=True, slots=True)
class RunDifference:
    """One difference: of a layer, what it is, at which event, and in a field if it is in one."""

    layer: Layer
    what: What
    key: Key
    field: str
    sentence: str


@dataclass(frozen=True)
class Comparison:
    """All differences of a run against another, in the order in which they happened; as text the first of them."""

    edited: tuple[RunDifference, ...]
    course: tuple[RunDifference, ...]
    octets: tuple[RunDifference, ...]

    @property
    def first(self) -> RunDifference | None:
        """The first difference: what was edited, if anything was, else of the course, else of the octets."""
        return next(iter((*self.edited, *self.course, *self.octets)), None)

    def __bool__(self) -> bool:
        return self.first is not None

    def __str__(self) -> str:
        if self.first is None:
            return "Nothing differs but what differs in every run."
        rest = self.course[:1] if self.edited else ()
        return " ".join([self.first.sentence, *(f"Then: {each.sentence}" for each in rest)])


Noise = dict[Key, frozenset[str]]
"""Fields that differ between two runs alike, by event; of an event that only one of them has, `*`."""


def noise(first: Trace, second: Trace) -> Noise:
    """Learn from two runs without an edit what differs in every run."""
    a, b = _events(first), _events(second)
    found: Noise = {key: frozenset("*") for key in a.keys() ^ b.keys()}
    for key in a.keys() & b.keys():
        x, y = _values(a[key]), _values(b[key])
        found[key] = frozenset(path for path in x.keys() | y.keys() if x.get(path) != y.get(path))
    return found


def compare(first: Trace, second: Trace, known: Noise) -> Comparison:
    """Compare a run (`second`) with another one of the same act; `known` is what differs in every run."""
    a, b = _events(first), _events(second)
    course: list[RunDifference] = []
    octets: list[RunDifference] = []
    for key, event in b.items():
        if "*" in known.get(key, ()):
            continue
        if key not in a:
            course.append(RunDifference("course", "new", key, "", f"{_says(event, key)} Only this run has it."))
            continue
        for difference in _differing(key, a[key], event, known.get(key, frozenset())):
            (course if difference.layer == "course" else octets).append(difference)
    course += [
        RunDifference("course", "missing", key, "", f"{key} is missing in this run.")
        for key in a
        if key not in b and "*" not in known.get(key, ())
    ]
    return Comparison((*_edited(second), *_edited(first)), tuple(course), tuple(octets))


def edits(trace: Trace) -> list[TraceEvent]:
    """Return the notes of all that was edited or dropped in flight."""
    return [event for event in trace.select("note") if event.name in {"edited in flight", "dropped in flight"}]


def _edited(trace: Trace) -> Iterator[RunDifference]:
    """Yield what was edited or dropped in flight, as the gate noted it."""
    for event in edits(trace):
        data = event.data
        key = Key("tls.message", "network", event.connection, event.direction, str(data.get("message")), 1)
        change = f" {_cut(data.get('before'))} became {_cut(data.get('after'))}." if data.get("field") else ""
        sentence = f"On {event.connection}: {data.get('sentence')}{change}"
        yield RunDifference("edited", "changed", key, str(data.get("field", "")), sentence)


def _events(trace: Trace) -> dict[Key, TraceEvent]:
    """Return the events that make a run by what they are, ordered so that nothing is read before it was written."""
    count: Counter[tuple[str, ...]] = Counter()
    found: dict[Key, TraceEvent] = {}
    for event in trace.ordered():
        if event.kind in KINDS:
            place = event.kind, event.party, event.connection, event.direction, _name(event)
            count[place] += 1
            found[Key(*place, count[place])] = event
    return found


def _name(event: TraceEvent) -> str:
    """Name an event; an alert by what it says, since that is the course of a run."""
    if event.kind == "tls.message" and event.name == "Alert" and len(event.raw) == ALERT:
        words = str(event.data.get("sentence", "")).removeprefix("The sender says: ").split(" ")
        return f"Alert {words[0].rstrip('.')}"
    return event.name


def _values(event: TraceEvent) -> Mapping[str, object]:
    """Return what an event says, field by field."""
    if event.kind in SAYS:
        return {"sentence": event.data.get("sentence", ""), "failed": event.data.get("failed", "")}
    return {leaf.name: event.raw[leaf.start : leaf.end] for leaf in leaves(event.spans)}


def _differing(key: Key, first: TraceEvent, second: TraceEvent, known: frozenset[str]) -> Iterator[RunDifference]:
    x, y = _values(first), _values(second)
    for path in sorted((x.keys() | y.keys()) - known, key=lambda path: list(y).index(path) if path in y else len(y)):
        if x.get(path) == y.get(path) or (key.kind not in SAYS and path.endswith(FOLLOWS)):
            continue
        if key.kind in SAYS:
            yield RunDifference("course", "other", key, path, f"{_says(second, key)} The other run: {x.get(path)}")
        else:
            sentence = f"{key}: {path} is {_cut(y.get(path))}, and in the other run {_cut(x.get(path))}."
            yield RunDifference("octets", "other", key, path, sentence)


def _says(event: TraceEvent, key: Key) -> str:
    return f"{key}: {event.data['sentence']}" if event.data.get("sentence") else f"{key}."


def _cut(value: object) -> str:
    """Show octets in hex, as many as a line holds."""
    if value is None:
        return "not there"
    text = value.hex() if isinstance(value, bytes) else str(value)
    return f"{text[: 2 * SHOWN]}..." if len(text) > 2 * SHOWN else text or "empty"
