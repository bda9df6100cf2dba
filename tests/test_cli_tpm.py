"""`trustlab tpm` and `trustlab verify`: boot one, play, quote, save; and judge what was saved."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives import serialization

from trustlab.attest import Evidence, parse_public

COMMAND = [sys.executable, "-m", "trustlab"]
WALK = "launch; measure hello; key; quote {binder}; save {folder}"
BINDER = sha256(b"a binder of mine").hexdigest()


def run(*arguments: str, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], input=said, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kept")
    done = run("tpm", "--run", WALK.format(binder=BINDER, folder=folder))
    assert done.returncode == 0, done.stderr + done.stdout
    return folder


def test_saved_evidence_is_accepted_with_every_check_told(kept):
    done = run("verify", str(kept))
    assert done.returncode == 0, done.stdout
    assert "accepted" in done.stdout
    assert "key provenance" in done.stdout


def test_the_result_is_there_as_json(kept):
    done = run("verify", str(kept), "--json")
    result = json.loads(done.stdout)
    assert (result["accepted"], result["refused_by"]) == (True, None)
    assert next(c for c in result["checks"] if c["name"] == "extraData")["found"] == BINDER


def test_another_binder_is_refused_by_name_and_octets(kept):
    done = run("verify", str(kept), "--binder", "00" * 32)
    assert done.returncode == 1
    assert "refused by extraData" in done.stdout
    assert BINDER in done.stdout


def test_an_image_that_nobody_published_is_refused(kept, tmp_path):
    references = (kept / "references.toml").read_text().replace(sha256(b"hello").hexdigest(), "ab" * 32)
    changed = tmp_path / "references.toml"
    changed.write_text(references)
    done = run("verify", str(kept), "--references", str(changed), "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["refused_by"] == "reference values"


def test_tpm2_checkquote_agrees(kept, tmp_path):
    evidence = Evidence.decode((kept / "evidence.cbor").read_bytes())
    key = parse_public(evidence.ak_public).public_key
    files = {
        "quote": evidence.quote,
        "signature": evidence.signature,
        "ak.pem": key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
    }
    for name, octets in files.items():
        (tmp_path / name).write_bytes(octets)
    for binder, code in ((BINDER, 0), ("00" * 32, 1)):
        done = subprocess.run(
            ["tpm2_checkquote", "-u", "ak.pem", "-m", "quote", "-s", "signature", "-q", binder],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            timeout=30,
        )
        assert done.returncode == code, done.stderr


@pytest.mark.parametrize("damage", [b"", b"garbage", b"\xa0"])
def test_damaged_evidence_is_refused_and_never_a_traceback(kept, tmp_path, damage):
    for file in kept.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "evidence.cbor").write_bytes(damage)
    done = run("verify", str(tmp_path))
    assert done.returncode == 1
    assert "evidence format" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_folder_that_is_not_there_is_said_to_be_missing_with_how_to_get_one(tmp_path):
    said = " ".join(run("verify", str(tmp_path / "nowhere")).stderr.split())
    assert said.startswith("trustlab: there is no ")
    assert '`trustlab tpm --run "launch; quote; save kept"`' in said


@pytest.mark.parametrize("octets", [1, 31, 33, 64])
def test_a_binder_that_is_not_32_octets_is_no_mismatch(kept, octets):
    done = run("verify", str(kept), "--binder", "00" * octets)
    assert done.returncode == 1
    assert f"--binder takes 64 hex digits (32 octets), not {2 * octets}" in " ".join(done.stderr.split())
    assert "extraData" not in done.stdout


def test_missing_files_and_nonsense_are_named(tmp_path):
    for arguments in (
        ("verify", str(tmp_path / "nowhere")),
        ("verify", str(tmp_path), "--binder", "xyz"),
        ("tpm", "--tpm", "moon"),
    ):
        done = run(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("trustlab: "), done.stderr
        assert "Traceback" not in done.stderr


def test_the_shell_goes_on_after_a_mistake_and_the_tpm_says_what_a_locality_may():
    done = run("tpm", said="extend 0x x\nbogus\nextend 16 hello\nreset 16\nlog\nquit\n")
    assert done.returncode == 0, done.stderr
    assert "no command 'bogus'" in done.stdout
    assert sha256(bytes(32) + sha256(b"hello").digest()).hexdigest() in done.stdout
    assert run("tpm", "--run", "reset 17").returncode == 1


def test_the_log_names_each_command_with_its_locality_and_the_launch_that_is_none():
    log = run("tpm", "--log", "--run", "launch; quote").stderr.splitlines()
    assert "    DRTM launch" in log
    quotes = [line.split() for line in log if "TPM2_Quote" in line]
    assert [line[:4] for line in quotes] == [["TPM2_Quote", "locality", "2", "TPM_RC_SUCCESS"]]
    assert float(quotes[0][4]) > 0
