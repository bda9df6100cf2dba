"""README and the pages: every command in them is run, here or by the test that is named; files and options are there.

A page's blocks without a language hold commands, one a line. What this file does not know how to run fails, so a new
command needs a line in `ELSEWHERE`, or nothing if a shell can run it as it stands.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from trustlab import __version__
from trustlab.cli import app, packages

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
ROOT = Path(__file__).parent.parent
OWN = ("docker.md", "classes.md")
"""Pages with tests of their own beside what they are about."""
PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")] + [
    page
    for page in sorted((ROOT / "docs").rglob("*.md"))
    if page.name not in (*OWN, "attestation.template.md")
    and ROOT / "docs/site" not in page.parents  # parts of what Sphinx joins
]
TEXTS = {page.name: page.read_text("utf-8") for page in PAGES}
assert len(TEXTS) == len(PAGES), "two pages have one name"
PROGRAM = re.compile(r"(?:sudo |\.venv/bin/)?(?:trustlab|make|pip|python3?|tshark|docker|tpm2_\w+|openssl|\.) ?")
ELSEWHERE = {
    r"make (demo|test|lab|quick|fix|soak|bench|release)\b": "test_what_make_is_asked_for_is_there",
    r"pip install 'trustlab\[labs\]'": "tests/test_wheel.py",
    r"pip install --no-deps trustlab": "tests/test_wheel.py",
    r"pip install cbor2 ": "test_what_works_without_a_tpm_library_is_named",
    r"trustlab lab\b": "test_the_lab_opens_in_jupyterlab",
    r"trustlab (serve|connect)\b": "test_the_shells_of_the_page_about_passages",
    r"trustlab grade ": "tests/classroom/test_grade.py",
    r"trustlab inspect ": "tests/test_cli_inspect.py",
    r"trustlab alice\b": "tests/scenarios/test_proxy.py",
    r"trustlab ablation (checks|fields|rules|overlaps)": "tests/test_cli_rules.py",
    r"trustlab matrix --(without|design)": "tests/test_cli_matrix.py",
    r"\.venv/bin/python docs/offline_kit\.py": "tests/test_teaching.py",
    r"\.venv/bin/python docs/\w+\.py": "test_a_script_that_writes_a_page_is_there",
}
"""Commands that are not run as they stand, and the test that runs or holds them."""


def blocks(text: str) -> Iterator[list[str]]:
    """Yield the lines of each block without a language, without their remarks."""
    for language, block in re.findall(r"^```([^\n]*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        if not language:
            yield [line.partition("  #")[0].strip() for line in block.splitlines() if line.strip()]


def commands(text: str) -> list[str]:
    return [line for block in blocks(text) for line in block if PROGRAM.match(line)]


def elsewhere(command: str) -> str | None:
    return next((where for pattern, where in ELSEWHERE.items() if re.match(pattern, command)), None)


def shell(lines: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run lines in one shell whose `trustlab` and `python3` are this environment's."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-ec", lines], cwd=folder, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("name", [name for name, text in TEXTS.items() if commands(text)])
def test_every_command_runs(name: str, tmp_path: Path) -> None:
    """In one shell, in the order of the page."""
    assert commands(TEXTS[name])
    mine = [line for line in commands(TEXTS[name]) if elsewhere(line) is None]
    done = shell("\n".join(mine), tmp_path)
    assert done.returncode == 0, f"{mine}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_readme_is_run_here_and_not_only_elsewhere() -> None:
    mine = [line for line in commands(TEXTS["README.md"]) if elsewhere(line) is None]
    assert {"trustlab demo", "trustlab doctor", "trustlab demo --out kept"} <= set(mine)
    assert any(line.startswith("tshark -r kept/") for line in mine)


@pytest.mark.parametrize(("pattern", "where"), ELSEWHERE.items())
def test_what_is_run_elsewhere_is_on_a_page_and_the_place_is_there(pattern: str, where: str) -> None:
    assert any(re.match(pattern, line) for text in TEXTS.values() for line in commands(text)), "on no page any more"
    assert (ROOT / where).is_file() if "/" in where else where in globals()


def test_what_make_is_asked_for_is_there() -> None:
    asked = {target for text in TEXTS.values() for target in re.findall(r"(?:^|`)make (\w+)", text, re.MULTILINE)}
    assert {"demo", "test", "lab"} <= asked
    makefile = (ROOT / "Makefile").read_text()
    assert {target for target in asked if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_a_script_that_writes_a_page_is_there() -> None:
    asked = {name for text in TEXTS.values() for name in re.findall(r"python (docs/\w+\.py)", text)}
    assert {name for name in asked if not (ROOT / name).is_file()} == set()


@pytest.mark.parametrize("name", sorted(TEXTS.keys() - {"decisions.md"}))  # that one also tells what is gone
def test_a_command_within_a_sentence_has_the_options_that_it_is_given(name: str) -> None:
    for words in re.findall(r"`(?:\.venv/bin/)?trustlab ((?:[\w-]+)[^`]*)`", TEXTS[name]):
        command, *rest = words.split()
        told = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
        assert "Usage:" in told, f"there is no `trustlab {command}`"
        for option in (word.partition("=")[0] for word in rest if word.startswith("--") and len(word) > 2):
            assert option in told, f"`trustlab {command}` has no option {option}"


@pytest.mark.parametrize("name", TEXTS)
def test_what_a_page_links_to_is_there(name: str) -> None:
    page = next(page for page in PAGES if page.name == name)
    for link in re.findall(r"\]\(((?!https?:|#|mailto:)[^)#\s]+)", TEXTS[name]):
        target = (page.parent / link).resolve()
        assert target.exists() or target.name in OWN, f"{name} links to {link}"  # those come with their own parts


def headings(text: str) -> set[str]:
    found = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("name", TEXTS)
def test_the_headings_that_a_page_links_to_are_there(name: str) -> None:
    page = next(page for page in PAGES if page.name == name)
    for link, heading in re.findall(r"\]\((?!https?:)([^)#\s]*\.md)?#([\w-]+)\)", TEXTS[name]):
        target = (page.parent / link).resolve() if link else page
        assert heading in headings(target.read_text("utf-8")), f"{name} links to {link}#{heading}"


def test_readme_has_the_packages_of_every_distribution() -> None:
    text = TEXTS["README.md"]
    for where, start in (("debian", "apt-get install "), ("fedora", "dnf install "), ("arch", "pacman -S ")):
        named = set(re.search(rf"`sudo {start}([^`]*)`", text)[1].split())
        wanted = {name for need in ("swtpm", "tss") for name in packages.packages(need, where)}
        assert wanted <= named <= wanted | {"python3-venv"}


def test_what_works_without_a_tpm_library_is_named() -> None:
    line = next(line for line in commands(TEXTS["README.md"]) if line.startswith("pip install cbor2"))
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.match(r"[\w-]+", need)[0] for need in needs} - {"tpm2-pytss"} == set(line.split()[2:])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def background(line: str, folder: Path, ready: str) -> Iterator[None]:
    """Run a command until the block ends, from where it has printed `ready` on."""
    log = folder / "background.log"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["sh", "-c", f"exec {line}"], cwd=folder, env=os.environ | {"PATH": path, "HOME": str(folder)},
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    try:
        until = time.monotonic() + 240
        while ready not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.parametrize("n", [0, pytest.param(1, marks=pytest.mark.machines)], ids=["tcp", "in-vm"])
def test_the_shells_of_the_page_about_passages(n: int, tmp_path: Path) -> None:
    told = [block for block in blocks(TEXTS["passages.md"]) if block[0].startswith("trustlab serve")]
    assert len(told) == 2
    serve, *others = told[n]
    port = free_port()
    if n == 0:
        serve += f" --port {port}"
    with background(serve, tmp_path, "serving "):
        for line in others:
            done = shell(line.replace("4444", str(port)), tmp_path)
            assert done.returncode == 0, f"{line}: {done.stderr[-2000:]}"
            assert done.stdout.startswith("{"), line


def fetched(address: str) -> bytes:
    """Return what a server answers; it may say where it listens a little before it does."""
    until = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - ours
                return bytes(answer.read())
        except OSError:
            assert time.monotonic() < until, f"nobody answers at {address}"
            time.sleep(0.2)


def test_the_lab_opens_in_jupyterlab(tmp_path: Path) -> None:
    pytest.importorskip("jupyterlab")
    port = free_port()
    places = ["JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"]
    line = f"env {' '.join(f'{place}={tmp_path / place}' for place in places)} trustlab lab trustlab-labs -- "
    line += f"--no-browser --port={port} --ServerApp.port_retries=0 --IdentityProvider.token=known"
    with background(line, tmp_path, f"127.0.0.1:{port}/lab"):
        assert b"00-start-here.ipynb" in fetched(f"http://127.0.0.1:{port}/api/contents?token=known")
    assert (tmp_path / "trustlab-labs" / "00-start-here.ipynb").is_file()


def test_the_citation_can_be_read_and_agrees_with_the_package() -> None:
    told = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"cff-version", "message", "title", "authors"} <= told.keys(), "the format's required keys (CFF 1.2.0)"
    assert told["cff-version"] == "1.2.0"
    assert told["type"] in ("software", "dataset")
    assert str(told["version"]) == project["version"] == __version__
    assert told["license"] == project["license"] == "BSD-3-Clause"
    assert [one["name"] for one in told["authors"]] == [one["name"] for one in project["authors"]]
    assert "BSD 3-Clause" in (ROOT / "LICENSE").read_text()
    assert f"({project['version']})" in TEXTS["CHANGELOG.md"]


def test_no_other_licence_is_named_as_ours() -> None:
    for path in (ROOT / "README.md", ROOT / "pyproject.toml", ROOT / "CITATION.cff", ROOT / "LICENSE"):
        assert not re.search(r"(?i)licen[cs]e: *apache|Apache License", path.read_text("utf-8")), path
