"""`trustlab verify` with the files of tpm2-tools, made here with the real tools against an emulator; no silent yes."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from trustlab.attest import ReferenceValuesError, parse_public
from trustlab.attest.structures import PcrSelection, parse_attest
from trustlab.attest.toolfiles import read_pcr_values, read_public, read_quote, read_signature, serialised
from trustlab.cli import app
from trustlab.cli.demands import revocations_in
from trustlab.cli.failure import Failure
from trustlab.cli.sign import sign
from trustlab.cli.tpm import tpm
from trustlab.cloud import World
from trustlab.tpm import TpmMaker

TOOLS = ("swtpm", "tpm2_createek", "tpm2_createak", "tpm2_quote", "tpm2_readpublic", "tpm2_pcrread", "tpm2_checkquote")
MISSING = [tool for tool in TOOLS if shutil.which(tool) is None]
needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"not installed here: {', '.join(MISSING)} (Debian: tpm2-tools)")
NONCE = "ab" * 32
PCRS = (0, 1, 7)


class Bench:
    """An emulated TPM, and tpm2-tools that talk to it; the emulator ends with the test."""

    def __init__(self, place: Path) -> None:
        self.place = place
        (place / "state").mkdir()
        socket = place / "sock"
        self.swtpm = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={place}/state", "--server", f"type=unixio,path={socket}", "--ctrl", f"type=unixio,path={socket}.ctrl",
             "--flags", "startup-clear,not-need-init"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not socket.exists():
            time.sleep(0.02)
        self.environment = {**os.environ, "TPM2TOOLS_TCTI": f"swtpm:path={socket}"}

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.place, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def flush(self) -> None:
        self.run("tpm2_flushcontext", "-t")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory):
    place = tmp_path_factory.mktemp("b")
    made = Bench(place)
    try:
        made.run("tpm2_createek", "-c", "ek.ctx", "-G", "ecc", "-u", "ek.pub")
        made.flush()
        made.run(
            "tpm2_createak", "-C", "ek.ctx", "-c", "ak.ctx", "-G", "ecc", "-g", "sha256", "-s", "ecdsa", "-u", "ak.pub"
        )
        made.flush()
        made.run("tpm2_readpublic", "-c", "ak.ctx", "-f", "pem", "-o", "ak.pem")
        made.flush()
        made.run("tpm2_pcrextend", f"0:sha256={'11' * 32}")
        selection = "sha256:" + ",".join(map(str, PCRS))
        quote = ("tpm2_quote", "-c", "ak.ctx", "-l", selection, "-q", NONCE, "-g", "sha256")
        made.run(*quote, "-m", "q.msg", "-s", "q.sig", "-o", "q.pcrs")
        made.flush()
        made.run(*quote, "-m", "plain.msg", "-s", "plain.sig", "-f", "plain", "-o", "values.pcrs", "-F", "values")
        made.flush()
        (place / "printed.pcrs").write_text(made.run("tpm2_pcrread", selection, "-o", "read.pcrs"))
        (place / "policy.toml").write_text(f"pcrs = {list(PCRS)}\n")
        values = read_pcr_values((place / "q.pcrs").read_bytes(), parse_attest((place / "q.msg").read_bytes()))
        lines = "".join(f'{pcr} = ["{value.hex()}"]\n' for pcr, value in values.items())
        empty = "version = 3\n[hypersafe]\n[launch-policies]\n[images]\n"
        (place / "references.toml").write_text(f"{empty}[pcrs]\n{lines}")
        ek = parse_public((place / "ek.pub").read_bytes()[2:])
        maker = TpmMaker()
        (place / "ek.crt").write_bytes(maker.certify(ek.raw) + b"\xff" * 300)
        (place / "maker.pem").write_text(maker.root_pem)
        (place / "other.pem").write_text(TpmMaker("another maker").root_pem)
        yield made
    finally:
        made.swtpm.kill()
        made.swtpm.wait()


def verify(*arguments: object) -> tuple[int, dict]:
    """Run the command in this process; return its exit code and what its JSON says."""
    done = CliRunner().invoke(app, ["verify", "--json", *map(str, arguments)])
    if done.exit_code not in {0, 1, 3} or not done.stdout.startswith("{"):
        return done.exit_code, {"error": str(done.exception or done.output)}
    return done.exit_code, json.loads(done.stdout)


def files(bench: Bench, **changes: str) -> list[str]:
    """Return the options for the bench's files; a changed one is another file, an empty one is left out."""
    chosen = {
        "quote": "q.msg", "signature": "q.sig", "ak": "ak.pub", "pcrs": "q.pcrs", "policy": "policy.toml",
        "references": "references.toml", **changes,
    }  # fmt: skip
    options = [part for name, file in chosen.items() if file for part in (f"--{name}", str(bench.place / file))]
    return [*options, "--binder", NONCE]


def verdicts(told: dict) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in told["checks"]}


OTHER = ("--profile", "other-ak")


@needs_tools
@pytest.mark.parametrize("pcrs", ["q.pcrs", "values.pcrs", "read.pcrs", "printed.pcrs"])
def test_what_tpm2_tools_write_is_accepted_and_what_is_not_known_is_said(bench: Bench, pcrs: str) -> None:
    code, told = verify(*files(bench, pcrs=pcrs), *OTHER)
    assert (code, told["verdict"], told["unproved"]) == (0, "accepted", [])
    assert verdicts(told)["AK chain"] == "not demanded"
    sentences = " ".join(check["sentence"] for check in told["checks"])
    assert "it is not known that it lives in a genuine TPM" in sentences
    assert "It was not compared" in sentences


@needs_tools
def test_a_bare_signature_is_read_and_a_bare_key_leaves_the_ak_unknown(bench: Bench) -> None:
    code, told = verify(*files(bench, quote="plain.msg", signature="plain.sig"), *OTHER)
    assert (code, verdicts(told)["AK public area"]) == (0, "pass")
    code, told = verify(*files(bench, ak="ak.pem"), *OTHER)
    assert (code, verdicts(told)["AK public area"]) == (0, "not demanded")


@needs_tools
def test_without_a_profile_an_ak_that_nobody_certifies_is_refused(bench: Bench) -> None:
    code, told = verify(*files(bench), "--profile", "firmware")
    assert (code, told["verdict"], told["refused_by"]) == (1, "refused", "AK chain")
    assert "there is no certificate for it" in told["checks"][1]["sentence"]


@needs_tools
@pytest.mark.parametrize(
    ("changes", "binder", "refused_by"),
    [
        ({"signature": "plain.sig"}, NONCE, "signature"),
        ({}, "cd" * 32, "extraData"),
        ({"references": ""}, NONCE, "log equals pcrDigest"),
        ({"pcrs": ""}, NONCE, "log equals pcrDigest"),
        ({"policy": ""}, NONCE, "selection and bank"),
    ],
)
def test_what_does_not_fit_is_refused(bench: Bench, changes: dict, binder: str, refused_by: str) -> None:
    code, told = verify(*files(bench, **changes)[:-1], binder, *OTHER)
    assert code == 1
    assert refused_by in told["failed"]


@needs_tools
def test_the_ek_certificate_says_in_whose_tpm_the_ak_lives(bench: Bench) -> None:
    def judged(root: str, *more: str) -> tuple[int, str, str]:
        code, told = verify(*files(bench, certificates="ek.crt", root=root), *OTHER, *more)
        check = next(c for c in told["checks"] if c["name"] == "machine pinned")
        return code, check["verdict"], check["sentence"]

    code, verdict, sentence = judged("maker.pem")
    assert (code, verdict) == (0, "pass")
    assert "is the AK's parent" in sentence
    code, verdict, sentence = judged("other.pem")
    assert (code, verdict) == (1, "fail")
    assert "no TPM maker that we trust" in sentence


@needs_tools
def test_another_tpms_ek_certificate_is_refused(bench: Bench) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    from trustlab.attest.build import build_public  # noqa: PLC0415

    maker = TpmMaker()
    stranger = maker.certify(build_public(ec.generate_private_key(ec.SECP256R1()).public_key(), 0))
    (bench.place / "stranger.crt").write_bytes(stranger)
    (bench.place / "its.pem").write_text(maker.root_pem)
    code, told = verify(*files(bench, certificates="stranger.crt", root="its.pem"), *OTHER)
    assert (code, told["refused_by"]) == (1, "machine pinned")


@needs_tools
def test_tpm2_tools_read_what_tpm_save_writes(tmp_path: Path, bench: Bench) -> None:
    done = CliRunner().invoke(app, ["tpm", "--run", f"launch; measure hello; quote {NONCE}; save {tmp_path}/kept"])
    assert done.exit_code == 0, done.output
    bench.run("tpm2_checkquote", "-u", f"{tmp_path}/kept/ak.pem", "-m", f"{tmp_path}/kept/quote.msg", "-s",
              f"{tmp_path}/kept/quote.sig", "-f", f"{tmp_path}/kept/quote.pcrs", "-q", NONCE)  # fmt: skip
    printed = bench.run("tpm2_print", "-t", "TPMS_ATTEST", f"{tmp_path}/kept/quote.msg")
    assert NONCE in printed
    bench.run("tpm2_print", "-t", "TPM2B_PUBLIC", f"{tmp_path}/kept/ak.pub")
    assert "sha256" in bench.run("tpm2_eventlog", f"{tmp_path}/kept/event.log")
    kept = tmp_path / "kept"
    code, told = verify(
        "--quote", kept / "quote.msg", "--signature", kept / "quote.sig", "--ak", kept / "ak.pub",
        "--event-log", kept / "event.log", "--pcrs", kept / "quote.pcrs", "--certificates", kept / "ak-certificates.pem",
        "--policy", kept / "policy.toml", "--references", kept / "references.toml", "--root", kept / "privacy-ca.pem",
        "--binder", NONCE,
    )  # fmt: skip
    assert (code, told["accepted"]) == (0, True), told


# no silent yes


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("k") / "kept"
    done = CliRunner().invoke(app, ["tpm", "--run", f"launch; measure hello; key; quote {NONCE}; save {folder}"])
    assert done.exit_code == 0, done.output
    return folder


def test_a_binder_of_ones_own_keeps_the_saved_key(kept: Path) -> None:
    code, told = verify(kept, "--binder", NONCE)
    assert code == 0
    assert {verdicts(told)[name] for name in ("key identity", "key provenance", "key policy", "one AK for both")} == {
        "pass"
    }
    assert told["unproved"] == ["event-log.value.events[0]", "event-log.value.events[1].event"]


def test_without_a_check_there_is_no_verdict(kept: Path) -> None:
    for more in ((), ("--binder", "cd" * 32)):
        code, told = verify(kept, "--without", "claims", *more)
        assert (code, told["accepted"], told["verdict"]) == (3, False, "not a verdict")
    said = CliRunner().invoke(app, ["verify", str(kept), "--without", "claims"])
    assert said.exit_code == 3
    assert "not a verdict" in said.output
    assert "\naccepted" not in said.output


def test_a_damaged_expectation_is_not_passed_over(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "kept")
    (tmp_path / "kept/expected.json").write_text("{")
    code, told = verify(tmp_path / "kept", "--binder", NONCE)
    assert code == 1
    assert "does not say what to expect" in told["error"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--quote", "q"), "--quote needs --signature, --ak and --binder"),
        (("kept", "--ak", "a"), "--ak without --quote"),
        (("kept", "--profile", "best"), "'best' is none of: hypersafe, firmware, other-ak"),
    ],
)
def test_arguments_that_do_not_go_together_are_bad_arguments(arguments: tuple, said: str) -> None:
    with pytest.raises(typer.BadParameter, match=said):
        app(["verify", *arguments], standalone_mode=False)


@needs_tools
@pytest.mark.parametrize(
    "name", ["q.msg", "q.sig", "ak.pub", "q.pcrs", "references.toml", "policy.toml", "ek.crt", "maker.pem"]
)
def test_a_damaged_file_gives_a_sentence_and_no_traceback(bench: Bench, tmp_path: Path, name: str) -> None:
    for file in bench.place.glob("*.*"):
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    whole = (bench.place / name).read_bytes()
    place = Bench.__new__(Bench)
    place.place = tmp_path
    for damage in (
        b"",
        whole[: len(whole) // 2],
        bytes(len(whole)),
        whole[:9] + b"\xff" + whole[10:],
        b"-----BEGIN " + whole,
    ):
        (tmp_path / name).write_bytes(damage)
        done = CliRunner().invoke(app, ["verify", *files(place, certificates="ek.crt", root="maker.pem"), *OTHER])
        said = f"{done.output} {done.exception}"
        assert done.exit_code in {0, 1}, said
        assert type(done.exception).__name__ not in {
            "ValueError",
            "KeyError",
            "TypeError",
            "IndexError",
            "OverflowError",
        }, said
        assert "itself failed" not in said
        assert "msgspec" not in said


# the forms, without tools


def test_pcr_values_are_written_as_they_are_read() -> None:
    values = {pcr: bytes([pcr]) * 32 for pcr in (0, 2, 4, 7, 8, 9, 10, 11, 12, 23)}
    octets = serialised(PcrSelection(11, tuple(values)), values)
    assert len(octets) == 132 + 4 + 2 * 532
    from trustlab.attest.structures import Attest, ClockInfo, QuoteInfo  # noqa: PLC0415

    info = QuoteInfo((PcrSelection(11, tuple(values)),), b"")
    quote = Attest(b"", 0, 0, b"", b"", ClockInfo(0, 0, 0, safe=True), 0, info)
    assert read_pcr_values(octets, quote) == values
    assert read_pcr_values(b"".join(values.values()), quote) == values
    text = "pcrs:\n  sha1:\n    0 : 0x00\n  sha256:\n" + "".join(
        f"    {p:2} : 0x{v.hex().upper()}\n" for p, v in values.items()
    )
    assert read_pcr_values(text.encode(), quote) == values


@needs_tools
def test_the_ak_is_read_in_every_form(bench: Bench) -> None:
    tss = (bench.place / "ak.pub").read_bytes()
    area, bare = read_public(tss)
    assert not bare
    assert read_public(tss[2:]) == (area, False)
    key = parse_public(area).public_key
    from cryptography.hazmat.primitives.serialization import PublicFormat  # noqa: PLC0415

    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    for octets in ((bench.place / "ak.pem").read_bytes(), der):
        made, bare = read_public(octets)
        assert bare
        assert parse_public(made).public_key == key
    quote = (bench.place / "q.msg").read_bytes()
    assert read_quote(len(quote).to_bytes(2, "big") + quote) == read_quote(quote) == quote
    plain = (bench.place / "plain.sig").read_bytes()
    message = (bench.place / "plain.msg").read_bytes()
    assert read_signature(plain, area, message)[:4] == bytes.fromhex("0018000b")


@needs_tools
def test_the_pages_commands_run_as_they_are_printed(bench: Bench, tmp_path: Path) -> None:
    page = (Path(__file__).parents[1] / "docs/attestation.md").read_text(encoding="utf-8")
    scripts = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(scripts) == 2
    bench.flush()
    program = tmp_path / "trustlab"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m trustlab "$@"\n')
    program.chmod(0o755)
    environment = {**bench.environment, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for script in scripts:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr + done.stdout
    assert "accepted" in done.stdout


def test_a_memory_remembers_what_verify_accepted_and_refuses_what_goes_back(tmp_path: Path) -> None:
    with contextlib.suppress(SystemExit, typer.Exit):
        walk = "launch; measure hello; quote; save "
        tpm(run=f"{walk}{tmp_path / 'one'}; {walk}{tmp_path / 'two'}")
    memory = tmp_path / "memory"
    for folder in ("one", "one", "two"):
        assert verify(tmp_path / folder, "--memory", memory)[0] == 0
    assert len(json.loads(memory.read_text())["machines"]) == 1
    code, told = verify(tmp_path / "one", "--memory", memory)
    assert (code, told["failed"]) == (1, ["boot continuity"])
    done = CliRunner().invoke(app, ["verify", str(tmp_path / "two"), "--memory", str(memory), "--without", "signature"])
    assert done.exit_code == 2


def test_a_revocation_list_needs_its_publisher(tmp_path: Path) -> None:
    (tmp_path / "list.toml").write_text("version = 1\nexpires = 2100-01-01T00:00:00Z\n")
    sign(tmp_path / "list.toml", lab=tmp_path / "lab", out=tmp_path / "signed.toml")
    key = World(tmp_path / "lab").publisher.public_key()
    (tmp_path / "bob.pub").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert revocations_in(tmp_path / "signed.toml", (), tmp_path / "bob.pub").listed.version == 1
    with pytest.raises(Failure, match="--revoked needs --publisher"):
        revocations_in(tmp_path / "signed.toml", (), None)
    with pytest.raises(Failure, match="does not hold a public key in PEM"):
        revocations_in(tmp_path / "signed.toml", (), tmp_path / "list.toml")
    (tmp_path / "other.toml").write_text("nothing = 1\n")
    with pytest.raises(ReferenceValuesError):
        sign(tmp_path / "other.toml", lab=tmp_path / "lab")
