"""From a trace to the rows of a ladder: plain Python, one event at a time, shared by every picture.

Lifelines run from left to right: teller, Alice between, bank. An event that says more about a row already drawn (the
reader's half of a message, a TPM's response, a frame that carries the octets) changes that row; all others become a row
of their own, or detail.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from trustlab.explain import fields_of
from trustlab.inspector import binding
from trustlab.inspector.endpoints import OTHER, Endpoints
from trustlab.inspector.evidence import replayed
from trustlab.inspector.rows import MARKS, Kind, LadderRow, Mark, part_of, text_of
from trustlab.inspector.secrets import Secret, secret_of, snippet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.trace import TraceEvent

ORDER = ("carol", "teller", "alice", "bank")
OFFSTAGE = frozenset({"", "lab", "network", "cloud", "capture", "web-ca"})


class Ladder:
    """The rows of one trace. `feed` events in their order; `rows` and `lifelines` are always up to date.

    `secrets` says who holds which secret; with `secrets=True` also their octets, and private plaintext is attached to
    the messages that carried it.
    """

    def __init__(self, *, secrets: bool = False) -> None:
        self.rows: list[LadderRow] = []
        self.lifelines: list[str] = []
        self.secrets: list[Secret] = []
        self._with_secrets = secrets
        self._endpoints = Endpoints()
        self._sides: Counter[tuple[object, ...]] = Counter()
        self._messages: dict[tuple[object, ...], LadderRow] = {}
        self._made: dict[tuple[str, int], LadderRow] = {}
        self._protected: dict[tuple[str, int], TraceEvent] = {}
        self._commands: dict[str, LadderRow] = {}
        self._streams: dict[tuple[str, str], list[LadderRow]] = defaultdict(list)
        self._payloads: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        self._judged: dict[tuple[str, str, str], list[LadderRow]] = defaultdict(list)
        self._section = 0

    @classmethod
    def of(cls, events: Iterable[TraceEvent], *, secrets: bool = False) -> Ladder:
        """Return the ladder of a finished trace (or of any events)."""
        ladder = cls(secrets=secrets)
        for event in events:
            ladder.feed(event)
        return ladder

    def feed(self, event: TraceEvent) -> list[LadderRow]:
        """Take one event; return the rows that are new or changed, oldest first."""
        if event.party not in OFFSTAGE:
            self._add_lifeline(event.party)
        handler = {
            "tls.message": self._message,
            "tls.state": self._state,
            "frame": self._frame,
            "connection": self._frame,
            "secret": self._secret,
            "tpm.command": self._command,
            "tpm.response": self._response,
            "verdict": self._verdict,
            "appraisal": self._appraisal,
            "note": self._note,
        }.get(event.kind, self._plain)
        return handler(event)

    # Rows

    def _new(self, event: TraceEvent, kind: Kind, **fields: Any) -> LadderRow:  # noqa: ANN401 - the row's own fields
        row = LadderRow(
            **{
                "id": len(self.rows),
                "kind": kind,
                "at": event.party,
                "name": event.name,
                "text": text_of(event),
                "connection": event.connection,
                "direction": event.direction,
                "offset": event.offset,
                "section": self._section,
                "time": event.time,
                "events": [(event.party, event.seq)],
                **fields,
            }
        )
        self.rows.append(row)
        self._made[event.party, event.seq] = row
        return row

    def _join(self, event: TraceEvent, row: LadderRow) -> LadderRow:
        row.events.append((event.party, event.seq))
        self._made[event.party, event.seq] = row
        return row

    def _add_lifeline(self, party: str) -> None:
        if party in self.lifelines:
            return
        self.lifelines.append(party)
        self.lifelines.sort(key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def _note(self, event: TraceEvent) -> list[LadderRow]:
        self._section += 1
        act = event.data.get("act")
        return [self._new(event, "section", at="", meta={"act": act} if act is not None else {})]

    def _plain(self, event: TraceEvent) -> list[LadderRow]:
        kinds: dict[str, Kind] = {"machine": "machine", "attack": "attack", "app": "app", "ground-truth": "truth"}
        if event.kind == "binder":
            return [self._new(event, "binder", at=event.party, meta=dict(event.data))]
        kind = kinds.get(event.kind, "event")
        meta = {key: value for key, value in event.data.items() if key != "sentence"}
        parts = [part_of(event, event.name or event.kind)] if event.raw else []
        at = "" if event.party in OFFSTAGE else event.party
        return [self._new(event, kind, at=at, meta=meta, parts=parts, size=len(event.raw))]

    # Connections: who stands at which end

    def _learn(self, connection: str, direction: str, party: str) -> list[LadderRow]:
        """Note who writes `direction`; return the arrows that now know where they start or end."""
        if not party or party in OFFSTAGE or not self._endpoints.learn(connection, direction, party):
            return []
        self._add_lifeline(party)
        return [row for row in self._messages.values() if row.connection == connection and self._endpoints.aim(row)]

    def _state(self, event: TraceEvent) -> list[LadderRow]:
        role = event.data.get("role")
        return self._learn(event.connection, role, event.party) if isinstance(role, str) else []

    def _frame(self, event: TraceEvent) -> list[LadderRow]:
        key = event.connection, event.direction
        writer, reader = text_of(event, "from"), text_of(event, "to")
        first = not self._endpoints.known(event.connection)
        changed = self._learn(event.connection, event.direction, writer)
        changed += self._learn(event.connection, OTHER.get(event.direction, ""), reader)
        length = event.data.get("payload_length")
        if event.offset is not None and isinstance(length, int) and length:
            end = event.offset + length
            self._payloads[key].append((event.offset, end))
            changed += [row for row in self._streams[key] if self._carry(row, event.offset, end)]
        if first and writer and OFFSTAGE.isdisjoint((writer, reader)):
            meta = {"src": text_of(event, "src"), "dst": text_of(event, "dst")}
            changed.append(
                self._new(event, "connect", at=writer, to=reader, name="TCP connection", offset=None, meta=meta)
            )
        return _unique(changed)

    @staticmethod
    def _carry(row: LadderRow, start: int, end: int) -> bool:
        ranges = row.meta.get("records") or []
        if not any(a < end and start < b for a, b in ranges):
            return False
        row.meta["frames"] = row.meta.get("frames", 0) + 1
        return True

    # Messages

    def _message(self, event: TraceEvent) -> list[LadderRow]:
        passive = bool(event.data.get("passive"))
        side = ("passive " if passive else "") + ("received" if event.sent is False else "sent")
        changed: list[LadderRow] = []
        if not passive:
            end = event.direction if event.sent else OTHER.get(event.direction, "")
            changed = self._learn(event.connection, end, event.party)
        place = (event.connection, event.direction, event.offset, event.name)
        self._sides[*place, side] += 1
        key = (*place, self._sides[*place, side])
        if event.name == "ApplicationData" and self._with_secrets:
            self._protected[event.party, event.seq] = event
        row = self._messages.get(key)
        if row is None:
            row = self._new_message(event, side)
            self._messages[key] = row
        else:
            self._join_message(event, row, side)
        return _unique([*changed, row])

    def _new_message(self, event: TraceEvent, side: str) -> LadderRow:
        at = event.party if side == "sent" else ""
        row = self._new(event, "message", at=at, size=len(event.raw))
        row.to = event.party if side == "received" else ""
        row.parts.append(part_of(event, event.name))
        row.meta = {
            k: v for k, v in event.data.items() if k in ("content_type", "version", "encrypted", "records", "passive")
        }
        row.meta["seen"] = [side]
        if event.name == "Alert":
            row.meta |= _alert(event)
        row.meta |= replayed(row.parts[0])
        self._endpoints.aim(row)
        stream = event.connection, event.direction
        self._streams[stream].append(row)
        for start, end in self._payloads[stream]:
            self._carry(row, start, end)
        twin = self._twin(row)
        if twin is not None:
            row.meta["twin"] = twin.id
            row.meta["changed"] = binding.changed_fields(twin.parts[0], row.parts[0])
        return row

    def _join_message(self, event: TraceEvent, row: LadderRow, side: str) -> None:
        self._join(event, row)
        row.meta["seen"].append(side)
        row.meta.pop("passive", None) if not side.startswith("passive") else None
        row.text = row.text or text_of(event)
        if event.raw.hex() != row.parts[0].hex:
            # Somebody changed it under way: both versions are kept and the arrow says so.
            row.meta["altered"] = True
            row.parts.append(part_of(event, f"{event.name}, as {event.party} {'wrote' if event.sent else 'read'} it"))
        elif event.spans and not row.parts[0].spans:
            row.parts[0].spans = fields_of(event)

    def _twin(self, row: LadderRow) -> LadderRow | None:
        """Return the same message on the other leg of a connection that somebody took apart."""
        if row.name == "Alert":
            return None  # a connection's end is its own, not the other leg's
        place = self._streams[row.connection, row.direction]
        number = sum(1 for other in place if other.name == row.name)
        for (connection, direction), rows in self._streams.items():
            if (
                connection == row.connection
                or direction != row.direction
                or not self._endpoints.legs(connection, row.connection)
            ):
                continue
            same = [other for other in rows if other.name == row.name and other.section == self._section]
            if len(same) >= number:
                return same[number - 1]
        return None

    # Secrets: their names always, their octets only if asked for

    def _secret(self, event: TraceEvent) -> list[LadderRow]:
        secret = secret_of(event, max(len(self.rows) - 1, 0), values=self._with_secrets)
        if self._with_secrets:
            secret.snippet = snippet(secret, self._known(secret))
        self.secrets.append(secret)
        place = next(((x.party, x.seq) for x in event.links if x.rel == "inside"), ("", 0))
        inside = self._made.get(place)
        if inside is None or not self._with_secrets:
            return []
        record = self._protected.pop(place, None)
        if record is not None and inside.parts[0].hex == record.raw.hex():
            inside.parts[0].spans = fields_of(record, content=len(event.raw))
        if all(part.hex != event.raw.hex() for part in inside.parts):
            inside.parts.append(part_of(event, f"{event.name}, as {event.party} holds it", secret=True))
        return [inside]

    def _known(self, secret: Secret) -> dict[str, str]:
        """Return what a party can make this secret of: its others on this connection, and the two randoms."""
        known = {s.name: s.hex for s in self.secrets if (s.party, s.connection) == (secret.party, secret.connection)}
        for name, hello in (("client_random", "ClientHello"), ("server_random", "ServerHello")):
            rows = (row for row in self._messages.values() if row.name == hello and row.connection == secret.connection)
            part = next((row.parts[0] for row in rows), None)
            span = next((s for s in part.spans if s.name == "random"), None) if part else None
            if part and span:
                known[name] = part.hex[2 * span.start : 2 * span.end]
        return known

    # TPM commands

    def _command(self, event: TraceEvent) -> list[LadderRow]:
        row = self._new(event, "tpm", meta=dict(event.data), size=len(event.raw))
        row.parts.append(part_of(event, "command"))
        self._commands[event.party] = row
        return [row]

    def _response(self, event: TraceEvent) -> list[LadderRow]:
        link = next((x for x in event.links if x.rel == "response-to"), None)
        row = self._made.get((link.party, link.seq)) if link else self._commands.get(event.party)
        if row is None or row.kind != "tpm":
            row = self._new(event, "tpm", meta={}, size=len(event.raw))
        else:
            self._join(event, row)
        row.parts.append(part_of(event, "response"))
        row.meta.update(event.data)
        row.mark = "fail" if row.meta.get("rc") else ""
        return [row]

    # The Verifier's word

    def _verdict(self, event: TraceEvent) -> list[LadderRow]:
        word = text_of(event, "verdict")
        mark: Mark = MARKS.get(word, "none")
        row = self._new(event, "verdict", mark=mark, meta={k: v for k, v in event.data.items() if k != "sentence"})
        self._judged[event.party, text_of(event, "about"), event.connection].append(row)
        return [row]

    def _appraisal(self, event: TraceEvent) -> list[LadderRow]:
        about = text_of(event, "about")
        verdicts = self._judged.pop((event.party, about, event.connection), [])
        row = self._new(event, "appraisal", mark=MARKS.get(event.name, "none"))
        row.meta = {k: v for k, v in event.data.items() if k != "sentence"}
        row.meta["verdicts"] = [verdict.id for verdict in verdicts]
        for verdict in verdicts:
            verdict.meta["appraisal"] = row.id
        equation = binding.equation(row, verdicts, [r for r in self.rows if r.kind == "binder"])
        if equation is not None:
            row.meta["binding"] = equation
        return [*verdicts, row]


def _alert(event: TraceEvent) -> dict[str, Any]:
    """Return what an alert says, and whether it ends the connection in anger (RFC 5246, 7.2)."""
    says = next((span.value for span in event.spans if span.name.endswith("description")), "")
    return {"says": says.partition(" (")[0], "fatal": event.raw[:1] == b"\x02"}


def _unique(rows: list[LadderRow]) -> list[LadderRow]:
    return sorted({row.id: row for row in rows}.values(), key=lambda row: row.id)
