"""Real evidence from an emulated TPM, judged by us and by the distribution's own tools."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from hashlib import sha256

import pytest
from attest_cases import covers_every_octet
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustlab.attest import (
    AppraisalPolicy,
    BootCounters,
    Evidence,
    Expected,
    ReferenceValues,
    Verifier,
    attest_spans,
    claim_event,
    creation_data_spans,
    ek_key_of,
    evidence_spans,
    image_event,
    launch_nonce_event,
    launch_policy_event,
    parse_attest,
    parse_public,
    public_spans,
    signature_spans,
)
from trustlab.tpm import (
    EvidenceMaker,
    KeyPolicy,
    Platform,
    PrivacyCa,
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

CODE, BINDER = b"HyperSafe", bytes(range(32))
NONCE = bytes(range(32, 64))
IMAGE = bytes.fromhex("11" * 32)


class Bank:
    def __init__(self, platform: Platform) -> None:
        platform.launch(CODE, "HyperSafe 1.0")
        self.platform = platform
        self.client = platform.client("HyperSafe", locality=2)
        log = platform.event_log
        measure(self.client, log, launch_nonce_event(NONCE))
        measure(self.client, log, launch_policy_event(b"one VM"))
        measure(self.client, log, image_event(IMAGE, "bank 1.0"))
        measure(self.client, log, claim_event("antivirus.signatures", "2026-11-20"))
        maker = TpmMaker()
        policy = KeyPolicy.expected((17,), {17: launch_pcr(CODE)})
        self.ca = PrivacyCa([maker.root], ak_policies={policy.digest})
        ek = create_ek(self.client)
        certificate = maker.certify(ek.public)
        self.ek_key = ek_key_of(ek.spki)
        ak = create_ak(self.client)
        self.maker = EvidenceMaker(self.client, ak, enrol(self.client, ek, certificate, ak, self.ca), log)
        self.references = ReferenceValues(
            1,
            {log.events[0].digest: "HyperSafe 1.0"},
            {log.events[2].digest: "one VM"},
            {IMAGE: "bank 1.0"},
        )

    def verifier(self) -> Verifier:
        claims = ("antivirus.signatures >= 2026-11-01",)
        return Verifier(
            [self.ca.root],
            self.references,
            AppraisalPolicy(ek_keys=(self.ek_key,), claims=claims),
            last_reference_version=1,
        )


@pytest.fixture(scope="module")
def bank():
    with Platform("bank", Trace().party("bank")) as platform:
        yield Bank(platform)


@pytest.mark.parametrize("kind", ["rsa-decrypt", "rsa-sign", "ecdsa"])
def test_a_real_machine_with_a_real_key_is_accepted_by_every_check(bank: Bank, kind):
    key = create_tls_key(bank.client, kind)
    raw = bank.maker.evidence(BINDER, key=key).encode()
    counters = parse_attest(Evidence.decode(raw).quote).clock_info
    boot = BootCounters(counters.reset_count, counters.restart_count, sha256(NONCE).digest())
    expected = Expected(binder=BINDER, key_spki=key.spki, key_binder=key_binder(key.spki), boot=boot)
    result = bank.verifier().appraise(raw, expected)
    assert {c.verdict for c in result.checks} == {"pass"}
    assert result.pcrs == bank.client.pcr_read((17, 18, 19, 20))
    bank.client.flush(key)


def test_every_octet_of_real_evidence_has_a_name(bank: Bank):
    key = create_tls_key(bank.client, "rsa-decrypt")
    evidence = bank.maker.evidence(BINDER, key=key)
    attested = evidence.key_attestation
    for spans, raw in (
        (attest_spans, evidence.quote),
        (attest_spans, attested.attest),
        (signature_spans, evidence.signature),
        (public_spans, evidence.ak_public),
        (public_spans, attested.public),
        (creation_data_spans, attested.creation_data),
    ):
        assert covers_every_octet(spans(raw), raw)
    raw = evidence.encode()
    whole = evidence_spans(raw)
    assert covers_every_octet(whole, raw)
    binder = next(s for s in whole if s.name == "collection.quote.1.extraData")
    assert raw[binder.start : binder.end] == BINDER
    assert any(s.name == "collection.key-attestation.public.1.objectAttributes" for s in whole)
    assert any(s.name.startswith("collection.event-log.1.events[3]") for s in whole)
    bank.client.flush(key)


def checkquote(folder, evidence: Evidence, binder: bytes) -> bool:
    """Ask tpm2_checkquote, which wants the AK in PEM."""
    ak = parse_public(evidence.ak_public).public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    files = {"ak.pem": ak, "quote": evidence.quote, "signature": evidence.signature}
    for name, octets in files.items():
        (folder / name).write_bytes(octets)
    command = ["tpm2_checkquote", "-u", "ak.pem", "-m", "quote", "-s", "signature", "-q", binder.hex()]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def test_tpm2_checkquote_accepts_the_quote_we_accept(bank: Bank, tmp_path):
    evidence = bank.maker.evidence(BINDER)
    assert bank.verifier().appraise(evidence.encode(), Expected(binder=BINDER)).accepted
    assert checkquote(tmp_path, evidence, BINDER)


def test_tpm2_checkquote_rejects_another_binder_as_our_extra_data_does(bank: Bank, tmp_path):
    evidence = bank.maker.evidence(BINDER)
    assert bank.verifier().appraise(evidence.encode(), Expected(binder=bytes(32))).failed == ["extraData"]
    assert not checkquote(tmp_path, evidence, bytes(32))


@pytest.mark.parametrize("place", [4, 30, 60, 85, -1])
def test_tpm2_checkquote_rejects_an_edited_quote_as_our_signature_does(bank: Bank, tmp_path, place):
    evidence = bank.maker.evidence(BINDER)
    octets = bytearray(evidence.quote)
    octets[place] ^= 1
    edited = replace(evidence, quote=bytes(octets))
    assert not bank.verifier().appraise(edited.encode(), Expected(binder=BINDER)).accepted
    assert not checkquote(tmp_path, edited, BINDER)


def test_tpm2_eventlog_replays_the_machines_log_to_the_tpms_own_pcrs(bank: Bank, tmp_path):
    (tmp_path / "log").write_bytes(bank.platform.event_log.encode())
    run = subprocess.run(["tpm2_eventlog", tmp_path / "log"], capture_output=True, text=True, check=True)
    found = {
        int(pcr): bytes.fromhex(value)
        for pcr, value in re.findall(r"^ +(\d+) *: 0x(\w{64})$", run.stdout, re.MULTILINE)
    }
    assert found == bank.client.pcr_read((17, 18, 19, 20))


def test_openssl_follows_the_ak_certificate_to_the_same_anchor(bank: Bank, tmp_path):
    (leaf,) = bank.maker.evidence(BINDER).ak_certificates
    (tmp_path / "ak.der").write_bytes(leaf)
    (tmp_path / "ca.pem").write_bytes(bank.ca.root.public_bytes(Encoding.PEM))
    command = ["openssl", "verify", "-CAfile", tmp_path / "ca.pem", tmp_path / "ak.der"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().endswith("OK")


def test_tpm2_print_reads_a_real_attest_as_we_do(bank: Bank, tmp_path):
    evidence = bank.maker.evidence(BINDER)
    (tmp_path / "quote").write_bytes(evidence.quote)
    command = ["tpm2_print", "-t", "TPMS_ATTEST", tmp_path / "quote"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    attest = parse_attest(evidence.quote)
    for octets in (attest.qualified_signer, attest.extra_data, attest.attested.pcr_digest):
        assert octets.hex() in printed
    assert f"resetCount: {attest.clock_info.reset_count}" in printed
