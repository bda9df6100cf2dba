"""A trace, printed live as a ladder on standard error, for commands that may run for days."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from trustlab.inspector import TerminalLadder
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.trace import TraceEvent

LONG = 20_000
"""After this many events a new ladder begins, because a ladder remembers every row."""


@contextlib.contextmanager
def watching(trace: Trace, *, quiet: bool = False, as_json: bool = False) -> Iterator[None]:
    """Print the trace's rows until the `with` ends, or a JSON line for each event; print nothing if `quiet`."""
    if as_json:
        unsubscribe = trace.subscribe(_print_json)
        try:
            yield
        finally:
            unsubscribe()
        return
    if quiet:
        yield
        return
    watch = Watch(trace)
    unsubscribe = trace.subscribe(watch.feed)
    try:
        yield
    finally:
        unsubscribe()
        watch.end()


def _print_json(event: TraceEvent) -> None:
    """Print one event as a line of JSON; what only the ends may know is left out."""
    if not event.secret:
        sys.stderr.write(msgspec.json.encode(event).decode() + "\n")
        sys.stderr.flush()


class Watch:
    """Prints the rows of the events that it is fed, under a trace's title, with bounded memory."""

    def __init__(self, trace: Trace) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._ladder = TerminalLadder(self._console)
        self._ladder.attach(Trace(trace.title, trace.substrate))()  # prints the title; the events come through `feed`
        self._fed = 0

    def feed(self, event: TraceEvent) -> None:
        if event.kind == "connection" and self._fed > LONG:
            self.end()
            self._ladder, self._fed = TerminalLadder(self._console), 0
        self._fed += 1
        self._ladder.feed(event)

    def end(self) -> None:
        """Print the rows that still wait for their second half."""
        self._ladder.flush()
