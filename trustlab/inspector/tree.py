"""From spans with dotted names to the fields of a tree, in reading order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.explain import fields_of, plaintext_fields
from trustlab.inspector.document import TreeField

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from trustlab.inspector.texts import Texts
    from trustlab.trace import Span, TraceEvent


class Trees:
    """Makes field trees and keeps them, so that octets seen twice (two legs, a TPM's small talk) are read once."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._kept: dict[int, tuple[tuple[Span, ...], list[TreeField]]] = {}

    def of(self, event: TraceEvent, *, content: int | None = None) -> list[TreeField]:
        """Return the fields of an event's octets. The list is shared: nobody changes it.

        `content` is how many octets of plaintext a record holds, if that is known.
        """
        spans = fields_of(event, content=content)
        kept = self._kept.get(id(spans))
        if kept is None or kept[0] is not spans:
            kept = self._kept[id(spans)] = spans, tree(spans, event.raw, self._texts)
        return kept[1]

    def plaintext(self, octets: bytes) -> list[TreeField]:
        """Return the fields of octets that travel in clear."""
        return tree(plaintext_fields(octets), octets, self._texts)

    def labels(self, fields: Sequence[TreeField]) -> list[str]:
        """Return the label of each field."""
        return [self._texts.all[field.label] for field in fields]


def tree(spans: Iterable[Span], raw: bytes, texts: Texts) -> list[TreeField]:
    """Return the fields that `spans` name in `raw`, each with a label relative to its parent.

    The spans are those of a tree as `explain.fields_of` gives it: parents first, a child's name begins with its
    parent's.
    """
    number = texts.number
    parents: list[str] = []
    fields: list[TreeField] = []
    for span in spans:
        name, value = span.name, span.value
        while parents and not name.startswith(parents[-1]):
            parents.pop()
        label = name[len(parents[-1]) :] if parents else name
        if len(value) > SHORT and _is_octets(value, raw, span.start, span.end):
            value = ""
        fields.append(
            TreeField(
                number(label),
                len(parents),
                span.start,
                span.end,
                number(value),
                number(span.note),
                number(span.clause),
            )
        )
        parents.append(f"{name}.")
    return fields


SHORT = 8
"""Characters of a value that may well be hex and yet say more than the octets do."""


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
