"""The bank's own TLS key in Alice's hands: as far as its TPM lets her, or whole where it came with the image."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from trustlab.attacks.programs import powers
from trustlab.tpm import TpmError, load_key, read_key, rsa_decrypt, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest

BLOB, FILE = "tls-key.tpm", "private-key.pem"
DEEDS = {"sign": "sign", "rsa-decrypt": "decrypt"}


class BorrowedKey:
    """Works with the key on the victim's disk (a `KeyHolder`): a TPM's, from the root VM at locality 0, or a copy."""

    def __init__(self, guest: Guest, tell: Callable[[str, str], None]) -> None:
        self._guest = guest
        self._tell = tell

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:  # noqa: ARG002 - this key knows one scheme
        """Sign with ECDSA and SHA-256, or decrypt an EPMS (RSA with PKCS#1 v1.5).

        TpmError where the TPM refuses, LookupError where there is no such key.
        """
        victim = self._guest.setting("victim")
        disk = powers(self._guest).disk_of(victim)
        pem, blob = disk.get(FILE), disk.get(BLOB)
        if operation == "rsa-decrypt" and isinstance(pem, bytes):
            self._tell("copy", f"decrypts with her copy of {victim}'s key.")
            return software_key(pem).decrypt(data, PKCS1v15())
        if operation not in DEEDS or not isinstance(blob, bytes):
            raise LookupError(f"there is no key on {victim}'s disk that could do {operation}")
        done = self._in_the_tpm(blob, operation, data)
        deed = DEEDS[operation]
        self._tell(deed, f"has {victim}'s TPM {deed} for her, with the password, from the root VM at locality 0.")
        return done

    def _in_the_tpm(self, blob: bytes, operation: str, data: bytes) -> bytes:
        tpm = powers(self._guest).root_tpm(self._guest.setting("victim"))
        try:
            key = load_key(tpm, read_key(blob))
            try:
                if operation == "rsa-decrypt":
                    return rsa_decrypt(tpm, key, data)
                return sign(tpm, key, hashlib.sha256(data).digest())
            finally:
                tpm.flush(key)
        except TpmError as error:
            self._tell("refused", f"is refused by the TPM: {error}")
            raise


def software_key(pem: bytes) -> RSAPrivateKey:
    """Return the RSA key of a PEM file; TypeError where it is another kind of key."""
    key = serialization.load_pem_private_key(pem, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("the key on the disk is no RSA key")
    return key
