"""Quotes of a machine whose PCRs are as its firmware left them: banks, kinds of AK, logs, and AKs that others made."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest
from firmware_machine import firmware_machine, firmware_socket, log_of, octets_of, pcrs_of

from trustlab.attest import (
    FIRMWARE,
    FIRMWARE_PCRS,
    OTHER_AK,
    EventLog,
    Evidence,
    Expected,
    PolicyError,
    ReferenceValues,
    ReferenceValuesError,
    Verifier,
    claim_event,
    evidence_fields,
)
from trustlab.attest.policy import AppraisalPolicy
from trustlab.cloud import CloudError
from trustlab.cloud.firmware_log import bind_to_firmware
from trustlab.tpm import (
    DEVICE,
    DeviceTpm,
    EvidenceMaker,
    Platform,
    PrivacyCa,
    TpmError,
    TpmMaker,
    create_ak,
    create_ek,
    create_srk,
    create_tls_key,
    enrol,
    kept_key,
    key_binder,
    tss,
)
from trustlab.tpm.enrol import EnrolmentRefused
from trustlab.tpm.keys import LoadedKey, public_of
from trustlab.tpm.templates import AK_ATTRIBUTES, AK_KINDS, template
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from trustlab.tpm import TpmClient

BINDER = b"b" * 32
USER_WITH_AUTH = 0x40
REAL = pcrs_of("shim-grub")


@pytest.fixture(scope="module")
def machine() -> Iterator[Platform]:
    with firmware_machine() as platform:
        yield platform


@pytest.fixture
def client(machine: Platform) -> Iterator[TpmClient]:
    machine.bind(DEVICE)
    client = machine.client("owner")
    yield client
    machine.bind(DEVICE)


MAKER = TpmMaker()
CA = PrivacyCa([MAKER.root], ak_policies=None)
LENIENT = PrivacyCa([MAKER.root], ak_policies=None, passwords=True)


def maker_for(client: TpmClient, ak: LoadedKey, log: EventLog | None = None, ca: PrivacyCa = CA) -> EvidenceMaker:
    ek = create_ek(client)
    certificates = enrol(client, ek, MAKER.certify(ek.public), ak, ca)
    client.flush(ek)
    return EvidenceMaker(client, ak, certificates, EventLog() if log is None else log)


def references(bank: str = "sha256", **changes: bytes) -> ReferenceValues:
    values = {pcr: (REAL[bank][pcr],) for pcr in FIRMWARE_PCRS}
    return ReferenceValues(1, {}, {}, {}, values | {int(p): (v,) for p, v in changes.items()})


def appraised(
    made: Evidence, policy: AppraisalPolicy = FIRMWARE, good: ReferenceValues | None = None, ca: PrivacyCa = CA
):
    return Verifier([ca.root], good or references(policy.bank), policy).appraise(made.encode(), Expected(binder=BINDER))


def test_values_that_reference_values_name_need_no_log(client: TpmClient) -> None:
    made = maker_for(client, create_ak(client)).evidence(BINDER)
    assert made.pcr_values == {pcr: REAL["sha256"][pcr] for pcr in FIRMWARE_PCRS}
    result = appraised(made)
    assert result.accepted, result.failed
    assert result.pcrs == made.pcr_values
    assert result["events"].sentence == "The log has 0 events that count: the PCRs are judged by their values."
    more = replace(made, pcr_values=made.pcr_values | {1: b"\1" * 32})
    assert 1 not in appraised(more, good=references(**{"1": b"\1" * 32})).pcrs
    assert result["log equals pcrDigest"].sentence == (
        "The values of PCR 0, 2, 4, 7 that the attester states are what was quoted."
    )


def test_stated_values_count_only_if_they_hash_to_the_quoted_digest(client: TpmClient) -> None:
    made = maker_for(client, create_ak(client)).evidence(BINDER)
    client.pcr_extend(16, b"\1" * 32)
    evil = replace(made, pcr_values=made.pcr_values | {4: bytes(32)})
    assert appraised(evil).failed == ["log equals pcrDigest", "reference values"]
    wished = references(**{"4": bytes(32)})
    assert appraised(evil, good=wished).failed == ["log equals pcrDigest", "reference values"]
    assert appraised(made, good=wished).failed == ["reference values"]
    unnamed = ReferenceValues(1, {}, {}, {}, {pcr: v for pcr, v in references().pcrs.items() if pcr != 7})
    result = appraised(made, good=unnamed)
    assert result.failed == ["log equals pcrDigest", "reference values"]
    assert result["reference values"].sentence.startswith("PCR 0 has a value that is not among")
    without = {pcr: value for pcr, value in made.pcr_values.items() if pcr != 7}
    assert appraised(replace(made, pcr_values=without)).failed == ["log equals pcrDigest", "reference values"]


def test_of_the_firmwares_log_the_quoted_pcrs_events_travel_and_prove_themselves(client: TpmClient) -> None:
    made = maker_for(client, create_ak(client), log_of("shim-grub")).evidence(BINDER)
    sent = EventLog.decode(made.event_log)
    assert {event.pcr for event in sent.events} == set(FIRMWARE_PCRS)
    assert sent.algorithms == ("sha256",)
    result = appraised(made)
    assert result.accepted
    assert result["log equals pcrDigest"].sentence == "The event log replays to the PCR values in the quote."
    assert result["events"].sentence == f"The log has {len(sent.events)} events, each where it belongs."


def test_a_whole_log_is_accepted_and_what_nothing_proves_is_set_aside(client: TpmClient) -> None:
    made = replace(maker_for(client, create_ak(client)).evidence(BINDER), event_log=octets_of("shim-grub"))
    result = appraised(made)
    assert result.accepted
    assert result["events"].sentence.endswith("other events of PCR 1, 3, 5, 6, 8, 9, 14 are unproved.")
    notes = {s.name: s.note for s in evidence_fields(made.encode())}
    assert "the quote does not cover PCR 1" in notes["event-log.value.events[10]"]
    assert "Set aside" not in notes["event-log.value.events[4]"]


@pytest.mark.parametrize("bank", ["sha1", "sha384"])
def test_a_log_of_another_bank_proves_nothing_and_is_not_wrong(client: TpmClient, bank: str) -> None:
    log = EventLog([replace(e, digests=((bank, e.digest_of(bank)),)) for e in log_of("shim-grub").events], (bank,))
    old = EventLog(log.events, ("sha1",), legacy=True) if bank == "sha1" else log
    made = maker_for(client, create_ak(client), old).evidence(BINDER)
    assert EventLog.decode(made.event_log).events == []
    result = appraised(replace(made, event_log=old.encode()))
    assert result.accepted
    assert f"{len(log.events)} other events" in result["events"].sentence


def test_events_that_do_not_replay_are_unproved_where_the_value_counts(client: TpmClient) -> None:
    log = log_of("shim-grub").about(FIRMWARE_PCRS, "sha256")
    number = next(n for n, event in enumerate(log.events) if event.pcr == 4)
    log.events[number] = replace(log.events[number], digests=(("sha256", b"\6" * 32),))
    made = replace(maker_for(client, create_ak(client)).evidence(BINDER), event_log=log.encode())
    result = appraised(made)
    assert result.accepted
    assert result["log equals pcrDigest"].sentence == (
        "The value of PCR 4 that the attester states is what was quoted; the event log replays to the others."
    )
    assert result["events"].sentence.endswith("other events of PCR 4 are unproved.")
    notes = {s.name: s.note for s in evidence_fields(made.encode())}
    assert "does not replay to the quoted value of PCR 4" in notes[f"event-log.value.events[{number + 1}]"]


def test_a_claim_in_a_pcr_that_nobody_demanded_claims_nothing(client: TpmClient) -> None:
    made = maker_for(client, create_ak(client)).evidence(BINDER)
    lied = replace(made, event_log=EventLog([claim_event("antivirus.signatures", "2026-11-20")]).encode())
    result = appraised(lied, msgspec.structs.replace(FIRMWARE, claims=("antivirus.signatures >= 2026-11-01",)))
    assert result.failed == ["claims"]
    assert result.claims == {}


@pytest.mark.parametrize("kind", list(AK_KINDS))
@pytest.mark.parametrize("bank", ["sha256", "sha384"])
def test_every_kind_of_ak_quotes_every_bank(machine: Platform, client: TpmClient, bank: str, kind: str) -> None:
    machine.bind(replace(DEVICE, bank=bank))
    ak = create_ak(client, kind=kind)
    maker = maker_for(client, ak, log_of("shim-grub"))
    key = create_tls_key(client, "ecdsa")
    made = maker.evidence(BINDER, key=key)
    policy = msgspec.structs.replace(FIRMWARE, bank=bank)
    expected = Expected(binder=BINDER, key_spki=key.spki, key_binder=key_binder(key.spki))
    result = Verifier([CA.root], references(bank), policy).appraise(made.encode(), expected)
    assert result.accepted, [check for check in result.checks if check.verdict == "fail"]
    assert result["key policy"].verdict == "pass"
    assert result["selection and bank"].sentence == f"The quote is over {bank}:0,2,4,7, as demanded."
    other = "sha384" if bank == "sha256" else "sha256"
    refused = appraised(made, msgspec.structs.replace(FIRMWARE, bank=other))
    assert refused.failed == ["selection and bank", "log equals pcrDigest", "reference values"]
    client.flush(ak)
    client.flush(key)


def under_srk(client: TpmClient) -> LoadedKey:
    """Make an AK as go-attestation does: under the storage root key, opened by its empty password."""
    esys, parent = client.esys, create_srk(client)
    area = public_of(template("rsa2048:rsassa-sha256:null", AK_ATTRIBUTES | USER_WITH_AUTH))
    no_sensitive, no_pcrs = tss.TPM2B_SENSITIVE_CREATE(), tss.TPML_PCR_SELECTION()
    private, public, *_ = esys.create(esys.resource(parent.handle), no_sensitive, area, b"", no_pcrs)
    handle = esys.handle_of(esys.load(esys.resource(parent.handle), private, public))
    client.flush(parent)
    return LoadedKey(handle, public.publicArea.marshal())


def test_an_ak_under_the_storage_root_key_is_verified_under_a_profile_that_says_what_is_not_known(
    client: TpmClient,
) -> None:
    ak = under_srk(client)
    with pytest.raises(EnrolmentRefused, match="userWithAuth"):
        maker_for(client, ak)
    made = maker_for(client, ak, ca=LENIENT).evidence(BINDER)
    assert appraised(made, ca=LENIENT).failed == ["AK public area"]
    result = appraised(made, OTHER_AK, ca=LENIENT)
    assert result.accepted
    assert "not known where in the TPM the AK lives" in result["AK public area"].sentence
    assert "anybody on that machine may be able to quote" in result["AK policy"].sentence


@pytest.fixture
def tools(tmp_path: Path) -> Iterator[Path]:
    """An emulator for tpm2-tools, whose PCRs are as firmware leaves them."""
    for tool in ("tpm2_createek", "tpm2_createak", "tpm2_evictcontrol"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed (tpm2-tools)")
    with firmware_socket(tmp_path) as path:
        yield path


@pytest.mark.parametrize(
    "kind",
    [("-G", "ecc384", "-g", "sha384", "-s", "ecdsa"), ("-G", "rsa", "-g", "sha256", "-s", "rsassa")],
    ids=["p384", "rsa"],
)
def test_an_ak_of_tpm2_createak_is_verified_too(tools: Path, tmp_path: Path, kind: tuple[str, ...]) -> None:
    commands = (
        ("tpm2_createek", "-c", "ek.ctx", "-G", "ecc"),
        ("tpm2_createak", "-C", "ek.ctx", "-c", "ak.ctx", *kind),
        ("tpm2_flushcontext", "-t"),
        ("tpm2_evictcontrol", "-c", "ak.ctx", "0x81010002"),
        ("tpm2_flushcontext", "-t"),
    )
    for line in commands:
        tcti = ("-T", f"swtpm:path={tools}")
        done = subprocess.run([*line, *tcti], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 0, done.stderr
    with Platform("laptop", Trace().party("laptop"), tpm=DeviceTpm(str(tools))) as platform:
        client = platform.client("owner")
        made = maker_for(client, kept_key(client, 0x81010002), log_of("shim-grub"), LENIENT).evidence(BINDER)
    assert appraised(made, ca=LENIENT).failed == ["AK public area"]
    assert appraised(made, OTHER_AK, ca=LENIENT).accepted


def test_a_long_log_leaves_data_out_until_the_evidence_fits(client: TpmClient) -> None:
    log = log_of("shim-grub")
    log.events = [replace(e, data=e.data * 60) if e.pcr == 7 else e for e in log.events]
    made = maker_for(client, create_ak(client), log).evidence(BINDER)
    assert len(made.encode()) < 60_000
    sent = EventLog.decode(made.event_log)
    assert [event.left_out for event in sent.events if event.left_out is not None]
    assert appraised(made).accepted


def test_a_tpm_says_which_banks_it_keeps(client: TpmClient) -> None:
    assert client.pcr_banks() == ("sha1", "sha256", "sha384")
    with pytest.raises(TpmError, match=r"keeps no sha512 values of PCR \[0\]; its banks: sha1, sha256, sha384"):
        client.pcr_read([0], "sha512")


def test_a_tpm_without_a_sha256_bank_quotes_the_one_it_has() -> None:
    with firmware_machine("systemd-boot") as platform:
        profile = bind_to_firmware(platform, None)
        client = platform.client("owner")
        assert (profile.bank, client.pcr_banks()) == ("sha384", ("sha384",))
        with pytest.raises(TpmError, match="keeps no sha256 bank of PCRs; it has: sha384"):
            bind_to_firmware(platform, "sha256")
        with pytest.raises(CloudError, match="choose from sha256, sha384, sha512"):
            bind_to_firmware(platform, "sha1")
        made = maker_for(client, create_ak(client), log_of("systemd-boot")).evidence(BINDER)
    values = pcrs_of("systemd-boot")["sha384"]
    good = ReferenceValues(1, {}, {}, {}, {pcr: (values[pcr],) for pcr in FIRMWARE_PCRS})
    result = appraised(made, msgspec.structs.replace(FIRMWARE, bank=good.bank), good)
    assert result.accepted
    assert result["log equals pcrDigest"].sentence == "The event log replays to the PCR values in the quote."


def test_a_policy_names_a_bank_and_an_aks_parent() -> None:
    text = 'pcrs = [0, 7]\nkey-pcrs = [7]\nbank = "sha384"\nak-parent = "any"\n'
    policy = AppraisalPolicy.from_toml(text)
    assert (policy.bank, policy.bank_id, policy.ak_parent) == ("sha384", 0x000C, "any")
    assert AppraisalPolicy.from_toml(policy.to_toml()) == policy
    with pytest.raises(PolicyError, match="HyperSafe measures in SHA-256 alone, so PCR 17, 18, 19, 20"):
        AppraisalPolicy.from_toml('bank = "sha384"\n')
    for wrong in ('bank = "sha1"\n', 'ak-parent = "owner"\n'):
        with pytest.raises(PolicyError, match=wrong.partition(" ")[0]):
            AppraisalPolicy.from_toml(wrong)
    with pytest.raises(PolicyError, match="bank: 'md5'; choose from: sha256, sha384, sha512"):
        AppraisalPolicy(bank="md5")
    with pytest.raises(PolicyError, match="ak-parent: 'owner'; choose from: endorsement, any"):
        AppraisalPolicy(ak_parent="owner")


def test_reference_values_have_the_length_of_their_bank() -> None:
    head = "version = 1\n[hypersafe]\n[launch-policies]\n[images]\n[pcrs]\n"
    for digits, bank in ((64, "sha256"), (96, "sha384"), (128, "sha512")):
        read = ReferenceValues.from_toml(f'{head}7 = ["{"ab" * (digits // 2)}"]\n')
        assert read.bank == bank
        assert ReferenceValues.from_toml(read.to_toml()) == read
    with pytest.raises(ReferenceValuesError, match="64, 96 or 128"):
        ReferenceValues.from_toml(f'{head}7 = ["{"ab" * 20}"]\n')
