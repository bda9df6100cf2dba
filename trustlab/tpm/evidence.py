"""From a binder to Evidence: the quote over it, the key's attestation, the event log, the PCR values."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from trustlab.attest import Evidence, H, KeyAttestation, L, pcr_digest
from trustlab.attest.constants import HASH_NAMES
from trustlab.octets import sized
from trustlab.tpm.errors import TpmProtocolError
from trustlab.tpm.fast_commands import certify_creation, quote
from trustlab.tpm.policy import ATTEMPTS, SECONDS
from trustlab.tpm.profile import DRTM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustlab.attest import EventLog
    from trustlab.tpm.client import TpmClient
    from trustlab.tpm.fast_commands import Attestation
    from trustlab.tpm.keys import CreatedKey, LoadedKey

EVIDENCE_PCRS = DRTM.quote_pcrs
MAX_TRAVELLING = 56_000
"""Octets for log and AK certificates: all extensions of a CertificateEntry share 65,535, and the rest needs room."""


def key_binder(spki: bytes) -> bytes:
    """Return H(L, "K", H(SPKI)), what a key attestation is made over; fields are prefixed by their length as u16."""
    return H(L, b"K", hashlib.sha256(spki).digest())


@dataclass(frozen=True)
class _Values:
    """PCR values as last read, and how a quote over them ends: its last field is their digest (Part 2, 10.12.1)."""

    values: dict[int, bytes]
    ending: bytes

    @classmethod
    def read(cls, client: TpmClient, pcrs: tuple[int, ...], bank: str, signature: bytes) -> Self:
        """Ask the TPM; the digest's hash is that of the signature (TPMT_SIGNATURE)."""
        values = client.pcr_read(pcrs, bank)
        return cls(values, sized(pcr_digest(pcrs, values, HASH_NAMES[int.from_bytes(signature[2:4], "big")])))


class EvidenceMaker:
    """Makes Evidence for one launch of one machine. Thread-safe.

    `event_log` is the platform's since the launch, or that of a device's firmware. The key attestation is made once for
    each key and then kept.
    """

    def __init__(self, client: TpmClient, ak: LoadedKey, ak_certificates: Sequence[bytes], event_log: EventLog) -> None:
        self.client = client
        self.ak = ak
        self.ak_certificates = tuple(ak_certificates)
        self.event_log = event_log
        self._keys: dict[bytes, KeyAttestation] = {}
        self._values: dict[tuple[tuple[int, ...], str], _Values] = {}
        self._log: tuple[object, bytes] = None, b""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"<EvidenceMaker of {self.client.name} on {self.client.platform.name}>"

    def evidence(self, binder: bytes, pcrs: Sequence[int] | None = None, *, key: CreatedKey | None = None) -> Evidence:
        """Quote `pcrs` (by default what the machine's profile says) over `binder`.

        With `key`, add the proof that the TPM made it.

        TpmError as the TPM's commands raise.
        """
        with self._lock:
            chosen = tuple(sorted(pcrs or self.client.platform.profile.quote_pcrs))
            attestation = None if key is None else self._attestation(key)
            quoted, values = self._quote(binder, chosen)
            if key is not None and attestation is not None and _boot(attestation.attest) != _boot(quoted.attest):
                del self._keys[key.name]  # the machine slept in between: the TPM counts that, so it certifies anew
                attestation = self._attestation(key)
            return Evidence(
                quote=quoted.attest,
                signature=quoted.signature,
                ak_public=self.ak.public,
                ak_certificates=self.ak_certificates,
                event_log=self._travelling_log(chosen),
                pcr_values=values,
                key_attestation=attestation,
            )

    def _quote(self, binder: bytes, pcrs: tuple[int, ...]) -> tuple[Attestation, dict[int, bytes]]:
        """Quote, and return the PCR values that belong to the quote: those known already.

        As long as its digest agrees.
        """
        until, bank = time.monotonic() + SECONDS, self.client.platform.profile.bank
        for _ in range(ATTEMPTS):
            quoted = quote(self.client, self.ak, binder, pcrs, bank)
            values = self._values.get((pcrs, bank))
            if values is None or not quoted.attest.endswith(values.ending):
                values = self._values[pcrs, bank] = _Values.read(self.client, pcrs, bank, quoted.signature)
            if quoted.attest.endswith(values.ending):
                return quoted, dict(values.values)
            if time.monotonic() >= until:
                break
        raise TpmProtocolError("the PCRs changed under every quote: somebody extends them all the time")

    def _travelling_log(self, pcrs: tuple[int, ...]) -> bytes:
        """Return the log's octets. Of a firmware's log the events of quoted PCRs travel, as far as there is room."""
        profile = self.client.platform.profile
        if profile.locality is not None:
            return self.event_log.encode()
        known, octets = self._log
        wanted = (list(self.event_log.events), pcrs, profile.bank)
        if known != wanted:
            room = MAX_TRAVELLING - sum(map(len, self.ak_certificates))
            octets = self.event_log.about(pcrs, profile.bank).within(room).encode()
            self._log = wanted, octets
        return octets

    def _attestation(self, key: CreatedKey) -> KeyAttestation:
        known = self._keys.get(key.name)
        if known is None:
            certified = certify_creation(self.client, self.ak, key, key_binder(key.spki))
            known = KeyAttestation(certified.attest, certified.signature, key.public, key.creation_data)
            self._keys[key.name] = known
        return known


def _boot(attest: bytes) -> bytes:
    """Return resetCount and restartCount of a TPMS_ATTEST (Part 2, 10.12.12), which a quote has at each passage."""
    signer = 6 + 2 + int.from_bytes(attest[6:8], "big")
    clock = signer + 2 + int.from_bytes(attest[signer : signer + 2], "big")
    return attest[clock + 8 : clock + 16]
