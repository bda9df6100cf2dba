"""Taking the protection off one direction's records, once its secret is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from trustlab import tls
from trustlab.capture.labels import EARLY13, MASTER
from trustlab.tls.protection import TAG_LENGTH, Aead13
from trustlab.tls.schedule13 import TrafficSecret
from trustlab.tls.suites import SUITES, TLS13_SUITES, Cipher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustlab.capture.keys import SeenHandshake
    from trustlab.wire import Direction


_AROUND12 = {Cipher.AES_GCM: (8, TAG_LENGTH), Cipher.CHACHA20_POLY1305: (0, TAG_LENGTH), Cipher.AES_CBC: (16, 0)}
"""RFC 5288 3, RFC 7905 2, RFC 5246 6.2.3.2."""


class Opener(Protocol):
    """Opens the records of one direction under one secret."""

    around: tuple[int, int]
    """How many octets of a fragment stand before the ciphertext of its content (a nonce, an IV), and at its end (a tag;
    0 where MAC and padding are inside the ciphertext)."""
    hides_type: bool
    """Whether the content type stands behind the content (RFC 9846 5.2)."""

    def seal(self, sequence: int, content_type: int, version: int, content: bytes) -> bytes:
        """Return the fragment of a record that opens as the one of this sequence number."""

    def open(self, sequence: int, record: tls.RawRecord) -> tuple[int, bytes]:
        """Return content type and plaintext of a record; an `Alert` if it does not authenticate."""


class Opener12:
    """TLS 1.2: one master secret serves both directions from ChangeCipherSpec on."""

    hides_type = False

    def __init__(self, direction: Direction, master_secret: bytes, handshake: SeenHandshake) -> None:
        self._direction = direction
        self.around = _AROUND12[SUITES[handshake.suite].cipher]
        self._keys = tls.PassiveDecryptor(
            master_secret, handshake.client_random, handshake.server_random, handshake.suite
        )

    def open(self, sequence: int, record: tls.RawRecord) -> tuple[int, bytes]:
        """Return the record's own content type and its plaintext."""
        return record.content_type, self._keys.decrypt(self._direction, sequence, record)

    def seal(self, sequence: int, content_type: int, version: int, content: bytes) -> bytes:
        """Return a fragment in the place of another, under the same nonce."""
        return self._keys.encrypt(self._direction, sequence, content_type, version, content)


class Opener13:
    """TLS 1.3: each direction has a secret for the handshake and one for the data, renewed by KeyUpdate."""

    around = (0, TAG_LENGTH)
    hides_type = True

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

    def seal(self, sequence: int, content_type: int, version: int, content: bytes) -> bytes:
        """Return a fragment in the place of another, under the same nonce; without padding."""
        self._aead.sequence = sequence
        return self._aead.protect(content_type, version, content)

    def updated(self) -> Opener13:
        """Return the opener of what follows a KeyUpdate (RFC 9846 7.2)."""
        return Opener13(self._secret.next().value, self._suite)


class Sealed(NamedTuple):
    """A record that was opened: by what, as which one under its secret, and what was inside."""

    opener: Opener
    sequence: int
    content_type: int
    content: bytes


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
