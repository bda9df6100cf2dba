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

from trustlab.octets import sized
from trustlab.tpm.errors import EnrolmentRefused

_Hash = hashes.SHA256 | hashes.SHA384


@dataclass(frozen=True)
class Credential:
    """The two parameters of TPM2_ActivateCredential: contents of the TPM2B_ID_OBJECT and of the encrypted secret."""

    blob: bytes = field(repr=False)
    secret: bytes = field(repr=False)


def make_credential(ek: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, name: bytes, challenge: bytes) -> Credential:
    """Encrypt `challenge` (at most 32 octets) for the TPM with this EK and a key of this Name.

    The EK profile's templates fix the rest: SHA-256 and AES-128-CFB for RSA-2048 and P-256, SHA-384 and AES-256-CFB
    for RSA-3072 and P-384. EnrolmentRefused for an EK of another type.
    """
    algorithm, key_octets = _algorithms(ek)
    seed, secret = _share_seed(ek, algorithm)
    key = _kdfa(algorithm, seed, b"STORAGE", name, key_octets)
    encryptor = Cipher(algorithms.AES(key), CFB(bytes(16))).encryptor()
    identity = encryptor.update(sized(challenge)) + encryptor.finalize()
    mac_key = _kdfa(algorithm, seed, b"INTEGRITY", b"", algorithm.digest_size)
    return Credential(sized(hmac.digest(mac_key, identity + name, algorithm.name)) + identity, secret)


def _algorithms(ek: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> tuple[_Hash, int]:
    """Return the EK's nameAlg and the size of its AES key, in octets."""
    if isinstance(ek, ec.EllipticCurvePublicKey):
        if isinstance(ek.curve, ec.SECP384R1):
            return hashes.SHA384(), 32
        if not isinstance(ek.curve, ec.SECP256R1):
            raise EnrolmentRefused(
                "EK type", f"curve {ek.curve.name} is not in the EK profile, which has P-256 and P-384"
            )
    elif ek.key_size == 3072:
        return hashes.SHA384(), 32
    elif ek.key_size != 2048:
        raise EnrolmentRefused("EK type", f"an RSA EK of {ek.key_size} bits is not a kind that this CA knows")
    return hashes.SHA256(), 16


def _share_seed(ek: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, algorithm: _Hash) -> tuple[bytes, bytes]:
    """Return the seed and its encryption to the EK: OAEP, or ECDH with KDFe."""
    if isinstance(ek, rsa.RSAPublicKey):
        seed = os.urandom(algorithm.digest_size)
        return seed, ek.encrypt(seed, padding.OAEP(padding.MGF1(algorithm), algorithm, b"IDENTITY\0"))
    ephemeral = ec.generate_private_key(ek.curve)
    size = ek.curve.key_size // 8
    ours, theirs = ephemeral.public_key().public_numbers(), ek.public_numbers()
    x, y = ours.x.to_bytes(size, "big"), ours.y.to_bytes(size, "big")
    info = b"IDENTITY\0" + x + theirs.x.to_bytes(size, "big")
    shared = ephemeral.exchange(ec.ECDH(), ek)
    return ConcatKDFHash(algorithm, algorithm.digest_size, info).derive(shared), sized(x) + sized(y)


def _kdfa(algorithm: _Hash, key: bytes, label: bytes, context: bytes, octets: int) -> bytes:
    """KDFa, Part 1, 11.4.10.2: SP 800-108 in counter mode with HMAC."""
    return KBKDFHMAC(
        algorithm=algorithm,
        mode=Mode.CounterMode,
        length=octets,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=context,
        fixed=None,
    ).derive(key)
