"""The labels of a key log (NSS format) that open records: what each secret protects."""

from __future__ import annotations

MASTER = "CLIENT_RANDOM"
"""Key-log label of a TLS 1.2 master secret."""
EARLY13 = "CLIENT_EARLY_TRAFFIC_SECRET"
"""Key-log label of the secret that protects a client's early data (RFC 9846 7.1)."""
HANDSHAKE13 = {"client": "CLIENT_HANDSHAKE_TRAFFIC_SECRET", "server": "SERVER_HANDSHAKE_TRAFFIC_SECRET"}
APPLICATION13 = {"client": "CLIENT_TRAFFIC_SECRET_0", "server": "SERVER_TRAFFIC_SECRET_0"}
