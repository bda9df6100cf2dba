"""A machine behind a device TPM: what attests where nobody launched HyperSafe.

A real TPM through the kernel has no DRTM launch and no locality for us. So keys are bound to what the firmware measured
before Linux began (PCR 0, 2, 4, 7), and nothing says which program runs now: every program that may open the device
can have the same AK quote anything (the *quote oracle* is open), and use the same TLS key.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from trustlab import tls
from trustlab.attest import AppraisalPolicy, EventLog, ek_digest_of
from trustlab.cloud.errors import CloudError
from trustlab.passage import AttestationFailure
from trustlab.tpm import (
    DEVICE,
    EvidenceMaker,
    TpmError,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    rsa_decrypt,
    sign,
)

if TYPE_CHECKING:
    from trustlab.cloud.makers import Endorsers
    from trustlab.tpm import CreatedKey, Platform, TpmClient

PROVES = (
    "Its evidence proves that firmware, option ROMs, boot loader and secure-boot state (PCR 0, 2, 4, 7) are those that "
    "the lab has noted, and that the TLS key lives in this TPM. It does not prove which program runs: nothing is "
    "measured after boot, and every program that may open the device can use these keys and quote anything."
)
VOUCHED = "The lab's own maker vouches for its endorsement key: nobody asked who made this TPM."
POLICY = AppraisalPolicy(pcrs=DEVICE.quote_pcrs, key_pcrs=DEVICE.key_pcrs, ak_policy=False, locality=None)
"""What a Relying Party can demand of such a machine."""


class FirmwareKey:
    """A TLS key in a device TPM: `passage.KeyHolder`."""

    def __init__(self, client: TpmClient, key: CreatedKey) -> None:
        self.public_key = key.public_key
        self._client = client
        self._key = key

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        """Decrypt an EPMS, or sign with ECDSA; TpmError where the TPM refuses, CloudError for other work."""
        if operation == "rsa-decrypt":
            return rsa_decrypt(self._client, self._key, data)
        if scheme != tls.SignatureScheme.ECDSA_SECP256R1_SHA256:
            raise CloudError(f"this key can neither do {operation} nor sign by the scheme {scheme}")
        return sign(self._client, self._key, hashlib.sha256(data).digest(), scheme="ecdsa")


class FirmwareSystem:
    """An `Attester` that quotes the firmware's PCRs; `values` are what they hold now (32 octets each)."""

    def __init__(self, platform: Platform, endorsers: Endorsers) -> None:
        """Make the keys on `platform` (powered on, a device) and enrol the AK."""
        self._client = platform.client("this system")
        self._key: CreatedKey | None = None
        self.values = self._client.pcr_read(DEVICE.quote_pcrs)
        ek, ak = create_ek(self._client, "ecc"), create_ak(self._client)
        ek_certificate = endorsers.maker.certify(ek.public, model="device")
        certificates = enrol(self._client, ek, ek_certificate, ak, endorsers.device_ca)
        self._client.flush(ek)
        self.ek_digest = ek_digest_of(ek_certificate)
        self._evidence = EvidenceMaker(self._client, ak, certificates, EventLog())
        platform.party.emit("machine", "device TPM", sentence=f"{platform.tpm!r}. {PROVES} {VOUCHED}")

    def make_key(self, kind: Literal["rsa-decrypt", "ecdsa"]) -> FirmwareKey:
        """Have the TPM make this machine's TLS key, which opens while the firmware's PCRs are as they are."""
        self._key = create_tls_key(self._client, kind)
        return FirmwareKey(self._client, self._key)

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
        """Quote a binder over the firmware's PCRs; AttestationFailure where the TPM refuses."""
        if prove_key and self._key is None:
            raise AttestationFailure("this machine has made no key yet: nothing to prove")
        try:
            return self._evidence.evidence(binder, key=self._key if prove_key else None).encode()
        except TpmError as error:
            raise AttestationFailure(f"the TPM did not quote: {error}") from error
