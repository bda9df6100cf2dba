"""Evidence taken apart once, for all checks to look at; malformed Evidence is an AttestError here."""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding

from trustlab.attest import evidence, measurements
from trustlab.attest.certificates import (
    OID_AK_NAME,
    OID_EK_KEY,
    extension_octets,
    load_certificates,
)
from trustlab.attest.claims import claims_of
from trustlab.attest.creation import parse_creation_data
from trustlab.attest.errors import AttestError, PolicyError, shown
from trustlab.attest.evidence import Evidence
from trustlab.attest.measurements import measured
from trustlab.attest.public import ENDORSEMENT_QUALIFIED_NAME, parse_public, qualified_name
from trustlab.attest.revocation import NOTHING, Revocations
from trustlab.attest.signature import parse_signature
from trustlab.attest.structures import parse_attest

if TYPE_CHECKING:
    from datetime import datetime

    from cryptography import x509

    from trustlab.attest.creation import CreationData
    from trustlab.attest.eventlog import EventLog
    from trustlab.attest.evidence import KeyAttestation
    from trustlab.attest.measurements import Measured
    from trustlab.attest.memory import Remembered
    from trustlab.attest.policy import AppraisalPolicy
    from trustlab.attest.public import Public
    from trustlab.attest.references import ReferenceValues
    from trustlab.attest.result import BootCounters
    from trustlab.attest.signature import Signature
    from trustlab.attest.structures import Attest
    from trustlab.x509 import LenientCertificate

KEPT = 64
"""How many parsed AKs, keys and logs are kept; each is at most as big as the evidence it came in."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the Relying Party recomputed for this passage.

    `binder` is what the quote's extraData must be, `fields` its inputs by name, for display. `key_spki` is the DER
    SubjectPublicKeyInfo that TLS uses, None where this side has no key to prove; `key_binder` the extraData of the key
    attestation. `boot` is what the passage's last appraisal said (`AttestationResult.boot`), `time` the moment at
    which certificates must be valid (aware; default now). PolicyError for an empty
    binder: it would match an empty extraData.

    `ak` is the SubjectPublicKeyInfo of an AK that the Relying Party knows, so that nobody needs to certify it. `ek_key`
    identifies the EK under which that AK says it lives, and `ek_problem` says what is wrong with that EK's certificate.
    """

    binder: bytes
    key_spki: bytes | None = None
    key_binder: bytes | None = None
    fields: tuple[tuple[str, bytes], ...] = ()
    boot: BootCounters | None = None
    time: datetime | None = None
    ak: bytes | None = None
    ek_key: bytes = b""
    ek_problem: str = ""

    def __post_init__(self) -> None:
        if not self.binder or self.key_binder == b"" or self.key_spki == b"":
            raise PolicyError("the expected binder or key is empty: evidence that is bound to nothing would match it")


@dataclass(frozen=True, eq=False)
class Signer:
    """An AK with the certificates that vouch for it."""

    public: Public
    chain: tuple[x509.Certificate, ...]
    role: str

    @property
    def given(self) -> bool:
        """Whether nobody certifies it: the Relying Party itself must know it (`Expected.ak`)."""
        return not self.chain

    @cached_property
    def certified_name(self) -> bytes:
        """The AK Name in the certificate; empty where it has none."""
        return extension_octets(self.chain[0], OID_AK_NAME) if self.chain else b""

    @cached_property
    def ek_key(self) -> bytes:
        """The EK's digest in the AK certificate; empty where it has none."""
        return extension_octets(self.chain[0], OID_EK_KEY) if self.chain else b""

    @cached_property
    def qualified_name(self) -> bytes:
        """What a quote's qualifiedSigner is if the AK is a primary key of the endorsement hierarchy."""
        return qualified_name(ENDORSEMENT_QUALIFIED_NAME, self.public.name)

    @cached_property
    def issuer_shown(self) -> str:
        """The issuer's name for people."""
        return shown(self.chain[0].issuer.rfc4514_string())

    @cached_property
    def octets(self) -> tuple[bytes, ...]:
        """The certificates in DER, the AK's first."""
        return tuple(certificate.public_bytes(Encoding.DER) for certificate in self.chain)

    @cached_property
    def paths(self) -> dict[frozenset[bytes], tuple[LenientCertificate, ...]]:
        """Paths from the certificate that were found valid before, by the anchors (DER) that were trusted."""
        return {}

    @cached_property
    def certifies_key(self) -> bool:
        """Whether the certificate holds the public area's key."""
        return bool(self.chain and self.chain[0].public_key() == self.public.public_key)


@dataclass(frozen=True)
class KeyProof:
    """A key attestation, read; `creation` is None where the evidence has no creation data."""

    attest: Attest
    signature: Signature
    public: Public
    creation: CreationData | None
    signer: Signer

    @cached_property
    def well_signed(self) -> bool:
        """Whether its AK signed the attestation: made once for each key, it comes with every quote."""
        return self.signature.verify(self.signer.public.public_key, self.attest.raw)


@dataclass(frozen=True)
class Appraisal:
    """One piece of Evidence that is being appraised, with everything a check may need."""

    quote: Attest
    signature: Signature
    signer: Signer
    key: KeyProof | None
    event_log: bytes
    measured: Measured
    stated_pcrs: dict[int, bytes]
    expected: Expected
    references: ReferenceValues
    policy: AppraisalPolicy
    last_reference_version: int
    remembered: Remembered | None = None
    revocations: Revocations = NOTHING

    @property
    def time(self) -> datetime:
        """The moment at which certificates and lists must hold."""
        return self.expected.time or dt.datetime.now(dt.UTC)

    @property
    def machine(self) -> bytes:
        """Which machine this is to a memory: its EK, or where no certificate names that its AK."""
        return self.signer.ek_key or self.expected.ek_key or hashlib.sha256(self.signer.public.spki).digest()

    @property
    def key_demanded(self) -> bool:
        """Whether the checks about the key count in this passage."""
        return self.policy.key_attestation and self.expected.key_spki is not None

    @cached_property
    def signed(self) -> list[tuple[Attest, Signature, Signer]]:
        """Every signed structure that counts, with the AK that should have signed it."""
        signed = [(self.quote, self.signature, self.signer)]
        if self.key_demanded and self.key is not None:
            signed.append((self.key.attest, self.key.signature, self.key.signer))
        return signed

    def well_signed(self, attest: Attest, signature: Signature, signer: Signer) -> bool:
        """Whether the AK signed this structure of `signed`."""
        if self.key is not None and attest is self.key.attest:
            return self.key.well_signed
        return signature.verify(signer.public.public_key, attest.raw)

    @cached_property
    def signers(self) -> list[Signer]:
        """The AKs that count: the quote's, and the key attestation's where it is another."""
        signers = [self.signer]
        if self.key_demanded and self.key is not None and self.key.signer is not self.signer:
            signers.append(self.key.signer)
        return signers

    @property
    def log(self) -> EventLog:
        """The events that count: those of demanded PCRs that replay to what was quoted."""
        return self.measured.log

    @property
    def pcrs(self) -> dict[int, bytes]:
        """The PCR values that are compared with the quote."""
        return self.measured.pcrs

    @cached_property
    def claims(self) -> dict[str, str]:
        """What the log's claim events say."""
        return claims_of(self.log)

    def pcr(self, index: int) -> bytes:
        """Return a PCR's value; one without events, and without a stated value that counts, is still at zeros."""
        return self.pcrs.get(index, self.measured.zeros)

    def values(self, pcrs: tuple[int, ...]) -> dict[int, bytes]:
        """Return the values of several PCRs."""
        return {index: self.pcr(index) for index in pcrs}


def open_appraisal(
    given: bytes | Evidence, expected: Expected, references: ReferenceValues, policy: AppraisalPolicy, last_version: int
) -> Appraisal:
    """Read Evidence and every structure in it; AttestError says what cannot be read."""
    read = given if isinstance(given, Evidence) else Evidence.decode(given)
    signer = _signer(read.ak_public, read.ak_certificates, "the quote's AK", "ak-certificates")
    quote, signature = parse_attest(read.quote), parse_signature(read.signature)
    return Appraisal(
        quote=quote,
        signature=signature,
        signer=signer,
        key=None if read.key_attestation is None else _key_proof(read.key_attestation, signer),
        event_log=read.event_log,
        measured=measured(read.event_log, read.pcr_values, quote, signature, references, policy),
        stated_pcrs=read.pcr_values,
        expected=expected,
        references=references,
        policy=policy,
        last_reference_version=last_version,
    )


def _key_proof(key: KeyAttestation, signer: Signer) -> KeyProof:
    if bool(key.ak_public) != bool(key.ak_certificates):
        raise AttestError("key-attestation: another AK needs both its public area and its certificates")
    if key.ak_public:
        where = "key-attestation/ak-certificates"
        signer = _signer(key.ak_public, key.ak_certificates, "the key attestation's AK", where)
    return _read_key(key.attest, key.signature, key.public, key.creation_data, signer)


# What stays the same from one passage of a machine to the next is parsed once: octets in, immutable values out. The
# signatures on it (of the AK certificate, of the key attestation) are verified once too: the same octets under the same
# key. Every check is still made each time, validity dates included, and a quote is new each time.


@lru_cache(maxsize=KEPT)
def _read_key(attest: bytes, signature: bytes, public: bytes, creation_data: bytes, signer: Signer) -> KeyProof:
    area = parse_public(public)
    _ = area.public_key
    creation = parse_creation_data(creation_data) if creation_data else None
    return KeyProof(parse_attest(attest), parse_signature(signature), area, creation, signer)


@lru_cache(maxsize=KEPT)
def _signer(public: bytes, chain: tuple[bytes, ...], role: str, where: str) -> Signer:
    area = parse_public(public)
    _ = area.public_key
    return Signer(area, load_certificates(chain, where), role)


def forget() -> None:
    """Forget what was parsed for machines met before (measurements do this)."""
    for kept in (_read_key, _signer):
        kept.cache_clear()
    measurements.forget()
    evidence.forget()
