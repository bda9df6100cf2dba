"""A JupyterHub for a class on one machine: each student has a container of trustlab's image. See docs/classes.md.

Run it in a folder that only you can read: the hub keeps its database, its keys and `passwords.csv` there. The
environment says what differs from class to class, beside what `class_login.py` reads:

- TRUSTLAB_IMAGE: the image (trustlab)
- TRUSTLAB_NETWORK: the containers' network (trustlab-class)
- TRUSTLAB_HUB_IP: this machine's address in that network (asked from Docker)
- TRUSTLAB_URL: where people come in (http://127.0.0.1:8000)
- TRUSTLAB_TLS_KEY, TRUSTLAB_TLS_CERT: for an https address; configurable-http-proxy from npm can do that, PyPI's not
- TRUSTLAB_MEMORY, TRUSTLAB_CPUS, TRUSTLAB_IDLE_SECONDS: limits of one student (1G, 2, 7200)
"""

# ruff: noqa: F821
from __future__ import annotations

import ipaddress
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import docker

SETTINGS = {
    "IMAGE": "trustlab",
    "NETWORK": "trustlab-class",
    "HUB_IP": "",
    "URL": "http://127.0.0.1:8000",
    "TLS_KEY": "",
    "TLS_CERT": "",
    "MEMORY": "1G",
    "CPUS": "2",
    "IDLE_SECONDS": "7200",
}
SETTINGS |= {name: os.environ[f"TRUSTLAB_{name}"] for name in SETTINGS if os.environ.get(f"TRUSTLAB_{name}")}


def check_address(address: str) -> None:
    """Refuse to take passwords over a network in clear."""
    url = urlsplit(address)
    local = url.hostname == "localhost"
    with suppress(ValueError):  # a name, not an address
        local = local or ipaddress.ip_address(url.hostname or "").is_loopback
    if url.scheme != "https" and not local:
        raise SystemExit(
            f"{address} would send passwords in clear: give an https address with TRUSTLAB_TLS_KEY and "
            "TRUSTLAB_TLS_CERT, or listen on 127.0.0.1 behind a proxy that does TLS"
        )


def hub_ip(network: str) -> str:
    """Return this machine's address in the students' network: their servers call the hub there."""
    try:
        found = docker.from_env().networks.get(network)
    except docker.errors.NotFound:
        raise SystemExit(
            f"there is no network {network}: `docker network create --internal {network}` makes it"
        ) from None
    except docker.errors.DockerException:
        raise SystemExit("Docker does not answer: start it, or name its socket in DOCKER_HOST") from None
    return found.attrs["IPAM"]["Config"][0]["Gateway"]


os.umask(0o077)
check_address(SETTINGS["URL"])
HERE = Path(__file__).resolve().parent
if not (HERE / "class_login.py").is_file():  # JupyterHub would pass over it, and let in every account of this machine
    raise SystemExit(f"class_login.py is missing: it belongs beside this file, into {HERE}")
load_subconfig("class_login.py", path=str(HERE))  # type: ignore[name-defined]
c = get_config()  # type: ignore[name-defined]

c.JupyterHub.bind_url = SETTINGS["URL"]
c.JupyterHub.ssl_key, c.JupyterHub.ssl_cert = SETTINGS["TLS_KEY"], SETTINGS["TLS_CERT"]
c.JupyterHub.hub_ip = c.JupyterHub.hub_connect_ip = SETTINGS["HUB_IP"] or hub_ip(SETTINGS["NETWORK"])
c.ConfigurableHTTPProxy.command = [
    shutil.which("configurable-http-proxy") or str(Path(sys.executable).with_name("configurable-http-proxy")),
    *("--proxy-timeout", "300000"),  # a server that starts slowly says so meanwhile; PyPI's would stop after 20 s
]

# What a student gets: docs/classes.md has the measurements. No way out to other networks, no capability.
c.JupyterHub.spawner_class = "dockerspawner.DockerSpawner"
c.Spawner.start_timeout = c.Spawner.http_timeout = 300
c.DockerSpawner.image = SETTINGS["IMAGE"]
c.DockerSpawner.pull_policy = "ifnotpresent"
c.DockerSpawner.cmd = ["jupyterhub-singleuser"]
c.DockerSpawner.default_url = "/lab/tree/labs/00-start-here.ipynb"
c.DockerSpawner.network_name = SETTINGS["NETWORK"]
c.DockerSpawner.use_internal_ip = True
c.DockerSpawner.remove = True
c.DockerSpawner.volumes = {"trustlab-home-{username}": "/home/jovyan"}
c.DockerSpawner.mem_limit = SETTINGS["MEMORY"]
c.DockerSpawner.cpu_limit = float(SETTINGS["CPUS"])
c.DockerSpawner.extra_host_config = {
    "memswap_limit": SETTINGS["MEMORY"].lower(),
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
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={SETTINGS['IDLE_SECONDS']}"],
    }
]
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    }
]
