"""Start a JupyterHub for a class, and end it with all that it started, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import aiohttp

from benchmarks.usage import end_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


ROOT = Path(__file__).resolve().parent.parent
FIRST_UID = 310_000
"""Far above the numbers of accounts. A class must not meet another: it takes the first run of free ones."""
START_SECONDS = 120
STOP_SECONDS = 20
_JANITOR = """
read -r _
n=0
while pids=$(grep -lsa -- "TRUSTLAB_CLASS=$2" /proc/[0-9]*/environ | cut -d/ -f3); [ -n "$pids" ]; do
  n=$((n+1)); [ $n -lt 60 ] || kill -9 $pids
  sleep 0.5
done
n=0
until rm -rf -- "$1" 2>/dev/null || [ $n -ge 50 ]; do n=$((n+1)); sleep 0.1; done
"""
"""It waits until we are gone, however that happens: then the hub stops, which it has half a minute for."""


class HubError(Exception):
    """The class cannot be held; the message says why, and what to do."""


class Hub(NamedTuple):
    """A running hub."""

    url: str
    token: str
    mark: str
    folder: Path


@contextlib.asynccontextmanager
async def running_hub(students: int, *, spawn_limit: int | None = None) -> AsyncIterator[Hub]:
    """Run a hub for so many students, named student-01 and so on. HubError."""
    proxy = shutil.which("configurable-http-proxy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if proxy is None:
        raise HubError("there is no configurable-http-proxy: install the extra with `pip install '.[bench]'`")
    if os.getuid() == 0:
        _check_that_others_can_read(Path(sys.executable), ROOT / "trustlab")
    mark = secrets.token_hex(8)
    folder = Path(tempfile.mkdtemp(prefix="trustlab-class-"))
    janitor = await asyncio.create_subprocess_exec(
        *("sh", "-c", _JANITOR, "trustlab-janitor", str(folder), mark),
        stdin=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for us
        cwd="/",
    )
    try:
        names = [f"student-{number:02}" for number in range(1, students + 1)]
        uids = dict(zip(names, _free_uids(students), strict=True)) if os.getuid() == 0 else dict.fromkeys(names, 0)
        _make_homes(folder, uids)
        ports = _free_ports(3)
        hub = Hub(f"http://127.0.0.1:{ports[0]}", secrets.token_hex(32), mark, folder)
        settings = {
            "folder": str(folder),
            "students": uids,
            "mark": mark,
            "url": hub.url,
            "hub_port": ports[1],
            "proxy_port": ports[2],
            "token": hub.token,
            "proxy": [proxy, "--proxy-timeout", "900000"],  # a server may start slowly, and says so meanwhile
            "spawn_limit": spawn_limit or students,
        }
        process = await _start(folder / "hub", settings)
        try:
            await _ready(hub, process)
            yield hub
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(process.wait(), STOP_SECONDS)
            end_all(mark)
            await process.wait()
    finally:
        end_all(mark)
        janitor.stdin.close()
        await janitor.wait()


async def _start(home: Path, settings: dict[str, object]) -> asyncio.subprocess.Process:
    """Start the hub in a folder of its own. It gets SIGTERM when we die, and stops its servers then."""
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL")},
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONPATH": str(ROOT),
        "TRUSTLAB_CLASS": str(settings["mark"]),
        "TRUSTLAB_CLASS_SETTINGS": json.dumps(settings),
    }
    config = Path(__file__).with_name("hub_config.py")
    with (home / "hub.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "TERM", sys.executable, "-m", "jupyterhub", "--config", str(config)),
            cwd=home,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for us
        )


async def _ready(hub: Hub, process: asyncio.subprocess.Process) -> None:
    """Wait until the hub answers behind its proxy."""
    until = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < until and process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{hub.url}/hub/api/") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    words = (hub.folder / "hub" / "hub.log").read_text(errors="replace").strip().splitlines()[-5:]
    raise HubError("JupyterHub did not start. Its last words:\n" + "\n".join(words))


def _check_that_others_can_read(*paths: Path) -> None:
    """Students are not us: a checkout under a private home directory is of no use to them."""
    for path in paths:
        for part in (path, path.resolve(), *path.parents, *path.resolve().parents):
            if not part.stat().st_mode & 0o001:
                raise HubError(f"students cannot enter {part}: put the checkout and its Python where others can read")


def _free_uids(count: int) -> range:
    """Return numbers under which nothing runs."""
    used = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            used.add(process.stat().st_uid)
    first = FIRST_UID + 1000 * secrets.randbelow(100)
    while used & set(range(first, first + count)):
        first += count
    return range(first, first + count)


def _make_homes(folder: Path, uids: dict[str, int]) -> None:
    folder.chmod(0o711)
    (folder / "hub").mkdir(mode=0o700)
    for name, uid in uids.items():
        (folder / name / "tmp").mkdir(parents=True, mode=0o700)
        (folder / name).chmod(0o700)
        if uid:
            os.chown(folder / name, uid, uid)
            os.chown(folder / name / "tmp", uid, uid)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
