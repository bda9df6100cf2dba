"""The wheel and the source distribution: complete, and of use where neither a TPM library nor JupyterLab can be had.

Nothing comes over a network: the wheel goes into a new environment whose other packages are links to those of ours.
"""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
ROOT = Path(__file__).parent.parent
LEFT_OUT = re.compile(r"(?i)(tpm2_pytss|scapy|jupyterlab(?!_)|__editable__|trustlab|_tpm2|pip|setuptools|wheel)")
"""Packages that the new environment does without."""
NEEDS_A_TPM = (
    ("demo",),
    ("cloud", "--run", "quit"),
    ("matrix", "--design", "plain-tls"),
    ("ablation", "checks"),
    ("tamper", "plain-tls"),
    ("serve",),
    ("tpm", "--run", "pcrs"),
)


def done(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | environment
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def build(what: str, tree: Path, folder: Path) -> None:
    call = "import sys; from setuptools import build_meta as b; getattr(b, sys.argv[1])(sys.argv[2])"
    said = done([sys.executable, "-c", call, what, str(folder)], tree)
    assert said.returncode == 0, said.stderr[-3000:]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Build the source distribution from what git holds, and the wheel from that; return both."""
    folder = tmp_path_factory.mktemp("built")
    tree = folder / "tree"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, tree / name, follow_symlinks=False)
    build("build_sdist", tree, folder)
    (archive,) = folder.glob("*.tar.gz")
    unpacked = folder / "unpacked"
    unpacked.mkdir()
    subprocess.run(["tar", "-xzf", str(archive), "--strip-components=1"], cwd=unpacked, check=True)
    build("build_wheel", unpacked, folder)
    (wheel,) = folder.glob("*.whl")
    return archive, wheel


@pytest.fixture(scope="module")
def environment(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new virtual environment with the wheel, without tpm2-pytss, scapy and JupyterLab; returns its `bin`."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not LEFT_OUT.match(path.name):
            (packages / path.name).symlink_to(path)
    python = str(folder / "bin" / "python")
    install = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(built[1])]
    said = done([sys.executable, "-m", "pip", "--python", python, *install], folder)
    assert said.returncode == 0, said.stderr
    yield folder / "bin"
    shutil.rmtree(folder)


def test_the_source_distribution_holds_everything_that_git_holds(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[0]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wanted = {name for name in listed.splitlines() if name.split("/")[0] not in (".gitignore", ".github")}
    packed = {"trustlab/labs"}  # a link here; there, the files that it leads to
    assert wanted - names - packed == set()
    assert "trustlab/labs/00-start-here.ipynb" in names


def test_the_wheel_holds_the_package_and_the_notebooks(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[1]) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        told = email.message_from_bytes(archive.read(metadata))
    listed = subprocess.run(["git", "ls-files", "trustlab"], cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = {name for name in listed.stdout.splitlines() if "/src/" not in name and name != "trustlab/labs"}
    assert wanted - names == set()
    notebooks = {path.name for path in (ROOT / "labs").glob("*.ipynb")}
    assert {f"trustlab/labs/{name}" for name in notebooks} <= names
    assert any(name.endswith("/data/etc/ipython/startup/trustlab_startup.py") for name in names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name and ".data/" not in name} == {"trustlab"}
    assert told["License-Expression"] == "BSD-3-Clause"
    assert not any("scapy" in need and "extra ==" not in need for need in told.get_all("Requires-Dist"))


def test_it_installs_and_its_commands_run(environment: Path, tmp_path: Path) -> None:
    trustlab = str(environment / "trustlab")
    told = done([trustlab, "--help"], tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    for command in ("demo", "lab", "doctor", "inspect", "verify"):
        assert re.search(rf"\b{command}\b", told.stdout)
    told = done([trustlab, "lab", "--no-open"], tmp_path)
    assert told.returncode == 0, told.stderr
    copies = {path.name for path in (tmp_path / "trustlab-labs").glob("*.ipynb")}
    assert copies == {path.name for path in (ROOT / "labs").glob("*.ipynb")}


def test_without_jupyterlab_the_lab_says_what_to_install(environment: Path, tmp_path: Path) -> None:
    told = done([str(environment / "trustlab"), "lab"], tmp_path)
    assert told.returncode == 1
    assert re.search(r"-m pip install .*anywidget.*jupyterlab", " ".join(told.stderr.split()))


def test_the_doctor_works_without_a_tpm_library_and_names_it(environment: Path, tmp_path: Path) -> None:
    told = done([str(environment / "trustlab"), "doctor", "--json"], tmp_path)
    assert (told.returncode, told.stderr) == (1, "")
    answer = json.loads(told.stdout)
    assert {use for use, well in answer["works"].items() if well} == {"inspect", "verify"}
    missing = {check["name"]: check["fix"] for check in answer["checks"] if not check["ok"]}
    assert "pip install 'tpm2-pytss>=" in missing["tpm2-pytss"]
    assert {"JupyterLab", "scapy"} <= missing.keys()


@pytest.mark.parametrize("words", NEEDS_A_TPM, ids=lambda words: words[0])
def test_a_command_that_needs_a_tpm_says_which_package_and_how(
    environment: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    told = done([str(environment / "trustlab"), *words], tmp_path)
    said = " ".join((told.stderr + told.stdout).split())
    assert told.returncode == 1
    assert "tpm2-pytss is not installed" in said
    assert "apt-get install gcc pkg-config python3-dev libtss2-dev" in said
    assert "python3 -m pip install tpm2-pytss" in said
    assert "Traceback" not in said


def test_evidence_and_recordings_are_judged_without_a_tpm_library(environment: Path, tmp_path: Path) -> None:
    here = [sys.executable, "-m", "trustlab"]
    assert done([*here, "tpm", "--run", "launch; measure hello; quote; save kept"], tmp_path).returncode == 0
    assert done([*here, "demo", "--out", "out", "--json"], tmp_path).returncode == 0
    trustlab = str(environment / "trustlab")
    told = done([trustlab, "verify", "kept", "--json"], tmp_path)
    assert (told.returncode, told.stderr) == (0, "")
    assert json.loads(told.stdout)["accepted"] is True
    for name in ("trusted-passage.jsonl", "trusted-passage.pcapng"):
        told = done([trustlab, "inspect", f"out/{name}", "--json"], tmp_path)
        assert (told.returncode, told.stderr) == (0, ""), name
        assert json.loads(told.stdout)["connections"]


def test_without_scapy_live_packets_say_what_to_install(environment: Path, tmp_path: Path) -> None:
    program = (
        "from trustlab.capture import packets\nfrom trustlab.trace import Trace\n"
        "trace = Trace('t', 'memory')\ntrace.party('a').emit('frame', 'f', raw=bytes(60))\n"
        "try:\n    list(packets(trace.select('frame')))\nexcept Exception as error:\n"
        "    print(type(error).__name__, error)"
    )
    told = done([str(environment / "python"), "-c", program], tmp_path)
    assert told.stdout.startswith("CaptureError the Python package scapy is not installed")
    assert "pip install scapy" in told.stdout


def test_a_new_kernel_of_the_environment_knows_what_a_lab_makes(environment: Path, tmp_path: Path) -> None:
    """Nothing of ours was imported: the file that the wheel lays into IPython's start-up folder is what helps."""
    notebook = json.loads((ROOT / "labs" / "00-start-here.ipynb").read_text("utf-8"))
    cell = next("".join(cell["source"]) for cell in notebook["cells"] if cell["id"] == "act-1-check")
    command = [str(environment / "python"), "-m", "IPython", "--colors=NoColor", "--no-banner", "-c", cell]
    told = done(command, tmp_path, IPYTHONDIR=str(tmp_path / "ipython"))
    assert "NameError" in told.stdout + told.stderr
    assert "outcome_1 is made by a cell above" in told.stderr
