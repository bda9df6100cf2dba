from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from trustlab.attacks import experiments
from trustlab.attacks.verifier import ATTACKS_ON_VERIFIER, OnVerifier, VerifierTestbed
from trustlab.attacks.verifier.forging import good_log, load_software_key, own_ak, sign_through_ticket, write_quote
from trustlab.attacks.verifier.testbed import CODE, EVIL_CODE
from trustlab.attest import CHECKS
from trustlab.scenarios import play, run
from trustlab.tpm import (
    EnrolmentRefused,
    KeyPolicy,
    TpmResponseError,
    certify_creation,
    create_ak,
    create_primary,
    launch_pcr,
    quote,
)
from trustlab.tpm.framing import RH_ENDORSEMENT
from trustlab.tpm.templates import AK_ATTRIBUTES, ak_template

TABLE = {  # the second table of the design: which attacks need which check
    "AK chain": {"fake-tpm"},
    "AK public area": {"forged-attest"},
    "AK policy": {"quote-oracle"},
    "machine pinned": {"cuckoo", "identifier-takeover", "ek-swap"},
    "signature": {"edited-quote"},
    "magic and type": {"look-alike"},
    "extraData": {"detached-binder", "evidence-replay"},
    "selection and bank": {"narrow-selection"},
    "log equals pcrDigest": {"event-log-tampering"},
    "events": {"event-retyping", "event-data-swap", "second-image"},
    "reference values": {"evil-workload", "evil-hypersafe", "same-machine-wrong-workload"},
    "reference version": {"reference-rollback"},
    "key identity": {"decoy-key"},
    "key provenance": {"software-key-certified", "userwithauth-key"},
    "key policy": {"password-policy-key", "other-image-same-hypersafe", "cross-vm-key"},
    "one AK for both": {"split-evidence"},
    "boot continuity": {"pcr-reset", "clear-rewinds-counters"},
    "claims": {"stale-antivirus"},
}


PAGE = Path(__file__).parents[2] / "docs" / "attestation.md"


@pytest.fixture
def bed():
    with VerifierTestbed() as made:
        yield made


@pytest.mark.parametrize("attack", ATTACKS_ON_VERIFIER.values(), ids=lambda a: a.name)
def test_the_one_check_refuses_the_attack_and_without_it_the_attack_succeeds(attack: OnVerifier, bed: VerifierTestbed):
    presented = attack.carry_out(bed)
    result = presented.appraise()
    assert result.failed == [attack.check]
    assert result[attack.check].sentence
    assert presented.appraise(without=(attack.check,)).accepted


@pytest.mark.parametrize("attack", ATTACKS_ON_VERIFIER.values(), ids=lambda a: a.name)
def test_leaving_out_every_other_check_does_not_help_the_attack(attack: OnVerifier, bed: VerifierTestbed):
    others = tuple(name for name in CHECKS[1:] if name != attack.check)
    assert attack.carry_out(bed).appraise(without=others).failed == [attack.check]


def test_the_list_of_checks_shows_who_refuses_and_who_gets_through():
    some = [row for row in experiments()["checks"] if row.attack in {"cuckoo", "evil-workload", "stale-antivirus"}]
    results = list(run(some))
    assert [result.whole.failed for result in results] == [("machine pinned",), ("reference values",), ("claims",)]
    assert all(result.less.succeeded and result.decisive for result in results)
    assert [result.less.succeeded for result in run(some, without=("claims",))] == [False, False, True]


@pytest.mark.parametrize(
    ("attack", "without", "says"),
    [
        ("cuckoo", ("nonce",), "field 'nonce'; choose from checks: AK chain"),
        ("cuckoo", ("role",), "'role' is not a check"),
        ("cuckoo", ("offer answered",), "'offer answered' is not a check"),
        ("moon", (), "no attack on the Verifier 'moon'; choose from: fake-tpm"),
    ],
)
def test_what_is_no_check_and_what_is_no_attack_on_the_verifier_is_named(attack, without, says):
    with pytest.raises(ValueError, match=says):
        play(attack, None, without=without)


def test_every_check_has_its_attacks_and_every_attack_its_check():
    found = {name: {a.name for a in ATTACKS_ON_VERIFIER.values() if a.check == name} for name in CHECKS[1:]}
    assert found == TABLE


@pytest.mark.parametrize("attack", ATTACKS_ON_VERIFIER.values(), ids=lambda a: a.name)
def test_every_attack_says_what_it_needs_does_and_breaks(attack: OnVerifier):
    data = attack.attack
    assert data.needs
    assert data.steps
    assert all((data.breaks, data.why, data.source, data.stopped_by, attack.base))


def test_the_docs_print_the_table_of_checks_and_attacks():
    page = PAGE.read_text(encoding="utf-8")
    for attack in ATTACKS_ON_VERIFIER.values():
        assert f"| {attack.check} | `{attack.name}` | {attack.attack.why} | {attack.base} |" in page


def test_an_honest_machine_is_accepted_on_the_same_stage(bed: VerifierTestbed):
    machine = bed.machine().boot()
    key = machine.tls_key()
    presented = bed.present(machine.evidence(bed.binder, key), bed.expected(key), pinned=machine)
    assert presented.appraise().accepted


def test_the_tpm_gives_no_ticket_for_octets_that_begin_as_its_own(bed: VerifierTestbed):
    machine = bed.machine().boot()
    ak = own_ak(machine.root)
    certificates = machine.enrol(ak, bed.careless_ca, machine.root)
    quote = write_quote(ak, bed.binder, good_log())
    with pytest.raises(TpmResponseError, match="Sign"):
        sign_through_ticket(machine.root, ak, certificates, quote, good_log())


def test_the_tpm_does_not_attest_the_creation_of_a_key_made_outside(bed: VerifierTestbed):
    machine = bed.machine().boot()
    imported, genuine = load_software_key(machine.hypersafe), machine.tls_key()
    borrowed = replace(imported, creation_hash=genuine.creation_hash, creation_ticket=genuine.creation_ticket)
    with pytest.raises(TpmResponseError, match="CertifyCreation"):
        certify_creation(machine.hypersafe, machine.attestation_key, borrowed, bytes(32))


def test_the_honest_privacy_ca_certifies_neither_alices_ak_nor_an_unrestricted_one(bed: VerifierTestbed):
    machine = bed.machine().boot()
    for attributes in (AK_ATTRIBUTES, AK_ATTRIBUTES & ~0x10000):
        key = create_primary(machine.root, RH_ENDORSEMENT, ak_template(bytes(32), attributes))
        with pytest.raises(EnrolmentRefused):
            machine.enrol(key, bed.ca, machine.root)


def test_the_tpm_refuses_the_genuine_ak_to_an_evil_hypersafe(bed: VerifierTestbed):
    machine = bed.machine().boot()
    genuine = machine.attestation_key
    machine.platform.launch(EVIL_CODE, "evil")
    derived = create_ak(machine.hypersafe, policy=KeyPolicy.expected((17,), {17: launch_pcr(CODE)}))
    assert derived.name == genuine.name
    with pytest.raises(TpmResponseError) as refused:
        quote(machine.hypersafe, derived, bytes(32), pcrs=(17, 18, 19))
    assert refused.value.rc == 0x99D


def test_an_evil_hypersafes_own_ak_is_refused_by_a_careful_privacy_ca(bed: VerifierTestbed):
    with pytest.raises(EnrolmentRefused):
        bed.machine().boot(code=EVIL_CODE)
