"""Private and public key work: signing and verifying by signature scheme, RSA decryption, and key agreement.

A private key may live elsewhere (a TPM): then the program answers `KeyOperationWanted` itself. `perform` does it for a
`cryptography` key.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from trustlab.tls.alerts import BadCertificate, DecryptError, IllegalParameter, LocalProtocolError
from trustlab.tls.registry import SignatureScheme, label

if TYPE_CHECKING:
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
_PSS = {
    SignatureScheme.RSA_PSS_RSAE_SHA256: hashes.SHA256(),
    SignatureScheme.RSA_PSS_RSAE_SHA384: hashes.SHA384(),
    SignatureScheme.RSA_PSS_RSAE_SHA512: hashes.SHA512(),
}
_PKCS1 = {
    SignatureScheme.RSA_PKCS1_SHA256: hashes.SHA256(),
    SignatureScheme.RSA_PKCS1_SHA384: hashes.SHA384(),
    SignatureScheme.RSA_PKCS1_SHA512: hashes.SHA512(),
}
_ECDSA: dict[int, ec.ECDSA] = {scheme: ec.ECDSA(_HASHES[scheme >> 8]) for scheme in _CURVES}
_RSA: dict[int, tuple[padding.AsymmetricPadding, hashes.HashAlgorithm]] = {
    **{s: (padding.PSS(padding.MGF1(h), h.digest_size), h) for s, h in _PSS.items()},
    **{s: (padding.PKCS1v15(), h) for s, h in _PKCS1.items()},
}
SCHEMES: tuple[int, ...] = (*_ECDSA, *_RSA)
"""Every signature scheme this engine can verify."""
_ENCRYPTION = padding.PKCS1v15()
_RSA13 = tuple(_PSS)
_RSA12 = (*_PSS, *_PKCS1)


_KINDS: dict[type, str] = {}
"""Types of keys met before: the abstract classes of `cryptography` are slow to ask."""


def kind_of(key: Any) -> str:  # noqa: ANN401 - asked about anything
    """Return RSA or ECDSA for a public or private key, empty for one this engine cannot use."""
    kind = _KINDS.get(type(key))
    if kind is None:
        rsa_key = isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey)
        ecdsa_key = isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey)
        kind = _KINDS[type(key)] = "RSA" if rsa_key else "ECDSA" if ecdsa_key else ""
    return kind


def schemes_for(public_key: object, *, tls13: bool) -> tuple[SignatureScheme, ...]:
    """Return the signature schemes a key can serve, best first; TLS 1.3 ties ECDSA schemes to their curve."""
    kind = kind_of(public_key)
    if kind == "RSA":
        return _RSA13 if tls13 else _RSA12
    if kind == "ECDSA":
        return _ecdsa_schemes(cast("ec.EllipticCurvePublicKey", public_key).curve.name, tls13=tls13)
    return ()


@lru_cache(maxsize=16)
def _ecdsa_schemes(curve: str, *, tls13: bool) -> tuple[SignatureScheme, ...]:
    own = tuple(scheme for scheme, name in _CURVES.items() if name == curve)
    return own if tls13 else (*own, *(s for s in _CURVES if s not in own))


def sign(key: object, scheme: int, data: bytes) -> bytes:
    """Sign `data` with a `cryptography` private key; LocalProtocolError if key and scheme do not belong together."""
    kind = kind_of(key) if is_local(key) else ""
    if kind == "ECDSA" and scheme in _ECDSA:
        return cast("ec.EllipticCurvePrivateKey", key).sign(data, _ECDSA[scheme])
    if kind == "RSA" and scheme in _RSA:
        return cast("rsa.RSAPrivateKey", key).sign(data, *_RSA[scheme])
    raise LocalProtocolError(f"a {type(key).__name__} cannot sign with {label(SignatureScheme, scheme)}")


def verify(public_key: object, scheme: int, signature: bytes, data: bytes, *, tls13: bool) -> None:
    """Verify a handshake signature; IllegalParameter if key and scheme do not match, DecryptError if it is wrong."""
    if scheme not in schemes_for(public_key, tls13=tls13):
        raise IllegalParameter(
            f"a signature by {label(SignatureScheme, scheme)}, which does not fit the certificate's key",
            "RFC 8446 4.4.3" if tls13 else "RFC 5246 7.4.8",
        )
    try:
        if scheme in _ECDSA:
            cast("ec.EllipticCurvePublicKey", public_key).verify(signature, data, _ECDSA[scheme])
        else:
            cast("rsa.RSAPublicKey", public_key).verify(signature, data, *_RSA[scheme])
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        raise DecryptError("a handshake signature that does not verify", "RFC 8446 4.4.3") from None


def encrypt(public_key: object, pre_master_secret: bytes) -> bytes:
    """Encrypt the pre-master secret to the server's RSA key (RFC 5246 7.4.7.1); BadCertificate if that cannot be."""
    if kind_of(public_key) != "RSA":
        raise IllegalParameter("RSA key exchange with a certificate that has no RSA key", "RFC 5246 7.4.2")
    try:
        return cast("rsa.RSAPublicKey", public_key).encrypt(pre_master_secret, _ENCRYPTION)
    except ValueError as error:
        raise BadCertificate("a certificate whose RSA key cannot encrypt", "RFC 5246 7.4.7.1") from error


def is_local(key: Any) -> bool:  # noqa: ANN401 - a program's key may be anything
    """Whether `perform` can work with this key."""
    return bool(kind_of(key)) and hasattr(key, "sign")


def perform(request: KeyOperationWanted) -> bytes | Exception:
    """Do one key operation with a local `cryptography` key; what goes wrong is returned, as `answer` wants it.

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
