"""Who holds which secret, from which step on: from the secrets that parties derived, and from what follows of them.

Names are always kept: that the bank holds a master secret is no secret. Values only where they were asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.inspector.connections import MIDDLE
from trustlab.inspector.document import HeldSecret, Holder, MessageRow
from trustlab.inspector.reads import CANARY, DATA, prize
from trustlab.inspector.rows import text_of, the

if TYPE_CHECKING:
    from trustlab.inspector.book import Book
    from trustlab.inspector.messages import Messages
    from trustlab.inspector.reads import Reads
    from trustlab.trace import TraceEvent

PRE_MASTER, MASTER = "pre_master_secret", "master_secret"
INSIDE = "inside"


class Holdings:
    """Keeps the document's list of secrets."""

    def __init__(self, book: Book, messages: Messages, reads: Reads) -> None:
        self._book = book
        self._messages = messages
        self._reads = reads
        self._secrets: dict[tuple[str, str], HeldSecret] = {}
        self._levels: dict[str, int] = {}
        self._read_so_far = 0

    def secret(self, event: TraceEvent) -> None:
        """Take a secret of a party."""
        if event.name == DATA:
            self._read(event)
        elif event.name.startswith(CANARY):
            name = event.name.removeprefix(CANARY)
            self._hold("", name, event.party, raw=event.raw, title=prize(name), prize=True)
        elif not any(link.rel == INSIDE for link in event.links):
            self._derived(event)

    def _derived(self, event: TraceEvent) -> None:
        connection = text_of(event, "connection")
        held = self._hold(connection, event.name, event.party, raw=event.raw)
        inputs = event.data.get("inputs")
        if isinstance(inputs, list) and not held.inputs:
            held.inputs = [self._id(connection, str(name)) for name in inputs]
            held.level = 1 + max((self._levels[name] for name in held.inputs if name in self._levels), default=-1)
            self._levels[held.id] = held.level
        if event.name == MASTER:
            self._before_master(connection, event.party)

    def _before_master(self, connection: str, party: str) -> None:
        """Whoever made the master secret of an RSA handshake at its end had the pre-master secret before."""
        row = next(self._messages.of(connection, "ClientKeyExchange"), None)
        ends = self._book.connections
        if party not in ends.ends(connection):
            return
        client = ends.end(connection, "client") == party
        if not client and (row is None or "encrypted_pre_master_secret" not in self._book.labels(row.parts[0])):
            return
        how = "It drew the secret itself." if client else "It opened the secret with its certificate's private key."
        self._hold(connection, PRE_MASTER, party, how=how)

    def _read(self, event: TraceEvent) -> None:
        """Whoever reads data with a canary in it knows the canary from then on."""
        row = self._book.row_of(event, INSIDE)
        if not isinstance(row, MessageRow):
            return
        for name, canary in self._reads.canaries.items():
            if canary and canary in event.raw:
                how = "" if event.party == row.at else f"It came from {the(row.at)}."
                self._hold("", name, event.party, title=prize(name), how=how)

    def reads(self) -> None:
        """Note that Alice has what she read, wherever she read it."""
        rows, reads = self._book.document.rows, self._book.frame.reads
        for number in reads[self._read_so_far :]:
            row = rows[number]
            for name, canary in self._reads.canaries.items():
                if prize(name) in row.say or canary.hex() in "".join(p.hex for p in row.parts):
                    self._hold("", name, MIDDLE, title=prize(name), how=row.more, row=number)
        self._read_so_far = len(reads)

    def _id(self, connection: str, name: str) -> str:
        label = self._book.connections.label(connection) if connection else ""
        return "/".join(filter(None, (label, name)))

    def _hold(
        self,
        connection: str,
        name: str,
        party: str,
        *,
        raw: bytes = b"",
        title: str = "",
        how: str = "",
        prize: bool = False,
        row: int | None = None,
    ) -> HeldSecret:
        at = max(len(self._book.document.rows) - 1, 0) if row is None else row
        key = connection, name
        held = self._secrets.get(key)
        if held is None:
            held = self._secrets[key] = HeldSecret(
                id=self._id(connection, name),
                name=title or name.replace("_", " "),
                connection=connection,
                row=at,
                prize=prize,
            )
            self._book.frame.secrets.append(held)
        if raw and self._book.secrets and not held.hex:
            held.hex = raw.hex()
        if all(holder.party != party for holder in held.holders):
            held.holders.append(Holder(party=party, row=at, how=how))
            held.row = min(held.row, at)
        self._book.reframe()
        return held
