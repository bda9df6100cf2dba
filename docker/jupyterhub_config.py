"""A JupyterHub for a class on one machine: each student has a container of trustlab's image. See docs/classes.md.

Run it in a folder that only you can read; it keeps its database, keys and `passwords.csv` there. The environment says
what differs from class to class:

- TRUSTLAB_CLASS_LIST: a file of the students' names, one a line (class.txt)
- TRUSTLAB_TEACHER: the teacher's name, who may see and stop all servers (teacher)
- TRUSTLAB_IMAGE: the image (trustlab)
- TRUSTLAB_NETWORK: the containers' network (trustlab-class)
- TRUSTLAB_HUB_IP: this machine's address in that network (asked from Docker)
- TRUSTLAB_URL: where people come in (http://127.0.0.1:8000)
- TRUSTLAB_TLS_KEY, TRUSTLAB_TLS_CERT: for an https address
- TRUSTLAB_MEMORY, TRUSTLAB_CPUS, TRUSTLAB_IDLE_SECONDS: limits of one student (1G, 2, 7200)
"""

# ruff: noqa: INP001, F821
from __future__ import annotations

import csv
import ipaddress
import os
import secrets
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nativeauthenticator import NativeAuthenticator

import docker

SETTING = {
    "CLASS_LIST": "class.txt",
    "TEACHER": "teacher",
    "IMAGE": "trustlab",
    "NETWORK": "trustlab-class",
    "HUB_IP": "",
    "URL": "http://127.0.0.1:8000",
    "TLS_KEY": "",
    "TLS_CERT": "",
    "MEMORY": "1G",
    "CPUS": "2",
    "IDLE_SECONDS": "7200",
} | {name.removeprefix("TRUSTLAB_"): value for name, value in os.environ.items() if name.startswith("TRUSTLAB_")}
PASSWORDS = Path("passwords.csv")
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that look alike on paper."""
HOME = "/home/jovyan"
os.umask(0o077)


def names() -> list[str]:
    """Return the class: the names of the list without empty lines and comments."""
    path = Path(SETTING["CLASS_LIST"])
    if not path.is_file():
        raise SystemExit(f"there is no list of names in {path.resolve()}: write one, a name a line")
    lines = (line.partition("#")[0].strip().lower() for line in path.read_text("utf-8").splitlines())
    return list(dict.fromkeys(filter(None, lines)))


class ClassAuthenticator(NativeAuthenticator):
    """Names come from the teacher's list, and first passwords from us: nobody can take a classmate's name first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as its parent has them
        super().__init__(*args, **kwargs)
        self.enable_signup = True
        new = [(name, password()) for name in [SETTING["TEACHER"], *STUDENTS] if not self.user_exists(name)]
        for name, first in new:
            if self.create_user(name, first, is_authorized=True) is None:
                raise SystemExit(f"{name!r} cannot be a user's name: use letters and digits in {SETTING['CLASS_LIST']}")
        self.enable_signup = False
        with PASSWORDS.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(new)


def password() -> str:
    """Return a password that can be read from paper: 12 letters and digits, 59 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


def hub_ip() -> str:
    """Return this machine's address in the students' network: their servers call the hub there."""
    if SETTING["HUB_IP"]:
        return SETTING["HUB_IP"]
    try:
        network = docker.from_env().networks.get(SETTING["NETWORK"])
    except docker.errors.NotFound:
        name = SETTING["NETWORK"]
        raise SystemExit(f"there is no network {name}: `docker network create --internal {name}` makes it") from None
    except docker.errors.DockerException:
        raise SystemExit("Docker does not answer: start it, or name its socket in DOCKER_HOST") from None
    return network.attrs["IPAM"]["Config"][0]["Gateway"]


def check_address() -> None:
    """Refuse to take passwords over a network in clear."""
    url = urlsplit(SETTING["URL"])
    host = url.hostname or ""
    local = host == "localhost" or (host.replace(".", "").isdigit() and ipaddress.ip_address(host).is_loopback)
    if url.scheme != "https" and not local:
        raise SystemExit(
            f"{SETTING['URL']} would send passwords in clear: give an https address with TRUSTLAB_TLS_KEY and "
            "TRUSTLAB_TLS_CERT, or listen on 127.0.0.1 behind a proxy that does TLS"
        )


check_address()
STUDENTS = names()
c = get_config()  # type: ignore[name-defined]

# Who comes in. Delete a user on the admin page and start the hub again: they get a new first password.
c.JupyterHub.authenticator_class = ClassAuthenticator
c.Authenticator.allowed_users = set(STUDENTS)
c.Authenticator.admin_users = {SETTING["TEACHER"]}
c.Authenticator.allow_existing_users = False  # who is no longer on the list stays out
c.NativeAuthenticator.minimum_password_length = 10
c.NativeAuthenticator.allowed_failed_logins = 5

# Where.
c.JupyterHub.bind_url = SETTING["URL"]
c.JupyterHub.ssl_key, c.JupyterHub.ssl_cert = SETTING["TLS_KEY"], SETTING["TLS_CERT"]
c.JupyterHub.hub_ip = c.JupyterHub.hub_connect_ip = hub_ip()
own_proxy = Path(sys.executable).with_name("configurable-http-proxy")
c.ConfigurableHTTPProxy.command = [shutil.which("configurable-http-proxy") or str(own_proxy)]

# A class comes all at once. Above this limit the hub answers HTTP 429, and students press the button again.
c.JupyterHub.concurrent_spawn_limit = len(STUDENTS) + 10
c.Spawner.start_timeout = c.Spawner.http_timeout = 300

# What a student gets: docs/classes.md has the measurements. No way out to other networks, no capability.
c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.DockerSpawner.image = SETTING["IMAGE"]
c.DockerSpawner.pull_policy = "ifnotpresent"
c.DockerSpawner.cmd = ["jupyterhub-singleuser"]
c.DockerSpawner.default_url = "/lab/tree/labs/00-start-here.ipynb"
c.DockerSpawner.network_name = SETTING["NETWORK"]
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True
c.DockerSpawner.volumes = {"trustlab-home-{username}": HOME}
c.DockerSpawner.mem_limit = SETTING["MEMORY"]
c.DockerSpawner.cpu_limit = float(SETTING["CPUS"])
c.DockerSpawner.extra_host_config = {
    "memswap_limit": SETTING["MEMORY"].lower(),
    "pids_limit": 1024,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "read_only": True,
    "tmpfs": {"/tmp": "rw,exec,nosuid,nodev,mode=1777,size=512m"},  # noqa: S108 - VMs execute their memory
}

# A server that nobody uses goes; its volume stays.
c.JupyterHub.services = [
    {
        "name": "idle-culler",
        "command": [
            *(sys.executable, "-m", "jupyterhub_idle_culler"),
            f"--timeout={SETTING['IDLE_SECONDS']}",
        ],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
