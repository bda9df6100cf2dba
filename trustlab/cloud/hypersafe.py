"""HyperSafe: the small hypervisor that a customer trusts instead of the provider.

It is launched by DRTM, so the TPM knows its measurement (PCR 17: the SHA-256 of this very source file). It extends
its launch policy into PCR 18, the image of its one secure VM into PCR 19, and 32 octets that it draws at this launch
into PCR 20 before its guest can put claims there. It makes keys that only this combination
can use, and attests for its guest. It works the TPM at locality 2.

Emulated, and to be said wherever it shows: the CPU's launch instruction and its locality are a Python object that
holds the control socket; that HyperSafe keeps Alice out of its guest's memory is the `if` in `read_memory`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from trustlab import tls
from trustlab.attest import KeyAttestation, claim_event, ek_key_of, image_event, launch_nonce_event, launch_policy_event
from trustlab.cloud.errors import CloudError, HypercallRefusedError
from trustlab.passage import AttestationFailure
from trustlab.tpm import (
    EVIDENCE_PCRS,
    EvidenceMaker,
    TpmError,
    certify,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    key_binder,
    measure,
    rsa_decrypt,
    sign,
)

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from trustlab.attest import Evidence
    from trustlab.cloud.image import Image
    from trustlab.cloud.ports import Endorser
    from trustlab.passage.designs import KeyOrigin
    from trustlab.tpm import CreatedKey, Platform

CODE = Path(__file__).read_bytes()
"""What DRTM measures: this file."""

LAUNCH_POLICY = b"one secure VM; keys for this VM alone; no debugger; no migration; the root VM sees no memory of it"
LOCALITY = 2


class TpmResidentKey:
    """A TLS key inside the TPM: `passage.KeyHolder`. What leaves the TPM is a result, never the key."""

    def __init__(self, hypersafe: HyperSafe, key: CreatedKey) -> None:
        self.public_key = key.public_key
        self._hypersafe = hypersafe
        self._key = key

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        """Decrypt an EPMS, or sign with ECDSA; TpmError if the TPM refuses, CloudError for other work."""
        if operation == "rsa-decrypt":
            return self._hypersafe.decrypt(self._key, data)
        if scheme != tls.SignatureScheme.ECDSA_SECP256R1_SHA256:
            raise CloudError(f"the guest's key can neither do {operation} nor sign by the scheme {scheme}")
        return self._hypersafe.sign(self._key, hashlib.sha256(data).digest())


class HyperSafe:
    """The hypervisor of one machine with one secure VM; made by `launch`."""

    name = "HyperSafe"
    emulated = (
        "The CPU's launch instruction and locality, and HyperSafe's isolation of its guest, are emulated in Python."
    )

    def __init__(self, platform: Platform, image: Image, endorsers: Endorser) -> None:
        """Launch on `platform` (powered on), measure policy and image, enrol an attestation key."""
        platform.launch(CODE, "HyperSafe")
        self._tpm = platform.client(self.name, locality=LOCALITY)
        self._log = platform.event_log
        measure(self._tpm, self._log, launch_nonce_event(os.urandom(32)))
        measure(self._tpm, self._log, launch_policy_event(LAUNCH_POLICY))
        measure(self._tpm, self._log, image_event(image.digest, image.name))
        self._image = image
        self._key: CreatedKey | None = None
        ek = create_ek(self._tpm, "ecc")
        ek_certificate = endorsers.maker.certify(ek.public)
        ak = create_ak(self._tpm)
        certificates = enrol(self._tpm, ek, ek_certificate, ak, endorsers.privacy_ca)
        self._tpm.flush(ek)
        self.ek_key = ek_key_of(ek.spki)
        self._evidence = EvidenceMaker(self._tpm, ak, certificates, self._log)

    def make_key(
        self, kind: Literal["rsa-decrypt", "ecdsa"], *, origin: KeyOrigin, disk: MutableMapping[str, Any]
    ) -> TpmResidentKey:
        """Hypercall: make the guest's key. One key a launch.

        Of origin `tcb` it opens only for PCR 17, 18, 19 as they are now, at locality 2; of origin `machine` it opens by
        a password, which stands with the key's blob on the disk, as whoever deployed the image left it there.
        """
        if self._key is not None:
            raise HypercallRefusedError("this VM already has its key: each launch allows one")
        self._key = create_tls_key(self._tpm, kind, policy="password" if origin == "machine" else None)
        disk["tls-key.tpm"] = self._key.file
        return TpmResidentKey(self, self._key)

    def sign(self, key: CreatedKey, digest: bytes) -> bytes:
        """Hypercall: sign a SHA-256 digest with the guest's own key; DER (RFC 3279, 2.2.3)."""
        return sign(self._tpm, key, digest, scheme="ecdsa")

    def decrypt(self, key: CreatedKey, data: bytes) -> bytes:
        """Hypercall: use the guest's own key."""
        return rsa_decrypt(self._tpm, key, data)

    def attest(self, binder: bytes, *, prove_key: bool, pcrs: tuple[int, ...] = EVIDENCE_PCRS) -> bytes:
        """Hypercall: quote a binder of the guest's over a selection of PCRs.

        HyperSafe signs any binder: only the measured image keeps that honest. Whether the selection is the one that a
        relying party wants, its Verifier says.
        """
        if prove_key and self._key is None:
            raise AttestationFailure("the guest has not made a key yet, so there is nothing to prove")
        try:
            if prove_key and self._key is not None and self._key.policy is None:
                return self._linked(binder, self._key, pcrs).encode()
            return self._evidence.evidence(binder, pcrs=pcrs, key=self._key if prove_key else None).encode()
        except TpmError as error:
            raise AttestationFailure(f"the TPM did not make a quote: {error}") from error

    def _linked(self, binder: bytes, key: CreatedKey, pcrs: tuple[int, ...]) -> Evidence:
        """Return Evidence with a plain TPM2_Certify: the key is in this TPM, and nothing about who made it."""
        evidence = self._evidence.evidence(binder, pcrs=pcrs)
        proof = certify(self._tpm, self._evidence.ak, key, key_binder(key.spki))
        linked = KeyAttestation(proof.attest, proof.signature, key.public, b"")
        return dataclasses.replace(evidence, key_attestation=linked)

    def claim(self, name: str, value: str) -> None:
        """Hypercall: measure a claim of the guest's code at run time into PCR 20 (EV_EVENT_TAG's kin in the log).

        The TPM says that this image claimed it since its launch; that it is true, only the image's measurement can say.
        """
        measure(self._tpm, self._log, claim_event(name, value))

    def read_memory(self) -> None:
        """Refuse: what the root VM gets when it asks for the secure VM's memory."""
        raise HypercallRefusedError("HyperSafe does not show its guest's memory (emulated: this refusal is an `if`)")
