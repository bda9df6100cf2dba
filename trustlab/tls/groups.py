"""Key agreement: x25519, the NIST curves, and X25519MLKEM768 (RFC 7748, RFC 8422, draft-ietf-tls-ecdhe-mlkem).

One side `generate`s a share and later `finish`es with the other's; the other side `respond`s to a share. For a
Diffie-Hellman group both do the same; with ML-KEM the response is a ciphertext: an encrypted secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric import ec, mlkem, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab.tls.alerts import IllegalParameter, LocalProtocolError
from trustlab.tls.registry import Group, label

if TYPE_CHECKING:
    from collections.abc import Callable

MLKEM768_KEY = 1184
MLKEM768_CIPHERTEXT = 1088
X25519_LENGTH = 32
UNCOMPRESSED = b"\4"  # the first octet of such a point


class Share(Protocol):
    """An ephemeral key pair of one group: `public` as on the wire."""

    @property
    def public(self) -> bytes:
        """The share to send."""

    def finish(self, peer: bytes) -> bytes:
        """Return the shared secret with the peer's share; IllegalParameter if that is not a share."""


class X25519Share:
    """A key pair of x25519 (RFC 7748)."""

    def __init__(self, private: x25519.X25519PrivateKey | None = None) -> None:
        self._private = private or x25519.X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes_raw()

    def finish(self, peer: bytes) -> bytes:
        """Return the shared secret; all zeros are refused (RFC 9846 7.4.2)."""
        try:
            return self._private.exchange(x25519.X25519PublicKey.from_public_bytes(peer))
        except ValueError:
            raise IllegalParameter("a key share that is not a usable x25519 value", "RFC 9846 7.4.2") from None


class NistShare:
    """A key pair on secp256r1, secp384r1 or secp521r1; points are uncompressed (RFC 9846 4.3.8.2)."""

    def __init__(self, private: ec.EllipticCurvePrivateKey) -> None:
        self._private = private
        self.public = self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def finish(self, peer: bytes) -> bytes:
        """Return the x coordinate of the shared point; a point that is not on the curve is refused."""
        curve = self._private.curve
        if not peer.startswith(UNCOMPRESSED):
            raise IllegalParameter(f"a key share that is not an uncompressed point of {curve.name}", "RFC 9846 4.3.8.2")
        try:
            return self._private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, peer))
        except ValueError:
            raise IllegalParameter(f"a key share that is not a point of {curve.name}", "RFC 9846 4.3.8.2") from None


def _nist(curve: ec.EllipticCurve) -> Callable[[], Share]:
    return lambda: NistShare(ec.generate_private_key(curve))


class HybridShare:
    """The initiator's half of X25519MLKEM768: encapsulation key and x25519 value; the secrets are concatenated."""

    def __init__(self) -> None:
        self._kem = mlkem.MLKEM768PrivateKey.generate()
        self.classic = X25519Share()
        self.public = self._kem.public_key().public_bytes_raw() + self.classic.public

    def finish(self, peer: bytes) -> bytes:
        """Decapsulate and exchange; the peer's share is the ciphertext and its x25519 value."""
        if len(peer) != MLKEM768_CIPHERTEXT + X25519_LENGTH:
            raise IllegalParameter(f"an X25519MLKEM768 share of {len(peer)} octets", "draft-ietf-tls-ecdhe-mlkem 4")
        try:
            first = self._kem.decapsulate(peer[:MLKEM768_CIPHERTEXT])
        except ValueError:
            raise IllegalParameter("an ML-KEM ciphertext that cannot be used", "draft-ietf-tls-ecdhe-mlkem 4") from None
        return first + self.classic.finish(peer[MLKEM768_CIPHERTEXT:])


_GENERATE: dict[int, Callable[[], Share]] = {
    Group.X25519: X25519Share,
    Group.SECP256R1: _nist(ec.SECP256R1()),
    Group.SECP384R1: _nist(ec.SECP384R1()),
    Group.SECP521R1: _nist(ec.SECP521R1()),
    Group.X25519MLKEM768: HybridShare,
}
SUPPORTED = tuple(_GENERATE)
"""Every group this engine can run."""
POST_QUANTUM = frozenset({Group.X25519MLKEM768})
"""Groups whose secret stays safe even if the traffic is recorded today and attacked by a quantum computer later."""
CURVES = {"secp256r1": Group.SECP256R1, "secp384r1": Group.SECP384R1, "secp521r1": Group.SECP521R1}
"""The groups that name the curves of ECDSA keys (RFC 8422 5.1.1), by the curve's name."""


def generate(group: int) -> Share:
    """Draw an ephemeral key pair of a group."""
    make = _GENERATE.get(group)
    if make is None:
        raise LocalProtocolError(f"this engine has no group {label(Group, group)}")
    return make()


def respond(own: Share | None, group: int, peer: bytes) -> tuple[bytes, bytes]:
    """Answer the initiator's share: return this side's share and the secret.

    `own` is a pair drawn before (only tests and attacks have one); None draws a fresh one. Of a hybrid pair only the
    x25519 half is used, because ML-KEM's half of an answer is not a key but a ciphertext, which is made here.
    """
    if group == Group.X25519MLKEM768 and (own is None or isinstance(own, HybridShare)):
        return _encapsulate(own.classic if own else X25519Share(), peer)
    share = own or generate(group)
    return share.public, share.finish(peer)


def _encapsulate(classic: X25519Share, peer: bytes) -> tuple[bytes, bytes]:
    if len(peer) != MLKEM768_KEY + X25519_LENGTH:
        raise IllegalParameter(f"an X25519MLKEM768 share of {len(peer)} octets", "draft-ietf-tls-ecdhe-mlkem 4")
    try:
        secret, ciphertext = mlkem.MLKEM768PublicKey.from_public_bytes(peer[:MLKEM768_KEY]).encapsulate()
    except ValueError:
        raise IllegalParameter("an ML-KEM key that fails its check", "draft-ietf-tls-ecdhe-mlkem 4") from None
    return ciphertext + classic.public, secret + classic.finish(peer[MLKEM768_KEY:])
