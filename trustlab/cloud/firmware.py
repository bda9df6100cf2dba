"""A machine behind a device TPM: what attests where nobody launched HyperSafe.

A real TPM through the kernel has no DRTM launch and no locality for us. So keys are bound to what the firmware measured
before Linux began (PCR 0, 2, 4, 7), and nothing says which program runs now: every program that may open the device
can have the same AK quote anything (the *quote oracle* is open), and use the same TLS key.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

from cryptography import x509

from trustlab import tls
from trustlab.attest import AttestError, EventLog, ek_key_of
from trustlab.cloud.errors import CloudError
from trustlab.cloud.firmware_log import bind_to_firmware, told
from trustlab.octets import read_file
from trustlab.passage import AttestationFailure
from trustlab.tpm import (
    EvidenceMaker,
    PrivacyCa,
    TpmError,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    provisioned_ek,
    rsa_decrypt,
    sign,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustlab.cloud.makers import Endorsers
    from trustlab.tpm import CreatedKey, Platform, TpmClient

PROVES = (
    "Its evidence proves that firmware, option ROMs, boot loader and secure-boot state (PCR 0, 2, 4, 7) are those that "
    "the lab has noted, and that the TLS key lives in this TPM. It does not prove which program runs: nothing is "
    "measured after boot, and every program that may open the device can use these keys and quote anything."
)
VOUCHED = "The lab's own TPM maker vouches for its endorsement key, so nothing proves who made this TPM."


class FirmwareKey:
    """A TLS key in a device TPM: `passage.KeyHolder`."""

    def __init__(self, client: TpmClient, key: CreatedKey) -> None:
        self.public_key = key.public_key
        self._client = client
        self._key = key

    def perform(self, operation: str, data: bytes, scheme: object) -> bytes:
        """Decrypt an EPMS, or sign with ECDSA; TpmError if the TPM refuses, CloudError for other work."""
        if operation == "rsa-decrypt":
            return rsa_decrypt(self._client, self._key, data)
        if scheme != tls.SignatureScheme.ECDSA_SECP256R1_SHA256:
            raise CloudError(f"this key can neither do {operation} nor sign by the scheme {scheme}")
        return sign(self._client, self._key, hashlib.sha256(data).digest(), scheme="ecdsa")


class FirmwareSystem:
    """An `Attester` that quotes the firmware's PCRs; `values` are what they hold now (32 octets each)."""

    def __init__(
        self,
        platform: Platform,
        endorsers: Endorsers,
        makers: Sequence[x509.Certificate] | None = None,
        *,
        log: EventLog | None = None,
        bank: str | None = None,
    ) -> None:
        """Make the keys on `platform` (powered on, a device) and enrol the AK.

        `log` is its firmware's event log, of which the quoted PCRs' events travel; `bank` that of the PCRs.

        With `makers`, the certificates of TPM makers' CAs, the EK certificate in the TPM must lead to a root among them
        (EnrolmentRefused); without, the lab's own maker vouches for whatever EK this TPM has.
        """
        profile = bind_to_firmware(platform, bank)
        self._client = client = platform.client("this system")
        self._key: CreatedKey | None = None
        self.bank = profile.bank
        self.values = client.pcr_read(profile.quote_pcrs, profile.bank)
        if makers is None:
            ek = create_ek(client, "ecc")
            ek_certificate, ca = endorsers.maker.certify(ek.public, model="device"), endorsers.device_ca
        else:
            ek, ek_certificate = provisioned_ek(client)
            ca = _trusting(makers, endorsers.device_ca)
        ak = create_ak(client)
        certificates = enrol(client, ek, ek_certificate, ak, ca)
        self.vouched = VOUCHED if makers is None else f"{_issuer(ek_certificate)} vouches for its endorsement key."
        self.ek_key = ek_key_of(ek.spki)
        log = EventLog() if log is None else log
        self.log_note = told(log, self.bank, self.values)
        self._evidence = EvidenceMaker(client, ak, certificates, log)
        platform.party.emit("machine", "device TPM", sentence=f"{platform.tpm!r}. {PROVES} {self.vouched}")

    def make_key(self, kind: Literal["rsa-decrypt", "ecdsa"]) -> FirmwareKey:
        """Have the TPM make this machine's TLS key, which opens while the firmware's PCRs are as they are."""
        self._key = create_tls_key(self._client, kind)
        return FirmwareKey(self._client, self._key)

    def attest(self, binder: bytes, *, prove_key: bool) -> bytes:
        """Quote a binder over the firmware's PCRs; AttestationFailure where the TPM refuses, or the log is too long."""
        if prove_key and self._key is None:
            raise AttestationFailure("this machine has not made a key yet, so there is nothing to prove")
        try:
            return self._evidence.evidence(binder, key=self._key if prove_key else None).encode()
        except TpmError as error:
            raise AttestationFailure(f"the TPM did not make a quote: {error}") from error
        except AttestError as error:
            raise AttestationFailure(f"the evidence does not fit into a handshake: {error}") from error


def makers_in(file: Path) -> list[x509.Certificate]:
    """Return the certificates of a PEM file; CloudError if there are none to read."""
    try:
        found = x509.load_pem_x509_certificates(read_file(file))
        _ = [(certificate.issuer, certificate.subject) for certificate in found]  # decoded here, and compared below
    except OSError as error:
        raise CloudError(f"the file {file} of --ek-roots cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise CloudError(f"{file} does not hold certificates of TPM makers in PEM") from error
    return found


def _trusting(makers: Sequence[x509.Certificate], device_ca: PrivacyCa) -> PrivacyCa:
    """Return the device CA, as one that believes these makers instead of the lab's own."""
    roots = [certificate for certificate in makers if certificate.issuer == certificate.subject]
    between = [certificate for certificate in makers if certificate not in roots]
    return PrivacyCa(roots, ak_policies=None, intermediates=between, name=device_ca.name, kept=device_ca.keep())


def _issuer(ek_certificate: bytes) -> str:
    return x509.load_der_x509_certificate(ek_certificate).issuer.rfc4514_string()
