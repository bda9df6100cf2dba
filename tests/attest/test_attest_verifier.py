from __future__ import annotations

import datetime as dt
import hashlib
import re
from dataclasses import replace
from types import SimpleNamespace

import cbor2
import pytest
from attest_cases import RSA_KEY, damaged
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as changed
from software_tpm import (
    AK,
    BINDER,
    CA,
    EVIL,
    NONCE,
    NOW,
    POLICY,
    REFERENCES,
    TELLER,
    TLS_KEY,
    Machine,
    PrivacyCa,
    Signer,
    log_of,
    spki,
    verifier,
)

from trustlab.attest import (
    CHECKS,
    EVENT_CLAIM,
    EVENT_LAUNCH_NONCE,
    AppraisalPolicy,
    AttestationResult,
    BootCounters,
    EventLog,
    Expected,
    LogEvent,
    ObjectAttributes,
    PolicyError,
    Verifier,
    image_event,
    key_policy,
    launch_nonce_event,
    parse_public,
    qualified_name,
)
from trustlab.attest.build import build_ecdsa_signature, build_public, build_rsa_signature
from trustlab.attest.constants import ALG_RSASSA, ALG_SHA1, ALG_SHA256
from trustlab.attest.structures import ClockInfo, PcrSelection, QuoteInfo
from trustlab.trace import Trace

MACHINE = Machine()
GOOD = MACHINE.evidence()
BOOT = BootCounters(7, 3, hashlib.sha256(NONCE).digest(), 1000, safe=True)
FIRST = MACHINE.expected(boot=BOOT)
STEP = changed(BOOT, restart_count=4)


def appraise(evidence=GOOD, expected=FIRST, **changes) -> AttestationResult:
    raw = evidence if isinstance(evidence, bytes) else evidence.encode()
    return verifier(**changes).appraise(raw, expected)


def refused_only_by(check: str, evidence=GOOD, expected=FIRST, **changes) -> None:
    """Demand that the one check refuses, no other does, and leaving it out makes the same evidence pass."""
    result = appraise(evidence, expected, **changes)
    assert result.failed == [check]
    assert "erred" not in result[check].sentence, "it refuses, but for a fault of its own"
    assert result.refused_by == check
    assert not result.accepted
    without = appraise(evidence, expected, **changes, without=[check])
    assert without.accepted
    assert without[check].verdict == "left out"


def test_honest_evidence_passes_every_check_in_the_order_of_the_list():
    result = appraise()
    assert [c.name for c in result.checks] == list(CHECKS)
    assert {c.verdict for c in result.checks} == {"pass"}
    assert result.accepted
    assert result.refused_by is None


def test_every_check_says_something_and_cites_its_clause():
    for check in appraise().checks:
        assert check.sentence.endswith(".")
        assert check.clause


def test_an_accepted_result_tells_image_machine_counters_and_claims():
    result = appraise()
    assert result.image == "bank 1.0"
    assert result.ek_key == MACHINE.ek_key
    assert result.boot == BOOT
    assert result.claims == {"antivirus.signatures": "2026-11-20"}
    assert result.pcrs == MACHINE.values()
    assert result.reference_version == 7
    assert result.binder == BINDER


def test_what_the_policy_does_not_demand_is_reported_as_not_demanded():
    policy = changed(POLICY, ek_keys=(), ak_policy=False, key_attestation=False, claims=())
    result = appraise(policy=policy, expected=replace(FIRST, boot=None))
    loose = {c.name for c in result.checks if c.verdict == "not demanded"}
    key = {"key identity", "key provenance", "key policy", "one AK for both"}
    assert loose == {"machine pinned", "AK policy", "boot continuity", "claims"} | key
    assert result.accepted


def test_a_client_without_a_tls_key_needs_no_key_attestation():
    result = appraise(replace(GOOD, key_attestation=None), replace(FIRST, key_spki=None, key_binder=None))
    assert result.accepted
    assert result["key identity"].verdict == "not demanded"


def test_a_missing_key_attestation_fails_every_check_about_the_key():
    result = appraise(replace(GOOD, key_attestation=None))
    assert result.failed == ["key identity", "key provenance", "key policy", "one AK for both"]


# one check each: the base in which it alone decides


def test_ak_chain_refuses_a_fake_tpm_that_brings_its_own_privacy_ca():
    fake = Machine(ca=PrivacyCa("Alice's privacy CA"))
    refused_only_by("AK chain", fake.evidence(), fake.expected())


def test_ak_chain_refuses_a_ca_of_the_same_name_with_another_key():
    fake = Machine(ca=PrivacyCa())
    refused_only_by("AK chain", fake.evidence(), fake.expected())


def test_ak_chain_refuses_a_certificate_for_another_purpose():
    signer = MACHINE.ak(eku=x509.ExtendedKeyUsageOID.CLIENT_AUTH)
    refused_only_by("AK chain", MACHINE.evidence(signer=signer))


def test_ak_chain_refuses_an_expired_certificate():
    later = replace(FIRST, time=NOW + dt.timedelta(days=40))
    refused_only_by("AK chain", expected=later)


def test_ak_chain_refuses_a_certificate_signed_with_an_ak_as_if_it_were_a_ca():
    mallory = PrivacyCa()
    mallory.key = MACHINE.ak_key
    fake = Machine(ca=mallory)
    chain = (fake.ak().certificate, MACHINE.ak().certificate)
    evidence = fake.evidence()
    refused_only_by("AK chain", replace(evidence, ak_certificates=chain, signature=evidence.signature), fake.expected())


def test_ak_chain_accepts_an_intermediate_ca_sent_along():
    issuing = PrivacyCa("Issuing CA")
    intermediate = CA._sign(
        CA._authority(issuing.name, issuing.key.public_key()).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(CA.key.public_key()), critical=False
        )
    )
    machine = Machine(ca=issuing)
    signer = machine.ak()
    chain = (signer.certificate, intermediate.public_bytes(Encoding.DER))
    assert appraise(machine.evidence(signer=signer, ak_certificates=chain), machine.expected()).accepted


def test_without_any_trust_anchor_everything_is_refused_by_ak_chain():
    result = Verifier([], REFERENCES, POLICY).appraise(GOOD.encode(), FIRST)
    assert result.failed == ["AK chain"]


@pytest.mark.parametrize(
    "attributes",
    [
        AK & ~ObjectAttributes.RESTRICTED,
        AK & ~ObjectAttributes.FIXED_TPM,
        AK & ~ObjectAttributes.SIGN_ENCRYPT,
        AK | ObjectAttributes.DECRYPT,
    ],
)
def test_ak_public_area_refuses_a_key_that_is_no_attestation_key(attributes):
    refused_only_by("AK public area", MACHINE.evidence(signer=MACHINE.ak(attributes)))


@pytest.mark.parametrize("name_alg", [0x0004, 0x0010])
def test_a_name_by_sha1_or_by_no_hash_at_all_is_refused(name_alg):
    signer = MACHINE.ak()
    weak = build_public(MACHINE.tls_key.public_key(), TLS_KEY, parse_public(MACHINE.key_public()).auth_policy)
    public = weak[:2] + name_alg.to_bytes(2, "big") + weak[4:]
    evidence = MACHINE.evidence(signer=signer, key_attestation=MACHINE.key_attestation(signer, public))
    assert "key identity" in appraise(evidence).failed
    ak = replace(signer, public=signer.public[:2] + name_alg.to_bytes(2, "big") + signer.public[4:])
    assert "AK public area" in appraise(replace(GOOD, ak_public=ak.public)).failed


def test_ak_public_area_refuses_a_certificate_about_another_name():
    signer = MACHINE.ak()
    other = CA.certify(MACHINE.ak_key.public_key(), b"\0\x0b" + bytes(32), MACHINE.ek_key)
    refused_only_by("AK public area", MACHINE.evidence(signer=signer, ak_certificates=(other,)))


def test_ak_public_area_refuses_a_certificate_with_another_key():
    signer = MACHINE.ak()
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    name = parse_public(signer.public).name
    certificate = CA.certify(other, name, MACHINE.ek_key)
    refused_only_by("AK public area", MACHINE.evidence(signer=signer, ak_certificates=(certificate,)))


def test_ak_public_area_refuses_a_key_that_is_no_primary_key_of_the_endorsement_hierarchy():
    """Part 1, 16: a Qualified Name is that of the parents and the Name, so a key under another parent has another one."""
    signer = MACHINE.ak()
    elsewhere = SimpleNamespace(qualified=qualified_name(bytes.fromhex("40000001"), parse_public(signer.public).name))
    evidence = replace(MACHINE.evidence(signer=signer, quote=MACHINE.quote(elsewhere)), key_attestation=None)
    alone = replace(FIRST, key_spki=None, key_binder=None)
    refused_only_by("AK public area", evidence, alone)
    assert "is not the qualifiedSigner" in appraise(evidence, alone)["AK public area"].sentence


def test_ak_policy_refuses_an_ak_that_anybody_can_use():
    refused_only_by("AK policy", MACHINE.evidence(signer=MACHINE.ak(policy=b"")))


@pytest.mark.parametrize("flag", [ObjectAttributes.USER_WITH_AUTH, ObjectAttributes.ADMIN_WITH_POLICY])
def test_ak_policy_refuses_an_ak_with_a_way_around_its_policy(flag):
    refused_only_by("AK policy", MACHINE.evidence(signer=MACHINE.ak(AK | flag)))


def test_ak_policy_refuses_another_locality():
    policy = key_policy((17,), MACHINE.values(), locality=0)
    refused_only_by("AK policy", MACHINE.evidence(signer=MACHINE.ak(policy=policy)))


def test_machine_pinned_refuses_a_genuine_machine_that_is_not_the_one():
    other = Machine(ek_key=hashlib.sha256(b"Alice's own genuine machine").digest())
    refused_only_by("machine pinned", other.evidence(), other.expected())


def test_signature_refuses_a_quote_edited_after_signing():
    raw = bytearray(GOOD.quote)
    raw[80] ^= 1  # the clock, which nothing judges
    refused_only_by("signature", replace(GOOD, quote=bytes(raw)), replace(FIRST, boot=None))


def test_signature_refuses_a_key_attestation_edited_after_signing():
    key = GOOD.key_attestation
    raw = bytearray(key.attest)
    raw[80] ^= 1
    refused_only_by("signature", replace(GOOD, key_attestation=replace(key, attest=bytes(raw))))


def test_signature_says_what_was_signed_and_what_was_not():
    assert appraise()["signature"].sentence == "The AK signed the quote and the key attestation."
    alone = appraise(replace(GOOD, key_attestation=None), replace(FIRST, key_spki=None, key_binder=None))
    assert alone["signature"].sentence == "The AK signed the quote."
    key = replace(GOOD.key_attestation, signature=GOOD.signature)
    for evidence, what in (
        (replace(GOOD, signature=key.signature[:-1] + b"?"), "quote"),
        (replace(GOOD, key_attestation=key), "key attestation"),
    ):
        sentence = appraise(evidence)["signature"].sentence
        assert sentence.startswith(f"The signature over the {what} was not made by ")


def test_signature_refuses_a_signature_by_an_rsa_scheme_for_an_ecc_key():
    rsa = bytes.fromhex("0014000b0100") + bytes(256)
    refused_only_by("signature", replace(GOOD, signature=rsa))


def test_magic_and_type_refuses_octets_that_only_look_like_the_tpms_own():
    signer = MACHINE.ak()
    refused_only_by("magic and type", MACHINE.evidence(signer=signer, quote=MACHINE.quote(signer, magic=0xFF544348)))


def test_a_key_attestation_in_the_place_of_the_quote_is_refused_by_magic_and_type_and_has_no_pcrs():
    result = appraise(replace(GOOD, quote=GOOD.key_attestation.attest, signature=GOOD.key_attestation.signature))
    assert result.failed == ["magic and type", "extraData", "selection and bank", "log equals pcrDigest"]
    assert not [check for check in result.checks if "erred" in check.sentence]


def test_extra_data_refuses_another_passages_quote_and_shows_both_binders():
    other = replace(FIRST, binder=bytes(32), fields=(("nonce_C", b"\1" * 32),))
    refused_only_by("extraData", expected=other)
    check = appraise(expected=other)["extraData"]
    assert (check.expected, check.found) == (bytes(32), BINDER)
    assert check.fields == (("nonce_C", b"\1" * 32),)


def test_selection_and_bank_says_what_is_quoted_and_what_is_demanded():
    signer = MACHINE.ak()
    result = appraise(MACHINE.evidence(signer=signer, quote=MACHINE.quote(signer, pcrs=(17, 18))))
    assert re.fullmatch(
        r"The quote is over \S+:17,18; the policy demands \S+:17,18,19,20\.", result["selection and bank"].sentence
    )


@pytest.mark.parametrize("pcrs", [(17, 18), (17, 18, 20), ()])
def test_selection_and_bank_refuses_a_quote_over_less_than_demanded(pcrs):
    signer = MACHINE.ak()
    refused_only_by("selection and bank", MACHINE.evidence(signer=signer, quote=MACHINE.quote(signer, pcrs=pcrs)))


def test_log_equals_pcr_digest_refuses_a_log_that_tells_another_story():
    honest = Machine(log=log_of(date="2011-01-01"))
    evidence = replace(honest.evidence(), event_log=log_of(date="2026-11-20").encode())
    refused_only_by("log equals pcrDigest", evidence, honest.expected())
    assert "PCR 20 differs" in appraise(evidence, honest.expected())["log equals pcrDigest"].sentence


def relogged(*events: LogEvent):
    machine = Machine(log=EventLog(list(events)))
    return machine.evidence(), machine.expected()


def test_events_refuses_data_that_were_not_measured():
    machine = Machine(log=log_of(date="2011-01-01"))
    events = list(machine.log.events)
    events[4] = replace(events[4], data=b"antivirus.signatures=2026-11-20")
    evidence = replace(machine.evidence(), event_log=EventLog(events).encode())
    refused_only_by("events", evidence, machine.expected())


def test_events_refuses_a_type_without_meaning_in_the_labs_pcrs():
    second = LogEvent(19, 0x0000000D, (("sha256", EVIL),), b"nothing to see")
    refused_only_by("events", *relogged(*log_of().events, second))


def test_events_refuses_a_second_image_even_a_good_one():
    refused_only_by("events", *relogged(*log_of().events, image_event(TELLER, "teller 1.0")))


def test_events_refuses_an_event_in_another_events_pcr():
    refused_only_by("events", *relogged(*log_of().events, replace(log_of().events[4], pcr=18)))


def test_events_of_a_pcr_that_is_not_quoted_are_unproved_not_wrong():
    result = appraise(*relogged(*log_of().events, LogEvent(0, 1, (("sha256", EVIL),), b"")))
    assert result.accepted
    assert result["events"].sentence.endswith(" 1 other event of PCR 0 is unproved.")
    assert 0 not in result.pcrs


@pytest.mark.parametrize("changes", [{"image": EVIL}, {"hypersafe": EVIL}])
def test_reference_values_refuse_what_bob_did_not_publish(changes):
    machine = Machine(log=log_of(**changes))
    refused_only_by("reference values", machine.evidence(), machine.expected())
    check = appraise(machine.evidence(), machine.expected())["reference values"]
    assert check.found == EVIL


def test_reference_values_refuse_an_image_that_the_policy_does_not_allow():
    refused_only_by("reference values", policy=changed(POLICY, allowed_images=("teller 1.0",)))
    assert appraise(policy=changed(POLICY, allowed_images=("bank 1.0",))).accepted


def firmware_machine() -> tuple[Machine, AppraisalPolicy]:
    """Make a machine as one has it without DRTM: firmware's events in PCR 7, an AK and a key without locality."""
    secure_boot = LogEvent(7, 0x80000001, (("sha256", EVIL),), b"SecureBoot")
    machine = Machine(log=EventLog([*log_of().events, secure_boot]))
    return machine, changed(POLICY, pcrs=(7,), key_pcrs=(7,), locality=None, ak_policy=False, claims=())


def firmware_evidence(machine: Machine):
    log = EventLog([event for event in machine.log.events if event.pcr == 7])
    only = replace(machine, log=log)
    signer = only.ak(policy=b"")
    key = only.key_attestation(signer, only.key_public(policy=key_policy((7,), only.values(), locality=None)))
    return only.evidence(signer=signer, quote=only.quote(signer, pcrs=(7,)), key_attestation=key), only.expected()


def test_reference_values_judge_firmwares_pcrs_by_their_values():
    machine, policy = firmware_machine()
    evidence, expected = firmware_evidence(machine)
    good = changed(REFERENCES, pcrs={7: (machine.log.replay()[7],)})
    result = appraise(evidence, expected, policy=policy, references=good)
    assert result.accepted
    assert "anybody on that machine may be able to quote" in result["AK policy"].sentence
    refused_only_by("reference values", evidence, expected, policy=policy)


def test_reference_version_refuses_yesterdays_file():
    refused_only_by("reference version", last_reference_version=8)
    assert appraise(last_reference_version=7).accepted


def test_key_identity_refuses_a_tls_key_that_is_not_the_attested_one():
    decoy = ec.generate_private_key(ec.SECP256R1())
    refused_only_by("key identity", expected=replace(FIRST, key_spki=spki(decoy)))
    refused_only_by("key identity", expected=replace(FIRST, key_spki=spki(RSA_KEY)))
    refused_only_by("key identity", expected=replace(FIRST, key_spki=b"no key at all"))


def test_key_identity_refuses_a_name_that_is_not_the_public_areas():
    key, other = GOOD.key_attestation, Machine()
    public = other.key_public()
    evidence = replace(GOOD, key_attestation=replace(key, public=public))
    refused_only_by("key identity", evidence, replace(FIRST, key_spki=spki(other.tls_key)))


def test_key_identity_refuses_a_key_attested_for_another_purpose():
    refused_only_by("key identity", expected=replace(FIRST, key_binder=bytes(32)))


def test_key_provenance_refuses_a_plain_certification_which_imported_keys_get_too():
    signer = MACHINE.ak()
    key = MACHINE.key_attestation(signer, certify=True)
    refused_only_by("key provenance", MACHINE.evidence(signer=signer, key_attestation=key))


@pytest.mark.parametrize("attributes", [TLS_KEY | ObjectAttributes.USER_WITH_AUTH, TLS_KEY & ~2])
def test_key_provenance_refuses_a_key_with_a_password_or_one_that_can_leave(attributes):
    signer = MACHINE.ak()
    key = MACHINE.key_attestation(signer, MACHINE.key_public(attributes))
    evidence = MACHINE.evidence(signer=signer, key_attestation=key)
    refused_only_by("key provenance", evidence)
    assert appraise(evidence)["key provenance"].found == int(attributes).to_bytes(4, "big")


def test_key_provenance_refuses_other_creation_data():
    data = bytearray(GOOD.key_attestation.creation_data)
    data[38] ^= 1
    key = replace(GOOD.key_attestation, creation_data=bytes(data))
    refused_only_by("key provenance", replace(GOOD, key_attestation=key))


@pytest.mark.parametrize("pcrs", [(17,), (17, 18)])
def test_key_policy_refuses_a_key_that_opens_for_other_images_too(pcrs):
    signer = MACHINE.ak()
    public = MACHINE.key_public(policy=key_policy(pcrs, MACHINE.values()))
    key = MACHINE.key_attestation(signer, public)
    refused_only_by("key policy", MACHINE.evidence(signer=signer, key_attestation=key))


def test_key_policy_refuses_a_key_of_another_vm():
    signer = MACHINE.ak()
    other = Machine(log=log_of(image=TELLER)).values()
    key = MACHINE.key_attestation(signer, MACHINE.key_public(policy=key_policy((17, 18, 19), other)))
    refused_only_by("key policy", MACHINE.evidence(signer=signer, key_attestation=key))


def test_one_ak_for_both_refuses_a_quote_and_a_key_from_two_machines():
    own = Machine(ek_key=hashlib.sha256(b"Alice's own genuine machine").digest())
    signer = own.ak()
    key = replace(own.key_attestation(signer), ak_public=signer.public, ak_certificates=(signer.certificate,))
    refused_only_by("one AK for both", replace(GOOD, key_attestation=key), own.expected())


def test_the_second_ak_is_judged_as_strictly_as_the_first():
    own = Machine(ca=PrivacyCa("Alice's"))
    signer = own.ak(AK & ~ObjectAttributes.RESTRICTED, b"")
    key = replace(own.key_attestation(signer), ak_public=signer.public, ak_certificates=(signer.certificate,))
    result = appraise(replace(GOOD, key_attestation=key), own.expected())
    assert result.failed == ["AK chain", "AK public area", "AK policy", "one AK for both"]


def test_boot_continuity_refuses_a_machine_that_was_relaunched_in_between():
    refused_only_by("boot continuity", expected=replace(FIRST, boot=STEP))
    relaunched = Machine(clock=ClockInfo(1, 8, 0, safe=True))
    refused_only_by("boot continuity", relaunched.evidence(), relaunched.expected(boot=BOOT))


def test_boot_continuity_refuses_another_launch_nonce_though_all_counters_are_the_same():
    relaunched = Machine(log=log_of(nonce=hashlib.sha256(b"another launch").digest()))
    refused_only_by("boot continuity", relaunched.evidence(), relaunched.expected(boot=BOOT))


def test_boot_continuity_refuses_a_clock_that_went_back_and_accepts_one_that_went_on():
    refused_only_by("boot continuity", expected=replace(FIRST, boot=changed(BOOT, clock=1001)))
    result = appraise(expected=replace(FIRST, boot=changed(BOOT, clock=999)))
    assert result.accepted
    assert "resetCount 7, restartCount 3, clock 1000 ms." in result["boot continuity"].sentence


def without_nonce() -> Machine:
    return Machine(log=EventLog([e for e in log_of().events if e.event_type != EVENT_LAUNCH_NONCE]))


def test_equal_counters_alone_are_not_one_boot_where_the_machine_is_launched():
    machine = without_nonce()
    assert appraise(machine.evidence(), machine.expected()).accepted
    refused_only_by("boot continuity", machine.evidence(), machine.expected(boot=changed(BOOT, launch=b"")))


def test_a_launch_nonce_that_is_told_as_a_claim_does_not_count():
    events = list(log_of().events)
    events[1] = replace(events[1], event_type=EVENT_CLAIM)
    evidence = replace(GOOD, event_log=EventLog(events).encode())
    for launch in (BOOT.launch, b""):
        refused_only_by("boot continuity", evidence, replace(FIRST, boot=changed(BOOT, launch=launch)))


def test_without_a_launch_equal_counters_are_told_with_their_limit():
    policy = changed(POLICY, pcrs=(17, 18, 19), claims=())
    signer = MACHINE.ak()
    evidence = MACHINE.evidence(signer=signer, quote=MACHINE.quote(signer, pcrs=policy.pcrs))
    check = appraise(evidence, replace(FIRST, boot=changed(BOOT, launch=b"")), policy=policy)["boot continuity"]
    assert check.verdict == "not compared"
    assert "a reboot cannot be ruled out" in check.sentence
    stepped = replace(FIRST, boot=changed(STEP, launch=b""))
    assert appraise(evidence, stepped, policy=policy).failed == ["boot continuity"]


def test_a_launch_nonce_comes_first_and_once():
    late = launch_nonce_event(hashlib.sha256(b"late").digest())
    refused_only_by("events", *relogged(*log_of().events, late))
    refused_only_by("events", *relogged(*without_nonce().log.events, late))


def test_the_key_must_have_been_attested_in_the_boot_of_the_quote():
    before = replace(MACHINE, clock=ClockInfo(900, 7, 2, safe=True))
    evidence = replace(GOOD, key_attestation=before.key_attestation(MACHINE.ak()))
    refused_only_by("boot continuity", evidence)
    refused_only_by("boot continuity", evidence, replace(FIRST, boot=None))


@pytest.mark.parametrize("claim", ["antivirus.signatures >= 2026-11-21", "antivirus.vendor == Clam"])
def test_claims_refuse_what_the_relying_party_does_not_accept(claim):
    refused_only_by("claims", policy=changed(POLICY, claims=(claim,)))


def test_a_claim_that_is_no_date_does_not_meet_a_date():
    machine = Machine(log=log_of(date="tomorrow"))
    refused_only_by("claims", machine.evidence(), machine.expected())


class RsaSigner(Signer):
    def sign(self, raw: bytes) -> bytes:
        return build_rsa_signature(ALG_RSASSA, self.key.sign(raw, padding.PKCS1v15(), hashes.SHA256()))


def test_an_rsa_ak_is_as_good_as_an_ecc_one():
    policy = key_policy((17,), MACHINE.values())
    public = build_public(RSA_KEY.public_key(), AK, policy, scheme=(ALG_RSASSA, ALG_SHA256))
    certificate = CA.certify(RSA_KEY.public_key(), parse_public(public).name, MACHINE.ek_key)
    signer = RsaSigner(RSA_KEY, public, certificate)
    assert appraise(MACHINE.evidence(signer=signer)).accepted
    other = replace(MACHINE.evidence(signer=signer), signature=build_rsa_signature(ALG_RSASSA, bytes(256)))
    refused_only_by("signature", other)


# the Verifier as a whole


def test_nothing_stops_at_the_first_failure():
    result = appraise(expected=Expected(binder=bytes(32), key_spki=b"x", boot=STEP, time=NOW + dt.timedelta(days=99)))
    assert result.failed == ["AK chain", "extraData", "key identity", "boot continuity"]
    assert result.refused_by == "AK chain"
    assert "3 more failed" in result.sentence


def test_a_check_that_cannot_be_left_out_is_a_policy_error():
    for name in ("evidence format", "no such check"):
        with pytest.raises(PolicyError, match="not a check that can be left out"):
            verifier(without=[name])


@pytest.mark.parametrize("fields", [{"binder": b""}, {"key_spki": b""}, {"key_binder": b""}])
def test_an_empty_binder_or_key_is_a_policy_error(fields):
    with pytest.raises(PolicyError, match="bound to nothing"):
        MACHINE.expected(**fields)


def test_an_error_in_a_check_refuses(monkeypatch):
    machine = verifier()
    spec = machine._specs[6]

    def err(case):
        raise RuntimeError("out of memory")

    specs = tuple(replace(r, judge=err) if r is spec else r for r in machine._specs)
    monkeypatch.setattr(machine, "_specs", specs)
    result = machine.appraise(GOOD.encode(), FIRST)
    assert result.failed == ["extraData"]
    assert "itself failed" in result["extraData"].sentence


def test_an_error_in_reading_refuses(monkeypatch):
    def err(*parts):
        raise RuntimeError("out of memory")

    monkeypatch.setattr("trustlab.attest.verifier.open_appraisal", err)
    result = appraise()
    assert result.refused_by == "evidence format"
    assert "itself failed" in result.sentence


def test_what_a_stranger_wrote_cannot_write_to_a_terminal():
    label = "\x1b[2J" + "x" * 5000
    item = cbor2.loads(GOOD.encode()) | {label: ["text/plain", b"", 4]}
    sentence = appraise(cbor2.dumps(item, canonical=True))["evidence format"].sentence
    assert sentence.isprintable()
    assert len(sentence) < 300
    log = log_of(date="2011\x1b[2J" + "x" * 5000)
    machine = Machine(log=log)
    assert appraise(machine.evidence(), machine.expected())["claims"].sentence.isprintable()


def test_ak_chain_refuses_a_certificate_with_a_critical_extension_nobody_here_understands():
    signer = MACHINE.ak()
    strange = CA.certify(MACHINE.ak_key.public_key(), parse_public(signer.public).name, MACHINE.ek_key, strange=True)
    refused_only_by("AK chain", MACHINE.evidence(signer=signer, ak_certificates=(strange,)))


@pytest.mark.parametrize("raw", [b"", b"\xa0", b"junk", bytes(70_000)])
def test_what_is_no_evidence_is_refused_by_evidence_format(raw):
    result = appraise(raw)
    assert result.refused_by == "evidence format"
    assert [c.name for c in result.checks] == ["evidence format"]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"quote": b"\xff"}, "TPMS_ATTEST.magic"),
        ({"signature": b"\xff"}, "TPMT_SIGNATURE.sigAlg"),
        ({"ak_public": b"\xff"}, "TPMT_PUBLIC.type"),
        ({"ak_certificates": (b"\xff",)}, "ak-certificates/0: not an X.509 certificate"),
        ({"event_log": b"\xff"}, "event log"),
        ({"key_attestation": replace(GOOD.key_attestation, creation_data=b"\xff")}, "TPMS_CREATION_DATA"),
        ({"key_attestation": replace(GOOD.key_attestation, ak_public=GOOD.ak_public)}, "both its public area and"),
        ({"event_log": EventLog([], ("sha1",), legacy=True).encode() or bytes(32)}, "sha256"),
    ],
)
def test_a_structure_that_cannot_be_read_is_named_by_evidence_format(changes, word):
    result = appraise(replace(GOOD, **changes))
    assert result.refused_by == "evidence format"
    assert word in result["evidence format"].sentence


@pytest.mark.long
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_evidence_with_any_damage_is_refused_and_never_an_exception(data):
    raw = data.draw(damaged(GOOD.encode()))
    result = appraise(raw)
    if result.accepted:  # what nothing judges may differ: stated PCR values, the names that events give themselves
        assert result.pcrs == MACHINE.values()
        assert result.claims == {"antivirus.signatures": "2026-11-20"}


def test_every_truncation_of_evidence_is_refused_by_evidence_format():
    raw = GOOD.encode()
    for cut in range(0, len(raw), 7):
        assert appraise(raw[:cut]).refused_by == "evidence format"


def test_a_bit_flipped_in_any_octet_of_what_is_signed_is_refused():
    for place in range(len(GOOD.quote)):
        octets = bytearray(GOOD.quote)
        octets[place] ^= 0x10
        assert not appraise(replace(GOOD, quote=bytes(octets))).accepted


def test_the_result_is_recorded_as_one_verdict_a_check_and_one_appraisal():
    trace = Trace()
    result = appraise(expected=replace(FIRST, binder=bytes(32), fields=(("nonce_C", b"\7"),)))
    result.record(trace.party("teller"), about="bank", connection="teller-bank-1", side="client")
    verdicts = trace.select("verdict")
    assert [v.name for v in verdicts] == list(CHECKS)
    wrong = next(v for v in verdicts if v.data["verdict"] == "fail")
    assert (wrong.name, wrong.data["expected"], wrong.data["found"]) == ("extraData", bytes(32).hex(), BINDER.hex())
    assert wrong.data["fields"] == [["nonce_C", "07"]]
    (whole,) = trace.select("appraisal")
    assert whole.name == "refused"
    assert whole.data["refused_by"] == "extraData"
    assert (whole.data["about"], whole.connection, whole.data["side"]) == ("bank", "teller-bank-1", "client")


def test_asking_a_result_for_a_check_it_did_not_reach_is_a_key_error():
    with pytest.raises(KeyError):
        _ = appraise(b"")["extraData"]


@pytest.mark.parametrize("name", CHECKS[1:])
def test_a_check_of_somebodys_own_stands_in_for_one_and_for_no_other(name):
    own = {name: lambda case: f"{len(case.quote.raw)} octets are not enough"}
    result = appraise(checks=own)
    assert result.failed == [name]
    assert result[name].sentence == f"{len(GOOD.quote)} octets are not enough"
    assert result[name].clause == appraise()[name].clause
    assert appraise(checks={name: lambda _case: None}).accepted
    assert appraise(checks=own, without=[name]).accepted


@pytest.mark.parametrize("said", [True, False, 0, "", b"no", ["no"]])
def test_a_check_of_somebodys_own_that_says_neither_nothing_nor_a_sentence_refuses(said):
    result = appraise(checks={"signature": lambda _case: said})
    assert result.failed == ["signature"]
    assert "it should return None or a sentence" in result["signature"].sentence


def test_what_a_check_of_somebodys_own_says_is_shown_short_and_on_one_line():
    sentence = appraise(checks={"signature": lambda _case: "no\n\x1b[31m" * 500})["signature"].sentence
    assert sentence.isprintable()
    assert len(sentence) < 2000


def test_only_a_check_that_there_is_can_be_replaced():
    for name in ("nonce", CHECKS[0]):
        with pytest.raises(PolicyError, match=f"'{name}' is not a check that can be replaced; choose from: AK chain"):
            verifier(checks={name: lambda _case: None})


def test_what_is_no_quote_is_told_from_what_the_tpm_did_not_write():
    signer = MACHINE.ak()
    foreign = MACHINE.evidence(signer=signer, quote=MACHINE.quote(signer, magic=0xFF544348))
    told = appraise(foreign)["magic and type"].sentence
    assert told == "The signed octets do not begin with TPM_GENERATED_VALUE: the TPM did not write them."
    key = replace(GOOD, quote=GOOD.key_attestation.attest, signature=GOOD.key_attestation.signature)
    assert appraise(key)["magic and type"].sentence == "The signed structure is not a quote."
    assert appraise(key)["selection and bank"].sentence == "There is no PCR selection, so this is not a quote."
    assert appraise(key)["log equals pcrDigest"].sentence == "There is no pcrDigest, so this is not a quote."


def test_without_any_trust_anchor_the_reason_is_that_there_is_none():
    result = Verifier([], REFERENCES, POLICY).appraise(GOOD.encode(), FIRST)
    assert result["AK chain"].sentence.endswith("no privacy CA is trusted here, so no attestation key can be")


def test_accepted_software_is_named_and_firmwares_pcrs_by_their_numbers():
    names = appraise()["reference values"].sentence
    assert names == "Only software that Bob published was measured: HyperSafe 1.0, one VM, no debugger, bank 1.0."
    machine, policy = firmware_machine()
    good = changed(REFERENCES, pcrs={7: (machine.log.replay()[7],)})
    result = appraise(*firmware_evidence(machine), policy=policy, references=good)
    assert result["reference values"].sentence == "Only software that Bob published was measured: PCR 7."
    assert "at any locality" in result["key policy"].sentence
    assert "at HyperSafe's locality" in appraise()["key policy"].sentence


def test_a_result_says_the_whole_in_a_sentence_and_in_the_trace():
    good, bad = appraise(), appraise(replace(GOOD, key_attestation=None))
    assert good.sentence == f"Accepted: {len(CHECKS)} checks passed."
    assert bad.sentence == f"Refused by 'key identity': {bad['key identity'].sentence} (3 more failed)"
    one = appraise(last_reference_version=8)
    assert one.sentence == f"Refused by 'reference version': {one['reference version'].sentence}"
    for result, name in ((good, "accepted"), (bad, "refused")):
        trace = Trace()
        result.record(trace.party("teller"), about="bank", connection="c", attempt=2)
        (whole,) = trace.select("appraisal")
        assert (whole.name, whole.connection, whole.data["about"], whole.data["attempt"]) == (name, "c", "bank", 2)
        assert (whole.data["refused_by"], whole.data["failed"]) == (result.refused_by, list(result.failed))
        assert whole.data["sentence"] == result.sentence
        verdicts = trace.select("verdict")
        assert [(e.name, e.data["verdict"]) for e in verdicts] == [(c.name, c.verdict) for c in result.checks]
        assert all(e.data["attempt"] == 2 and e.data["about"] == "bank" for e in verdicts)
        assert {e.name for e in verdicts if "fields" in e.data} == {c.name for c in result.checks if c.fields}


def test_what_was_left_out_or_not_demanded_is_not_counted_as_passed():
    assert appraise(without=[CHECKS[-1]]).sentence == f"Accepted: {len(CHECKS) - 1} checks passed."


def test_a_quote_over_another_bank_cannot_be_compared_with_the_log():
    signer = MACHINE.ak()
    info = QuoteInfo((PcrSelection(0x000C, (17, 18, 19, 20)),), bytes(32))
    evidence = MACHINE.evidence(signer=signer, quote=MACHINE.attest(signer, BINDER, info))
    check = appraise(evidence)["log equals pcrDigest"]
    assert check.verdict == "fail"
    assert re.fullmatch(r"The log has no \S+ bank to compare with\.", check.sentence)
    assert check.found == bytes(32)


def test_a_version_is_not_compared_where_none_is_remembered():
    check = appraise(last_reference_version=0)["reference version"]
    assert check.verdict == "not compared"
    assert "version 7. It was not compared" in check.sentence
    assert appraise(last_reference_version=0).accepted


def test_a_signature_with_sha1_is_refused_as_that():
    signer = MACHINE.ak()
    der = MACHINE.ak_key.sign(GOOD.quote, ec.ECDSA(hashes.SHA1()))  # noqa: S303 - that it is refused is the point
    weak = replace(GOOD, ak_public=signer.public, ak_certificates=(signer.certificate,))
    raw = bytearray(build_ecdsa_signature(der))
    raw[2:4] = ALG_SHA1.to_bytes(2, "big")
    result = appraise(replace(weak, signature=bytes(raw)))
    assert "signature" in result.failed
    assert "The quote is signed with SHA-1" in result["signature"].sentence


# one path validation: the short cut and the long way agree


def leaf_of(ca: PrivacyCa, *extensions: tuple[x509.ExtensionType, bool], key=None) -> bytes:
    """Certify the machine's AK with these extensions; without `key`, by the CA's own."""
    name = parse_public(MACHINE.ak().public).name
    given = x509.load_der_x509_certificate(ca.certify(MACHINE.ak_key.public_key(), name, MACHINE.ek_key))
    builder = ca._builder(x509.Name([]), MACHINE.ak_key.public_key())
    changed_ones = {type(extension) for extension, _ in extensions}
    for extension in given.extensions:
        if type(extension.value) not in changed_ones:
            builder = builder.add_extension(extension.value, extension.critical)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder.sign(key or ca.key, hashes.SHA256()).public_bytes(Encoding.DER)


def anchor_of(*extensions: tuple[x509.ExtensionType, bool], key=None) -> PrivacyCa:
    """Make a CA whose own certificate has just these extensions."""
    ca = PrivacyCa("Privacy CA with rules")
    ca.key = key or ca.key
    builder = ca._builder(ca.name, ca.key.public_key())
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    ca.certificate = ca._sign(builder)
    return ca


def usage(**bits: bool) -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    names += ("key_cert_sign", "crl_sign", "encipher_only", "decipher_only")
    return x509.KeyUsage(**{name: bits.get(name, False) for name in names})


CA_TRUE = (x509.BasicConstraints(ca=True, path_length=None), True)
SIGNS = (usage(key_cert_sign=True), True)
ELSEWHERE = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "elsewhere")]))
ALT_NAME = (x509.SubjectAlternativeName([x509.DNSName("ak.example")]), False)
ANCHORS = {
    "a CA": ((CA_TRUE, SIGNS), (), True),
    "a CA that says nothing about its key": ((CA_TRUE,), (), True),
    "no CA": (((x509.BasicConstraints(ca=False, path_length=None), True), SIGNS), (), False),
    "nothing about being a CA": ((SIGNS,), (), False),
    "no keyCertSign": ((CA_TRUE, (usage(digital_signature=True), True)), (), False),
    "a path length of 0": (((x509.BasicConstraints(ca=True, path_length=0), True), SIGNS), (), True),
    "another purpose": ((CA_TRUE, SIGNS, (x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH]), False)), (), False),
    "any purpose": ((CA_TRUE, SIGNS, (x509.ExtendedKeyUsage([x509.ObjectIdentifier("2.5.29.37.0")]), False)), (), True),
    "a strange critical extension": (
        (CA_TRUE, SIGNS, (x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3"), b"\5\0"), True)), (), False,
    ),
    "names elsewhere, of another kind": ((CA_TRUE, SIGNS, (x509.NameConstraints([ELSEWHERE], None), True)), (), True),
    "names elsewhere": (
        (CA_TRUE, SIGNS, (x509.NameConstraints([x509.DNSName("other.example")], None), True)), (ALT_NAME,), False,
    ),
    "names here": (
        (CA_TRUE, SIGNS, (x509.NameConstraints([x509.DNSName("example")], None), True)), (ALT_NAME,), True,
    ),
    "names excluded": (
        (CA_TRUE, SIGNS, (x509.NameConstraints(None, [x509.DNSName("example")]), True)), (ALT_NAME,), False,
    ),
    "a leaf that is a CA": ((CA_TRUE, SIGNS), (CA_TRUE,), False),
    "a leaf that may not sign": ((CA_TRUE, SIGNS), ((usage(key_agreement=True), True),), False),
    "a leaf that may sign": ((CA_TRUE, SIGNS), ((usage(digital_signature=True), True),), True),
    "a leaf for web servers": ((CA_TRUE, SIGNS), ((x509.ExtendedKeyUsage([x509.OID_SERVER_AUTH]), False),), False),
}  # fmt: skip
"""What the anchor says, what the leaf says beside the usual, and whether the AK is accepted."""


@pytest.mark.parametrize("name", ANCHORS)
def test_the_chain_is_judged_alike_with_and_without_the_anchor_in_it(name):
    authority, leaf, good = ANCHORS[name]
    ca = anchor_of(*authority)
    der, anchor = leaf_of(ca, *leaf), ca.certificate.public_bytes(Encoding.DER)
    for chain in ((der,), (der, anchor)):
        judge = Verifier([ca.certificate], REFERENCES, POLICY, last_reference_version=7)
        evidence = replace(GOOD, ak_certificates=chain)
        for _ in range(2):  # the second time from what is remembered
            result = judge.appraise(evidence.encode(), FIRST)
            assert ("AK chain" in result.failed) == (not good), result["AK chain"].sentence


@pytest.mark.parametrize(
    ("key", "good"),
    [
        (ec.generate_private_key(ec.SECP384R1()), True),
        (ec.generate_private_key(ec.SECP521R1()), True),
        (ec.generate_private_key(ec.SECP256K1()), False),
        (RSA_KEY, True),
    ],
)
def test_an_authoritys_key_may_be_of_every_strong_kind(key, good):
    ca = anchor_of(CA_TRUE, SIGNS, key=key)
    der = leaf_of(ca)
    judge = Verifier([ca.certificate], REFERENCES, POLICY)
    result = judge.appraise(replace(GOOD, ak_certificates=(der,)).encode(), FIRST)
    assert ("AK chain" in result.failed) == (not good), result["AK chain"].sentence
