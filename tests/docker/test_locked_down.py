"""The lab in a real container, locked down as a pod of Binder is: the part of the rehearsal that takes under a minute.

No image is built: the container's root is this system's own, read-only under an overlay. `make rehearse` builds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("confined", "demo", "notebook 00")

pytestmark = [pytest.mark.machines, pytest.mark.long, pytest.mark.timeout(600)]


def why_not() -> str:
    """Say what is missing here; nothing is installed for this test."""
    if os.geteuid() != 0:
        return "a rehearsal takes root"
    lacking = [name for name in ("podman",) if not shutil.which(name)]
    if not (shutil.which("runc") or shutil.which("crun")):
        lacking.append("runc")
    if not (ROOT / ".venv/bin/python").exists():
        lacking.append("a .venv in the working tree")
    return f"not here: {', '.join(lacking)}" if lacking else ""


def test_confined_demo_machines_and_the_first_notebook(tmp_path):
    if reason := why_not():
        pytest.skip(reason)
    found, work = tmp_path / "found.json", tmp_path / "work"
    command = [ROOT / "docker/rehearse", "--here", "--work", work, "--only", *PARTS, "--json", found]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 3 and "cannot start a container" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[0])
    assert done.returncode == 0, done.stderr
    results = {one["name"]: one for one in json.loads(found.read_text("utf-8"))}
    assert list(results) == ["confined", "demo memory", "demo uml", "notebook 00-start-here.ipynb"]
    assert (results["confined"]["uid"], results["confined"]["memory_mb"], results["confined"]["cpu"]) == (
        1000,
        2048,
        1.0,
    )
    for demo in ("demo memory", "demo uml"):
        assert results[demo]["outcomes"] == ["succeeded", "completed", "refused"]
    assert [path.name for path in work.iterdir()] == ["log"], "it left something behind"
    assert str(work) not in Path("/proc/self/mounts").read_text("utf-8")
