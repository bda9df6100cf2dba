"""A TPM in software for the tests of the Verifier: it signs whatever it is told to, so every check can be made to fail.

`Machine` is the honest one; its attributes may be changed before `evidence` is made from it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass, field, replace

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab.attest import (
    ALG_SHA256,
    ENDORSEMENT_QUALIFIED_NAME,
    OID_AIK_EKU,
    TPM_GENERATED_VALUE,
    AppraisalPolicy,
    EventLog,
    Evidence,
    Expected,
    KeyAttestation,
    PcrSelection,
    ReferenceValues,
    Verifier,
    ak_extensions,
    claim_event,
    image_event,
    key_policy,
    launch_event,
    launch_nonce_event,
    launch_policy_event,
    parse_public,
    qualified_name,
)
from trustlab.attest.build import build_attest, build_creation_data, build_ecdsa_signature, build_public
from trustlab.attest.constants import ALG_ECDSA, ObjectAttributes
from trustlab.attest.creation import CreationData
from trustlab.attest.structures import Attest, CertifyInfo, ClockInfo, CreationInfo, QuoteInfo

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
AK = ObjectAttributes.FIXED_TPM | ObjectAttributes.FIXED_PARENT | ObjectAttributes.SENSITIVE_DATA_ORIGIN
AK |= ObjectAttributes.RESTRICTED | ObjectAttributes.SIGN_ENCRYPT
TLS_KEY = AK & ~ObjectAttributes.RESTRICTED
HYPERSAFE = hashlib.sha256(b"HyperSafe").digest()
LAUNCH_POLICY = b"one VM, no debugger"
BANK = hashlib.sha256(b"bank").digest()
TELLER = hashlib.sha256(b"teller").digest()
EVIL = hashlib.sha256(b"evil").digest()
NONCE = hashlib.sha256(b"this launch").digest()
CLOCK = ClockInfo(1000, 7, 3, safe=True)
BINDER = hashlib.sha256(b"this passage").digest()
KEY_BINDER = hashlib.sha256(b"this key").digest()


def spki(key) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class PrivacyCa:
    def __init__(self, name: str = "Privacy CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.certificate = self._sign(self._authority(self.name, self.key.public_key()))

    def _authority(self, subject, key):
        return (
            self._builder(subject, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )

    def _builder(self, subject, key, days: int = 30):
        return (
            x509.CertificateBuilder(self.name, subject, key, x509.random_serial_number())
            .not_valid_before(NOW - dt.timedelta(days=1))
            .not_valid_after(NOW + dt.timedelta(days=days))
        )

    def _sign(self, builder) -> x509.Certificate:
        return builder.sign(self.key, hashes.SHA256())

    def certify(self, key, name: bytes, ek_key: bytes, *, eku=OID_AIK_EKU, days: int = 30, strange=False) -> bytes:
        builder = self._builder(x509.Name([]), key, days)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([eku]), critical=False)
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        builder = builder.add_extension(identifier, critical=False)
        if strange:
            extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\4\0")
            builder = builder.add_extension(extension, critical=True)
        for extension in ak_extensions(name, ek_key):
            builder = builder.add_extension(extension, critical=False)
        return self._sign(builder).public_bytes(Encoding.DER)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


CA = PrivacyCa()


@dataclass
class Signer:
    """An AK: its private key, its public area, its certificate."""

    key: ec.EllipticCurvePrivateKey
    public: bytes
    certificate: bytes

    @property
    def qualified(self) -> bytes:
        return qualified_name(ENDORSEMENT_QUALIFIED_NAME, parse_public(self.public).name)

    def sign(self, raw: bytes) -> bytes:
        return build_ecdsa_signature(self.key.sign(raw, ec.ECDSA(hashes.SHA256())))


@dataclass
class Machine:
    ca: PrivacyCa = CA
    ek_key: bytes = hashlib.sha256(b"EK certificate").digest()
    log: EventLog = field(default_factory=lambda: log_of())  # noqa: PLW0108 - defined below
    clock: ClockInfo = CLOCK
    ak_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    tls_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def values(self) -> dict[int, bytes]:
        return {pcr: bytes(32) for pcr in (17, 18, 19, 20)} | self.log.replay()

    def ak(self, attributes: int = AK, policy: bytes | None = None, **certificate) -> Signer:
        digest = key_policy((17,), self.values()) if policy is None else policy
        public = build_public(self.ak_key.public_key(), attributes, digest, scheme=(ALG_ECDSA, ALG_SHA256))
        name = parse_public(public).name
        return Signer(self.ak_key, public, self.ca.certify(self.ak_key.public_key(), name, self.ek_key, **certificate))

    def quote(self, signer: Signer, binder: bytes = BINDER, pcrs=(17, 18, 19, 20), magic=TPM_GENERATED_VALUE) -> bytes:
        digest = hashlib.sha256(b"".join(self.values()[pcr] for pcr in pcrs)).digest()
        info = QuoteInfo((PcrSelection(ALG_SHA256, tuple(pcrs)),), digest)
        return self.attest(signer, binder, info, magic)

    def attest(self, signer: Signer, binder: bytes, info, magic: int = TPM_GENERATED_VALUE) -> bytes:
        return build_attest(Attest(b"", magic, 0, signer.qualified, binder, self.clock, 0x20240000, info))

    def key_public(self, attributes: int = TLS_KEY, policy: bytes | None = None) -> bytes:
        digest = key_policy((17, 18, 19), self.values()) if policy is None else policy
        return build_public(self.tls_key.public_key(), attributes, digest, scheme=(ALG_ECDSA, ALG_SHA256))

    def creation_data(self) -> bytes:
        parent = ENDORSEMENT_QUALIFIED_NAME
        return build_creation_data(CreationData(b"", (), hashlib.sha256().digest(), 4, 0x10, parent, parent, b""))

    def key_attestation(
        self, signer: Signer, public: bytes | None = None, *, binder=KEY_BINDER, certify=False
    ) -> KeyAttestation:
        public = self.key_public() if public is None else public
        name, data = parse_public(public).name, self.creation_data()
        info = CreationInfo(name, hashlib.sha256(data).digest())
        if certify:
            info, data = CertifyInfo(name, qualified_name(ENDORSEMENT_QUALIFIED_NAME, name)), b""
        attest = self.attest(signer, binder, info)
        return KeyAttestation(attest, signer.sign(attest), public, data)

    def evidence(self, **changes) -> Evidence:
        signer = changes.pop("signer", None) or self.ak()
        quote = changes.pop("quote", None) or self.quote(signer)
        key = changes.pop("key_attestation", None) or self.key_attestation(signer)
        whole = Evidence(
            quote, signer.sign(quote), signer.public, (signer.certificate,), self.log.encode(), self.values(), key
        )
        return replace(whole, **changes)

    def expected(self, **changes) -> Expected:
        fields = {"binder": BINDER, "key_spki": spki(self.tls_key), "key_binder": KEY_BINDER, "time": NOW}
        return Expected(**{**fields, **changes})


def log_of(
    *more, image=BANK, name: str = "bank 1.0", hypersafe=HYPERSAFE, date: str = "2026-11-20", nonce: bytes = NONCE
) -> EventLog:
    return EventLog(
        [
            launch_event(hypersafe, "HyperSafe 1.0"),
            launch_nonce_event(nonce),
            launch_policy_event(LAUNCH_POLICY),
            image_event(image, name),
            claim_event("antivirus.signatures", date),
            *more,
        ]
    )


REFERENCES = ReferenceValues(
    7,
    {HYPERSAFE: "HyperSafe 1.0"},
    {hashlib.sha256(LAUNCH_POLICY).digest(): "one VM, no debugger"},
    {BANK: "bank 1.0", TELLER: "teller 1.0"},
)
POLICY = AppraisalPolicy(
    ek_keys=(hashlib.sha256(b"EK certificate").digest(),), claims=("antivirus.signatures >= 2026-11-01",)
)


def verifier(policy: AppraisalPolicy = POLICY, references=REFERENCES, **changes) -> Verifier:
    return Verifier([CA.certificate], references, policy, **{"last_reference_version": 7, **changes})
