"""A small coverage-guided fuzzer: mutate what reached new lines, keep what reaches more.

It knows records and handshake messages, so that its lengths are right most of the time; the rest are blind changes.
"""

from __future__ import annotations

import random
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz_targets import run

import trustlab.tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import CodeType, FrameType

    from fuzz_targets import Target

CORPUS = Path(__file__).parent / "corpus"
ENGINE = str(Path(trustlab.tls.__file__).parent)
MAX_LENGTH = 2**15
INTERESTING = (0, 1, 2, 3, 4, 0x10, 0x14, 0x15, 0x16, 0x17, 0x18, 0x7F, 0x80, 0xFE, 0xFF)


class Coverage:
    """The lines of the engine that were reached."""

    def __init__(self) -> None:
        self.seen: set[tuple[CodeType, int]] = set()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note lines while the block runs."""
        watch = self._monitoring if sys.version_info >= (3, 12) else self._tracing
        with watch():
            yield

    @contextmanager
    def _tracing(self) -> Iterator[None]:
        ours: dict[CodeType, bool] = {}
        add = self.seen.add

        def lines(frame: FrameType, event: str, _: object) -> Callable[..., object]:
            if event == "line":
                add((frame.f_code, frame.f_lineno))
            return lines

        def calls(frame: FrameType, _event: str, _: object) -> Callable[..., object] | None:
            code = frame.f_code
            wanted = ours.get(code)
            if wanted is None:
                wanted = ours[code] = code.co_filename.startswith(ENGINE)
            return lines if wanted else None

        before = sys.gettrace()
        sys.settrace(calls)
        try:
            yield
        finally:
            sys.settrace(before)

    @contextmanager
    def _monitoring(self) -> Iterator[None]:
        tool = sys.monitoring
        number = 4  # any free one

        def line(code: CodeType, number_: int) -> object:
            if code.co_filename.startswith(ENGINE):
                self.seen.add((code, number_))
            return tool.DISABLE  # each line is wanted once

        tool.use_tool_id(number, "trustlab fuzz")
        tool.register_callback(number, tool.events.LINE, line)
        tool.set_events(number, tool.events.LINE)
        tool.restart_events()  # what an earlier watch has disabled
        try:
            yield
        finally:
            tool.set_events(number, 0)
            tool.free_tool_id(number)


Record = tuple[int, int, bytes]


def cut(data: bytes) -> list[Record]:
    """Cut a stream into records as well as it goes; what is left over is a record too."""
    records, start = [], 0
    while start + 5 <= len(data):
        length = int.from_bytes(data[start + 3 : start + 5], "big")
        records.append((data[start], int.from_bytes(data[start + 1 : start + 3], "big"), data[start + 5 :][:length]))
        start += 5 + length
    return records


def join(records: list[Record]) -> bytes:
    """Put records together again, with the right lengths."""
    return b"".join(
        bytes([kind]) + version.to_bytes(2, "big") + (len(body) & 0xFFFF).to_bytes(2, "big") + body
        for kind, version, body in records
    )


class Mutator:
    """Changes inputs, always in the same order for one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.blind = [self.flip, self.set_octet, self.delete, self.repeat, self.insert, self.number, self.truncate]

    def mutate(self, data: bytes, other: bytes) -> bytes:
        """Return a changed input; `other` lends parts."""
        for _ in range(self.random.choice((1, 1, 1, 2, 3, 5))):
            data = self.records(data, other) if self.random.random() < 0.6 else self.octets(data)
        return data[:MAX_LENGTH]

    def octets(self, data: bytes) -> bytes:
        """Change octets anywhere."""
        return bytes(self.random.choice(self.blind)(bytearray(data or b"\0")))

    def records(self, data: bytes, other: bytes) -> bytes:
        """Change whole records, or the octets inside one with all lengths put right."""
        records = cut(data)
        if not records:
            return self.octets(data)
        pick = self.random.randrange(len(records))
        kind, version, body = records[pick]
        choice = self.random.randrange(10)
        if choice == 0:
            del records[pick]
        elif choice == 1:
            records.insert(self.random.randrange(len(records) + 1), records[pick])
        elif choice == 2 and (lent := cut(other)):
            records.insert(pick, self.random.choice(lent))
        elif choice == 3:
            records[pick] = (self.random.choice((20, 21, 22, 23, 24)), version, body)
        elif choice == 4 and len(body) > 1:
            at = self.random.randrange(1, len(body))
            records[pick : pick + 1] = [(kind, version, body[:at]), (kind, version, body[at:])]
        elif choice == 5 and pick + 1 < len(records):
            records[pick : pick + 2] = [(kind, version, body + records[pick + 1][2])]
        else:
            records[pick] = (kind, version, self.message(body) if kind == 22 else self.octets(body))
        return join(records)

    def message(self, body: bytes) -> bytes:
        """Change a handshake message and put its length right."""
        if len(body) < 5 or self.random.random() < 0.2:
            return self.octets(body)
        inner = self.octets(body[4:])
        return body[:1] + (len(inner) & 0xFFFFFF).to_bytes(3, "big") + inner

    def _at(self, data: bytearray) -> int:
        return self.random.randrange(len(data)) if data else 0

    def flip(self, data: bytearray) -> bytearray:
        at = self._at(data)
        data[at : at + 1] = bytes([data[at] ^ 1 << self.random.randrange(8)]) if data else b"\1"
        return data

    def set_octet(self, data: bytearray) -> bytearray:
        at = self._at(data)
        data[at : at + 1] = bytes([self.random.choice(INTERESTING)])
        return data

    def number(self, data: bytearray) -> bytearray:
        at = self._at(data)
        size = self.random.choice((1, 2, 3))
        value = int.from_bytes(data[at : at + size], "big") + self.random.choice((-2, -1, 1, 2))
        data[at : at + size] = (value % 256**size).to_bytes(size, "big")
        return data

    def delete(self, data: bytearray) -> bytearray:
        at = self._at(data)
        del data[at : at + self.random.choice((1, 1, 2, 4, 16, 64))]
        return data

    def repeat(self, data: bytearray) -> bytearray:
        at = self._at(data)
        piece = data[at : at + self.random.choice((1, 2, 4, 16, 64))]
        data[at:at] = piece * self.random.choice((1, 1, 2, 30))
        return data

    def insert(self, data: bytearray) -> bytearray:
        at = self._at(data)
        data[at:at] = self.random.randbytes(self.random.choice((1, 2, 4, 16, 300)))
        return data

    def truncate(self, data: bytearray) -> bytearray:
        del data[self._at(data) :]
        return data


def corpus(target: Target) -> list[bytes]:
    """Return the target's inputs, the small ones first."""
    folder = CORPUS / target.name
    return sorted((file.read_bytes() for file in folder.iterdir()), key=lambda data: (len(data), data))


class BrokenPromiseError(AssertionError):
    """An input broke a promise; it is in the message, to be fed to `run` again."""


def attempt(target: Target, data: bytes) -> None:
    """Run one input; whatever it raises becomes a `BrokenPromiseError` that tells the input."""
    try:
        run(target, data)
    except Exception as error:
        raise BrokenPromiseError(f"{target} with bytes.fromhex({data.hex()!r})") from error


def fuzz(
    target: Target, *, seed: int = 1, rounds: int = 2**62, seconds: float = 1e9, seeds: list[bytes] | None = None
) -> tuple[list[bytes], int]:
    """Fuzz for a number of rounds or seconds; return the inputs that reached something new, and the rounds."""
    coverage, mutator = Coverage(), Mutator(seed)
    pool = list(seeds if seeds is not None else corpus(target))
    found: list[bytes] = []
    end = time.monotonic() + seconds
    with coverage.watching():
        for data in pool:
            attempt(target, data)
        count = 0
        while count < rounds and time.monotonic() < end:
            count += 1
            picks = mutator.random
            data = mutator.mutate(picks.choice(pool), picks.choice(pool))
            before = len(coverage.seen)
            attempt(target, data)
            if len(coverage.seen) > before:
                pool.append(data)
                found.append(data)
    return found, count
