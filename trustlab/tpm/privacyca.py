"""The privacy CA: certifies attestation keys of genuine TPMs, and looks at what it certifies.

Activation alone proves only that a key with this Name is in the TPM of the EK. It works for an unrestricted key as
well, which would sign any "quote" one gives it, and Alice may make an AK of her own in the very same TPM: so
attributes and policy are checked here, before anything is issued.
"""

from __future__ import annotations

import hmac
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from trustlab.attest import OID_AIK_EKU, AttestError, Public, ak_extensions, ek_key_of, parse_public
from trustlab.attest import ObjectAttributes as Attr
from trustlab.tpm.credential import Credential, make_credential
from trustlab.tpm.ekchain import verify_ek_certificate
from trustlab.tpm.errors import EnrolmentRefused
from trustlab.tpm.maker import Issuer, key_usage

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from trustlab.tpm.ekchain import AnyCertificate

CHALLENGE_OCTETS = 32
LIFETIME = 60.0
"""Seconds in which a challenge must be answered."""
MAX_PENDING = 1024

_MUST_BE_SET = {
    Attr.RESTRICTED: "restricted: an unrestricted key signs whatever it is given",
    Attr.SIGN_ENCRYPT: "sign",
    Attr.FIXED_TPM: "fixedTPM: it could be copied to another TPM",
    Attr.FIXED_PARENT: "fixedParent",
    Attr.SENSITIVE_DATA_ORIGIN: "sensitiveDataOrigin: it was not made by a TPM",
}
_MUST_BE_CLEAR = {
    Attr.DECRYPT: "decrypt",
    Attr.USER_WITH_AUTH: "userWithAuth: a password opens it, whatever its policy says",
    Attr.ADMIN_WITH_POLICY: "adminWithPolicy: activation by password would be refused",
}


@dataclass(frozen=True)
class Challenge:
    """What the CA sends: its number, and a credential that only the right TPM opens."""

    number: int
    credential: Credential


@dataclass(frozen=True)
class _Pending:
    secret: bytes = field(repr=False)
    ak: Public = field(repr=False)
    ek_key: bytes
    due: float


class PrivacyCa(Issuer):
    """Trusts TPM makers and certifies AKs. `ak_policies` lists the authPolicies it accepts; None accepts any AK.

    With `passwords`, an AK may be opened by its password, as those of tpm2_createak, Keylime and go-attestation are:
    then whoever has it can quote.
    """

    def __init__(
        self,
        maker_roots: Sequence[AnyCertificate],
        *,
        ak_policies: Collection[bytes] | None,
        intermediates: Sequence[AnyCertificate] = (),
        name: str = "Privacy CA (simulated)",
        kept: bytes | None = None,
        passwords: bool = False,
    ) -> None:
        super().__init__(name, kept=kept)
        self._passwords = passwords
        self._roots = tuple(maker_roots)
        self._intermediates = tuple(intermediates)
        self.ak_policies = None if ak_policies is None else frozenset(ak_policies)
        self._pending: dict[int, _Pending] = {}
        self._lock = threading.Lock()

    def challenge(self, ek_certificate: bytes, ak_public: bytes) -> Challenge:
        """Check the EK certificate (DER) and the AK's TPMT_PUBLIC, and make a credential.

        EnrolmentRefused names the check.
        """
        ek = verify_ek_certificate(ek_certificate, self._roots, self._intermediates)
        spki = ek.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        try:
            ak = parse_public(ak_public)
            name = ak.name
            _ = ak.public_key
        except AttestError as error:
            raise EnrolmentRefused("AK public area", f"it cannot be read: {error}") from error
        self._check(ak)
        secret = os.urandom(CHALLENGE_OCTETS)
        with self._lock:
            now = time.monotonic()
            self._pending = {n: p for n, p in self._pending.items() if p.due > now}
            if len(self._pending) >= MAX_PENDING:
                raise EnrolmentRefused("load", f"{MAX_PENDING} challenges are already waiting for an answer")
            number = int.from_bytes(os.urandom(8), "big")
            self._pending[number] = _Pending(secret, ak, ek_key_of(spki), now + LIFETIME)
        return Challenge(number, make_credential(ek, name, secret))

    def _check(self, ak: Public) -> None:
        for bit, what in _MUST_BE_SET.items():
            if not ak.attributes & bit:
                raise EnrolmentRefused("AK attributes", f"it must be {what}")
        for bit, what in _MUST_BE_CLEAR.items():
            if ak.attributes & bit and not (self._passwords and bit == Attr.USER_WITH_AUTH):
                raise EnrolmentRefused("AK attributes", f"it must not be {what}")
        if self.ak_policies is not None and ak.auth_policy not in self.ak_policies:
            raise EnrolmentRefused(
                "AK policy",
                f"authPolicy {ak.auth_policy.hex() or '(none)'} belongs to no software trusted here:"
                " somebody other than HyperSafe may use this key",
            )

    def issue(self, number: int, answer: bytes) -> bytes:
        """Return the AK certificate (DER) for the opened credential; one try a challenge.

        EnrolmentRefused otherwise.
        """
        with self._lock:
            pending = self._pending.pop(number, None)
        if pending is None or pending.due < time.monotonic():
            raise EnrolmentRefused("challenge", "there is no such challenge: each allows one answer, within a minute")
        if not hmac.compare_digest(pending.secret, answer):
            raise EnrolmentRefused(
                "activation", "the credential was not opened: the AK and the EK are not in the same TPM"
            )
        return self.certificate(pending.ak, pending.ek_key)

    def certificate(self, ak: Public, ek_key: bytes) -> bytes:
        """Return a certificate (DER) which says that an AK lives in the TPM of this EK; nothing is checked here."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"AK {ak.name[-4:].hex()}")])
        builder = (
            self.builder(subject, ak.public_key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([OID_AIK_EKU]), critical=False)
        )
        for extension in ak_extensions(ak.name, ek_key):
            builder = builder.add_extension(extension, critical=False)
        return self.finish(builder)
