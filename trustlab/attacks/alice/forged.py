"""Forged evidence: what Alice makes with an attestation key that leaked, and her end that shows it.

She takes evidence of the real machine for its log, its PCR values and its counters, and signs a quote over any binder.
She attests any key: that the TPM made it, and that only the measured software can use it.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from cryptography.x509 import load_der_x509_certificate

from trustlab import tls
from trustlab.attacks.alice.legs import engine
from trustlab.attest import (
    ENDORSEMENT_QUALIFIED_NAME,
    LOCALITY,
    Evidence,
    KeyAttestation,
    key_policy,
    parse_attest,
    parse_public,
    qualified_name,
)
from trustlab.attest.build import build_attest, build_creation_data, build_ecdsa_signature, build_public
from trustlab.attest.constants import ALG_ECDSA, ALG_NULL, ALG_SHA256, ObjectAttributes
from trustlab.attest.creation import CreationData
from trustlab.attest.structures import CreationInfo
from trustlab.passage import KEY_PROOF, Guard, TlsEndpoint
from trustlab.passage.components import Components

if TYPE_CHECKING:
    from trustlab.attacks.alice.legs import Credentials
    from trustlab.attacks.alice.tools import Alice
    from trustlab.attest.structures import CertifyInfo, QuoteInfo
    from trustlab.passage import Application
    from trustlab.passage.guard import Role

LEAKED = "attestation key"
"""The name of the secret by which the lab gives her such a key."""
KEY_PCRS = (17, 18, 19)
MADE_IN_TPM = ObjectAttributes.FIXED_TPM | ObjectAttributes.FIXED_PARENT | ObjectAttributes.SENSITIVE_DATA_ORIGIN


class LeakedKey(msgspec.Struct, frozen=True):
    """An attestation key: PKCS#8, TPMT_PUBLIC, its certificate; and evidence of the machine that it is of."""

    private: bytes
    public: bytes
    certificate: bytes
    template: bytes

    def __repr__(self) -> str:
        return "<LeakedKey>"


class Forger:
    """Attests as the machine whose attestation key leaked (`passage.guard.Attester`); LookupError if none has.

    `spki` is the key that she shows in TLS, which the evidence attests if it has to.
    """

    def __init__(self, alice: Alice, machine: str, spki: bytes) -> None:
        held = [event for event in alice.powers.own_secrets(LEAKED) if event.data.get("machine") == machine]
        if not held:
            raise LookupError(f"no attestation key of {machine} has leaked")
        leaked = msgspec.msgpack.decode(held[0].raw, type=LeakedKey)
        key = load_der_private_key(leaked.private, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("an attestation key of the lab is on P-256")
        self._alice, self._machine = alice, machine
        self._key, self._spki, self._leaked = key, spki, leaked
        self._genuine = Evidence.decode(leaked.template)
        self._quote = parse_attest(self._genuine.quote)
        self._signer = qualified_name(ENDORSEMENT_QUALIFIED_NAME, parse_public(leaked.public).name)

    def attest(self, binder: bytes, *, prove_key: bool, pcrs: tuple[int, ...] = ()) -> bytes:  # noqa: ARG002 - as quoted
        """Return evidence over a binder; with `prove_key` it also attests her key."""
        self._alice.tell("forge", f"forges evidence of the {self._machine}'s machine for her own channel.")
        quote = self._attest(binder, self._quote.attested)
        forged = replace(
            self._genuine,
            quote=quote,
            signature=self._sign(quote),
            ak_public=self._leaked.public,
            ak_certificates=(self._leaked.certificate,),
            key_attestation=self._attested(self._spki) if prove_key else None,
        )
        return forged.encode()

    def _attested(self, spki: bytes) -> KeyAttestation:
        key = load_der_public_key(spki)
        policy = key_policy(KEY_PCRS, self._genuine.pcr_values, locality=LOCALITY)
        if isinstance(key, rsa.RSAPublicKey):
            public = build_public(key, MADE_IN_TPM | ObjectAttributes.DECRYPT, policy)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            scheme = (ALG_ECDSA, ALG_SHA256)
            public = build_public(key, MADE_IN_TPM | ObjectAttributes.SIGN_ENCRYPT, policy, scheme=scheme)
        else:
            raise TypeError("only RSA and EC keys are attested in the lab")
        parent = ENDORSEMENT_QUALIFIED_NAME
        data = build_creation_data(CreationData(b"", (), hashlib.sha256().digest(), 4, ALG_NULL, parent, parent, b""))
        info = CreationInfo(parse_public(public).name, hashlib.sha256(data).digest())
        attest = self._attest(KEY_PROOF.bind(tls.HandshakeFacts(spki_S=spki)).octets, info)
        return KeyAttestation(attest, self._sign(attest), public, data)

    def _attest(self, extra_data: bytes, info: QuoteInfo | CreationInfo | CertifyInfo) -> bytes:
        return build_attest(
            msgspec.structs.replace(self._quote, qualified_signer=self._signer, extra_data=extra_data, attested=info)
        )

    def _sign(self, octets: bytes) -> bytes:
        return build_ecdsa_signature(self._key.sign(octets, ec.ECDSA(hashes.SHA256())))


class Credulous(Guard):
    """A guard that accepts whatever its peer shows: Alice does not care."""

    def appraise(self, evidence: bytes, facts: tls.HandshakeFacts) -> tls.Alert | None:  # noqa: ARG002
        """Accept it."""
        return None


def forging_end(
    alice: Alice, name: str, role: Role, application: Application, shows: Credentials | None
) -> TlsEndpoint:
    """Return an honest end in everything but its evidence, which is forged, and its judgement, which is none."""
    made = engine(alice, role, shows=shows)
    spki = b""
    if shows is not None:
        certified = load_der_x509_certificate(shows.chain[0]).public_key()
        spki = certified.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    machine = alice.victim if role == "server" else "teller"
    party = alice.guest.party
    attester = Forger(alice, machine, spki)
    guard = Credulous(alice.design, role, party=party, connection=name, attester=attester, verifier=None)
    inner = alice.placement.wrap(application, guard, made, Components())
    return TlsEndpoint(made, inner, observer=tls.TraceObserver(party, name, role=role), guard=guard)
