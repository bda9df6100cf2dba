"""Private and public key work: which signature schemes a key serves, signing and verifying by them, RSA encryption.

A certificate says more about a key than the key itself, so handshakes use a `CertifiedKey`. A private key may live
elsewhere (in a TPM); then the program answers `KeyOperationWanted` itself. `perform` does it for a `cryptography` key.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from trustlab.tls.alerts import (
    BadCertificate,
    DecryptError,
    IllegalParameter,
    LocalProtocolError,
    UnsupportedCertificate,
)
from trustlab.tls.groups import CURVES
from trustlab.tls.registry import SignatureScheme, label
from trustlab.tls.spki import PssParameters, is_pss, pss_parameters, spki_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from cryptography import x509

    from trustlab.tls.events import KeyOperationWanted

_HASHES: dict[int, hashes.HashAlgorithm] = {
    4: hashes.SHA256(),
    5: hashes.SHA384(),
    6: hashes.SHA512(),
}
_CURVES = {
    SignatureScheme.ECDSA_SECP256R1_SHA256: "secp256r1",
    SignatureScheme.ECDSA_SECP384R1_SHA384: "secp384r1",
    SignatureScheme.ECDSA_SECP521R1_SHA512: "secp521r1",
}
_PSS_RSAE = {
    SignatureScheme.RSA_PSS_RSAE_SHA256: hashes.SHA256(),
    SignatureScheme.RSA_PSS_RSAE_SHA384: hashes.SHA384(),
    SignatureScheme.RSA_PSS_RSAE_SHA512: hashes.SHA512(),
}
_PSS_PSS = {
    SignatureScheme.RSA_PSS_PSS_SHA256: hashes.SHA256(),
    SignatureScheme.RSA_PSS_PSS_SHA384: hashes.SHA384(),
    SignatureScheme.RSA_PSS_PSS_SHA512: hashes.SHA512(),
}
_PKCS1 = {
    SignatureScheme.RSA_PKCS1_SHA256: hashes.SHA256(),
    SignatureScheme.RSA_PKCS1_SHA384: hashes.SHA384(),
    SignatureScheme.RSA_PKCS1_SHA512: hashes.SHA512(),
}
_ECDSA: dict[int, ec.ECDSA] = {scheme: ec.ECDSA(_HASHES[scheme >> 8]) for scheme in _CURVES}
_RSA: dict[int, tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]] = {
    **{s: (padding.PSS(padding.MGF1(h), h.digest_size), h) for s, h in (_PSS_RSAE | _PSS_PSS).items()},
    **{s: (padding.PKCS1v15(), h) for s, h in _PKCS1.items()},
}
SCHEMES: tuple[int, ...] = (*_ECDSA, *_RSA, SignatureScheme.ED25519)
"""Every signature scheme this engine can verify."""
_ENCRYPTION = padding.PKCS1v15()
_DIGEST_INFO = 19  # octets of the DER before a SHA-2 digest (RFC 8017 9.2, note 1)


_KINDS: dict[type, str] = {}
"""The kinds of types met before: `isinstance` is slow with the abstract classes of `cryptography`."""
_CLASSES = {
    "RSA": (rsa.RSAPublicKey, rsa.RSAPrivateKey),
    "ECDSA": (ec.EllipticCurvePublicKey, ec.EllipticCurvePrivateKey),
    "Ed25519": (ed25519.Ed25519PublicKey, ed25519.Ed25519PrivateKey),
}


def kind_of(key: Any) -> str:  # noqa: ANN401 - asked about anything
    """Return RSA, ECDSA or Ed25519 for a public or private key, empty for one this engine cannot use."""
    kind = _KINDS.get(type(key))
    if kind is None:
        kind = _KINDS[type(key)] = next((name for name, kinds in _CLASSES.items() if isinstance(key, kinds)), "")
    return kind


@dataclass(frozen=True)
class CertifiedKey:
    """A public key as its certificate names it: `kind` is RSA, RSA-PSS, ECDSA or Ed25519, empty for any other.

    A key of id-RSASSA-PSS (RSA-PSS here) looks like one of rsaEncryption to `cryptography`, but it signs by
    rsa_pss_pss_* alone and never encrypts (RFC 9846 4.3.3, RFC 4055 1.2). `limits` are its parameters, None if there
    are none.
    """

    key: Any
    kind: str
    limits: PssParameters | None = None

    @classmethod
    def of(cls, certificate: x509.Certificate) -> CertifiedKey:
        """Read the key of a certificate; what `cryptography` raises, or ValueError, if it cannot be read."""
        key = certificate.public_key()
        if is_pss(certificate):
            return cls(key, "RSA-PSS", pss_parameters(spki_of(certificate)))
        return cls(key, kind_of(key))

    @property
    def authentication(self) -> str:
        """RSA or ECDSA, as a TLS 1.2 cipher suite says it; Ed25519 goes with ECDSA (RFC 8422 2)."""
        return {"RSA-PSS": "RSA", "Ed25519": "ECDSA"}.get(self.kind, self.kind)

    def suits_groups(self, groups: Container[int] | None) -> bool:
        """Whether the client's groups have the curve of an ECDSA key (RFC 8422 5.3); None if it names no groups."""
        return self.kind != "ECDSA" or groups is None or CURVES.get(self.key.curve.name) in groups

    @cached_property
    def schemes12(self) -> tuple[SignatureScheme, ...]:
        """The signature schemes this key serves in TLS 1.2, best first; an ECDSA key may sign any hash there."""
        if self.kind != "ECDSA":
            return (*self.schemes13, *self._fitting(_PKCS1)) if self.kind == "RSA" else self.schemes13
        return (*self.schemes13, *(s for s in _CURVES if s not in self.schemes13))

    @cached_property
    def schemes13(self) -> tuple[SignatureScheme, ...]:
        """The signature schemes this key serves in TLS 1.3, best first; ECDSA schemes are tied to their curve."""
        match self.kind:
            case "RSA":
                return self._fitting(_PSS_RSAE)
            case "RSA-PSS":
                return tuple(s for s in self._fitting(_PSS_PSS) if self._within_limits(_PSS_PSS[s]))
            case "ECDSA":
                return tuple(scheme for scheme, name in _CURVES.items() if name == self.key.curve.name)
            case "Ed25519":
                return (SignatureScheme.ED25519,)
            case _:
                return ()

    def schemes(self, *, tls13: bool) -> tuple[SignatureScheme, ...]:
        """Return the signature schemes this key serves in a version, best first."""
        return self.schemes13 if tls13 else self.schemes12

    def _fitting(self, schemes: dict[SignatureScheme, hashes.HashAlgorithm]) -> tuple[SignatureScheme, ...]:
        """Leave out the schemes whose encoded message is longer than this RSA key allows (RFC 8017 9.1.1, 9.2)."""
        bits = self.key.key_size
        found = []
        for scheme, digest in schemes.items():
            pss = schemes is not _PKCS1
            room = (bits + 6) // 8 if pss else (bits + 7) // 8  # PSS encodes one bit less than the modulus has
            needed = 2 * digest.digest_size + 2 if pss else digest.digest_size + _DIGEST_INFO + 11
            found += [scheme] if room >= needed else []
        return tuple(found)

    def _within_limits(self, digest: hashes.HashAlgorithm) -> bool:
        """Whether the parameters allow a hash, its MGF1, and a salt as long as the hash (RFC 4055 3.3)."""
        limits = self.limits
        if limits is None:
            return True
        allowed = (limits.hash_name, limits.mgf_hash_name, limits.trailer) == (digest.name, digest.name, 1)
        return allowed and limits.salt_length <= digest.digest_size


def common_scheme(own: Iterable[int], able: Container[int], offered: Container[int]) -> int:
    """Return the first of this side's schemes that its key serves and the peer takes, 0 if there is none."""
    return next((scheme for scheme in own if scheme in able and scheme in offered), 0)


def sign(key: object, scheme: int, data: bytes) -> bytes:
    """Sign `data` with a `cryptography` private key; LocalProtocolError if key and scheme do not belong together."""
    kind = kind_of(key) if is_local(key) else ""
    if kind == "ECDSA" and scheme in _ECDSA:
        return cast("ec.EllipticCurvePrivateKey", key).sign(data, _ECDSA[scheme])
    if kind == "RSA" and scheme in _RSA:
        return cast("rsa.RSAPrivateKey", key).sign(data, *_RSA[scheme])
    if kind == "Ed25519" and scheme == SignatureScheme.ED25519:
        return cast("ed25519.Ed25519PrivateKey", key).sign(data)
    raise LocalProtocolError(f"a {type(key).__name__} cannot sign with {label(SignatureScheme, scheme)}")


def verify(key: CertifiedKey, scheme: int, signature: bytes, data: bytes, *, tls13: bool) -> None:
    """Verify a handshake signature; IllegalParameter if key and scheme do not match, DecryptError if it is wrong."""
    if scheme not in key.schemes(tls13=tls13):
        raise IllegalParameter(
            f"a signature by {label(SignatureScheme, scheme)}, which does not fit the certificate's key",
            "RFC 9846 4.5.2" if tls13 else "RFC 5246 7.4.8",
        )
    try:
        if scheme in _ECDSA:
            key.key.verify(signature, data, _ECDSA[scheme])
        elif scheme in _RSA:
            key.key.verify(signature, data, *_RSA[scheme])
        else:
            key.key.verify(signature, data)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise DecryptError("a handshake signature that does not verify", "RFC 9846 4.5.2") from None


def encrypt(key: CertifiedKey, pre_master_secret: bytes) -> bytes:
    """Encrypt the pre-master secret to the server's RSA key (RFC 5246 7.4.7.1); BadCertificate if that fails.

    UnsupportedCertificate for a key that must not encrypt, such as one of id-RSASSA-PSS (RFC 4055 1.2).
    """
    if key.kind != "RSA":
        raise UnsupportedCertificate(
            f"RSA key exchange with a key for {key.kind}, which cannot encrypt", "RFC 5246 7.4.2"
        )
    try:
        return cast("rsa.RSAPublicKey", key.key).encrypt(pre_master_secret, _ENCRYPTION)
    except ValueError as error:
        raise BadCertificate("a certificate whose RSA key cannot encrypt", "RFC 5246 7.4.7.1") from error


def is_local(key: Any) -> bool:  # noqa: ANN401 - a program's key may be anything
    """Whether `perform` can work with this key."""
    return bool(kind_of(key)) and hasattr(key, "sign")


def perform(request: KeyOperationWanted) -> bytes | Exception:
    """Do one key operation with a local `cryptography` key; an error is returned, as `answer` wants it.

    RSA decryption: `cryptography` returns pseudo-random octets of another length for bad padding (implicit
    rejection), and the engine's own substitution follows; nothing here branches on the padding.
    """
    key = request.key
    try:
        if request.operation == "sign" and request.scheme is not None:
            return sign(key, request.scheme, request.data)
        if request.operation == "rsa-decrypt" and is_local(key) and kind_of(key) == "RSA":
            return cast("rsa.RSAPrivateKey", key).decrypt(request.data, _ENCRYPTION)
    except (ValueError, LocalProtocolError) as error:
        return error
    return LocalProtocolError(f"a {type(key).__name__} cannot do {request.operation}")
