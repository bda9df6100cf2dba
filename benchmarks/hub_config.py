"""The JupyterHub of the benchmark `class`: each student is a uid of their own, with a home and a TMPDIR of their own.

JupyterHub reads this file and gives it `get_config`; `benchmarks.hub` writes the environment that it reads.
"""

# ruff: noqa: F821
from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub.spawner import LocalProcessSpawner

if TYPE_CHECKING:
    from collections.abc import Callable

SETTINGS = json.loads(os.environ["TRUSTLAB_CLASS_SETTINGS"])
STUDENTS: dict[str, int] = SETTINGS["students"]  # name: uid; 0 means that we are no root, and all share our uid
FOLDER = Path(SETTINGS["folder"])


class StudentSpawner(LocalProcessSpawner):
    """A student's server under a number that no account has: nothing is added to the machine's users."""

    def make_preexec_fn(self, name: str) -> Callable[[], None]:
        """Return what the child does before it becomes the student's server."""
        uid, home = STUDENTS[name], str(FOLDER / name)

        def become() -> None:
            os.umask(0o077)
            if uid:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
            os.chdir(home)

        return become

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """Say who the student is, and where their files go."""
        home = FOLDER / self.user.name
        return env | {
            "USER": self.user.name,
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            "SHELL": "/bin/sh",
            "TRUSTLAB_CLASS": SETTINGS["mark"],
            "TRUSTLAB_CLASS_STUDENT": self.user.name,
        }


c = get_config()  # type: ignore[name-defined]
c.JupyterHub.bind_url = SETTINGS["url"]
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{SETTINGS['hub_port']}"
c.JupyterHub.cookie_secret_file = "cookie-secret"  # noqa: S105 - a file
c.JupyterHub.db_url = "sqlite:///hub.sqlite"
c.JupyterHub.log_level = "WARN"
c.JupyterHub.authenticator_class = "null"  # nobody logs in: the benchmark is a service of the hub
c.JupyterHub.services = [{"name": "class", "api_token": SETTINGS["token"]}]
c.JupyterHub.load_roles = [
    {"name": "class", "services": ["class"], "scopes": ["admin:users", "admin:servers", "tokens"]},
]
c.JupyterHub.spawner_class = StudentSpawner
c.JupyterHub.concurrent_spawn_limit = SETTINGS["spawn_limit"]
c.JupyterHub.tornado_settings = {"slow_spawn_timeout": 0}
c.ConfigurableHTTPProxy.command = SETTINGS["proxy"]
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{SETTINGS['proxy_port']}"
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.default_url = "/lab"
c.Spawner.start_timeout = c.Spawner.http_timeout = 900
c.Spawner.env_keep = ["PATH", "LANG", "LC_ALL", "PYTHONPATH"]
