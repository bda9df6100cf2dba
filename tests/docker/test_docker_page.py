"""The page about containers: each of its commands runs here, or a sentence says where else it was run."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "docker.md").read_text("utf-8")
COMMANDS = [
    line for block in re.findall(r"^```\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]
DOCKERFILE = (ROOT / "binder" / "Dockerfile").read_text("utf-8")
SETTINGS = (ROOT / "binder" / "jupyter_server_config.py").read_text("utf-8")


def run(line: str, folder: Path = ROOT) -> str:
    done = subprocess.run(["/bin/sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def set_badge(line: str, folder: Path) -> None:
    for name in ("Makefile", "README.md", "scripts/binder-link"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    run(line, folder)
    assert "/v2/gh/your-name/your-repository/HEAD" in (folder / "README.md").read_text("utf-8")


def say_help(line: str, _folder: Path) -> None:
    assert "--keep" in run(line)


def plan(line: str, _folder: Path) -> None:
    """What make would do: the programs are there. The rehearsal, the lists and the recording have tests of their own."""
    planned = run(line.replace("make ", "make --dry-run ", 1))
    for name in re.findall(r"\b(?:docker|docs|scripts)/[\w.-]+", planned):
        assert (ROOT / name).is_file(), name


def read_compose(line: str, _folder: Path) -> None:
    """Docker is seldom where tests run: the file is there and means something, and so do the variables."""
    file = re.search(r"-f (\S+)", line)[1]
    text = (ROOT / file).read_text("utf-8")
    assert yaml.safe_load(text)["services"]
    assert all(f"${{{name}:-" in text for name in re.findall(r"(\w+)=", line))
    if (
        shutil.which("docker")
        and subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode == 0
    ):
        run(f"docker compose -f {file} config")


def name_files(line: str, _folder: Path) -> None:
    """To build takes minutes; the rehearsal does it with the same file and the same context."""
    assert (ROOT / re.search(r"--file (\S+)", line)[1]).is_file()
    assert line.endswith(" .")


def publish(line: str, _folder: Path) -> None:
    assert "--publish 127.0.0.1:8888:8888" in line
    assert "EXPOSE 8888" in DOCKERFILE


WAYS: dict[str, Callable[[str, Path], None]] = {
    "make binder": set_badge,
    "docker/rehearse --help": say_help,
    "make ": plan,
    "podman build": name_files,
    "docker buildx build": name_files,
    "podman run": publish,
    "docker compose": read_compose,
    "TRUSTLAB_PORT=": read_compose,
}


def test_the_page_has_commands():
    assert len(COMMANDS) > 10


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_page(line, tmp_path):
    next(do for begins, do in WAYS.items() if line.startswith(begins))(line, tmp_path)


def test_files_and_targets_that_the_page_names_are_there():
    for name in set(re.findall(r"`((?:binder|docker|docs|labs|\.devcontainer)/[\w./-]*)`", PAGE)):
        assert (ROOT / name).exists(), name
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"`?make ([a-z]+)", PAGE)) <= targets


def test_the_page_states_the_limits_that_hold():
    (service,) = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text("utf-8"))["services"].values()
    assert f"{service['cpus']} CPUs, 2 GB and {service['pids_limit']:,} processes" in PAGE
    assert f"`{re.search('ARG BASE=(.*)', DOCKERFILE)[1]}`" in PAGE
    assert "TRUSTLAB_PORT" in SETTINGS


def test_every_way_says_whether_it_was_tried():
    rows = re.findall(r"^\| (?!way|---)(.+?) \| .+ \| (.+?) \|$", PAGE.partition("\n## ")[0], re.MULTILINE)
    assert len(rows) == 8
    assert all(re.search(r"\byes\b|\bno\b|see there", tried) for _, tried in rows)
