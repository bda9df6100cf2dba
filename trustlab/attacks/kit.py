"""Alice's attacks with the deciding line left open: for whoever writes that line, in a notebook or a test.

Each function here is called in a program's `start(guest)` or `afterwards(guest)`::

    def start(guest):
        kit.relay(guest, lambda heard_from, data: {"bank": data} if heard_from == "teller" else {"teller": data})

    rung("connect-then-attest", Attack.from_function("mine", start)).run()
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from trustlab.attacks.alice.applications import Relay, ShowEvidence
from trustlab.attacks.alice.ends import clone, plain
from trustlab.attacks.alice.middle import Middle
from trustlab.attacks.alice.tools import HTTPS, QUESTIONS, Alice
from trustlab.attacks.programs.key_abuse import recorded as _recorded
from trustlab.passage import PlainEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustlab.cloud import Guest
    from trustlab.wire import Endpoint, WireConnection

__all__ = ["HTTPS", "QUESTIONS", "Alice", "Heard", "KitError", "Recorded", "recorded", "redirect", "relay"]


class Heard(NamedTuple):
    """What Alice read on one of her channels, and what she then said, by name of who heard it."""

    heard_from: str
    data: bytes
    said: Mapping[str, bytes]


class Recorded(NamedTuple):
    """An RSA key exchange that Alice recorded."""

    connection: str
    client_random: bytes
    encrypted_secret: bytes


class KitError(ValueError):
    """What somebody's line of an attack returned cannot be done; the message says what it was, and what can."""


class _AskedRelay(Relay):
    """One of her two channels: what is read on it, `on_data` decides about."""

    def __init__(
        self,
        heard_from: str,
        peer: str,
        on_data: Callable[[str, bytes], Mapping[str, bytes] | None],
        notes: list[Heard],
    ) -> None:
        super().__init__()
        self._heard_from, self._peer, self._on_data, self._notes = heard_from, peer, on_data, notes

    def received(self, data: bytes) -> bytes:
        """Ask what to say, and say it."""
        answer = self._on_data(self._heard_from, data)
        said = self._understood({} if answer is None else answer)
        self._notes.append(Heard(self._heard_from, data, said))
        if self.other is not None and said.get(self._peer):
            self.other.write(said[self._peer])
        return said.get(self._heard_from, b"")

    def _understood(self, answer: object) -> dict[str, bytes]:
        both = {self._heard_from, self._peer}
        if not isinstance(answer, dict):
            raise KitError(f"a relay returns a dict such as {{'bank': data}}, not {type(answer).__name__}")
        for name, data in answer.items():
            if name not in both:
                raise KitError(f"there is nobody called {name!r}: say {' or '.join(map(repr, sorted(both)))}")
            if not isinstance(data, bytes):
                raise KitError(f"what is said to {name} must be bytes, not {type(data).__name__}")
        return dict(answer)


def relay(
    guest: Guest,
    on_data: Callable[[str, bytes], Mapping[str, bytes] | None],
    notes: list[Heard] | None = None,
    *,
    client: str = "teller",
) -> None:
    """Put Alice in the middle, with a certificate for the victim's name; `on_data` decides about all she reads.

    `on_data(heard_from, data)` gets the plaintext of one of her two channels, and the name of who said it. It returns
    whom she tells what: {"bank": ..., "teller": ...}, without those she says nothing to. `notes` gets a `Heard` each
    time. For designs whose evidence travels before TLS, or inside the channel, or not at all.
    """
    alice = Alice(guest)
    identity = alice.rogue_identity()
    kept = [] if notes is None else notes

    def accept(connection: WireConnection) -> Endpoint:
        towards = (
            _AskedRelay(client, alice.victim, on_data, kept),
            _AskedRelay(alice.victim, client, on_data, kept),
        )
        if not alice.placement.our_engine:
            return plain(alice, identity, connection, towards)
        return Middle(alice, connection, own=identity, applications=towards)

    alice.take_place(accept)
    alice.tell("relay", "ends the teller's TLS, opens her own to the bank, and reads what both say.")


def redirect(guest: Guest, where: Callable[[int, int], str]) -> None:
    """Have Alice's switch ask `where(number, port)` about each connection to the victim, when it comes.

    `where` returns the victim's name, to let it pass, or "alice": then a clone on her machine answers, with a
    certificate for the victim's name and without a TPM that could say what it runs. `number` counts a client's
    connections from 1. In the memory substrate only.
    """
    alice = Alice(guest)
    identity = alice.rogue_identity()

    def decide(client: str, port: int, number: int) -> str:
        if client == guest.name or port not in {HTTPS, QUESTIONS}:
            return ""
        wanted = where(number, port)
        if wanted not in {alice.victim, "alice"}:
            raise KitError(f"there is nowhere called {wanted!r}: return {alice.victim!r} or 'alice'")
        alice.tell("redirect", f"sends connection {number} of {client}, to port {port}, to {wanted}.")
        return "" if wanted == alice.victim else guest.name

    alice.powers.on_connection(alice.victim, decide)
    guest.listen(HTTPS, lambda connection: clone(alice, identity, connection))
    guest.listen(QUESTIONS, lambda _connection: PlainEndpoint(ShowEvidence(b"", 1)))


def recorded(guest: Guest) -> list[Recorded]:
    """Return every RSA key exchange that crossed Alice's network so far."""
    return [Recorded(*found) for found in _recorded(Alice(guest))]
