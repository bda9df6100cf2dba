"""What a party opens of messages that are sealed inside a channel (`passage.sealed`), with the HPKE keys it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from trustlab.passage.exchange import Frames
from trustlab.passage.sealed import SUITE, info

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from trustlab.wire import Direction

KEY_NAME = "hpke_private_key"
"""The name of such a key among a party's secrets."""


def unsealed(client: bytes, server: bytes, keys: Collection[bytes]) -> Iterator[tuple[Direction, bytes]]:
    """Yield what these private keys open of a channel's application data, with the direction it went.

    The first frame of the client is its nonce, the first of the server its key and evidence; sealed messages follow.
    """
    holders = [X25519PrivateKey.from_private_bytes(key) for key in keys]
    said: dict[Direction, list[bytes]] = {
        "client": Frames().feed(client, len(client)),
        "server": Frames().feed(server, len(server)),
    }
    for direction, frames in said.items():
        for count, octets in enumerate(frames[1:]):
            for key in holders:
                try:
                    opened = SUITE.decrypt(octets, key, info=info(direction.encode(), said["client"][0], count))
                except (InvalidTag, ValueError, IndexError):
                    continue
                yield direction, opened
