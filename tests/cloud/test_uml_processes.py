"""What is left when the owner is gone: nothing. What is needed: no privilege."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from uml_cases import IDLE, PYTHON, ROOT, gone, living

from trustlab.cloud import Cloud, Ordinary
from trustlab.cloud.uml.janitor import Janitor

pytestmark = pytest.mark.machines
SOAK = bool(os.environ.get("TRUSTLAB_SOAK"))
MOMENTS = [0.1 * n for n in range(5, 45)] if SOAK else [1.0, 3.5]
SETPRIV = "setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all --"
RENT = """
import sys, time
sys.path.insert(0, {tests!r})
from uml_cases import IDLE
from trustlab.cloud import Cloud, HyperSafe, Ordinary
with Cloud("uml") as cloud:
    machines = [cloud.rent("bank", IDLE, HyperSafe, wait=False), cloud.rent("shop", IDLE, Ordinary, wait=False)]
    for machine in machines:
        machine.start()
    print([machine.control("who") for machine in machines], flush=True)
    time.sleep({stay})
"""


def unprivileged() -> list[str]:
    """Return the rehearsal's line: as user 1000 where that user can read this checkout, else as root without powers."""
    line = SETPRIV.split()
    seen = subprocess.run(
        [*line, str(PYTHON), "-c", f"open({str(ROOT / 'pyproject.toml')!r})"], capture_output=True, check=False
    )
    if seen.returncode == 0:
        return line
    return [
        word
        for n, word in enumerate(line)
        if word not in ("--reuid", "--regid", "--clear-groups") and line[n - 1] not in ("--reuid", "--regid")
    ]


def program(stay: float) -> list[str]:
    return [PYTHON, "-B", "-c", RENT.format(tests=str(ROOT / "tests" / "cloud"), stay=stay)]


@pytest.fixture
def directory():
    """Make a plain directory that another user may enter: pytest keeps its own to their owner."""
    with tempfile.TemporaryDirectory(prefix="trustlab-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("moment", MOMENTS)
def test_kill_9_leaves_no_kernel_no_emulator_and_no_file(tmp_path, moment):
    process = subprocess.Popen(
        program(60), cwd=ROOT, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.DEVNULL
    )
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert gone(tmp_path), living(tmp_path)


def test_virtual_machines_run_for_a_user_without_any_privilege(directory):
    line = program(0)
    if os.geteuid() == 0:
        os.chown(directory, 1000, 1000)
        line = [*unprivileged(), *line]
    done = subprocess.run(
        line,
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(directory), "HOME": str(directory)},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.stdout == "['bank', 'shop']\n", done.stderr
    assert done.returncode == 0
    assert gone(directory)


def test_a_closed_cloud_leaves_no_process_and_no_descriptor():
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with Cloud("uml") as cloud:
        cloud.rent("bank", IDLE, Ordinary)
    before = descriptors()
    with Cloud("uml") as cloud:
        machine = cloud.rent("bank", IDLE, Ordinary)
        group = machine.pid
    assert descriptors() <= before
    with pytest.raises(ProcessLookupError):
        os.killpg(group, 0)


def test_the_janitor_ends_what_is_on_its_list_and_nothing_else():
    stays, goes = (subprocess.Popen(["sleep", "60"], start_new_session=True) for _ in range(2))
    try:
        janitor = Janitor()
        for process in (stays, goes):
            janitor.add(process.pid)
        janitor.drop(stays.pid)
        janitor.close()
        assert goes.wait(10) == -signal.SIGKILL
        assert stays.poll() is None
    finally:
        stays.kill()
        stays.wait()


if SOAK:  # the whole set once more, as a user without privilege

    @pytest.mark.timeout(900)
    def test_the_whole_set_passes_for_a_user_without_any_privilege(directory):
        line = [PYTHON, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/cloud", "-k", "uml"]
        if os.geteuid() == 0:
            os.chown(directory, 1000, 1000)
            line = [*unprivileged(), *line]
        surroundings = {k: v for k, v in os.environ.items() if k != "TRUSTLAB_SOAK"}
        surroundings |= {"TMPDIR": str(directory), "HOME": str(directory)}
        done = subprocess.run(
            line, cwd=ROOT, env=surroundings, capture_output=True, text=True, timeout=800, check=False
        )
        assert done.returncode == 0, done.stdout[-3000:]
