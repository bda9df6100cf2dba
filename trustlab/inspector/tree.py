"""From spans with dotted names to the fields of a tree, in reading order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.inspector.document import TreeField

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustlab.inspector.texts import Texts
    from trustlab.trace import Span, TraceEvent


class Trees:
    """Makes field trees and keeps them, so that octets seen twice (two legs, a TPM's small talk) are read once."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._kept: dict[tuple[bytes, tuple[Span, ...]], list[TreeField]] = {}

    def of(self, event: TraceEvent) -> list[TreeField]:
        """Return the fields of an event's octets. The list is shared: nobody changes it."""
        key = event.raw, event.spans
        fields = self._kept.get(key)
        if fields is None:
            fields = self._kept[key] = tree(event.spans, event.raw, self._texts)
        return fields

    def texts(self, fields: Sequence[TreeField]) -> list[str]:
        """Return the label of each field."""
        return [self._texts.all[field.label] for field in fields]


def tree(spans: Iterable[Span], raw: bytes, texts: Texts) -> list[TreeField]:
    """Return the fields that `spans` name in `raw`, parents before children, each with a label relative to its parent.

    A child lies inside its parent. What lies outside the octets, has no octets or is named twice is left out.
    """
    length = len(raw)
    ordered = sorted(
        {(max(s.start, 0), -min(s.end, length), len(s.name), s.name): s for s in spans if s.start < s.end}.items(),
        key=lambda item: item[0],
    )
    number = texts.number
    parents: list[tuple[int, int, str]] = []
    fields: list[TreeField] = []
    for (start, back, _, name), span in ordered:
        end = -back
        if start >= end:
            continue
        while parents and not _holds(parents[-1], start, end, name):
            parents.pop()
        label = name
        if parents and name.startswith(parents[-1][2]):
            label = name[len(parents[-1][2]) :].removeprefix(".") or name
        value = span.value
        if len(value) > 8 and _is_octets(value, raw, start, end):
            value = ""
        field = TreeField(
            number(label), len(parents), start, end, number(value), number(span.note), number(span.clause)
        )
        fields.append(field)
        parents.append((start, end, name))
    return fields


def _holds(parent: tuple[int, int, str], start: int, end: int, name: str) -> bool:
    """Whether a field lies inside another: by its range, and where both have the same range by its name."""
    first, last, above = parent
    if not first <= start < end <= last:
        return False
    return end - start < last - first or name.startswith(above)


def _is_octets(value: str, raw: bytes, start: int, end: int) -> bool:
    """Whether a value is but the beginning of the octets in hex, which a picture shows anyway."""
    return raw[start:end].hex().startswith(value.partition(".")[0].partition("…")[0].partition(" ")[0])


def paths(labels: Sequence[str], fields: Sequence[TreeField]) -> list[str]:
    """Return the path of each field, `extensions/attestation/nonce`; one that came before gets a number, `name#2`."""
    stack: list[str] = []
    seen: dict[str, int] = {}
    result = []
    for label, field in zip(labels, fields, strict=True):
        del stack[field.depth :]
        stack.append(label)
        path = "/".join(stack)
        count = seen[path] = seen.get(path, 0) + 1
        result.append(path if count == 1 else f"{path}#{count}")
    return result


def is_leaf(fields: Sequence[TreeField], number: int) -> bool:
    """Whether a field has no fields of its own."""
    return number + 1 >= len(fields) or fields[number + 1].depth <= fields[number].depth
