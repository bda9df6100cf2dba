"""The cursor of `octets` as TLS has it: a `DecodeError` for what does not fit, and a note for every field."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn

from trustlab import octets
from trustlab.tls.alerts import DecodeError
from trustlab.tls.notes import note_of
from trustlab.tls.registry import label
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = 24  # octets of a field that its value shows


def shown(value: bytes) -> str:
    """Render octets for people: hex, cut after `SHOWN` octets."""
    text = value[:SHOWN].hex()
    return f"{text}... ({len(value)} bytes)" if len(value) > SHOWN else text


@lru_cache(maxsize=4096)
def _naming(prefix: str, name: str) -> tuple[str, str, str]:
    """Return the name a field has inside its message, its note and its clause."""
    full = f"{prefix}.{name}"
    return full.partition(".")[2], *note_of(full)


class Reader(octets.Reader):
    """Pulls the fields of a message; every shortage or excess is a `DecodeError` that names the field.

    Spans get the note and the clause that `notes` has for the field's path.
    """

    __slots__ = ()

    def fail(self, name: str, reason: str, at: int | None = None) -> NoReturn:  # noqa: ARG002 - alerts name no place
        """Raise DecodeError."""
        raise DecodeError(f"{name} {reason}")

    def record(self, name: str, start: int, end: int, value: str = "", note: str = "", clause: str = "") -> None:
        """Name the octets `start:end`, if names are wanted."""
        if self.spans is not None:
            full, note, clause = _naming(self.prefix, name)
            self.spans.append(Span(full, start, end, value, note, clause))

    def number(self, value: int, size: int, show: Callable[[int], object]) -> str:
        """Name a code point: what TLS codecs give to show a number is its registry."""
        return label(show, value, size)

    def text(self, value: bytes) -> str:
        """Show the first octets."""
        return shown(value)


class SpanReader(Reader, octets.SpanReader):
    """Pulls the same and names every octet."""

    __slots__ = ()
