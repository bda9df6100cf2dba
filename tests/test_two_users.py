"""One user's processes, files and TPMs are out of another's reach on the same machine, as in a class on one server.

A student with the usual umask works in a home that others may enter. Another student tries to reach what is the
first one's. The first one tries too, so that we see that the attempts would find something.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import trustlab

if TYPE_CHECKING:
    from collections.abc import Iterator

STUDENT, OTHER = 310_000 + os.getpid() % 10_000 * 2, 310_001 + os.getpid() % 10_000 * 2
NEEDED = (Path(sys.executable), Path(sys.executable).resolve(), Path(trustlab.__file__))
CLOSED = [str(p) for path in NEEDED for p in (path, *path.parents) if not p.stat().st_mode & 0o001 and p != NEEDED[2]]
pytestmark = [
    pytest.mark.skipif(os.getuid() != 0, reason="only root can become two other users"),
    pytest.mark.skipif(bool(CLOSED), reason=f"other users cannot enter {' '.join(CLOSED)}"),
]

WORK = """
import json, sys, time
from pathlib import Path
from trustlab.cloud.world import World
from trustlab.inspector import Inspector
from trustlab.inspector.export import save_page
from trustlab.scenarios import acts
from trustlab.tpm import Swtpm

act = acts.plain_tls()
picture = Inspector(act.trace, secrets=True)
act.run()
files = [*act.save("trustlab-out"), save_page("page.html", act.trace, secrets=True)]
files += [picture.save_page("p.html"), picture.save_trace("t.jsonl"), picture.save_capture("c.pcapng")]
World(Path("lab"))
files += Path("lab").glob("*.pem")
tpm = Swtpm().start()
if sys.argv[1] == "uml":
    from trustlab.cloud import Cloud, Image, Ordinary
    cloud = Cloud("uml")
    cloud.__enter__()
    cloud.rent("idle", Image("idle", b"def start(guest): pass\\n", {"design": "plain-tls"}), Ordinary)
print(json.dumps({"files": [str(Path(f).absolute()) for f in files], "state": str(tpm.state)}), flush=True)
time.sleep(120)
"""

REACH = """
import ctypes, json, os, sys
from pathlib import Path

found = json.load(sys.stdin)
libc = ctypes.CDLL(None, use_errno=True)
reached = []

def attempt(what, action):
    try:
        action()
    except (OSError, EOFError):
        return
    reached.append(what)

def attach(pid):
    if libc.ptrace(16, pid, None, None) != 0:  # PTRACE_ATTACH
        raise OSError
    os.waitpid(pid, 0x40000000)  # __WALL
    libc.ptrace(17, pid, None, None)  # PTRACE_DETACH

def peek(pid):
    with open(f"/proc/{pid}/maps") as maps:
        start = int(maps.readline().split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "rb") as memory:
        memory.seek(start)
        if not memory.read(4):
            raise OSError

for pid in found["pids"]:
    proc = f"/proc/{pid}"
    attempt("descriptors", lambda: [os.readlink(f"{proc}/fd/{one}") for one in os.listdir(f"{proc}/fd")])
    attempt("open a descriptor", lambda: os.close(os.open(f"{proc}/fd/0", os.O_RDONLY)))
    attempt("environ", lambda: Path(f"{proc}/environ").read_bytes())
    attempt("memory", lambda: peek(pid))
    attempt("folder", lambda: os.listdir(f"{proc}/cwd"))
    attempt("signal", lambda: os.kill(pid, 0))
    attempt("ptrace", lambda: attach(pid))
for path in found["files"]:
    attempt(f"read {path}", lambda: Path(path).read_bytes())
    attempt(f"write {path}", lambda: os.close(os.open(path, os.O_WRONLY)))
attempt("state", lambda: os.listdir(found["state"]))
attempt("folder of the state", lambda: os.listdir(os.path.dirname(found["state"])))
attempt("replace the state", lambda: os.rename(os.path.dirname(found["state"]), found["state"] + "-mine"))
print(json.dumps(sorted(set(reached))))
"""


def as_user(uid: int, *words: str) -> list[str]:
    ids = (f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")
    return ["setpriv", *ids, sys.executable, "-c", *words]


@contextmanager
def at_work(substrate: str) -> Iterator[dict[str, object]]:
    """Let the student work; give what there is to reach."""
    common = Path(tempfile.mkdtemp(prefix="two-users-"))
    common.chmod(0o1777)
    home = common / "student"
    home.mkdir()
    home.chmod(0o755)
    os.chown(home, STUDENT, STUDENT)
    own = {"PATH": os.environ["PATH"], "HOME": str(home), "TMPDIR": str(common), "SECRET": "of the student"}
    try:
        with subprocess.Popen(
            as_user(STUDENT, WORK, substrate),
            cwd=home,
            env=own,
            umask=0o022,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        ) as student:
            try:
                assert student.stdout is not None
                line = student.stdout.readline()
                assert line, "the student's work failed"
                yield json.loads(line) | {"pids": processes_of(STUDENT)}
            finally:
                student.kill()
        until = time.monotonic() + 20
        while processes_of(STUDENT) and time.monotonic() < until:
            time.sleep(0.1)
        assert not processes_of(STUDENT)
    finally:
        for pid in processes_of(STUDENT):
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(common)


def processes_of(uid: int) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"Uid:\t{uid}\t" in (process / "status").read_text():
                found.append(int(process.name))
        except OSError:  # gone meanwhile
            continue
    return found


def reached_by(uid: int, found: dict[str, object]) -> set[str]:
    asked = subprocess.run(
        as_user(uid, REACH), input=json.dumps(found), capture_output=True, text=True, cwd="/", timeout=60, check=True
    )
    return set(json.loads(asked.stdout))


def listening(pids: list[int]) -> list[str]:
    """Return the addresses at which these processes can be called: TCP ports, and Unix sockets with a name."""
    mine = set()
    for pid in pids:
        for one in Path(f"/proc/{pid}/fd").iterdir():
            mine.add(str(one.readlink()))
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
        found += [f"{table} {row[1]}" for row in rows if f"socket:[{row[9]}]" in mine]
    rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    return found + [f"unix {row[7]}" for row in rows if len(row) > 7 and f"socket:[{row[6]}]" in mine]


@pytest.mark.parametrize("substrate", ["memory", pytest.param("uml", marks=[pytest.mark.machines, pytest.mark.long])])
def test_another_user_reaches_nothing(substrate: str) -> None:
    with at_work(substrate) as found:
        assert len(found["pids"]) >= (3 if substrate == "memory" else 6), "Python, a TPM, a janitor; a VM's processes"
        assert reached_by(OTHER, found) == set()
        assert listening(found["pids"]) == [], "TPMs, wires and VMs are spoken to over inherited descriptors alone"
        own = reached_by(STUDENT, found)
    assert {"descriptors", "environ", "folder", "signal", "state", "folder of the state"} <= own
    assert {f"read {path}" for path in found["files"]} <= own
