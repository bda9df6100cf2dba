"""Which party is at which end of a connection, learned from frames, states and messages, whichever comes first."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trustlab.inspector.document import PlainRow

OTHER = {"client": "server", "server": "client"}
MIDDLE = "alice"


class Connections:
    """The parties that write each direction of each connection, as far as the trace has shown them."""

    def __init__(self) -> None:
        self._writers: dict[str, dict[str, str]] = defaultdict(dict)
        self._labels: dict[str, str] = {}
        self._named: Counter[str] = Counter()

    def known(self, connection: str) -> bool:
        """Whether any end of a connection has been seen."""
        return bool(self._writers.get(connection))

    def learn(self, connection: str, direction: str, party: str) -> bool:
        """Note that `party` writes `direction`; return whether that was news."""
        writers = self._writers[connection]
        if writers.get(direction) == party:
            return False
        writers[direction] = party
        self._labels.pop(connection, None)
        return True

    def end(self, connection: str, direction: str) -> str:
        """Return the party that writes a direction, or nothing where it has not been seen."""
        return self._writers.get(connection, {}).get(direction, "")

    def ends(self, connection: str) -> set[str]:
        """Return the parties at the ends of a connection."""
        return set(self._writers.get(connection, {}).values())

    def aim(self, row: PlainRow, direction: str) -> bool:
        """Let an arrow start and end where its connection does; return whether that changed it."""
        writers = self._writers[row.connection]
        before = row.at, row.to
        row.at = writers.get(direction, row.at)
        row.to = writers.get(OTHER.get(direction, ""), row.to)
        return before != (row.at, row.to)

    def legs(self, one: str, other: str) -> bool:
        """Whether two connections are the legs of one that Alice took apart."""
        mine, theirs = self._writers[one], self._writers[other]
        return MIDDLE in mine.values() and MIDDLE in theirs.values() and mine != theirs

    def label(self, connection: str) -> str:
        """Return a name by the true ends, the same in every run: `alice-bank`, `alice-bank-2` for a second one.

        As long as an end is not known, it is the connection's own name.
        """
        label = self._labels.get(connection)
        if label is None:
            writers = self._writers.get(connection, {})
            if len(writers) < 2:
                return connection
            base = f"{writers.get('client', '')}-{writers.get('server', '')}"
            self._named[base] += 1
            count = self._named[base]
            label = self._labels[connection] = base if count == 1 else f"{base}-{count}"
        return label
