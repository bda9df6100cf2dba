"""The bank's own TLS key, used by Alice: in its TPM, if the TPM lets her, or as a copy if it came with the image."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from trustlab.tpm import TpmError, load_key, read_key, rsa_decrypt, sign

if TYPE_CHECKING:
    from trustlab.attacks.alice.tools import Alice

BLOB, FILE = "tls-key.tpm", "private-key.pem"
VERBS = {"sign": "sign", "rsa-decrypt": "decrypt"}


class BorrowedKey:
    """A `KeyHolder` for the key on the victim's disk: a TPM key, used from the root VM at locality 0, or a copy."""

    def __init__(self, alice: Alice) -> None:
        self._alice = alice

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:  # noqa: ARG002 - this key knows one scheme
        """Sign with ECDSA and SHA-256, or decrypt an EPMS (RSA with PKCS#1 v1.5).

        TpmError if the TPM refuses, LookupError if there is no such key.
        """
        alice = self._alice
        disk = alice.powers.disk_of(alice.victim)
        pem, blob = disk.get(FILE), disk.get(BLOB)
        if operation == "rsa-decrypt" and isinstance(pem, bytes):
            alice.tell("copy", f"decrypts with her copy of {alice.victim}'s key.")
            return software_key(pem).decrypt(data, PKCS1v15())
        if operation not in VERBS or not isinstance(blob, bytes):
            raise LookupError(f"no key on {alice.victim}'s disk can do {operation}")
        done = self._in_the_tpm(blob, operation, data)
        verb = VERBS[operation]
        alice.tell(verb, f"has {alice.victim}'s TPM {verb} for her, with the password, from the root VM at locality 0.")
        return done

    def _in_the_tpm(self, blob: bytes, operation: str, data: bytes) -> bytes:
        tpm = self._alice.powers.root_tpm(self._alice.victim)
        try:
            key = load_key(tpm, read_key(blob))
            try:
                if operation == "rsa-decrypt":
                    return rsa_decrypt(tpm, key, data)
                return sign(tpm, key, hashlib.sha256(data).digest())
            finally:
                tpm.flush(key)
        except TpmError as error:
            self._alice.tell("refused", f"is refused by the TPM: {error}")
            raise


def software_key(pem: bytes) -> RSAPrivateKey:
    """Return the RSA key of a PEM file; TypeError if it is another kind of key."""
    key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError(f"the key on the disk must be an RSA key, not {type(key).__name__}")
    return key
