"""Taking the protection off one direction's records, once its secret is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from trustlab import tls
from trustlab.capture.labels import EARLY13, MASTER
from trustlab.tls.protection import Aead13
from trustlab.tls.schedule13 import TrafficSecret
from trustlab.tls.suites import SUITES, TLS13_SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.capture.keys import SeenHandshake
    from trustlab.wire import Direction


class Opener(Protocol):
    """Opens the records of one direction under one secret."""

    def open(self, sequence: int, record: tls.RawRecord) -> tuple[int, bytes]:
        """Return content type and plaintext of a record; an `Alert` if it does not authenticate."""


class Opener12:
    """TLS 1.2: one master secret serves both directions from ChangeCipherSpec on."""

    def __init__(self, direction: Direction, master_secret: bytes, handshake: SeenHandshake) -> None:
        self._direction = direction
        self._keys = tls.PassiveDecryptor(
            master_secret, handshake.client_random, handshake.server_random, handshake.suite
        )

    def open(self, sequence: int, record: tls.RawRecord) -> tuple[int, bytes]:
        """Return the record's own content type and its plaintext."""
        return record.content_type, self._keys.decrypt(self._direction, sequence, record)


class Opener13:
    """TLS 1.3: each direction has a secret for the handshake and one for the data, renewed by KeyUpdate."""

    def __init__(self, secret: bytes, suite: int) -> None:
        self._suite = suite
        parameters = SUITES[suite]
        self._secret = TrafficSecret(secret, parameters.hash_name)
        key, iv = self._secret.keys(parameters.key_length)
        self._aead = Aead13(parameters.cipher, key, iv)

    def open(self, sequence: int, record: tls.RawRecord) -> tuple[int, bytes]:
        """Return the content type that was hidden inside and the plaintext without padding."""
        self._aead.sequence = sequence
        return self._aead.unprotect(record.content_type, record.version, record.fragment)

    def updated(self) -> Opener13:
        """Return the opener of what follows a KeyUpdate (RFC 9846 7.2)."""
        return Opener13(self._secret.next().value, self._suite)


def openers(label: str, direction: Direction, secret: bytes, handshake: SeenHandshake) -> Iterator[Opener]:
    """Yield what may open a direction's records with the secret of this key-log label.

    Early data is protected under the suite of the session before, which its ticket alone tells (RFC 9846 4.3.10): of
    the suites whose hash fits the secret any may be meant.
    """
    if label == MASTER:
        yield Opener12(direction, secret, handshake)
    elif label == EARLY13:
        yield from (Opener13(secret, suite) for suite in TLS13_SUITES if SUITES[suite].hash_length == len(secret))
    else:
        yield Opener13(secret, handshake.suite)
