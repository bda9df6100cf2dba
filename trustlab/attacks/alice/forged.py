"""Forged evidence: what Alice makes with an attestation key that leaked, and her legs that show it.

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
from trustlab.attacks.alice.legs import TowardsClient, TowardsServer
from trustlab.attest import (
    ENDORSEMENT_QUALIFIED_NAME,
    LOCALITY,
    Evidence,
    H,
    KeyAttestation,
    L,
    key_policy,
    parse_attest,
    parse_public,
    qualified_name,
)
from trustlab.attest.build import build_attest, build_creation_data, build_ecdsa_signature, build_public
from trustlab.attest.constants import ALG_ECDSA, ALG_NULL, ALG_SHA256, ObjectAttributes
from trustlab.attest.creation import CreationData
from trustlab.attest.structures import CreationInfo

if TYPE_CHECKING:
    from typing import Any

    from trustlab.attacks.alice.tools import Alice
    from trustlab.passage import Binder

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
    """Makes evidence of one machine. LookupError if its attestation key has not leaked."""

    def __init__(self, alice: Alice, machine: str) -> None:
        held = [event for event in alice.powers.own_secrets(LEAKED) if event.data.get("machine") == machine]
        if not held:
            raise LookupError(f"no attestation key of {machine} has leaked")
        leaked = msgspec.msgpack.decode(held[0].raw, type=LeakedKey)
        key = load_der_private_key(leaked.private, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError("an attestation key of the lab is on P-256")
        self._key = key
        self._leaked = leaked
        self._genuine = Evidence.decode(leaked.template)
        self._quote = parse_attest(self._genuine.quote)
        self._signer = qualified_name(ENDORSEMENT_QUALIFIED_NAME, parse_public(leaked.public).name)

    def evidence(self, binder: bytes, spki: bytes | None) -> bytes:
        """Return evidence over a binder; with `spki` it also attests that key."""
        quote = self._attest(binder, self._quote.attested)
        forged = replace(
            self._genuine,
            quote=quote,
            signature=self._sign(quote),
            ak_public=self._leaked.public,
            ak_certificates=(self._leaked.certificate,),
            key_attestation=None if spki is None else self._attested(spki),
        )
        return forged.encode()

    def _attested(self, spki: bytes) -> KeyAttestation:
        key = load_der_public_key(spki)
        policy = key_policy(KEY_PCRS, self._genuine.pcr_values, locality=LOCALITY)
        if isinstance(key, rsa.RSAPublicKey):
            public = build_public(key, MADE_IN_TPM | ObjectAttributes.DECRYPT, policy, scheme=(ALG_NULL,))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            scheme = (ALG_ECDSA, ALG_SHA256)
            public = build_public(key, MADE_IN_TPM | ObjectAttributes.SIGN_ENCRYPT, policy, scheme=scheme)
        else:
            raise TypeError("only RSA and EC keys are attested in the lab")
        parent = ENDORSEMENT_QUALIFIED_NAME
        data = build_creation_data(CreationData(b"", (), hashlib.sha256().digest(), 4, ALG_NULL, parent, parent, b""))
        info = CreationInfo(parse_public(public).name, hashlib.sha256(data).digest())
        attest = self._attest(H(L, b"K", hashlib.sha256(spki).digest()), info)
        return KeyAttestation(attest, self._sign(attest), public, data)

    def _attest(self, extra_data: bytes, info: Any) -> bytes:  # noqa: ANN401 - what a TPM attests
        return build_attest(
            msgspec.structs.replace(self._quote, qualified_signer=self._signer, extra_data=extra_data, attested=info)
        )

    def _sign(self, octets: bytes) -> bytes:
        return build_ecdsa_signature(self._key.sign(octets, ec.ECDSA(hashes.SHA256())))


def forged(alice: Alice, machine: str, binder: Binder | None, request: tls.EvidenceWanted, shows: Any) -> bytes:  # noqa: ANN401 - Credentials or None
    """Return evidence of a machine over the binder of this handshake, and about the key that she shows in it."""
    if binder is None:
        raise LookupError(f"this design does not ask {machine} for evidence")
    alice.tell("forge", f"forges evidence of the {machine}'s machine for her own channel, with its attestation key.")
    spki = None
    if shows is not None and shows.chain:
        certified = load_der_x509_certificate(shows.chain[0]).public_key()
        spki = certified.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return Forger(alice, machine).evidence(binder.bind(request.facts).octets, spki)


class ForgingServer(TowardsClient):
    """She is the server, without a connection to the real one: she forges the bank's evidence."""

    def __init__(self, alice: Alice, *parts: Any, **choices: Any) -> None:  # noqa: ANN401 - as its base
        super().__init__(alice, *parts, **choices)
        self._alice, self._shows = alice, choices["shows"]

    def respond(self, request: tls.Request) -> None:
        """Answer the demand for evidence with what she forges."""
        match request:
            case tls.EvidenceWanted():
                design = self._alice.design
                proves = self._shows if design.attests_key else None
                self.connection.answer(request, forged(self._alice, "bank", design.server, request, proves))
            case _:
                super().respond(request)


class ForgingClient(TowardsServer):
    """She is the client: she forges the teller's evidence."""

    def __init__(self, alice: Alice, *parts: Any, **choices: Any) -> None:  # noqa: ANN401 - as its base
        super().__init__(alice, *parts, **choices)
        self._alice, self._shows = alice, choices.get("shows")

    def respond(self, request: tls.Request) -> None:
        """Answer the demand for evidence with what she forges."""
        match request:
            case tls.EvidenceWanted():
                proves = self._shows if self._alice.design.client_key else None
                design = self._alice.design
                self.connection.answer(request, forged(self._alice, "teller", design.client, request, proves))
            case _:
                super().respond(request)
