# ruff: noqa: D102 - what SpanReader overrides is described at Reader
"""Reading and writing octets: one way to read serves parsing and the naming of every octet.

A `Reader` pulls fields; its subclass `SpanReader` also records each pulled field as a `Span`, so that a message's
codec is written once and its dissection cannot disagree with its parsing.
"""

from __future__ import annotations

from functools import lru_cache
from struct import unpack
from typing import TYPE_CHECKING

from trustlab.tls.alerts import DecodeError
from trustlab.tls.notes import note_of
from trustlab.tls.registry import label
from trustlab.trace import Span

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import IntEnum

MAX_LENGTH = 2**24 - 1  # of any vector in TLS
SHOWN = 24  # octets of a field that its value shows


class Reader:
    """Pulls fields from `data[start:end]`; every shortage or excess is a `DecodeError` that names the field."""

    __slots__ = ("data", "end", "position")
    recording = False

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self.data = data
        self.position = start
        self.end = len(data) if end is None else end

    @property
    def left(self) -> int:
        """Octets not yet pulled."""
        return self.end - self.position

    def _short(self, size: int, name: str) -> DecodeError:
        return DecodeError(f"{name} needs {size} octets, {self.end - self.position} are left")

    def _advance(self, size: int, name: str) -> int:
        start = self.position
        if start + size > self.end:
            raise self._short(size, name)
        self.position = start + size
        return start

    def uint(self, size: int, name: str, registry: type[IntEnum] | None = None) -> int:  # noqa: ARG002
        """Pull a big-endian unsigned integer of `size` octets; `registry` names its values in a dissection."""
        start = self.position
        end = start + size
        if end > self.end:
            raise self._short(size, name)
        self.position = end
        return int.from_bytes(self.data[start:end], "big")

    def octets(self, size: int, name: str, show: Callable[[bytes], str] | None = None) -> bytes:  # noqa: ARG002
        """Pull `size` octets; `show` renders them in a dissection."""
        start = self.position
        end = start + size
        if end > self.end:
            raise self._short(size, name)
        self.position = end
        return self.data[start:end]

    def length(self, size: int, name: str, low: int = 0, high: int = MAX_LENGTH, step: int = 1) -> int:
        """Pull the length in front of the vector `name` and check it against the bounds of its definition."""
        start = self.position
        end = start + size
        if end > self.end:
            raise self._short(size, f"{name}_length")
        self.position = end
        count = int.from_bytes(self.data[start:end], "big")
        if count > self.end - self.position:
            raise DecodeError(f"{name} claims {count} octets, {self.end - self.position} are left")
        if not low <= count <= high or count % step:
            raise DecodeError(f"{name} has {count} octets, which its definition does not allow")
        return count

    def vector(
        self,
        size: int,
        name: str,
        low: int = 0,
        high: int = MAX_LENGTH,
        show: Callable[[bytes], str] | None = None,
    ) -> bytes:
        """Pull `opaque name<low..high>` with a length of `size` octets in front."""
        return self.octets(self.length(size, name, low, high), name, show)

    def nested(self, size: int, name: str, low: int = 0, high: int = MAX_LENGTH) -> Reader:
        """Pull a vector and return a reader of its content, which must be pulled to its end (`finish`)."""
        count = self.length(size, name, low, high)
        start = self.position
        self.position = end = start + count
        return Reader(self.data, start, end)

    def inner(self, size: int, name: str) -> Reader:
        """Return a reader of the next `size` octets."""
        start = self._advance(size, name)
        return Reader(self.data, start, start + size)

    def item(self, name: str, number: int) -> Reader:  # noqa: ARG002
        """Return a reader for element `number` of a list: this one, which in a dissection names its fields apart."""
        return self

    def close(self, item: Reader) -> None:
        """Go on behind what `item` pulled."""

    def uints(
        self, size: int, width: int, name: str, low: int, high: int, registry: type[IntEnum] | None = None
    ) -> tuple[int, ...]:
        """Pull a vector of integers of `width` octets (1 or 2); its own length has `size` octets and is checked."""
        count = self.length(size, name, low, high, width)
        if self.recording:
            return tuple(self.uint(width, f"{name}[{n}]", registry) for n in range(count // width))
        start = self._advance(count, name)
        body = self.data[start : start + count]
        return tuple(body) if width == 1 else unpack(f">{count // 2}H", body)

    def rest(self, name: str, show: Callable[[bytes], str] | None = None) -> bytes:
        """Pull everything that is left."""
        return self.octets(self.end - self.position, name, show)

    def finish(self, name: str) -> None:
        """Complain if anything is left."""
        if self.position != self.end:
            raise DecodeError(f"{name} has {self.end - self.position} octets too many at its end")


class SpanReader(Reader):
    """A `Reader` that names every octet it pulls in `spans`, under `prefix`."""

    __slots__ = ("prefix", "spans")
    recording = True

    def __init__(
        self, data: bytes, start: int = 0, end: int | None = None, *, prefix: str, spans: list[Span] | None = None
    ) -> None:
        super().__init__(data, start, end)
        self.prefix = prefix
        self.spans: list[Span] = [] if spans is None else spans

    def record(self, name: str, start: int, end: int, value: str = "") -> None:
        """Name the octets `start:end`."""
        shown_name, note, clause = _naming(self.prefix, name)
        self.spans.append(Span(shown_name, start, end, value, note, clause))

    def uint(self, size: int, name: str, registry: type[IntEnum] | None = None) -> int:
        start = self.position
        value = Reader.uint(self, size, name)
        shown_name, note, clause = _naming(self.prefix, name)
        text = label(registry, value, size) if registry else str(value)
        self.spans.append(Span(shown_name, start, start + size, text, note, clause))
        return value

    def octets(self, size: int, name: str, show: Callable[[bytes], str] | None = None) -> bytes:
        start = self.position
        value = Reader.octets(self, size, name)
        if size:
            self.record(name, start, start + size, show(value) if show else shown(value))
        return value

    def length(self, size: int, name: str, low: int = 0, high: int = MAX_LENGTH, step: int = 1) -> int:
        start = self.position
        self.uint(size, f"{name}_length")  # it has its name even where it is out of bounds
        self.position = start
        return Reader.length(self, size, name, low, high, step)

    def nested(self, size: int, name: str, low: int = 0, high: int = MAX_LENGTH) -> SpanReader:
        return self.inner(self.length(size, name, low, high), name)

    def inner(self, size: int, name: str) -> SpanReader:
        start = self._advance(size, name)
        if size:
            self.record(name, start, start + size)
        return SpanReader(self.data, start, start + size, prefix=f"{self.prefix}.{name}", spans=self.spans)

    def item(self, name: str, number: int) -> SpanReader:
        return SpanReader(
            self.data, self.position, self.end, prefix=f"{self.prefix}.{name}[{number}]", spans=self.spans
        )

    def close(self, item: Reader) -> None:
        self.position = item.position


@lru_cache(maxsize=4096)
def _naming(prefix: str, name: str) -> tuple[str, str, str]:
    """Return the name a field has inside its message, its note and its clause."""
    full = f"{prefix}.{name}" if prefix else name
    _, _, inside = full.partition(".")
    return inside or full, *note_of(full)


def shown(value: bytes) -> str:
    """Render octets for people: hex, cut after `SHOWN` octets."""
    text = value[:SHOWN].hex()
    return f"{text}... ({len(value)} octets)" if len(value) > SHOWN else text


class Writer:
    """Pushes fields onto a growing buffer."""

    __slots__ = ("buffer",)

    def __init__(self) -> None:
        self.buffer = bytearray()

    def uint(self, size: int, value: int) -> None:
        """Push a big-endian unsigned integer of `size` octets."""
        self.buffer += value.to_bytes(size, "big")

    def octets(self, value: bytes) -> None:
        """Push octets as they are."""
        self.buffer += value

    def vector(self, size: int, value: bytes) -> None:
        """Push octets with their length in `size` octets in front."""
        self.buffer += len(value).to_bytes(size, "big")
        self.buffer += value

    def uints(self, size: int, width: int, values: tuple[int, ...]) -> None:
        """Push a vector of integers of `width` octets each."""
        self.vector(size, b"".join([value.to_bytes(width, "big") for value in values]))

    def block(self, size: int) -> Block:
        """`with writer.block(2):` puts the length of what is pushed inside in front of it."""
        return Block(self, size)

    def result(self) -> bytes:
        """Everything pushed so far."""
        return bytes(self.buffer)


class Block:
    """The context manager behind `Writer.block`."""

    __slots__ = ("size", "start", "writer")

    def __init__(self, writer: Writer, size: int) -> None:
        self.writer = writer
        self.size = size

    def __enter__(self) -> None:
        self.start = len(self.writer.buffer)
        self.writer.buffer += bytes(self.size)

    def __exit__(self, *_: object) -> None:
        inside = len(self.writer.buffer) - self.start - self.size
        self.writer.buffer[self.start : self.start + self.size] = inside.to_bytes(self.size, "big")
