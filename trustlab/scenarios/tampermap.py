"""The tamper map of a design: one octet of one field changed in flight, once for each field, and what caught it.

Two layers. Without keys, Alice changes octets as they pass; under a record's protection that breaks its tag, and the
map says so. With `keys`, somebody who has the channel's keys opens the record, changes the content and seals it again:
this layer shows what protects the handshake's content beside the record, which for TLS 1.3 is all that tells designs
apart.

One boot serves a whole map: Bob's teller pays again for each field, over a fresh connection. A field that nothing
catches must stand in the table of judged fields (`judged.toml`), with the clause that says why.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from trustlab.cloud import CloudError
from trustlab.scenarios.caught import Caught, caught
from trustlab.scenarios.judged import judgement_of
from trustlab.scenarios.live_cloud import LiveCloud
from trustlab.scenarios.steered import fields_of
from trustlab.scenarios.tamperrow import TamperRow
from trustlab.trace import other_role
from trustlab.wire import EndpointError, Steering
from trustlab.wire.gate import overwritten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from trustlab.capture import FieldsInFlight
    from trustlab.wire import Direction, Endpoint, FlightField, Item, WireConnection

MASK = 0x01
NUMBER = 4
"""A field of so many octets is a number: its last octet is changed. Of a longer one it is the middle."""
RUNS_A_BOOT = 400
"""A trace grows with each run; then another cloud goes on."""
TRIES = 3
CARRIERS = ("Certificate", "SupplementalData", "ApplicationData", "Answer")
"""Messages that carry something of many parts: Evidence, or certificates."""
DEEP = 4
"""How many parts of a path a sample tells apart: in Evidence, its entries."""


class _Target(NamedTuple):
    """A field of the first payment: on its `which` connection, in a direction."""

    which: int
    connection: str
    direction: str
    message: str
    nth: int
    path: str
    encrypted: bool


class _Hit(NamedTuple):
    field: FlightField
    changed: bytes
    read: bool
    """Whether its reader still waited for anything."""


class _Hand(Steering):
    """Alice's hand on the wire: notes the fields that pass, and changes one octet of the one that is wanted."""

    def __init__(self, fields: FieldsInFlight, customer: str, *, keys: bool) -> None:
        super().__init__(fields)
        self._fields = fields
        self._customer = customer
        self._keys = keys
        self._which: dict[str, int] = {}
        self.ends: dict[str, tuple[WireConnection, Mapping[Direction, Endpoint]]] = {}
        self.target: _Target | None = None
        self.passed: list[_Target] = []
        self.hit: _Hit | None = None

    def begin(self, target: _Target | None) -> None:
        """Begin a payment."""
        for connection in self._which:
            self._fields.forget(connection)
        self._which.clear()
        self.ends.clear()
        self.target, self.hit = target, None

    def watch(self, connection: WireConnection, ends: Mapping[Direction, Endpoint]) -> None:
        """Learn of a connection."""
        if connection.client.name == self._customer:
            self._which[connection.name] = len(self._which)
            self.ends[connection.name] = connection, ends

    def command(self, machine: str, name: str, octets: bytes, spans: object) -> bytes:  # noqa: ARG002 - as a gate has it
        """Let every TPM command pass."""
        return octets

    def passing(self, item: Item) -> bytes:
        """Return what goes on."""
        which = self._which.get(item.connection)
        if which is None:
            return item.octets
        if self.target is None:
            self.passed += [
                _Target(which, item.connection, item.direction, f.message, f.nth, f.path, f.encrypted)
                for f in item.fields
            ]
            return item.octets
        wanted = self.target
        if self.hit or (which, item.direction) != (wanted.which, wanted.direction):
            return item.octets
        if not item.messages or (wanted.message, wanted.nth) in item.messages:
            for field in item.fields:
                if (field.message, field.nth, field.path) == (wanted.message, wanted.nth, wanted.path):
                    return self._changed(item, field)
        return item.octets

    def _changed(self, item: Item, field: FlightField) -> bytes:
        octet = len(field.octets) - 1 if len(field.octets) <= NUMBER else len(field.octets) // 2
        value = bytes([field.octets[octet] ^ MASK])
        reader = self.ends[item.connection][1].get(other_role(item.direction))
        changed = field.octets[:octet] + value + field.octets[octet + 1 :]
        self.hit = _Hit(field, changed, bool(getattr(reader, "waits_for", "")))
        if self._keys:
            return self._fields.resealed(item, field, value, octet)
        return overwritten(item, item.octets, field, value, octet)


class _Payments(LiveCloud):
    """A cloud whose teller pays again and again, with Alice's hand on the wire."""

    def __init__(self, design: str, *, keys: bool) -> None:
        super().__init__(design)
        self.hand = _Hand(fields_of(self.trace), self.customer, keys=keys)
        self._life.steering = self.hand
        self._mark = 0

    def open(self) -> None:
        """Boot, and pay once, unchanged."""
        super().open()
        self.cloud.work_network(lambda network: network.watch(self.hand.watch))
        fault = self.again(None)
        if fault is not None or not self._paid:
            raise CloudError(f"the design {self.design.name} does not complete: there is nothing to map")

    def again(self, target: _Target | None) -> EndpointError | None:
        """Pay once, with one octet changed; return what an endpoint raised, which none should."""
        self.cloud.work_network(lambda network: network.cut_off())
        self._mark = len(self.trace)
        self.hand.begin(target)
        try:
            self._pay(self.cloud, self._machines[self.customer])
        except EndpointError as error:
            return error
        return None

    def caught(self, fault: EndpointError | None) -> Caught:
        """Say what caught the last change."""
        hit = self.hand.hit
        return caught(
            self.trace[self._mark :],
            [
                (connection.client.name if side == "client" else connection.holder, end)
                for connection, ends in self.hand.ends.values()
                for side, end in ends.items()
            ],
            customer=self.customer,
            fault=fault,
            read=hit is not None and hit.read,
        )


class TamperMap:
    """Iterate to play it: rows come as they are played, in the order of the octets on the wire.

    Unless `every`, a sample is changed: of Evidence and certificates one field of each part, and without keys of each
    encrypted message one field, since its record's tag catches all alike. ValueError if there is no such design.
    `total` is known once the first payment was made.
    """

    def __init__(self, design: str, *, every: bool = False, keys: bool = False) -> None:
        self.design = design
        self.every = every
        self.keys = keys
        self.total: int | None = None
        _Payments(design, keys=keys).close()  # whether there is such a design is said here, not with the first row

    def __iter__(self) -> Iterator[TamperRow]:
        targets: Sequence[_Target] | None = None
        done = 0
        while targets is None or done < len(targets):
            with _Payments(self.design, keys=self.keys) as payments:
                payments.open()
                if targets is None:
                    targets = self._wanted(payments.hand.passed)
                    self.total = len(targets)
                for target in itertools.islice(targets, done, done + RUNS_A_BOOT):
                    yield self._row(payments, target)
                    done += 1

    def _wanted(self, passed: Sequence[_Target]) -> list[_Target]:
        """Choose the fields of this layer."""
        if self.keys:
            passed = [target for target in passed if target.encrypted]
        if self.every:
            return list(passed)
        parts: dict[tuple[object, ...], list[_Target]] = defaultdict(list)
        for target in passed:
            whole = self.keys or not target.encrypted
            deep = 0 if not whole else DEEP if target.message in CARRIERS else None
            parts[*target[:5], *target.path.split(".")[:deep]].append(target)
        return [part[len(part) // 2] for part in parts.values()]

    def _row(self, payments: _Payments, target: _Target) -> TamperRow:
        for _ in range(TRIES):
            fault = payments.again(target)
            hit = payments.hand.hit
            if hit is not None:
                return self._told(target, hit, payments.caught(fault))
        raise CloudError(f"{target.message}.{target.path} of {self.design} did not pass again in {TRIES} payments")

    def _told(self, target: _Target, hit: _Hit, what: Caught) -> TamperRow:
        judged = (
            judgement_of(self.design, target.message, target.path, keys=self.keys) if what.kind == "nothing" else None
        )
        return TamperRow(
            design=self.design,
            connection=target.connection,
            direction=target.direction,
            message=target.message,
            nth=target.nth,
            field=target.path,
            encrypted=target.encrypted,
            before=hit.field.octets.hex(),
            to=hit.changed.hex(),
            change=f"xor {MASK:02x}",
            outcome=what.outcome,
            party=what.party,
            caught_by=what.by,
            kind=what.kind,
            sentence=what.sentence,
            clause=judged.clause if judged else "",
            why=judged.why if judged else "",
        )
