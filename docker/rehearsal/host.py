"""What the host offers: the programs a rehearsal needs, and its own way to Debian's packages and to the package index.

A base and a build take that way too: the same mirrors, proxies and certificates. None of it stays in the image.
"""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from children import CannotRehearseError, run

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAMS = ("debootstrap", "podman", "tar")
RUNTIMES = ("runc", "crun")
PACKAGES = ("podman", "runc", "netavark", "debootstrap", "debian-archive-keyring")
BUNDLES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy")
INSTALL = f"apt-get install --no-install-recommends {' '.join(PACKAGES)}"


@dataclass(frozen=True)
class Mirrors:
    """Where packages come from; None: debootstrap's own choice, and no security updates."""

    main: str | None
    security: str | None


def prepare(log: Path, programs: Sequence[str] = PROGRAMS) -> None:
    """Make sure that all programs are here: as root on Debian they are installed.

    CannotRehearseError names what is missing otherwise.
    """
    if os.geteuid() != 0:
        raise CannotRehearseError(
            "A rehearsal mounts file systems and limits memory, which takes root. Run it as root."
        )
    if missing(programs) and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run(["apt-get", "update", "-q"], log, environment=environment)
        run([*INSTALL.split(), "-q", "-y"], log, environment=environment)
    if lacking := missing(programs):
        raise CannotRehearseError(f"Not installed here: {', '.join(lacking)}. On Debian and Ubuntu: {INSTALL}")


def missing(programs: Sequence[str]) -> list[str]:
    """Name the programs that are not here."""
    lacking = [name for name in programs if not shutil.which(name)]
    return lacking if any(map(shutil.which, RUNTIMES)) else [*lacking, " or ".join(RUNTIMES)]


def mirrors() -> Mirrors:
    """Return the mirrors of a Debian host."""
    found = Mirrors(None, None)
    if shutil.which("apt-get"):
        layout = "$(CREATED_BY) $(LABEL) $(REPO_URI)"
        done = subprocess.run(
            ["apt-get", "indextargets", "--format", layout], capture_output=True, text=True, check=False
        )
        lines = [line.split() for line in done.stdout.splitlines()]
        by_label = {line[1]: line[2].rstrip("/") for line in lines if len(line) == 3 and line[0] == "Packages"}
        found = Mirrors(by_label.get("Debian"), by_label.get("Debian-Security"))
    return found


def sources(suite: str, found: Mirrors) -> str:
    """Return the list of sources of a base, as an official image has them."""
    lines = [f"deb {found.main} {suite} main", f"deb {found.main} {suite}-updates main"] if found.main else []
    if found.security:
        lines.append(f"deb {found.security} {suite}-security main")
    return "".join(f"{line}\n" for line in lines)


def build_mounts(folder: Path) -> list[str]:
    """Return what to mount while an image is built, so that it reaches the index as the host does.

    The host's certificates stand beside the image's own: mounted over them, the package that makes them cannot be
    installed, and pip of Debian 13 reads them before anything else.
    """
    pip = _pip_options()
    mounts = []
    bundle = os.environ.get("PIP_CERT") or next(filter(os.path.exists, BUNDLES), None)
    if bundle:
        pip["cert"] = "/run/host-certificates.crt"
        mounts += ["--volume", f"{bundle}:/run/host-certificates.crt:ro"]
    settings = folder / "pip.conf"
    settings.touch(0o600)
    settings.write_text("[global]\n" + "".join(f"{name} = {value}\n" for name, value in pip.items()), "utf-8")
    apt = folder / "apt.conf"
    apt.write_text(_apt_proxies(), "utf-8")
    return [
        *mounts,
        *("--volume", f"{settings}:/etc/pip.conf:ro"),
        *("--volume", f"{apt}:/etc/apt/apt.conf.d/99host:ro"),
    ]


def _pip_options() -> dict[str, str]:
    """Return which index pip asks here, and how: from its files, then from the environment. Folders stay behind."""
    files = configparser.ConfigParser(interpolation=None, strict=False)
    home = Path.home()
    own = os.environ.get("PIP_CONFIG_FILE", "")
    files.read(["/etc/pip.conf", home / ".pip/pip.conf", home / ".config/pip/pip.conf", own], "utf-8")
    found = dict(files.items("global")) if files.has_section("global") else {}
    told = {name: os.environ.get(f"PIP_{name.upper().replace('-', '_')}") for name in PIP_OPTIONS}
    found.update((name, value) for name, value in told.items() if value)
    return {name: found[name] for name in PIP_OPTIONS if name in found and "file:" not in found[name]}


def _apt_proxies() -> str:
    if not shutil.which("apt-config"):
        return ""
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    return "".join(re.findall(r"^Acquire::https?::Proxy[ :].*\n", done.stdout, re.MULTILINE))
