"""What to install, and by which command, on the distributions that we know; and by pip."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

FAMILIES = {
    "debian": ("debian", "ubuntu"),
    "fedora": ("fedora", "rhel", "centos"),
    "arch": ("arch",),
}
"""Package managers by the names in os-release (`ID` and `ID_LIKE`)."""
INSTALL = {
    "debian": ("apt-get update", "apt-get install -y --no-install-recommends"),
    "fedora": ("dnf install -y",),
    "arch": ("pacman -S --needed --noconfirm",),
}
"""What installs packages there; the last command takes their names."""
NAMES: dict[str, dict[str, str]] = {
    "swtpm": {"debian": "swtpm", "fedora": "swtpm", "arch": "swtpm"},
    "tss": {
        "debian": "gcc pkg-config python3-dev libtss2-dev",
        "fedora": "gcc pkgconf-pkg-config python3-devel tpm2-tss-devel",
        "arch": "gcc pkgconf python tpm2-tss",
    },
    "uml": {"debian": "user-mode-linux"},
    "qemu": {"debian": "qemu-system-x86", "fedora": "qemu-system-x86-core", "arch": "qemu-system-x86"},
    "tshark": {"debian": "tshark", "fedora": "wireshark-cli", "arch": "wireshark-cli"},
    "fonts": {
        "debian": "fonts-dejavu-core",
        "fedora": "dejavu-sans-fonts dejavu-sans-mono-fonts",
        "arch": "ttf-dejavu",
    },
}
"""The packages of each need, by family. Fedora and Arch have no package of User Mode Linux."""
OS_RELEASE = ("/etc/os-release", "/usr/lib/os-release")


def family(text: str | None = None) -> str | None:
    """Return the family of a distribution by the text of its os-release (this machine's, unless given), or None."""
    if text is None:
        found = next((path for path in map(Path, OS_RELEASE) if path.is_file()), None)
        text = found.read_text("utf-8", "replace") if found else ""
    facts = dict(re.findall(r"^(ID|ID_LIKE)=[\"']?([^\"'\n]*)", text, re.MULTILINE))
    for name in (facts.get("ID", ""), *facts.get("ID_LIKE", "").split()):
        for known, names in FAMILIES.items():
            if name.lower() in names:
                return known
    return None


def packages(need: str, where: str | None) -> list[str]:
    """Return the packages that fill a need; none where the distribution has none, or is not known."""
    return NAMES[need].get(where or "", "").split()


def install(names: list[str], where: str) -> str:
    """Return the command that installs packages, with sudo unless this is root already."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    *before, last = INSTALL[where]
    return " && ".join([*(f"{sudo}{command}" for command in before), f"{sudo}{last} {' '.join(names)}"])


def can_install() -> bool:
    """Whether this user can run what `install` returns."""
    return os.geteuid() == 0 or shutil.which("sudo") is not None


def pip(requirements: list[str]) -> str:
    """Return the command that installs Python packages into this environment."""
    return shlex.join([sys.executable, "-m", "pip", "install", *requirements])


def requirements(name: str) -> list[str]:
    """Return what an extra of ours asks for, or one requirement by its package's name."""
    try:
        wanted = importlib.metadata.requires("trustlab") or []
    except importlib.metadata.PackageNotFoundError:  # run from a folder, without having been installed
        wanted = []
    needs = [line.partition(";") for line in wanted]
    extra = [need.strip() for need, _, when in needs if re.search(rf"extra == ['\"]{name}['\"]", when)]
    return extra or [need.strip() for need, _, _ in needs if re.match(rf"{name}\b", need)] or [name]
