"""The testbed of attacks on the Verifier: genuine machines with real TPMs, and the demands of the Relying Party.

Real TPM commands make everything that an attack presents; what Alice makes by hand is in `forging`.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import msgspec

from trustlab.attest import (
    AppraisalPolicy,
    AttestationResult,
    BootCounters,
    Expected,
    ReferenceValues,
    Verifier,
    claim_event,
    ek_key_of,
    image_event,
    launch_nonce_event,
    launch_policy_event,
)
from trustlab.tpm import (
    CreatedKey,
    EvidenceMaker,
    KeyPolicy,
    LoadedKey,
    Platform,
    PrivacyCa,
    TpmClient,
    TpmMaker,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    key_binder,
    launch_pcr,
    measure,
)
from trustlab.trace import Trace
from trustlab.x509 import read_lenient

if TYPE_CHECKING:
    from types import TracebackType

    from cryptography import x509

    from trustlab.attest import Evidence

CODE = b"HyperSafe 1.0, the small trusted hypervisor"
EVIL_CODE = b"HyperSafe 1.0, with a back door of Alice's"
LAUNCH_POLICY = b"one VM, no debugger"
BANK = hashlib.sha256(b"Bob's bank, image 1.0").digest()
TELLER = hashlib.sha256(b"Bob's teller, image 1.0").digest()
HOLED = hashlib.sha256(b"Bob's bank, image 0.9, which has a hole").digest()
EVIL = hashlib.sha256(b"an image that Alice made").digest()
NAMES = {BANK: "bank 1.0", TELLER: "teller 1.0", HOLED: "bank 0.9", EVIL: "bank 1.0"}
CLAIM = "antivirus.signatures"
CURRENT, STALE = "2026-11-20", "2011-06-01"
CURRENT_ENOUGH = f"{CLAIM} >= 2026-11-01"
EVIDENCE_PCRS = (17, 18, 19, 20)


class CarelessCa(PrivacyCa):
    """A privacy CA that certifies every key that a genuine TPM activates, and checks neither attributes nor policy."""

    def _check(self, ak: object) -> None: ...


@dataclass
class TestbedMachine:
    """One machine: its TPM, its HyperSafe at locality 2, and Alice's root VM at locality 0."""

    platform: Platform
    maker: TpmMaker
    ca: PrivacyCa
    ak: LoadedKey | None = None
    certificates: tuple[bytes, ...] = ()
    ek_certificate: bytes = b""

    def __post_init__(self) -> None:
        self.hypersafe = self.platform.client("HyperSafe", locality=2)
        self.root = self.platform.client("root VM", locality=0)

    def boot(self, image: bytes = BANK, *, signatures: str = CURRENT, code: bytes = CODE) -> Self:
        """Launch HyperSafe, measure policy, image and claim, make the AK and enrol it."""
        self.platform.launch(code, "HyperSafe 1.0")
        log = self.platform.event_log
        measure(self.hypersafe, log, launch_nonce_event(os.urandom(32)))
        measure(self.hypersafe, log, launch_policy_event(LAUNCH_POLICY))
        measure(self.hypersafe, log, image_event(image, NAMES[image]))
        measure(self.hypersafe, log, claim_event(CLAIM, signatures))
        self.ak = create_ak(self.hypersafe)
        self.certificates = self.enrol(self.ak, self.ca)
        return self

    def enrol(self, ak: LoadedKey, ca: PrivacyCa, client: TpmClient | None = None) -> tuple[bytes, ...]:
        """Have a privacy CA certify a key of this TPM, by activating its credential."""
        owner = client or self.hypersafe
        ek = create_ek(owner)
        self.ek_certificate = self.ek_certificate or self.maker.certify(ek.public)
        certificates = enrol(owner, ek, self.ek_certificate, ak, ca)
        owner.flush(ek)
        return certificates

    @property
    def ek_key(self) -> bytes:
        return ek_key_of(read_lenient(self.ek_certificate).spki)

    @property
    def attestation_key(self) -> LoadedKey:
        """The AK that HyperSafe made at the last boot."""
        if self.ak is None:
            raise RuntimeError("the machine has not been booted: call `boot` first")
        return self.ak

    def tls_key(self, policy: KeyPolicy | None = None) -> CreatedKey:
        """Have HyperSafe make a TLS key for its VM, with this `policy` (default: the correct one)."""
        return create_tls_key(self.hypersafe, "ecdsa", policy=policy)

    def evidence(self, binder: bytes, key: CreatedKey | None = None, pcrs: tuple[int, ...] = EVIDENCE_PCRS) -> Evidence:
        """Have HyperSafe attest over any binder that its guest names."""
        log = self.platform.event_log
        return EvidenceMaker(self.hypersafe, self.attestation_key, self.certificates, log).evidence(
            binder, pcrs, key=key
        )


class Presented(msgspec.Struct, frozen=True, kw_only=True):
    """The evidence that reaches the Relying Party, and its demands: the base under which one check decides."""

    evidence: bytes
    expected: Expected
    policy: AppraisalPolicy
    anchors: tuple[x509.Certificate, ...]
    references: ReferenceValues
    last_reference_version: int = 7

    def appraise(self, without: tuple[str, ...] = ()) -> AttestationResult:
        """Let the Verifier judge, without some checks if the experiment says so."""
        verifier = Verifier(
            self.anchors,
            self.references,
            self.policy,
            last_reference_version=self.last_reference_version,
            without=without,
        )
        return verifier.appraise(self.evidence, self.expected)


@dataclass
class VerifierTestbed:
    """A TPM maker, one honest and two careless privacy CAs, Bob's Reference Values, and machines on demand.

    Use it as a context manager: it ends every machine's TPM.
    """

    trace: Trace = field(default_factory=lambda: Trace("attacks on the Verifier"))
    binder: bytes = field(default_factory=lambda: os.urandom(32))

    def __post_init__(self) -> None:
        self.maker = TpmMaker()
        policy = KeyPolicy.expected((17,), {17: launch_pcr(CODE)})
        roots = [self.maker.root]
        self.ca = PrivacyCa(roots, ak_policies={policy.digest})
        self.policy_blind_ca = PrivacyCa(roots, ak_policies=None, name="A privacy CA that ignores policies")
        self.careless_ca = CarelessCa(roots, ak_policies=None, name="A careless privacy CA")
        self.references = ReferenceValues(
            7,
            {hashlib.sha256(CODE).digest(): "HyperSafe 1.0"},
            {hashlib.sha256(LAUNCH_POLICY).digest(): "one VM, no debugger"},
            {BANK: "bank 1.0", TELLER: "teller 1.0"},
        )
        self._platforms: list[Platform] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every machine's TPM; twice does no harm."""
        for platform in self._platforms:
            platform.close()

    def machine(
        self, name: str = "bank", *, maker: TpmMaker | None = None, ca: PrivacyCa | None = None
    ) -> TestbedMachine:
        """Switch on a machine with a fresh TPM; by default from the genuine maker and enrolled with the honest CA."""
        platform = Platform(name, self.trace.party(name))
        self._platforms.append(platform)
        platform.power_on()
        return TestbedMachine(platform, maker or self.maker, ca or self.ca)

    def verifier(self, without: tuple[str, ...] = ()) -> Verifier:
        """Return the Relying Party's verifier: it demands everything except a pinned machine."""
        policy = AppraisalPolicy(claims=(CURRENT_ENOUGH,))
        return Verifier((self.ca.root,), self.references, policy, last_reference_version=7, without=without)

    def expected(self, key: CreatedKey | None = None, *, boot: BootCounters | None = None) -> Expected:
        """Return what the Relying Party recomputed for its own passage; `key` is the key of TLS."""
        if key is None:
            return Expected(binder=self.binder, boot=boot)
        return Expected(binder=self.binder, key_spki=key.spki, key_binder=key_binder(key.spki), boot=boot)

    def attested(self, machine: TestbedMachine, key: CreatedKey | None = None, **demands: Any) -> Presented:  # noqa: ANN401 - those of `present`
        """Present a machine that attests this passage and a TLS key of its own; by default it is pinned."""
        key = key or machine.tls_key()
        evidence = machine.evidence(self.binder, key)
        return self.present(evidence, self.expected(key), **({"pinned": machine} | demands))

    def present(
        self,
        evidence: Evidence,
        expected: Expected | None = None,
        *,
        pinned: TestbedMachine | None = None,
        policy: AppraisalPolicy | None = None,
        anchors: tuple[x509.Certificate, ...] = (),
        references: ReferenceValues | None = None,
    ) -> Presented:
        """Present evidence to the Relying Party; by default it demands everything except a pinned machine."""
        demanded = policy or AppraisalPolicy(claims=(CURRENT_ENOUGH,))
        if pinned is not None:
            demanded = msgspec.structs.replace(demanded, ek_keys=(pinned.ek_key,))
        return Presented(
            evidence=evidence.encode(),
            expected=expected or self.expected(),
            policy=demanded,
            anchors=anchors or (self.ca.root,),
            references=references or self.references,
        )
