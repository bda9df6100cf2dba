"""`trustlab doctor`: what works, why something does not, and what mends it; and `trustlab lab`'s folder."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from trustlab.cli import app, doctor_checks, packages
from trustlab.cli import lab as lab_command
from trustlab.cli.doctor_checks import Finding
from trustlab.cli.failure import Failure
from trustlab.tpm import TpmNotInstalled, tss

ROOT = Path(__file__).parent.parent
DOCTOR = sys.modules["trustlab.cli.doctor"]
LAB = sys.modules["trustlab.cli.lab"]
USES = {"demo", "lab", "uml", "qemu", "inspect", "verify"}
UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\n'
MINT = 'ID=linuxmint\nID_LIKE="ubuntu debian"\n'
RELEASES = {
    "debian": 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
    "fedora": "ID=fedora\nVERSION_ID=43\n",
    "arch": "ID=arch\nBUILD_ID=rolling\n",
}


def run(*words: str, environment: dict[str, str] | None = None, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "trustlab", *words]
    env = os.environ | (environment or {})
    return subprocess.run(command, env=env, input=given, capture_output=True, text=True, check=False)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    code = app(["doctor", "--json", *words], standalone_mode=False) or 0
    return code, json.loads(capsys.readouterr().out)


def names(answer: dict[str, object]) -> dict[str, dict[str, object]]:
    return {check["name"]: check for check in answer["checks"]}


def test_here_everything_works_that_the_tests_need(capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = told(capsys)
    assert code == 0
    assert set(answer) == {"works", "checks"}
    assert set(answer["works"]) == USES
    assert answer["works"] | {"uml": True} == dict.fromkeys(USES, True) | {"qemu": False}
    for check in answer["checks"]:
        assert set(check) == {"name", "ok", "needed_for", "sentence", "fix"}
        assert set(check["needed_for"]) <= USES
        assert check["sentence"].endswith(".")
        assert check["fix"] is None or not check["ok"]


def test_without_an_emulator_the_demo_does_not_work_and_the_package_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_name: str) -> str:
        raise TpmNotInstalled("not here")

    monkeypatch.setattr(sys.modules["trustlab.tpm.swtpm"], "find_program", missing)
    monkeypatch.setattr(packages, "family", lambda: "fedora")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    code, answer = told(capsys)
    assert code == 1
    assert answer["works"] == dict.fromkeys(USES, False) | {"inspect": True, "verify": True}
    assert names(answer)["swtpm"]["fix"] == "sudo dnf install -y swtpm"


@pytest.mark.parametrize(
    ("error", "fix"),
    [
        (
            ModuleNotFoundError("tpm2_pytss"),
            r"^apt-get update && apt-get install .* libtss2-dev && .* -m pip install .*tpm2-pytss>=",
        ),
        (
            ImportError("libtss2-esys.so.0: cannot open"),
            r"apt-get install .* libtss2-dev && .* --force-reinstall .*tpm2-pytss",
        ),
    ],
)
def test_without_a_tpm_library_what_compiles_it_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: ImportError, fix: str
) -> None:
    class Blocker:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "tpm2_pytss":
                raise error

    monkeypatch.delitem(sys.modules, "tpm2_pytss")
    monkeypatch.setattr(sys, "meta_path", [Blocker(), *sys.meta_path])
    monkeypatch.setattr(packages, "family", lambda: "debian")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    code, answer = told(capsys)
    assert code == 1
    assert not any(answer["works"][use] for use in ("demo", "lab", "uml"))
    found = names(answer)["tpm2-pytss"]
    assert re.search(fix, found["fix"])
    assert "libtss2-esys" not in found["sentence"], "a library's words"
    with pytest.raises(TpmNotInstalled, match=r"libtss2-dev.*pip install"):
        tss.library()


def test_an_extension_that_is_switched_off_is_found(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "labconfig").mkdir()
    (tmp_path / "labconfig" / "page_config.json").write_text('{"disabledExtensions": {"anywidget": true}}')
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    _, answer = told(capsys)
    found = names(answer)["inspector in JupyterLab"]
    assert (found["ok"], answer["works"]["lab"], answer["works"]["demo"]) == (False, False, True)
    assert found["fix"].endswith("-m jupyter labextension enable anywidget")


def test_an_extension_that_jupyterlab_does_not_find_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "_extensions", lambda: ({"@jupyter-widgets/jupyterlab-manager"}, set()))
    found = doctor_checks._widget()
    assert not found.ok
    assert "does not find the extension anywidget" in found.sentence
    assert "anywidget" in found.commands("debian")[0]


@pytest.mark.parametrize(
    ("known", "text"), [*RELEASES.items(), ("debian", UBUNTU), ("debian", MINT), (None, "ID=plan9\n"), (None, "")]
)
def test_the_distribution_is_read_from_os_release(known: str | None, text: str) -> None:
    assert packages.family(text) == known


@pytest.mark.parametrize("where", sorted(packages.INSTALL))
def test_all_packages_go_into_one_command(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    broken = [Finding(need, ok=False, needed_for=(), sentence=".", need=need) for need in packages.NAMES]
    lines = doctor_checks.commands([*broken, *broken], where)
    assert len(lines) == 1
    for need in packages.NAMES:
        for package in packages.packages(need, where):
            assert lines[0].split().count(package) == 1
    assert all(part.startswith("sudo ") for part in lines[0].split(" && "))


def test_what_a_distribution_does_not_have_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_checks, "why_not", lambda: "there is no kernel (apt-get install user-mode-linux).")
    for where in ("arch", None):
        found = next(one for one in doctor_checks.examine(where) if one.name == "User Mode Linux")
        assert found.commands(where) == []
        assert found.sentence.endswith("on Debian it is: user-mode-linux.")


def test_the_script_of_make_and_the_doctor_ask_for_the_same_packages() -> None:
    script = (ROOT / "scripts" / "system-packages").read_text()
    lists = dict(re.findall(r'^(\w+)="([^"$]*)"', script, re.MULTILINE))
    wanted = {name for need in ("swtpm", "tss") for name in packages.packages(need, "debian")}
    assert wanted | {"python3-venv"} == set(f"{lists['run']} {lists['build']}".split())
    assert packages.packages("uml", "debian") == lists["machines"].split()
    assert set(tss.PACKAGES.split()) == set(packages.packages("tss", "debian"))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A doctor that finds one thing amiss, which a command of our own mends."""
    mended = tmp_path / "mended"
    finding = Finding("swtpm", ok=False, needed_for=("demo",), sentence="It is not there.", need="swtpm")
    monkeypatch.setattr(DOCTOR, "examine", lambda _where: iter([finding]))
    monkeypatch.setattr(packages, "family", lambda: "debian")
    monkeypatch.setattr(packages, "INSTALL", {"debian": (f"cd {tmp_path}", "echo done > mended; true")})
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return mended


def test_fix_shows_its_commands_and_does_nothing_unless_somebody_agrees(
    broken: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with (ROOT / "LICENSE").open() as nothing:
        nothing.seek(0, os.SEEK_END)
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(Failure, match="nothing was changed"):
            app(["doctor", "--fix"], standalone_mode=False)
    assert "echo done > mended; true swtpm" in capsys.readouterr().err
    assert not broken.exists()


def test_fix_runs_its_commands_and_looks_again(broken: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = app(["doctor", "--fix", "--yes", "--json"], standalone_mode=False) or 0
    assert broken.exists()
    answer = json.loads(capfd.readouterr().out)  # a real doctor's, in a new process
    assert answer["works"]["demo"]
    assert code == 0


def test_fix_stops_at_a_command_that_fails(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packages, "INSTALL", {"debian": ("exit 7; true",)})
    with pytest.raises(Failure, match="exit code 7"):
        app(["doctor", "--fix", "--yes"], standalone_mode=False)
    assert not broken.exists()


def test_a_user_without_sudo_is_told_to_become_root(broken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(packages.shutil, "which", lambda _name: None)
    with pytest.raises(Failure, match="as root"):
        app(["doctor", "--fix", "--yes"], standalone_mode=False)
    assert not broken.exists()


# `trustlab lab`


def copied(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    app(["lab", str(folder), "--no-open"], standalone_mode=False)
    return capsys.readouterr().out


def test_the_notebooks_are_copied_with_the_pages_that_they_link_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    count = len(list((ROOT / "labs").glob("*.ipynb")))
    assert copied(folder, capsys).startswith(f"{count} notebooks were copied to {folder}.")
    for path in (ROOT / "labs").glob("*.ipynb"):
        text = (folder / path.name).read_text("utf-8")
        for link in re.findall(r"\]\(((?!https?:|#)[^)#]+)", text):
            assert (folder / link).is_file(), f"{path.name} links to {link}, which is not beside it"


def test_what_was_changed_is_kept_and_what_was_not_is_renewed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copied(tmp_path, capsys)
    mine, other = tmp_path / "00-start-here.ipynb", tmp_path / "tour-the-ladder.ipynb"
    mine.write_text("my answers")
    before = lab_command.__globals__["_sources"]()
    newer = {name: octets.replace(b"ladder", b"stairs") for name, octets in before.items()}
    monkeypatch.setattr(LAB, "_sources", lambda: newer)
    assert copied(tmp_path, capsys).splitlines() == [
        f"1 notebook was copied to {tmp_path}.",
        "Kept as you left them: 00-start-here.ipynb. Move one away to get it new.",
    ]
    assert mine.read_text() == "my answers"
    assert b"stairs" in other.read_bytes()
    assert not list(tmp_path.glob(".*.new"))

    mine.unlink()
    assert "1 notebook was copied" in copied(tmp_path, capsys)
    (tmp_path / ".trustlab-labs.json").write_text("not JSON")
    monkeypatch.setattr(LAB, "_sources", lambda: before)
    assert "Kept as you left them" in copied(tmp_path, capsys)  # nobody knows any more who wrote them
    assert b"stairs" in other.read_bytes()


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="name a folder that you can write to"):
        copied(tmp_path / "file", capsys)


def test_without_jupyterlab_the_line_for_pip_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LAB.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(Failure, match=r"-m pip install .*jupyterlab>="):
        app(["lab", str(tmp_path / "labs")], standalone_mode=False)
    assert not (tmp_path / "labs").exists()


def test_the_notebooks_of_a_clone_are_opened_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(os, "execve", lambda *words: started.append(words))
    monkeypatch.delenv("PYTHONSTARTUP", raising=False)
    before = sorted((ROOT / "labs").iterdir())
    app(["lab", str(ROOT / "labs")], standalone_mode=False)
    assert sorted((ROOT / "labs").iterdir()) == before
    ((program, command, environment),) = started
    assert program == sys.executable
    assert command[1:4] == ["-m", "jupyterlab", str(ROOT / "labs" / "00-start-here.ipynb")]
    assert Path(environment["PYTHONSTARTUP"]).is_file()
    assert ("--allow-root" in command) == (os.geteuid() == 0)


def test_both_commands_explain_themselves() -> None:
    assert "--no-open" in run("lab", "--help").stdout
    assert "--fix" in run("doctor", "--help").stdout
