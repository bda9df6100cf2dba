"""Messages sealed to a key in the quote: the channel is only a pipe, and whoever ends it reads nothing.

The client asks with a nonce, as its first application data. The server answers with an HPKE public key that it made for
this connection, and Evidence whose binder names the nonce and that key. Once the client has accepted the Evidence, each
piece of application data is sealed with HPKE (RFC 9180, base mode, X25519, HKDF-SHA256, AES-128-GCM) and travels as one
frame. The client puts a public key of its own in front of what it seals; the server seals its answers to that key. Both
sides count their messages, and direction, nonce and count are in HPKE's `info`: so no message fits in another place.

Frames are those of `exchange`: a length of two octets, and that many octets.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from trustlab import tls
from trustlab.passage.binders import ChannelFacts
from trustlab.passage.exchange import NONCE, _Framed, frame
from trustlab.tls.hpke import KEY, KEY_NAME, SUITE, info

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.passage.application import Application
    from trustlab.passage.guard import Guard

PIECE = 16_384
"""Octets of application data in one sealed message."""


class _Sealing(_Framed):
    """Opens and seals what follows the exchange; subclasses are the two ends."""

    mine: bytes
    peers: bytes

    def __init__(self, inner: Application, guard: Guard, abort: Callable[[tls.Alert], None]) -> None:
        super().__init__(inner, abort)
        self._guard = guard
        self._own = X25519PrivateKey.generate()
        self._to: X25519PublicKey | None = None
        self._nonce = b""
        self._sent = self._opened = 0

    @property
    def public(self) -> bytes:
        """The public key to which the peer seals."""
        return self._own.public_key().public_bytes_raw()

    def received(self, data: bytes) -> bytes:
        """Take frames: of the exchange first, then sealed messages."""
        self._frames.rest += data
        said = b""
        while not self._refused and (octets := self._frames.next()) is not None:
            said += self._message(octets) if self._through else self.frame_received(octets)
        return b"" if self._given_up else said

    def _message(self, octets: bytes) -> bytes:
        try:
            data = self.opened(SUITE.decrypt(octets, self._own, info=info(self.peers, self._nonce, self._opened)))
        except (InvalidTag, ValueError):
            return self._give_up(tls.DecryptError("a message that is not sealed to this end's key", "RFC 9180 5.2"))
        self._opened += 1
        return self.seal(self.inner.received(data))

    def opened(self, plain: bytes) -> bytes:
        """Return the application data of an opened message; ValueError if there is no usable key in front of them."""
        return plain

    def in_front(self) -> bytes:
        """Return what this end puts in front of the data that it seals."""
        return b""

    def seal(self, data: bytes) -> bytes:
        """Return application data as frames of sealed messages."""
        said = b""
        for start in range(0, len(data), PIECE):
            if self._to is None:
                raise LookupError("there is no key to seal to before the exchange is complete")
            place = info(self.mine, self._nonce, self._sent)
            said += frame(SUITE.encrypt(self.in_front() + data[start : start + PIECE], self._to, info=place))
            self._sent += 1
        return said

    def _tell_key(self) -> None:
        """Have this end's private key in its own trace, among its secrets."""
        digest = hashlib.sha256(self.public).digest()
        self._guard.holds(KEY_NAME, self._own.private_bytes_raw(), digest)

    def _facts(self, key: bytes) -> ChannelFacts:
        return ChannelFacts(nonce_C=self._nonce, hpke_key=key)


class SealedClient(_Sealing):
    """Asks, judges the key and the Evidence, and then seals what the application says."""

    mine, peers = b"client", b"server"

    def __init__(
        self,
        inner: Application,
        guard: Guard,
        abort: Callable[[tls.Alert], None],
        *,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        super().__init__(inner, guard, abort)
        self._nonce = random(NONCE)

    def connected(self) -> bytes:
        """Ask."""
        self._tell_key()
        return frame(self._nonce)

    def frame_received(self, octets: bytes) -> bytes:
        """Judge the answer: the server's key, and Evidence over it."""
        key, evidence = octets[:KEY].ljust(KEY, b"\0"), octets[KEY:]
        if self._guard.appraise(evidence, self._facts(key)):
            return self._refuse()
        self._to = X25519PublicKey.from_public_bytes(key)
        return self.seal(self._open())

    def in_front(self) -> bytes:
        """Return the key for the answers: it travels sealed, so only the attested software learns it."""
        return self.public


class SealedServer(_Sealing):
    """Answers whoever asks with a fresh key and Evidence over it, and opens what is sealed to that key."""

    mine, peers = b"server", b"client"

    def frame_received(self, octets: bytes) -> bytes:
        """Quote the nonce and the key."""
        self._nonce = octets
        self._tell_key()
        evidence = self._guard.evidence(self._facts(self.public))
        if isinstance(evidence, Exception):
            return self._give_up(evidence)
        return frame(self.public + evidence) + self.seal(self._open())

    def opened(self, plain: bytes) -> bytes:
        """Take the client's key from the front of its message."""
        key = X25519PublicKey.from_public_bytes(plain[:KEY])
        self._own.exchange(key)  # a key of low order would show here, and not when an answer is due
        self._to = key
        return plain[KEY:]
