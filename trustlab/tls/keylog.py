"""The key log that Wireshark and others read (NSS format, draft-ietf-tls-keylogfile)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls.events import SecretDerived

if TYPE_CHECKING:
    from trustlab.tls.events import Event

LABELS = {
    "master_secret": "CLIENT_RANDOM",
    "client_early_traffic_secret": "CLIENT_EARLY_TRAFFIC_SECRET",
    "client_handshake_traffic_secret": "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    "server_handshake_traffic_secret": "SERVER_HANDSHAKE_TRAFFIC_SECRET",
    "client_application_traffic_secret_0": "CLIENT_TRAFFIC_SECRET_0",
    "server_application_traffic_secret_0": "SERVER_TRAFFIC_SECRET_0",
    "exporter_master_secret": "EXPORTER_SECRET",
}
"""Which secrets a key log has, and its names for them."""


def keylog_line(label: str, client_random: bytes, secret: bytes) -> str:
    """Return one line of a key log, for example `CLIENT_RANDOM <client random> <master secret>`."""
    return f"{label} {client_random.hex()} {secret.hex()}\n"


class KeyLog:
    """Collects the secrets a key log has from a connection's events."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def observe(self, event: Event) -> None:
        """Take note of an event."""
        if isinstance(event, SecretDerived) and event.label in LABELS:
            self._lines.append(keylog_line(LABELS[event.label], event.client_random, event.value))

    @property
    def text(self) -> str:
        """Everything so far, one secret per line."""
        return "".join(self._lines)

    def __repr__(self) -> str:
        return f"<KeyLog of {len(self._lines)} secrets>"
