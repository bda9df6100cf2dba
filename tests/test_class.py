"""A class: the login of its JupyterHub, and the benchmark's class with two students."""

from __future__ import annotations

import asyncio
import csv
import gc
import http.cookiejar
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from traitlets.config import Config

from benchmarks import a_class, hub
from benchmarks.usage import usage

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
LOGIN = ROOT / "docker" / "class_login.py"
CONFIG = ROOT / "docker" / "jupyterhub_config.py"


def login(folder: Path, monkeypatch: pytest.MonkeyPatch, names: str | None = "ada\n") -> dict[str, Any]:
    """Run the login's configuration in a folder with this list, and return what it defines."""
    monkeypatch.chdir(folder)
    if names is not None:
        (folder / "class.txt").write_text(names)
    defined: dict[str, Any] = {"get_config": lambda: config}
    config = Config()
    exec(compile(LOGIN.read_text(), str(LOGIN), "exec"), defined)  # noqa: S102 - as JupyterHub's chart runs it
    return defined


def comes_in(defined: dict[str, Any], username: str, password: str) -> str | None:
    authenticator = defined["ClassAuthenticator"]()
    return asyncio.run(authenticator.authenticate(None, {"username": username, "password": password}))


def rows(folder: Path) -> dict[str, str]:
    with (folder / "passwords.csv").open(newline="") as file:
        return dict(csv.reader(file))


def test_everyone_on_the_list_gets_a_password_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    defined = login(tmp_path, monkeypatch, "Ada\nbert  # second row\n\nada\n")
    passwords = rows(tmp_path)
    assert list(passwords) == ["teacher", "ada", "bert"]
    assert len(set(passwords.values())) == 3
    assert all(re.fullmatch(r"[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}", one) for one in passwords.values())
    assert (tmp_path / "passwords.csv").stat().st_mode & 0o777 == 0o600
    assert comes_in(defined, " Ada ", f"{passwords['ada']} ") == "ada"
    for name, password in [("ada", passwords["bert"]), ("bert", ""), ("carl", ""), ("", ""), ("ada", "ä")]:
        assert comes_in(defined, name, password) is None
    config = defined["c"]
    assert config.Authenticator.allowed_users == {"ada", "bert"}
    assert config.Authenticator.admin_users == {"teacher"}
    assert not config.Authenticator.allow_existing_users
    assert config.JupyterHub.concurrent_spawn_limit >= 3


def test_a_password_stays_until_its_row_is_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login(tmp_path, monkeypatch, "ada\nbert\n")
    before = rows(tmp_path)
    with (tmp_path / "passwords.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("teacher", before["teacher"]), ("bert", before["bert"])])
    login(tmp_path, monkeypatch, "ada\n")
    after = rows(tmp_path)
    assert list(after) == ["teacher", "ada"], "who is no longer on the list has no password"
    assert after["teacher"] == before["teacher"]
    assert after["ada"] != before["ada"]


@pytest.mark.parametrize(
    ("names", "words"),
    [(None, "class.txt is missing: write the list of names"), ("a/b\n", "'a/b' cannot be a name: a letter")],
)
def test_a_list_that_is_missing_or_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: str | None, words: str
) -> None:
    with pytest.raises(SystemExit, match=words):
        login(tmp_path, monkeypatch, names)


def start_hub(folder: Path, **settings: str) -> subprocess.Popen[bytes]:
    """Start JupyterHub with docker/jupyterhub_config.py; no container is started before somebody has logged in."""
    own = {"PATH": os.environ["PATH"], "HOME": str(folder), "TRUSTLAB_HUB_IP": "127.0.0.1"} | settings
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "--config", str(CONFIG), *own.pop("arguments", "").split()],
            cwd=folder,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def configured(monkeypatch: pytest.MonkeyPatch, folder: Path, **settings: str) -> Config:
    """Return what docker/jupyterhub_config.py sets, run from a copy in this folder."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    config = Config()
    copy = folder / CONFIG.name
    copy.write_bytes(CONFIG.read_bytes())
    given = {"get_config": lambda: config, "load_subconfig": lambda *_, **__: None, "__file__": str(copy)}
    before = os.umask(0)
    try:
        exec(compile(CONFIG.read_text(), str(copy), "exec"), given)  # noqa: S102 - as JupyterHub runs it
    finally:
        os.umask(before)
    return config


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"TRUSTLAB_URL": "http://0.0.0.0:8000"}, "would send passwords in clear"),
        ({"TRUSTLAB_URL": "http://class.example:8000"}, "would send passwords in clear"),
        ({"DOCKER_HOST": "unix:///nowhere/docker.sock"}, "Docker does not answer: start it"),
        ({"TRUSTLAB_HUB_IP": "127.0.0.1", "without": "login"}, "class_login.py is missing"),
    ],
)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # docker-py leaves its socket open
def test_a_hub_that_could_not_work_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], words: str
) -> None:
    if "without" not in settings:
        (tmp_path / "class_login.py").touch()
    with pytest.raises(SystemExit, match=words):
        configured(monkeypatch, tmp_path, **settings)
    gc.collect()


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:1", "https://a.example"])
def test_a_student_s_container_has_limits_and_no_capability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    (tmp_path / "class_login.py").touch()
    config = configured(
        monkeypatch, tmp_path, TRUSTLAB_URL=url, TRUSTLAB_HUB_IP="10.0.0.1", TRUSTLAB_MEMORY="2G", TRUSTLAB_IMAGE="i:1"
    )
    spawner = config.DockerSpawner
    assert (spawner.image, spawner.mem_limit, spawner.cpu_limit) == ("i:1", "2G", 2.0)
    assert spawner.extra_host_config["memswap_limit"] == "2g", "memory and swap together: so there is no swap"
    assert spawner.extra_host_config["cap_drop"] == ["ALL"]
    assert config.JupyterHub.hub_ip == "10.0.0.1"


class Browser:
    """What a browser does to log in."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.jar = http.cookiejar.CookieJar()
        keep = urllib.request.HTTPCookieProcessor(self.jar)
        self._opener = urllib.request.build_opener(keep, urllib.request.ProxyHandler({}), NoRedirect)

    def ask(self, path: str, **form: str) -> tuple[int, str]:
        """Return status and Location."""
        data = urllib.parse.urlencode(form).encode() if form else None
        try:
            with self._opener.open(f"{self.url}{path}", data, timeout=30) as answer:
                return answer.status, answer.headers.get("Location", "")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.headers.get("Location", "")
        except urllib.error.URLError:
            return 0, ""

    def log_in(self, name: str, password: str) -> tuple[int, str]:
        self.ask("/hub/login")
        token = next(cookie.value for cookie in self.jar if cookie.name == "_xsrf")
        return self.ask("/hub/login", username=name, password=password, _xsrf=token or "")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


@pytest.fixture
def hub_url(tmp_path: Path) -> Iterator[str]:
    """A hub of a class of one."""
    (tmp_path / "class.txt").write_text("ada\n")
    with socket.socket() as one, socket.socket() as two, socket.socket() as three:
        for each in (one, two, three):
            each.bind(("127.0.0.1", 0))
        port, inside, api = (each.getsockname()[1] for each in (one, two, three))
    url = f"http://127.0.0.1:{port}"
    ports = f"--JupyterHub.hub_port={inside} --ConfigurableHTTPProxy.api_url=http://127.0.0.1:{api}"
    with start_hub(tmp_path, TRUSTLAB_URL=url, arguments=ports) as process:
        try:
            until = time.monotonic() + 60
            while Browser(url).ask("/hub/api/")[0] != 200:
                assert process.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < until, (tmp_path / "log").read_text()
                time.sleep(0.3)
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.mark.long
def test_the_class_logs_in_and_nobody_else(hub_url: str, tmp_path: Path) -> None:
    passwords = rows(tmp_path)
    for name, password in [
        ("ada", "wrong"),
        ("mallory", passwords["ada"]),
        ("root", ""),
        ("ada", passwords["teacher"]),
    ]:
        assert Browser(hub_url).log_in(name, password)[0] == 403
    assert Browser(hub_url).ask("/hub/signup")[0] in {404, 302}, "there is no page to sign up"
    assert Browser(hub_url).log_in("ada", passwords["ada"]) == (302, "/hub/spawn")
    teacher, student = Browser(hub_url), Browser(hub_url)
    teacher.log_in("teacher", passwords["teacher"])
    student.log_in("ada", passwords["ada"])
    assert teacher.ask("/hub/admin")[0] == 200
    assert student.ask("/hub/admin")[0] == 403


def not_here() -> str | None:
    """Say why students with uids of their own cannot run here."""
    if shutil.which("swtpm") is None:
        return "there is no swtpm"
    try:
        hub._check_that_others_can_read(Path(sys.executable), ROOT / "trustlab")
    except hub.HubError as error:
        return str(error)
    return None


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_class_of_two_where_the_hub_starts_one_server_at_a_time(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if reason := not_here():
        pytest.skip(reason)
    common = Path("/tmp") if os.getuid() == 0 else tmp_path  # noqa: S108 - a random name; others must reach it
    monkeypatch.setenv("TMPDIR", str(common))
    monkeypatch.setattr(hub.tempfile, "tempdir", None)
    folders, marks = [], []
    remember(monkeypatch, folders, marks)
    measured = a_class.run(2, spawn_limit=1, second=False)
    said = capfd.readouterr().err
    assert measured["failed"] == 1, said
    assert "HTTP 429" in said, "the limit is below the class, so one student is sent away"
    assert 0 < measured["first_result_median_s"] <= measured["seconds"]
    assert 50 < measured["memory_per_student_mb"] * 2 < 400
    assert 2 < measured["cpu_s_per_student"] * 2 < 60
    assert measured["hub_memory_mb"] > 20
    assert not folders[0].exists()
    assert usage(marks[0]) == {}, "no process is left"


def remember(monkeypatch: pytest.MonkeyPatch, folders: list[Path], marks: list[str]) -> None:
    """Note folder and mark of the hub that is started."""
    original = hub._start

    async def noted(home: Path, settings: dict[str, Any]) -> asyncio.subprocess.Process:
        folders.append(home.parent)
        marks.append(settings["mark"])
        return await original(home, settings)

    monkeypatch.setattr(hub, "_start", noted)


def test_a_class_needs_a_student() -> None:
    with pytest.raises(SystemExit, match="give --students 1 or more"):
        a_class.run(0)


def test_a_home_that_others_cannot_enter_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    (closed / "python").touch(mode=0o755)
    with pytest.raises(hub.HubError, match=f"students cannot enter {re.escape(str(closed))}|students cannot enter"):
        hub._check_that_others_can_read(closed / "python")
