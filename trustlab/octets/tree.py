"""Building a tree of spans: every name once, every field inside the field above it."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

SIZE = ".size"
TOGETHER = "Fields that belong together."
ENTRY = "One entry of the list."


class SpanTree:
    """Collects the spans of one structure, parents before children.

    `add` names octets within the field that is open, `inside` opens one. A name that occurs a second time gets a
    number, counted from 0: `commonName`, `commonName[1]`.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._path = ""
        self._seen: Counter[str] = Counter()

    def add(self, name: str, start: int, end: int, value: str = "", note: str = "", clause: str = "") -> str:
        """Name the octets `start:end`; return the name within the open field, with its number if it has one."""
        full = self._path + name
        times = self._seen[full]
        self._seen[full] += 1
        if times:
            name = f"{name}[{times}]"
            full = self._path + name
        self.spans.append(Span(full, start, end, value, note, clause))
        return name

    @contextmanager
    def inside(
        self, name: str, start: int, end: int, value: str = "", note: str = "", clause: str = ""
    ) -> Iterator[None]:
        """Name a field, and put what is named in the block inside it."""
        before = self._path
        self._path = f"{before}{self.add(name, start, end, value, note, clause)}."
        try:
            yield
        finally:
            self._path = before

    def graft(self, spans: Iterable[Span], at: int) -> None:
        """Put the spans of an inner structure, which begins at the octet `at`, inside the open field."""
        for s in nested(spans):
            self.add(s.name, s.start + at, s.end + at, s.value, s.note, s.clause)


def nested(spans: Iterable[Span]) -> list[Span]:
    """Return spans as a tree: each once, empty ones left out, each inside the span that its name lies in.

    A length that stands before its field (`nonce.size` before `nonce`) is called `nonce_size`. An element of a list
    that has a span of its own goes inside it (`pcrs[0]` in `pcrs` is `pcrs.entry[0]`). A name that others lie in and
    that has no span gets one. Parents come first.
    """
    given = dict.fromkeys(s if not s.name.endswith(SIZE) else _sized(s) for s in spans if s.start < s.end)
    ranges: dict[str, tuple[int, int]] = {}
    for span in given:
        ranges.setdefault(span.name, (span.start, span.end))
    added = _containers(given, ranges)
    ranges |= {span.name: (span.start, span.end) for span in added}
    named: dict[str, Span] = {}
    for span in sorted([*added, *given], key=lambda s: (s.start, -s.end, s.name.count("."))):
        name = place = _listed(span, ranges)
        times = 1
        while place in named:
            place = f"{name}[{times}]"
            times += 1
        named[place] = span if place == span.name else _renamed(span, place)
    return list(named.values())


def _renamed(span: Span, name: str) -> Span:
    return Span(name, span.start, span.end, span.value, span.note, span.clause)


def _sized(span: Span) -> Span:
    """Give a length that stands before its field a name beside that field's."""
    return _renamed(span, f"{span.name.removesuffix(SIZE)}_size")


def _containers(spans: Iterable[Span], ranges: Mapping[str, tuple[int, int]]) -> list[Span]:
    """Return spans for the names that others lie in and that have none."""
    found: dict[str, Span] = {}
    for span in spans:
        words = span.name.split(".")
        for n in range(1, len(words)):
            name = ".".join(words[:n])
            if name in ranges:
                continue
            head, bracket, _ = words[n - 1].partition("[")
            note = ENTRY if bracket else TOGETHER
            known = found.get(name) or Span(name, span.start, span.end, "", note, span.clause)
            found[name] = Span(name, min(known.start, span.start), max(known.end, span.end), "", note, known.clause)
            above = found.get(".".join((*words[: n - 1], head))) if bracket else None
            if above is not None:  # a list with a field of its own, such as its count: it holds the entries too
                end = max(above.end, span.end)
                found[above.name] = Span(above.name, above.start, end, "", above.note, above.clause)
    return list(found.values())


def _listed(span: Span, ranges: Mapping[str, tuple[int, int]]) -> str:
    """Return a name in which an element of a list lies inside the list, where the list has a span of its own."""
    if "[" not in span.name:
        return span.name
    words = span.name.split(".")
    for n, word in enumerate(words):
        head, bracket, number = word.partition("[")
        outer = ranges.get(".".join((*words[:n], head))) if bracket else None
        if outer is not None and outer[0] <= span.start and span.end <= outer[1]:
            words[n] = f"{head}.entry[{number}"
    return ".".join(words)


def leaves(spans: Sequence[Span]) -> list[Span]:
    """Return the spans of a tree that have no fields inside."""
    parents = {name[:n] for name in (s.name for s in spans) for n, sign in enumerate(name) if sign == "."}
    return [span for span in spans if span.name not in parents]
