"""A machine behind a device TPM: what attests where nobody launched HyperSafe.

A real TPM through the kernel has no DRTM launch and no locality for us. So keys are bound to what the firmware measured
before Linux began (PCR 0, 2, 4, 7), and nothing says which program runs now: every program that may open the device
can have the same AK quote anything (the *quote oracle* is open), and use the same TLS key.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal

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
    load_ek_certificate,
    provisioned_ek,
    read_on_die_certificates,
    rsa_decrypt,
    sign,
    tpm_of,
)
from trustlab.x509 import Bundle, read_bundle

if TYPE_CHECKING:
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
        makers: Bundle | None = None,
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
            makers.add(read_on_die_certificates(client).below(makers))
            ek, ek_certificate = provisioned_ek(client)
            ca = _trusting(makers, endorsers.device_ca)
        ak = create_ak(client)
        certificates = enrol(client, ek, ek_certificate, ak, ca)
        self.vouched = VOUCHED if makers is None else _vouched(ek_certificate, makers)
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


def makers_in(file: Path) -> Bundle:
    """Return the certificates in a file or a folder of files, of any kind; CloudError if there are none to read.

    What cannot be read is left out, and told in `Bundle.skipped`.
    """
    found = Bundle()
    try:
        for path in sorted(file.rglob("*")) if file.is_dir() else [file]:
            if path.is_file() or path == file:
                found.add(read_bundle(read_file(path), path.name))
    except OSError as error:
        raise CloudError(f"the file {file} of --ek-roots cannot be read ({error.strerror})") from error
    if not found.certificates:
        why = f" ({found.skipped[0]})" if found.skipped else ""
        raise CloudError(f"{file} does not hold certificates of TPM makers{why}")
    return found


def _trusting(makers: Bundle, device_ca: PrivacyCa) -> PrivacyCa:
    """Return the device CA, as one that believes these makers instead of the lab's own.

    Anchors are the certificates at the top: a root that somebody else signed too is one if that somebody is missing.
    """
    return PrivacyCa(
        makers.anchors, ak_policies=None, intermediates=makers.between, name=device_ca.name, kept=device_ca.keep()
    )


def _vouched(ek_certificate: bytes, makers: Bundle) -> str:
    certificate = load_ek_certificate(ek_certificate)
    tpm = tpm_of(certificate)
    of = f" ({tpm})" if tpm else ""
    skipped = f" Of --ek-roots, {len(makers.skipped)} could not be read." if makers.skipped else ""
    return f"{certificate.issuer_shown} vouches for its endorsement key{of}.{skipped}"
