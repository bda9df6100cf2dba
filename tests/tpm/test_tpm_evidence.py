"""Evidence, checked by tools that are not ours: tpm2_checkquote, tpm2_eventlog, tpm2_print."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from tpm_machine import CODE, IMAGE, POLICY, Machine

from trustlab.attest import (
    AppraisalPolicy,
    Evidence,
    Expected,
    ReferenceValues,
    Verifier,
    claim_event,
    parse_attest,
)
from trustlab.tpm import (
    EvidenceMaker,
    TpmResponseError,
    create_ak,
    create_ek,
    create_tls_key,
    enrol,
    key_binder,
    measure,
)

BINDER = hashlib.sha256(b"this very handshake").digest()


def maker_for(machine: Machine) -> EvidenceMaker:
    ek, ak = create_ek(machine.hypersafe), create_ak(machine.hypersafe)
    certificates = enrol(machine.hypersafe, ek, machine.maker.certify(ek.public), ak, machine.privacy_ca)
    return EvidenceMaker(machine.hypersafe, ak, certificates, machine.platform.event_log)


def checkquote(
    made: Evidence, maker: EvidenceMaker, folder: Path, *, binder: bytes = BINDER, signature: bytes = b""
) -> int:
    pem = maker.ak.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "ak.pem").write_bytes(pem)
    (folder / "quote").write_bytes(made.quote)
    (folder / "signature").write_bytes(signature or made.signature)
    (folder / "pcrs").write_bytes(b"".join(value for _, value in sorted(made.pcr_values.items())))
    numbers = ",".join(map(str, sorted(made.pcr_values)))
    line = ["tpm2_checkquote", "-u", "ak.pem", "-m", "quote", "-s", "signature", "-g", "sha256", "-q", binder.hex()]
    line += ["-f", "pcrs", "-l", f"sha256:{numbers}"]
    return subprocess.run(line, cwd=folder, capture_output=True, check=False, timeout=20).returncode


def test_tpm2_checkquote_accepts_our_quotes(machine: Machine, tmp_path: Path) -> None:
    maker = maker_for(machine)
    assert checkquote(maker.evidence(BINDER), maker, tmp_path) == 0
    assert checkquote(maker.evidence(BINDER, (17, 18, 19)), maker, tmp_path) == 0


def test_tpm2_checkquote_rejects_another_binder_a_damaged_signature_and_other_pcrs(
    machine: Machine, tmp_path: Path
) -> None:
    maker = maker_for(machine)
    made = maker.evidence(BINDER)
    assert checkquote(made, maker, tmp_path, binder=bytes(32)) != 0
    damaged = made.signature[:-1] + bytes([made.signature[-1] ^ 1])
    assert checkquote(made, maker, tmp_path, signature=damaged) != 0
    made.pcr_values[19] = bytes(32)
    assert checkquote(made, maker, tmp_path) != 0


def test_tpm2_eventlog_replays_our_log_to_the_tpms_pcrs(machine: Machine, tmp_path: Path) -> None:
    measure(machine.hypersafe, machine.platform.event_log, claim_event("antivirus.signatures", "2026-11-20"))
    (tmp_path / "log").write_bytes(machine.platform.event_log.encode())
    told = subprocess.run(
        ["tpm2_eventlog", tmp_path / "log"], capture_output=True, check=True, timeout=20, text=True
    ).stdout
    replayed = told[told.index("pcrs:") :].lower()
    for pcr, value in machine.hypersafe.pcr_read((17, 18, 19, 20)).items():
        assert f"{pcr} : 0x{value.hex()}" in " ".join(replayed.split())
        assert machine.platform.event_log.replay()[pcr] == value


def test_tpm2_print_reads_the_quote_as_we_do(machine: Machine, tmp_path: Path) -> None:
    made = maker_for(machine).evidence(BINDER)
    (tmp_path / "quote").write_bytes(made.quote)
    told = subprocess.run(
        ["tpm2_print", "-t", "TPMS_ATTEST", tmp_path / "quote"], capture_output=True, check=True, timeout=20, text=True
    ).stdout
    attest = parse_attest(made.quote)
    assert f"extraData: {BINDER.hex()}" in told
    assert f"resetCount: {attest.clock_info.reset_count}" in told
    assert json.dumps(attest.qualified_signer.hex())[1:-1] in told


def test_the_verifier_accepts_evidence_with_a_key(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "ecdsa")
    raw = maker_for(machine).evidence(BINDER, key=key).encode()
    references = ReferenceValues(
        version=1,
        hypersafe={hashlib.sha256(CODE).digest(): "HyperSafe 1"},
        launch_policies={hashlib.sha256(POLICY).digest(): "one VM"},
        images={IMAGE: "bank"},
    )
    verifier = Verifier([machine.privacy_ca.root], references, AppraisalPolicy())
    expected = Expected(binder=BINDER, key_spki=key.spki, key_binder=key_binder(key.spki))
    result = verifier.appraise(raw, expected)
    assert result.accepted, result.failed
    other = verifier.appraise(raw, Expected(binder=bytes(32), key_spki=key.spki, key_binder=key_binder(key.spki)))
    assert other.refused_by == "extraData"


def test_a_key_is_certified_once(machine: Machine) -> None:
    maker = maker_for(machine)
    key, another = create_tls_key(machine.hypersafe, "ecdsa"), create_tls_key(machine.hypersafe, "ecdsa")
    first, second = maker.evidence(BINDER, key=key), maker.evidence(bytes(32), key=key)
    assert first.key_attestation == second.key_attestation
    assert maker.evidence(BINDER, key=another).key_attestation != first.key_attestation
    assert len(machine.trace.select("tpm.command", name="TPM2_CertifyCreation")) == 2


def test_the_key_attestation_is_over_the_key_binder(machine: Machine) -> None:
    key = create_tls_key(machine.hypersafe, "ecdsa")
    made = maker_for(machine).evidence(BINDER, key=key).key_attestation
    assert made is not None
    assert parse_attest(made.attest).extra_data == key_binder(key.spki)


def test_the_key_binder_is_the_normative_one() -> None:
    vectors = Path(__file__).parents[3] / "shared" / "vectors" / "binders.json"
    if not vectors.exists():
        pytest.skip("../shared/vectors is not here")
    told = vectors.read_text()
    spki = bytes.fromhex(json.loads(told)["inputs"]["spki_S"])
    assert key_binder(spki).hex() in told


def test_pcr_values_follow_what_was_measured_since(machine: Machine) -> None:
    maker = maker_for(machine)
    before = maker.evidence(BINDER)
    measure(machine.hypersafe, machine.platform.event_log, claim_event("antivirus", "on"))
    after = maker.evidence(BINDER)
    assert before.pcr_values[20] != after.pcr_values[20] == machine.hypersafe.pcr_read((20,))[20]
    assert len(after.event_log) > len(before.event_log)


def test_a_measurement_that_the_tpm_refuses_leaves_no_event(machine: Machine) -> None:
    before = machine.platform.event_log.encode()
    with pytest.raises(TpmResponseError):
        measure(machine.alice, machine.platform.event_log, claim_event("antivirus", "on"))
    assert machine.platform.event_log.encode() == before


def test_evidence_says_nothing_of_secrets_in_its_repr(machine: Machine) -> None:
    assert repr(maker_for(machine)) == "<EvidenceMaker of HyperSafe on bank>"
