"""Building a tree of spans: every name once, every field inside the field above it."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

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
    that has no span gets one. A field that lies outside the field that its name lies in is no part of it, and loses its
    path (`a.b` is `a-b`). Parents come first.
    """
    given = [span for span in spans if span.start < span.end]
    result = []
    for name, start, end, source, group in _plan(tuple((span.name, span.start, span.end) for span in given)):
        span = given[source]
        if group:
            result.append(Span(name, start, end, "", group, span.clause))
        else:
            result.append(span if name == span.name else Span(name, start, end, span.value, span.note, span.clause))
    return result


Place = tuple[str, int, int]
"""A name and where it lies."""


@lru_cache(maxsize=512)
def _plan(places: tuple[Place, ...]) -> list[tuple[str, int, int, int, str]]:
    """Return for each span of the tree its name and range, which of `places` it comes from, and a group's sentence.

    The plan depends on names and ranges alone. Commands of one kind share them, and there are hundreds in a run.
    """
    given: dict[Place, int] = {}
    for number, (name, start, end) in enumerate(places):
        plain = f"{name.removesuffix(SIZE)}_size" if name.endswith(SIZE) else name
        given.setdefault((plain, start, end), number)
    ranges: dict[str, tuple[int, int]] = {}
    for name, start, end in given:
        ranges.setdefault(name, (start, end))
    groups = _groups(given, ranges)
    ranges |= {name: (start, end) for name, (start, end, _, _) in groups.items()}
    entries = [(*place, number, "") for place, number in given.items()]
    entries += [(name, *group) for name, group in groups.items()]
    plan: dict[str, tuple[str, int, int, int, str]] = {}
    for name, start, end, number, note in sorted(entries, key=lambda e: (e[1], -e[2], e[0].count("."))):
        listed = place = _enclosed(_listed(name, start, end, ranges), start, end, plan)
        times = 1
        while place in plan:
            place = f"{listed}[{times}]"
            times += 1
        plan[place] = (place, start, end, number, note)
    return list(plan.values())


def _enclosed(name: str, start: int, end: int, plan: Mapping[str, tuple[str, int, int, int, str]]) -> str:
    """Return a name without a path if the field above does not hold these octets: a trace may say anything."""
    above = name.rpartition(".")[0]
    if not above:
        return name
    known = plan.get(above)
    return name if known is not None and known[1] <= start and end <= known[2] else name.replace(".", "-")


def _groups(given: Mapping[Place, int], ranges: Container[str]) -> dict[str, tuple[int, int, int, str]]:
    """Return range, first member and sentence of each name that others lie in and that has no span."""
    found: dict[str, tuple[int, int, int, str]] = {}
    for (full, start, end), number in given.items():
        words = full.split(".")
        for n in range(1, len(words)):
            name = ".".join(words[:n])
            if name in ranges:
                continue
            head, bracket, _ = words[n - 1].partition("[")
            first, last, member, note = found.get(name, (start, end, number, ENTRY if bracket else TOGETHER))
            found[name] = min(first, start), max(last, end), member, note
            above = ".".join((*words[: n - 1], head))
            if bracket and above in found:  # a list with a field of its own, such as its count: it holds entries too
                first, last, member, note = found[above]
                found[above] = first, max(last, end), member, note
    return found


def _listed(name: str, start: int, end: int, ranges: Mapping[str, tuple[int, int]]) -> str:
    """Return a name in which an element of a list lies inside the list, if the list has a span of its own."""
    if "[" not in name:
        return name
    words = name.split(".")
    for n, word in enumerate(words):
        head, bracket, number = word.partition("[")
        outer = ranges.get(".".join((*words[:n], head))) if bracket else None
        if outer is not None and outer[0] <= start and end <= outer[1]:
            words[n] = f"{head}.entry[{number}"
    return ".".join(words)


def leaves(spans: Sequence[Span]) -> list[Span]:
    """Return the spans of a tree that have no fields inside."""
    parents = {span.name.rpartition(".")[0] for span in spans}
    return [span for span in spans if span.name not in parents]
