"""Which party is at which end of a connection, learned from frames, states and messages, whichever comes first."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.inspector.rows import LadderRow

OTHER = {"client": "server", "server": "client"}


class Endpoints:
    """The parties that write each direction of each connection, as far as the trace has shown them."""

    def __init__(self) -> None:
        self._writers: dict[str, dict[str, str]] = defaultdict(dict)

    def known(self, connection: str) -> bool:
        """Whether any end of a connection has been seen."""
        return bool(self._writers.get(connection))

    def learn(self, connection: str, direction: str, party: str) -> bool:
        """Note that `party` writes `direction`; return whether that was news."""
        writers = self._writers[connection]
        if writers.get(direction) == party:
            return False
        writers[direction] = party
        return True

    def aim(self, row: LadderRow) -> bool:
        """Let an arrow start and end where its connection does; return whether that changed it."""
        writers = self._writers[row.connection]
        before = row.at, row.to
        row.at = writers.get(row.direction, row.at)
        row.to = writers.get(OTHER.get(row.direction, ""), row.to)
        return before != (row.at, row.to)

    def legs(self, one: str, other: str, middle: str = "alice") -> bool:
        """Whether two connections are the legs of one that `middle` took apart."""
        mine, theirs = self._writers[one], self._writers[other]
        return middle in mine.values() and middle in theirs.values() and mine != theirs
