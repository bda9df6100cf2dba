"""TPM2_MakeCredential in software: what a CA does that wants to know whether two keys live in one TPM.

The secret is encrypted to the EK, and the AK's Name goes into the key derivation and the integrity value: only a TPM
that holds the EK opens it, and only when a key with exactly this Name is loaded (TPM 2.0 Part 1, 24; annexes B.10.3
and C.6.3).
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field

from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode

from trustlab.tpm.errors import EnrolmentRefused
from trustlab.tpm.marshal import sized

_SEED_OCTETS = 32
_KEY_OCTETS = 16


@dataclass(frozen=True)
class Credential:
    """The two parameters of TPM2_ActivateCredential: contents of the TPM2B_ID_OBJECT and of the encrypted secret."""

    blob: bytes = field(repr=False)
    secret: bytes = field(repr=False)


def make_credential(ek: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, name: bytes, challenge: bytes) -> Credential:
    """Encrypt `challenge` (at most 32 octets) for the TPM with this EK and a key of this Name.

    The EK's template has nameAlg SHA-256 and AES-128-CFB. EnrolmentRefused for an EK of another type than the
    profile's.
    """
    seed, secret = _share_seed(ek)
    key = _kdfa(seed, b"STORAGE", name, _KEY_OCTETS)
    encryptor = Cipher(algorithms.AES(key), CFB(bytes(16))).encryptor()
    identity = encryptor.update(sized(challenge)) + encryptor.finalize()
    integrity = hmac.digest(_kdfa(seed, b"INTEGRITY", b"", 32), identity + name, "sha256")
    return Credential(sized(integrity) + identity, secret)


def _share_seed(ek: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> tuple[bytes, bytes]:
    """Return the seed and its encryption to the EK."""
    if isinstance(ek, rsa.RSAPublicKey):
        seed = os.urandom(_SEED_OCTETS)
        oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), b"IDENTITY\0")
        return seed, ek.encrypt(seed, oaep)
    if not isinstance(ek.curve, (ec.SECP256R1, ec.SECP384R1)):
        raise EnrolmentRefused("EK type", f"curve {ek.curve.name} is none of the EK profile's P-256 and P-384")
    ephemeral = ec.generate_private_key(ek.curve)
    size = ek.curve.key_size // 8
    ours, theirs = ephemeral.public_key().public_numbers(), ek.public_numbers()
    x, y = ours.x.to_bytes(size, "big"), ours.y.to_bytes(size, "big")
    info = b"IDENTITY\0" + x + theirs.x.to_bytes(size, "big")
    seed = ConcatKDFHash(hashes.SHA256(), _SEED_OCTETS, info).derive(ephemeral.exchange(ec.ECDH(), ek))  # KDFe
    return seed, sized(x) + sized(y)


def _kdfa(key: bytes, label: bytes, context: bytes, octets: int) -> bytes:
    """KDFa, Part 1, 11.4.10.2: SP 800-108 in counter mode with HMAC-SHA-256."""
    return KBKDFHMAC(
        algorithm=hashes.SHA256(),
        mode=Mode.CounterMode,
        length=octets,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=context,
        fixed=None,
    ).derive(key)
