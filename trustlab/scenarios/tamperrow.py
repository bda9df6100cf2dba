"""What a tamper map consists of, and what processes tell one another about it."""

from __future__ import annotations

import msgspec

PATIENCE = 10
"""Seconds after which a worker that was told to go and has not gone ends itself."""


class TamperRow(msgspec.Struct, frozen=True, kw_only=True, rename={"before": "from"}):
    """One change, and what came of it.

    `message` is the `nth` of its name on the connection, which is called as in a design's first payment. `before` and
    `to` are the field's octets in hex. `kind` is one of `caught.KINDS`; `clause` and `why` are the judgement of what
    nothing catches, empty if there is none.
    """

    design: str
    connection: str
    direction: str
    message: str
    nth: int
    field: str
    encrypted: bool
    before: str
    to: str
    change: str
    outcome: str
    party: str | None
    caught_by: str
    kind: str
    sentence: str
    clause: str = ""
    why: str = ""

    @property
    def judged(self) -> bool:
        """Whether nothing needs to be said: something caught it, or the table says why nothing does."""
        return self.kind != "nothing" or bool(self.clause)


class TamperJob(msgspec.Struct, frozen=True):
    """One map to play."""

    design: str
    every: bool
    keys: bool


class TamperNews(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a worker says: how many rows a map will have, a row, that the map is complete, or why it cannot be."""

    total: int = 0
    row: TamperRow | None = None
    done: bool = False
    error: str = ""
