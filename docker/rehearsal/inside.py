"""What runs in the locked-down container, by the image's own Python: one thing a call, its result a line of JSON.

    python inside.py list | confined | shipped | server | demo SUBSTRATE | notebook NAME | exercise ID

Exits with 1, and says on standard error why, if it did not come out as it should.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCES = Path(os.environ.get("TRUSTLAB_SOURCES", Path.home()))
"""Where labs/ and docs/ are: at home in the image, in the working tree where no image is."""

SCRATCH = Path("/tmp/rehearsal")  # noqa: S108 - the container's own
CGROUP = Path("/sys/fs/cgroup")
FIRST = "labs/00-start-here.ipynb"
PORT = 8888
STARTS_WITHIN = 180
CELL_SECONDS = 300


def have() -> dict[str, object]:
    """Name what can be rehearsed here: notebooks and exercises are found, not listed."""
    from trustlab.classroom import EXERCISES  # noqa: PLC0415 - the image's

    return {
        "notebooks": sorted(path.name for path in (SOURCES / "labs").glob("*.ipynb")),
        "exercises": list(EXERCISES),
        "machines": shutil.which("linux.uml") is not None,
    }


def confined() -> dict[str, object]:
    """Find that we are as locked in as was asked for."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    # The effective and the bounding set are empty, no setuid program helps, and a filter of system calls is on.
    found = {name: status[name] for name in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp")}
    expect(found == {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1", "Seccomp": "2"}, f"not locked: {found}")
    expect(os.getresuid() == (1000, 1000, 1000), f"runs as {os.getresuid()}")
    expect([path.name for path in Path("/sys/class/net").iterdir()] == ["lo"], "there is a network")
    for folder in (SOURCES, Path(sys.prefix), Path("/etc")):
        try:
            (folder / "rehearsal").touch()
        except OSError:
            continue
        raise SystemExit(f"{folder} can be written to")
    memory = int(cgroup("memory.max", "memory/memory.limit_in_bytes").split()[0])
    expect(memory <= 2 << 30, f"{memory} bytes of memory are allowed")
    quota, period = cgroup("cpu.max", "cpu/cpu.cfs_quota_us").split()[0], 100_000
    expect(int(quota) <= period, f"{quota} us of CPU time each {period} us are allowed")
    return {"uid": os.getuid(), "memory_mb": memory >> 20, "cpu": int(quota) / period}


def shipped() -> dict[str, object]:
    """Find that the image has what it promises: a home of the user's own, the installed package, bytecode."""
    import trustlab.inspector  # noqa: PLC0415 - the image's

    expect(Path.home().stat().st_uid == os.getuid(), "the home folder belongs to somebody else")
    expect(shutil.which("trustlab") == "/opt/venv/bin/trustlab", "there is no command")
    compiled = Path(trustlab.inspector.__file__).with_name("__pycache__")
    expect(any(compiled.glob("__init__.*.pyc")), "no bytecode is kept")
    expect(Path(trustlab.inspector.__file__).is_relative_to("/opt/venv"), "another trustlab than the installed one")
    return {"home": str(Path.home()), "python": sys.version.split()[0]}


def server() -> dict[str, object]:
    """Start JupyterLab as the image does, with a token that is kept, and open the first notebook's page."""
    kept = SCRATCH / "token"
    environment = {**os.environ, "JUPYTER_TOKEN_FILE": str(kept)}
    command = ["jupyter", "lab", f"--port={PORT}", "--ip=0.0.0.0", "--no-browser"]
    began = time.monotonic()
    with (SCRATCH / "server.log").open("wb") as log:
        child = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        page = lab_page(child, kept)
        seconds = time.monotonic() - began
    finally:
        child.terminate()
        child.wait(30)
    expect(page["url"].partition("?")[0].endswith(f"/lab/tree/{FIRST}"), f"it opens on {page['url']}")
    config = page["text"].partition('id="jupyter-config-data" type="application/json">')[2].partition("</script>")[0]
    disabled = json.dumps(json.loads(config)["disabledExtensions"])
    expect("@jupyterlab/apputils-extension:announcements" in disabled, f"it asks about news: {disabled}")
    single = subprocess.run(["jupyterhub-singleuser", "--version"], capture_output=True, text=True, check=True)
    return {"starts_s": round(seconds, 1), "jupyterhub": single.stdout.strip()}


def lab_page(child: subprocess.Popen[bytes], kept: Path) -> dict[str, str]:
    """Return address and text of the page that the server's root leads to; nobody gets it without the token."""
    root = f"http://127.0.0.1:{PORT}/"
    deadline = time.monotonic() + STARTS_WITHIN
    while True:
        try:
            with urllib.request.urlopen(f"{root}api", timeout=5):  # noqa: S310 - our own
                break
        except OSError:
            log = (SCRATCH / "server.log").read_text()
            expect(child.poll() is None and time.monotonic() < deadline, f"the server did not start:\n{log}")
            time.sleep(0.2)
    with urllib.request.urlopen(root, timeout=30) as answer:
        expect("/login" in answer.url, f"without a token one gets {answer.url}")
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with opener.open(f"{root}?token={kept.read_text()}", timeout=30) as answer:
        return {"url": answer.url, "text": answer.read().decode()}


def demo(substrate: str) -> dict[str, object]:
    """Play both acts by the command."""
    argv = [
        sys.executable,
        "-m",
        "trustlab",
        "demo",
        "--json",
        "--substrate",
        substrate,
        "--out",
        str(SCRATCH / substrate),
    ]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=False)
    expect(done.returncode == 0, f"trustlab demo ended with {done.returncode}: {done.stdout}")
    return {"outcomes": [act["outcome"] for act in json.loads(done.stdout)["acts"]]}


def notebook(name: str) -> dict[str, object]:
    """Run a notebook from top to bottom, in a copy of its folder that can be written to."""
    import nbformat  # noqa: PLC0415 - the image's
    from nbclient import NotebookClient  # noqa: PLC0415 - the image's

    for folder in ("labs", "docs"):
        shutil.copytree(SOURCES / folder, SCRATCH / folder)
    read = nbformat.read(SCRATCH / "labs" / name, as_version=4)
    where = {"metadata": {"path": str(SCRATCH / "labs")}}
    NotebookClient(read, timeout=CELL_SECONDS, kernel_name="python3", resources=where).execute()
    ran = [cell for cell in read.cells if cell.cell_type == "code" and cell.execution_count]
    expect(len(ran) == sum(cell.cell_type == "code" and bool(cell.source) for cell in read.cells), "cells did not run")
    return {"cells": len(ran)}


def exercise(name: str) -> dict[str, object]:
    """Have an exercise's check judge its own solution, and then no answer at all."""
    from trustlab.classroom import EXERCISES, check  # noqa: PLC0415 - the image's

    verdict, empty = check(name, EXERCISES[name].solution), check(name, None)
    expect(bool(verdict.sentence and empty.sentence), "the verdict says nothing")
    expect(verdict.right, f"its solution is not right: {verdict.sentence}")
    expect(not empty.right, f"no answer at all is right: {empty.sentence}")
    return {"right": verdict.right}


def expect(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads like assert
    if not holds:
        raise SystemExit(otherwise)


def cgroup(*names: str) -> str:
    """Return what the first of these files of our control group says: version 2 has other names than version 1."""
    return next(((CGROUP / name).read_text() for name in names if (CGROUP / name).exists()), "")


def used() -> dict[str, object]:
    """Return what this container took so far, as the kernel counts it, where it does."""
    taken: dict[str, object] = {}
    if peak := cgroup("memory.peak", "memory/memory.max_usage_in_bytes"):
        taken["peak_mb"] = round(int(peak) / 1e6)
    if nanoseconds := cgroup("cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage"):
        taken["cpu_s"] = round(int(nanoseconds) / 1e9, 1)
    elif statistics := cgroup("cpu.stat"):
        taken["cpu_s"] = round(int(statistics.split()[1]) / 1e6, 1)
    return taken


WAYS: dict[str, Callable[..., dict[str, Any]]] = {
    "list": have,
    "confined": confined,
    "shipped": shipped,
    "server": server,
    "demo": demo,
    "notebook": notebook,
    "exercise": exercise,
}

if __name__ == "__main__":
    SCRATCH.mkdir()
    began = time.monotonic()
    found = WAYS[sys.argv[1]](*sys.argv[2:])
    print(json.dumps({**found, "seconds": round(time.monotonic() - began, 1), **used()}))
