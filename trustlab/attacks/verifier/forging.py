"""Alice's tools against the Verifier: her own keys in the TPM, quotes written by hand, changed event logs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab.attacks.verifier.testbed import BANK, CLAIM, CODE, CURRENT, EVIDENCE_PCRS, LAUNCH_POLICY, NAMES
from trustlab.attest import (
    ALG_SHA256,
    ENDORSEMENT_QUALIFIED_NAME,
    TPM_GENERATED_VALUE,
    Attest,
    ClockInfo,
    EventLog,
    Evidence,
    KeyAttestation,
    ObjectAttributes,
    PcrSelection,
    QuoteInfo,
    claim_event,
    image_event,
    launch_event,
    launch_policy_event,
    pcr_digest,
    qualified_name,
)
from trustlab.attest.build import build_attest, build_ecdsa_signature, build_public
from trustlab.octets import sized, u16, u32
from trustlab.tpm import KeyPolicy, LoadedKey, certify, create_primary, key_binder, sign
from trustlab.tpm.framing import PASSWORD, RH_ENDORSEMENT, RH_NULL, RH_OWNER
from trustlab.tpm.keys import CreatedKey
from trustlab.tpm.templates import AK_ATTRIBUTES, ALG_ECDSA, TLS_KEY_ATTRIBUTES, ak_template, tls_key_template

if TYPE_CHECKING:
    from trustlab.attacks.verifier.testbed import TestbedMachine
    from trustlab.tpm import TpmClient

LOOK_ALIKE = TPM_GENERATED_VALUE + 1
"""ff544348: the TPM gives a hash ticket for octets that begin like this."""
EV_IPL = 0x0000000D
PASSWORD_POLICY = hashlib.sha256(bytes(32) + bytes.fromhex("0000016b")).digest()
"""PolicyPassword and PolicyAuthValue give the same digest (TPM 2.0 Part 3, 23.17 and 23.18)."""
ALG_ECC = 0x0023


def unrestricted_ak(client: TpmClient) -> CreatedKey:
    """Make a signing key in place of an AK that signs whatever it is given."""
    attributes = AK_ATTRIBUTES & ~ObjectAttributes.RESTRICTED | ObjectAttributes.USER_WITH_AUTH
    return create_primary(client, RH_ENDORSEMENT, ak_template(b"", attributes))


def own_ak(client: TpmClient) -> CreatedKey:
    """Make a restricted AK that Alice can use by its empty password."""
    return create_primary(client, RH_ENDORSEMENT, ak_template(b"", AK_ATTRIBUTES | ObjectAttributes.USER_WITH_AUTH))


def good_log() -> EventLog:
    """Return the log that an honest machine with the bank's image would have."""
    return EventLog(
        [
            launch_event(hashlib.sha256(CODE).digest(), "HyperSafe 1.0"),
            launch_policy_event(LAUNCH_POLICY),
            image_event(BANK, NAMES[BANK]),
            claim_event(CLAIM, CURRENT),
        ]
    )


def write_quote(ak: LoadedKey, binder: bytes, log: EventLog, *, magic: int = TPM_GENERATED_VALUE) -> bytes:
    """Write the TPMS_ATTEST that a TPM with this log would quote."""
    info = QuoteInfo((PcrSelection(ALG_SHA256, EVIDENCE_PCRS),), pcr_digest(EVIDENCE_PCRS, log.replay()))
    signer = qualified_name(ENDORSEMENT_QUALIFIED_NAME, ak.name)
    return build_attest(Attest(b"", magic, 0, signer, binder, ClockInfo(1, 1, 1, safe=True), 1, info))


def forge_quote(
    client: TpmClient, ak: LoadedKey, certificates: tuple[bytes, ...], binder: bytes, log: EventLog
) -> Evidence:
    """Write a quote and have an unrestricted key sign its hash."""
    quote = write_quote(ak, binder, log)
    der = sign(client, ak, hashlib.sha256(quote).digest(), "ecdsa")
    return Evidence(quote, build_ecdsa_signature(der), ak.public, certificates, log.encode())


def sign_through_ticket(
    client: TpmClient, ak: LoadedKey, certificates: tuple[bytes, ...], quote: bytes, log: EventLog
) -> Evidence:
    """Have the TPM hash the octets: unless they begin with ff544347, its ticket lets a restricted key sign them."""
    fields = client.ask("Hash", parameters=sized(quote) + u16(ALG_SHA256) + u32(RH_ENDORSEMENT))
    digest, ticket = fields.sized("outHash"), fields.rest("validation")
    scheme = u16(ALG_ECDSA) + u16(ALG_SHA256)
    signature = client.ask("Sign", (ak.handle,), (PASSWORD,), sized(digest) + scheme + ticket).rest("signature")
    return Evidence(quote, signature, ak.public, certificates, log.encode())


def retyped(log: EventLog, digest: bytes, event_type: int) -> EventLog:
    """Give the event with this digest another type."""
    return EventLog([replace(e, event_type=event_type) if e.digest == digest else e for e in log.events])


def reworded(log: EventLog, old: bytes, new: bytes) -> EventLog:
    """Change words in the events' data, but not their digests."""
    return EventLog([replace(e, data=e.data.replace(old, new)) for e in log.events])


def make_key(client: TpmClient, policy: bytes, attributes: int = 0) -> CreatedKey:
    """Have the TPM make an ECDSA key with any policy and additional attributes."""
    template = tls_key_template("ecdsa", policy)
    old = int.from_bytes(template[4:8], "big")
    return create_primary(client, RH_OWNER, template[:4] + u32(old | attributes) + template[8:])


def software_spki() -> bytes:
    """Return the public key of a pair that Alice made in software."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def load_software_key(client: TpmClient) -> CreatedKey:
    """Load a software key whose public area names the right policy; it cannot claim to be fixedTPM."""
    key = ec.generate_private_key(ec.SECP256R1())
    made_here = ObjectAttributes.FIXED_TPM | ObjectAttributes.FIXED_PARENT | ObjectAttributes.SENSITIVE_DATA_ORIGIN
    attributes = TLS_KEY_ATTRIBUTES & ~made_here | ObjectAttributes.SIGN_ENCRYPT
    policy = KeyPolicy.for_tls_key(client)
    public = build_public(key.public_key(), attributes, policy.digest, scheme=(ALG_ECDSA, ALG_SHA256))
    secret = key.private_numbers().private_value.to_bytes(32, "big")
    private = sized(u16(ALG_ECC) + sized(b"") + sized(b"") + sized(secret))
    handle, _ = client.load("LoadExternal", parameters=private + sized(public) + u32(RH_NULL))
    return CreatedKey(handle, public, policy)


def certified_key(machine: TestbedMachine, key: CreatedKey, binder: bytes) -> Evidence:
    """Attest the machine, and one of its keys by plain TPM2_Certify."""
    signed = certify(machine.hypersafe, machine.attestation_key, key, key_binder(key.spki))
    attestation = KeyAttestation(signed.attest, signed.signature, key.public, b"")
    return replace(machine.evidence(binder), key_attestation=attestation)
