"""Who holds which secret, from which step on: the key schedule of each connection, and Bob's secrets.

Names are always kept: that the bank holds a master secret is no secret. Values only where they were asked for. What a
connection's secrets are made of is worked out when somebody looks, and again only if there is news of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.inspector.connections import MIDDLE
from trustlab.inspector.document import HeldSecret, Holder, MessageRow
from trustlab.inspector.keyschedule import KeySchedule
from trustlab.inspector.reads import CANARY, DATA, prize
from trustlab.inspector.rows import text_of, the

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.inspector.book import Book
    from trustlab.inspector.keyschedule import KeyNode
    from trustlab.inspector.messages import Messages
    from trustlab.inspector.reads import Reads
    from trustlab.trace import TraceEvent

PRE_MASTER, MASTER = "pre_master_secret", "master_secret"
INSIDE = "inside"
TELLING = frozenset({"tls.message", "secret", "authenticator", "binder"})
"""Kinds of events from which a key schedule follows."""
SEEN_IN = {
    "client_random": ("ClientHello", ""),
    "server_random": ("ServerHello", ""),
    "session_hash": ("ClientKeyExchange", ""),
    "hash_to_ServerHello": ("ServerHello", ""),
    **{f"hash_{how}_{side}_Finished": ("Finished", side) for how in ("to", "before") for side in ("client", "server")},
}
"""The message with which everybody knows a public value."""
NOT_TOLD = "The secret that both ends agreed on. The library kept it to itself, so its value is not in this recording."


class Holdings:
    """Keeps the document's list of secrets."""

    def __init__(self, book: Book, messages: Messages, reads: Reads) -> None:
        self._book = book
        self._messages = messages
        self._reads = reads
        self._schedule = KeySchedule(values=book.secrets)
        self._dirty: dict[str, None] = {}
        self._when: dict[tuple[str, int], int] = {}
        self._canaries: dict[str, HeldSecret] = {}
        self._others: dict[tuple[str, str], HeldSecret] = {}
        self._made: dict[str, list[HeldSecret]] = {}
        self._read_so_far = 0

    # What events tell

    def hear(self, event: TraceEvent) -> None:
        """Take any event: a key schedule may follow from it."""
        if event.kind not in TELLING:
            return
        self._schedule.feed(event)
        connection = event.connection or text_of(event, "connection")
        if connection:
            self._dirty[connection] = None
        self._book.reframe()

    def secret(self, event: TraceEvent) -> None:
        """Take a secret of a party, after the rows that belong to it."""
        at = self._when[event.party, event.seq] = max(len(self._book.document.rows) - 1, 0)
        if event.name == DATA:
            self._read(event, at)
        elif event.name.startswith(CANARY):
            name = event.name.removeprefix(CANARY)
            held = self._canary(name, event.party, at, "")
            held.hex = event.raw.hex() if self._book.secrets else ""
        elif not text_of(event, "connection") and not any(link.rel == INSIDE for link in event.links):
            key = event.party, event.name
            held = HeldSecret(id="/".join(key), name=event.name.replace("_", " "), row=at)
            held.hex = event.raw.hex() if self._book.secrets else ""
            self._others.setdefault(key, held)
            _hold(self._others[key], event.party, at)

    def _read(self, event: TraceEvent, at: int) -> None:
        """Whoever reads data with a canary in it knows the canary from then on."""
        row = self._book.row_of(event, INSIDE)
        if not isinstance(row, MessageRow):
            return
        for name, canary in self._reads.canaries.items():
            if canary and canary in event.raw:
                self._canary(name, event.party, at, "" if event.party == row.at else f"It came from {the(row.at)}.")

    def reads(self) -> None:
        """Note that Alice has what she read, wherever she read it."""
        rows, reads = self._book.document.rows, self._book.frame.reads
        for number in reads[self._read_so_far :]:
            row = rows[number]
            for name in self._reads.found.get(number, ()):
                self._canary(name, MIDDLE, number, row.more)
        self._read_so_far = len(reads)

    def _canary(self, name: str, party: str, at: int, how: str) -> HeldSecret:
        held = self._canaries.setdefault(name, HeldSecret(id=name, name=prize(name), row=at, prize=True))
        _hold(held, party, at, how)
        self._book.reframe()
        return held

    # What a picture shows

    def settle(self) -> None:
        """Bring the document's list up to date."""
        if not self._book.frame_changed:
            return
        for connection in self._dirty:
            self._made[connection] = self._of(connection)
        self._dirty.clear()
        made = [secret for secrets in self._made.values() for secret in secrets]
        self._book.frame.secrets[:] = [*self._canaries.values(), *self._others.values(), *made]

    def _of(self, connection: str) -> list[HeldSecret]:
        """Return the secrets of a connection, each behind those that it is made of."""
        label = self._book.connections.label(connection)
        held: dict[str, HeldSecret] = {}
        for node in self._schedule.nodes(connection):
            made = held[node.name] = HeldSecret(
                id=f"{label}/{node.name}",
                name=node.name.replace("_", " "),
                connection=connection,
                holders=[Holder(party=h.party, row=self._when.get((h.party, h.seq), 0)) for h in node.holders],
                inputs=[f"{label}/{name}" for name in node.inputs],
                level=1 + max((held[name].level for name in node.inputs if name in held), default=-1),
                say=node.sentence,
                clause=node.clause,
                call=node.call,
                public=node.public,
                hex=node.value,
                snippet=node.snippet,
            )
            made.row = self._row(node, made, held)
        if MASTER in held:
            self._before_master(connection, held, label)
        return list(held.values())

    def _row(self, node: KeyNode, made: HeldSecret, held: dict[str, HeldSecret]) -> int:
        """Return the step from which on a secret was there: with its first holder, or with what it is made of."""
        if made.holders:
            return min(holder.row for holder in made.holders)
        name, side = SEEN_IN.get(node.name, ("", ""))
        seen = next(self._messages.of(node.connection, name, direction=side), None) if name else None
        return seen.id if seen is not None else max((held[n].row for n in node.inputs if n in held), default=0)

    def _before_master(self, connection: str, held: dict[str, HeldSecret], label: str) -> None:
        """Whoever made the master secret of an RSA handshake, at its end, had the pre-master secret before."""
        row = next(self._messages.of(connection, "ClientKeyExchange"), None)
        if row is None or "encrypted_pre_master_secret" not in self._book.labels(row.parts[0]):
            return
        master, ends = held[MASTER], self._book.connections
        before = held.get(PRE_MASTER)
        if before is None:
            before = HeldSecret(id=f"{label}/{PRE_MASTER}", name="pre master secret", connection=connection)
            before.say, before.clause, before.row = NOT_TOLD, "RFC 5246, 8.1", master.row
            held[PRE_MASTER] = before
            master.inputs = [before.id, *master.inputs]
            _deepen(held.values())
        for holder in master.holders:
            if holder.party in ends.ends(connection):
                client = ends.end(connection, "client") == holder.party
                how = "It drew the secret." if client else "It opened the secret with its certificate's private key."
                _hold(before, holder.party, holder.row, how)


def _hold(held: HeldSecret, party: str, at: int, how: str = "") -> None:
    """Note that a party has a secret, and how it came by it."""
    holder = next((holder for holder in held.holders if holder.party == party), None)
    if holder is None:
        held.holders.append(Holder(party=party, row=at, how=how))
        held.row = min(held.row, at)
    else:
        holder.how = holder.how or how


def _deepen(secrets: Iterable[HeldSecret]) -> None:
    """Number the levels anew: inputs stand before what is made of them, or at the end."""
    by_id = {secret.id: secret for secret in secrets}
    for _ in by_id:
        for secret in by_id.values():
            secret.level = 1 + max((by_id[name].level for name in secret.inputs if name in by_id), default=-1)
