"""Who is at the other end of a channel: whoever holds its traffic secrets.

Where a TCP connection ends says nothing about that. Somebody who forwards every octet holds one end of the client's TCP
connection, and cannot read or write a word in the channel. So the judge compares secrets: those that a client derived
for a connection, with those that every other party derived for any connection.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.trace import Trace, TraceEvent

TRAFFIC_SECRETS = ("master_secret", "client_application_traffic_secret_0")
"""What the keys of the application data come from, in TLS 1.2 and in TLS 1.3."""


class TrustedChannel(NamedTuple):
    """A channel that a client trusts: it told its application that it is connected.

    `addressed` is the machine that it meant to talk to, `holders` are all other parties that hold the traffic secrets.
    """

    connection: str
    client: str
    addressed: str
    holders: tuple[str, ...]

    @property
    def misled(self) -> bool:
        """Whether somebody else than the machine that was meant is at the other end."""
        return bool(self.holders) and self.addressed not in self.holders


def trusted_channels(trace: Trace) -> Iterator[TrustedChannel]:
    """Yield every channel over TLS that a client trusts, in the order of the trace."""
    truths = {e.connection: e for e in trace.select("ground-truth", name="connection")}
    secrets, holders = _secrets(trace)
    last: dict[str, str] = {}
    for event in trace:
        if event.kind == "app" and event.name == "connected":
            connection = last.get(event.party, "")
            truth, secret = truths.get(connection), secrets.get((event.party, connection))
            if truth is not None and secret is not None and truth.data["client"] == event.party:
                others = tuple(party for party in holders[secret] if party != event.party)
                yield TrustedChannel(connection, event.party, str(truth.data["addressed"]), others)
        elif connection := connection_of(event):
            last[event.party] = connection


def connection_of(event: TraceEvent) -> str:
    """Return the connection that an event is about; secrets have it in their data."""
    return event.connection or str(event.data.get("connection", ""))


def _secrets(trace: Trace) -> tuple[dict[tuple[str, str], bytes], dict[bytes, dict[str, None]]]:
    """Return the traffic secret of each party on each connection, and who holds each secret."""
    secrets: dict[tuple[str, str], bytes] = {}
    holders: dict[bytes, dict[str, None]] = {}
    for event in trace.select("secret"):
        if event.name in TRAFFIC_SECRETS:
            secrets[event.party, connection_of(event)] = event.raw
            holders.setdefault(event.raw, {})[event.party] = None
    return secrets, holders
