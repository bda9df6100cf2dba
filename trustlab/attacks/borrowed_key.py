"""The bank's own TLS key in Alice's hands, as far as its TPM lets her: it signs, and never leaves."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustlab.attacks.programs import powers
from trustlab.tpm import TpmError, load_key, read_key, sign

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.cloud import Guest

BLOB = "tls-key.tpm"


class BorrowedKey:
    """Signs with the key whose blob stands on the victim's disk, from the root VM at locality 0 (a `KeyHolder`)."""

    def __init__(self, guest: Guest, tell: Callable[[str, str], None]) -> None:
        self._guest = guest
        self._tell = tell

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:  # noqa: ARG002 - this key knows one scheme
        """Sign with ECDSA and SHA-256; TpmError where the TPM refuses, LookupError where there is no such key."""
        provider, victim = powers(self._guest), self._guest.setting("victim")
        blob = provider.disk_of(victim).get(BLOB)
        if operation != "sign" or not isinstance(blob, bytes):
            raise LookupError(f"there is no key on {victim}'s disk that could do {operation}")
        tpm = provider.root_tpm(victim)
        try:
            key = load_key(tpm, read_key(blob))
            try:
                signature = sign(tpm, key, hashlib.sha256(data).digest())
            finally:
                tpm.flush(key)
        except TpmError as error:
            self._tell("refused", f"is refused by the TPM: {error}")
            raise
        self._tell("sign", f"has {victim}'s TPM sign for her, with the password, from the root VM at locality 0.")
        return signature
