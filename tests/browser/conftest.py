"""A JupyterLab of our own and the distribution's Chromium; both end with the test, and neither leaves the machine."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

LABS = Path(__file__).parents[2] / "labs"
expect.set_options(
    timeout=20_000
)  # milliseconds: a busy machine draws late; five seconds were too few beside other tests
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it listens, its token, its folder, its process, and where its programs put files."""

    port: int
    token: str
    folder: Path
    pid: int
    scratch: Path

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}/{path}?token={self.token}"


def chromium() -> str:
    found = os.environ.get("TRUSTLAB_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "no Chromium: install the package chromium, or set TRUSTLAB_CHROMIUM to a browser's path"
    return found


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    """Lend a browser to one module: an event loop belongs to it, which other tests must not meet."""
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=chromium(), args=options)
        yield browser
        browser.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(folder: Path, *, windowing: bool) -> None:
    """Have JupyterLab ask nobody for news, and render every cell unless it shall do what it does by default."""
    wanted: dict[str, dict[str, object]] = {
        "@jupyterlab/apputils-extension/notification": {"checkForUpdates": False, "fetchNews": "false"},
    }
    if not windowing:
        wanted["@jupyterlab/notebook-extension/tracker"] = {"windowingMode": "none"}
    for plugin, values in wanted.items():
        path = folder / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Lend a JupyterLab that renders every cell."""
    with running_lab(tmp_path, windowing=False) as lab:
        yield lab


@pytest.fixture
def lab_as_it_comes(tmp_path: Path) -> Iterator[Lab]:
    """Lend a JupyterLab with its own settings: a cell out of view is not there."""
    with running_lab(tmp_path, windowing=True) as lab:
        yield lab


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Lend one JupyterLab with its own settings to all tests of a module."""
    with running_lab(tmp_path_factory.mktemp("lab"), windowing=True) as lab:
        yield lab


@contextlib.contextmanager
def running_lab(tmp_path: Path, *, windowing: bool) -> Iterator[Lab]:
    folder = tmp_path / "labs"
    shutil.copytree(LABS, folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints", "trustlab-out"))
    settings(tmp_path / "settings", windowing=windowing)
    port, token = free_port(), secrets.token_hex(16)
    places = (
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "IPYTHONDIR",
        "JUPYTERLAB_WORKSPACES_DIR",
    )
    environment = dict(os.environ) | {name: str(tmp_path / name.lower()) for name in places}
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(tmp_path / "settings")
    scratch = tempfile.mkdtemp(prefix="tl-")  # short: the paths of sockets lie in it
    environment["TMPDIR"] = scratch
    command = [
        *("setpriv", "--pdeathsig", "TERM"),  # it goes when the tests go, even if they are killed
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={folder}"),
        *(f"--IdentityProvider.token={token}", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
    ]
    log = tmp_path / "jupyter.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        lab = Lab(port, token, folder, server.pid, Path(scratch))
        try:
            answers(server, lab, log)
            yield lab
        finally:
            end(server)
            shutil.rmtree(scratch, ignore_errors=True)


def answers(server: subprocess.Popen[bytes], lab: Lab, log: Path) -> None:
    deadline, url = time.monotonic() + 60, lab.url("api/status")
    while time.monotonic() < deadline:
        assert server.poll() is None, f"JupyterLab did not start:\n{log.read_text()}"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - ours
            assert answer.status == 200
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab does not answer:\n{log.read_text()}")


def end(server: subprocess.Popen[bytes]) -> None:
    """Ask the server to go, which ends its kernels too; what has not gone by then is killed."""
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(10)
