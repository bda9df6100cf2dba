"""The rehearsal itself: it teaches, refuses, ends what it starts, takes the host's way to packages, and cleans up."""

from __future__ import annotations

import ast
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REHEARSE = ROOT / "docker" / "rehearse"
MODULES = ROOT / "docker" / "rehearsal"
NAMES = ("children", "host", "images", "bills", "inside", "steps")


@pytest.fixture
def rehearsal(monkeypatch):
    """Import the rehearsal's modules, which stand beside each other, and forget them again."""
    monkeypatch.syspath_prepend(str(MODULES))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield {name: importlib.import_module(name) for name in NAMES}
    for name in NAMES:
        sys.modules.pop(name, None)


def rehearse(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([REHEARSE, *arguments], capture_output=True, text=True, check=False, **options)


def test_its_help_teaches():
    done = rehearse("--help")
    assert done.returncode == 0
    for word in ("debootstrap", "--keep", "--debian", "--only", "--sbom", "Nothing is left behind", "exit status"):
        assert word in done.stdout


def test_wrong_arguments_are_said():
    done = rehearse("--debian", "11")
    assert done.returncode == 2
    assert "invalid choice: '11'" in done.stderr


def test_an_ordinary_user_is_told_what_is_missing(rehearsal, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(rehearsal["host"].os, "geteuid", lambda: 1000)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["docker/rehearse", "--work", str(tmp_path / "work")])
    assert load_main().main() == 3
    told = capsys.readouterr().err
    assert told.startswith("This cannot be rehearsed here. ")
    assert "Run it as root." in told


def test_what_is_missing_is_named_with_the_command(rehearsal, monkeypatch, tmp_path):
    host = rehearsal["host"]
    monkeypatch.setattr(host.os, "geteuid", lambda: 0)
    monkeypatch.setattr(host.shutil, "which", lambda name: "/usr/bin/tar" if name == "tar" else None)
    with pytest.raises(
        rehearsal["children"].CannotRehearseError, match=r"debootstrap, podman, runc or crun\. On Debian"
    ):
        host.prepare(tmp_path / "log")


def test_a_program_that_fails_is_quoted_and_one_that_hangs_is_ended(rehearsal, tmp_path):
    children = rehearsal["children"]
    log = tmp_path / "log"
    assert children.run(["echo", "hello"], log) == "hello\n"
    assert log.read_text() == "hello\n"
    with pytest.raises(children.RehearsalError, match=r"sh ended with 3\.\n    no more paper") as caught:
        children.run(["sh", "-c", "echo no more paper >&2; exit 3"], log)
    assert "hello" not in str(caught.value)
    pid = tmp_path / "pid"
    with pytest.raises(children.RehearsalError, match=r"sh took longer than 0\.5 s"):
        children.run(["sh", "-c", f"sleep 100 & echo $! > {pid}; wait"], log, seconds=0.5)
    assert not running(int(pid.read_text()))


def test_both_sides_of_a_pipe_have_to_succeed(rehearsal, tmp_path):
    children = rehearsal["children"]
    children.pipe(["echo", "x"], ["grep", "x"], tmp_path / "log", dict(os.environ))
    for source, sink in ((["false"], ["cat"]), (["echo", "x"], ["grep", "y"]), (["yes"], ["true"])):
        with pytest.raises(children.RehearsalError):
            children.pipe(source, sink, tmp_path / "log", dict(os.environ))


def running(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has buried yet does not."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state == "Z":
            return False
        time.sleep(0.1)
    return True


def test_the_base_gets_the_hosts_mirrors(rehearsal, monkeypatch):
    host = rehearsal["host"]
    told = "Packages Debian http://mirror.test/debian/\nPackages Debian-Security http://mirror.test/security/\nSources Debian x\nnonsense\n"
    monkeypatch.setattr(host.shutil, "which", lambda name: name)
    monkeypatch.setattr(host.subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 0, told, ""))
    found = host.mirrors()
    assert host.sources("trixie", found).splitlines() == [
        "deb http://mirror.test/debian trixie main",
        "deb http://mirror.test/debian trixie-updates main",
        "deb http://mirror.test/security trixie-security main",
    ]
    assert host.sources("trixie", host.Mirrors(None, None)) == ""


def test_pip_in_the_build_takes_the_hosts_index_but_not_its_files(rehearsal, monkeypatch, tmp_path):
    host = rehearsal["host"]
    own = tmp_path / "own.conf"
    own.write_text(
        "[global]\nindex-url = http://index.test/%20simple\nextra-index-url = file:///srv/x\nfind-links = /srv\ntimeout = 9\n"
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(own))
    monkeypatch.setenv("PIP_CERT", "/srv/certificates")
    monkeypatch.setenv("PIP_PROXY", "http://proxy.test")
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST"):
        monkeypatch.delenv(name, raising=False)
    mounts = host.build_mounts(tmp_path)
    assert (tmp_path / "pip.conf").read_text().splitlines() == [
        "[global]",
        "index-url = http://index.test/%20simple",
        "proxy = http://proxy.test",
        "cert = /run/host-certificates.crt",
    ]
    assert (tmp_path / "pip.conf").stat().st_mode & 0o777 == 0o600
    assert "/srv/certificates:/run/host-certificates.crt:ro" in mounts
    assert not any("/etc/ssl" in mount.partition(":")[2] for mount in mounts), "the image's own would be hidden"


def test_the_sources_are_what_git_would_keep(rehearsal, tmp_path):
    images = rehearsal["images"]
    tree = tmp_path / "tree"
    for name in ("labs/a.ipynb", "trustlab/b.py", ".venv/c", "trustlab/__pycache__/d"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text("x")
    (tree / "trustlab/link").symlink_to("../labs")
    kept = ["labs/a.ipynb", "trustlab/b.py", "trustlab/link"]
    images.copy_sources(tree, tmp_path / "without")
    assert files(tmp_path / "without") == kept
    subprocess.run(["git", "init", "-q", tree], check=True)
    (tree / ".gitignore").write_text(".venv\n__pycache__\n")
    images.copy_sources(tree, tmp_path / "with")
    assert files(tmp_path / "with") == [".gitignore", *kept]
    assert (tmp_path / "with/trustlab/link").is_symlink()


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink())


def test_a_container_may_no_more_than_was_promised(rehearsal):
    limits = " ".join(rehearsal["images"].LIMITS)
    for promise in (
        "--network none",
        "--memory 2g",
        "--memory-swap 2g",
        "--cpus 1",
        "--cap-drop all",
        "no-new-privileges",
        "--read-only",
        "--user 1000:1000",
    ):
        assert promise in limits
    assert "seccomp" not in limits, "the default filter"


@pytest.mark.parametrize(
    ("solution", "nothing", "wrong"),
    [
        (True, False, ""),
        (False, False, "its solution is not right: Look at the nonce"),
        (True, True, "no answer at all is right"),
    ],
)
def test_an_exercise_is_judged_by_its_solution_and_by_no_answer(rehearsal, monkeypatch, solution, nothing, wrong):
    classroom = type(sys)("trustlab.classroom")
    classroom.EXERCISES = {"ex01": type("Exercise", (), {"solution": "good"})}

    def check(name, answer):
        right = nothing if answer is None else solution
        return type("Verdict", (), {"right": right, "sentence": "Look at the nonce."})

    classroom.check = check
    monkeypatch.setitem(sys.modules, "trustlab.classroom", classroom)
    if wrong:
        with pytest.raises(SystemExit, match=wrong):
            rehearsal["inside"].exercise("ex01")
    else:
        assert rehearsal["inside"].exercise("ex01") == {"right": True}


def test_a_failed_step_fails_the_rehearsal_and_is_said(rehearsal, monkeypatch, capsys):
    report = rehearsal["steps"].Report()
    assert report.step("12", "good", lambda: {"mb": 5})
    assert not report.step("12", "large", lambda: {"mb": 900, "wrong": "Too large."})

    def broken() -> None:
        raise rehearsal["children"].RehearsalError("podman ended with 1.")

    assert not report.step("12", "broken", broken)
    told = capsys.readouterr().err
    assert "ok  mb 5" in told
    assert "FAILED  mb 900\nToo large." in told
    assert "podman ended with 1." in told
    assert [(one["name"], one["ok"]) for one in report.results] == [("good", True), ("large", False), ("broken", False)]


def load_main():
    specification = importlib.util.spec_from_file_location("rehearsal_main", MODULES / "__main__.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("only", "chosen"), [([], True), (["demo"], True), (["demo uml"], True), (["notebook"], False), (["none"], False)]
)
def test_only_chooses_by_how_a_name_begins(rehearsal, only, chosen):
    assert rehearsal["steps"].chosen("demo uml", only) is chosen


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_mounts_that_an_interrupted_debootstrap_left_are_removed(rehearsal, tmp_path):
    images = rehearsal["images"]
    place = tmp_path / "debian-12" / "proc"
    place.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "none", place], check=False, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    podman = object.__new__(images.Podman)
    podman.folder, podman.log, podman.environment, podman.driver = tmp_path, tmp_path / "log", dict(os.environ), "vfs"
    podman.runroot = tmp_path / "run"
    images.run = lambda *a, **k: ""  # no podman is needed to see the mount go
    try:
        podman.remove()
        left = str(place) in Path("/proc/self/mounts").read_text()
    finally:
        subprocess.run(["umount", place], check=False, capture_output=True)
    assert not left
    assert not place.exists()


def test_an_interrupted_rehearsal_ends_its_children_and_leaves_nothing(tmp_path):
    """A debootstrap that never ends, a podman that lists nothing: Ctrl-C in the middle."""
    if os.geteuid() != 0:
        pytest.skip("a rehearsal takes root")
    bins, work, pid = tmp_path / "bin", tmp_path / "work", tmp_path / "pid"
    bins.mkdir()
    scripts = {
        "debootstrap": f"mkdir -p $3/x; echo $$ > {pid}; exec sleep 300",
        "podman": "exit 0",
        "runc": "exit 0",
        "git": "exit 1",
    }
    for name, text in scripts.items():
        (bins / name).write_text(f"#!/bin/sh\n{text}\n")
        (bins / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{bins}:{os.environ['PATH']}"}
    command = [REHEARSE, "--debian", "12", "--work", str(work)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as child:
        while not (pid.exists() and pid.read_text().strip()):
            assert child.poll() is None, child.stderr.read()
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        _, told = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "Interrupted. Cleaning up." in told
    assert not running(int(pid.read_text()))
    assert [path.name for path in work.iterdir()] == ["log"]


def test_the_bills_name_tools_that_are_missing(rehearsal, tmp_path):
    with pytest.raises(rehearsal["children"].CannotRehearseError, match=r"cyclonedx-py and debsbom not in .*make sbom"):
        rehearsal["bills"].write(None, "localhost/x:debian12", tmp_path, tmp_path)


def test_inside_needs_nothing_but_the_images_python():
    body = ast.parse((MODULES / "inside.py").read_text("utf-8")).body
    names = {alias.name for node in body if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in body if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names
