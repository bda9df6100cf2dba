"""Who is with a server: so many connections and no more, and room is made by whoever takes the most of it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from trustlab.passage.pace import share_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.passage.streams import PassageStream


class Crowd:
    """Connections by the address they come from, at most `room` of them.

    For one more, the address that has the most loses its oldest, which is told the `reason`.
    """

    def __init__(self, room: int, reason: str) -> None:
        self._room = room
        self._reason = reason
        self._shares: dict[str, dict[int, PassageStream]] = {}

    def __len__(self) -> int:
        return sum(map(len, self._shares.values()))

    @contextlib.contextmanager
    def holding(self, stream: PassageStream, peer: str) -> Iterator[None]:
        """Count a connection from the address `peer` as one of the crowd, to the end of a `with`."""
        if len(self) >= self._room:
            self._make_room()
        share, key = share_of(peer), id(stream)
        self._shares.setdefault(share, {})[key] = stream
        try:
            yield
        finally:
            self._forget(share, key)

    def _make_room(self) -> None:
        share = max(self._shares, key=lambda name: len(self._shares[name]))
        key, stream = next(iter(self._shares[share].items()))
        self._forget(share, key)
        stream.give_up(self._reason)

    def _forget(self, share: str, key: int) -> None:
        mine = self._shares.get(share, {})
        mine.pop(key, None)
        if not mine:
            self._shares.pop(share, None)
