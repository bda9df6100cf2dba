"""The programs of the distribution that this room starts, and what to install where one is missing."""

from __future__ import annotations

import shutil

from trustlab.tpm.errors import TpmNotInstalled

_WHERE = "/usr/sbin:/usr/bin:/sbin:/bin"
_PACKAGES = {"swtpm": "swtpm", "swtpm_setup": "swtpm-tools"}
_found: dict[str, str] = {}


def find_program(name: str) -> str:
    """Return the path of `name`; TpmNotInstalled names the package to install."""
    path = _found.get(name) or shutil.which(name) or shutil.which(name, path=_WHERE)
    if path is None:
        raise TpmNotInstalled(
            f"the program '{name}' is not installed: run `apt-get install {_PACKAGES.get(name, name)}`"
            " (Debian, Ubuntu) and try again; `trustlab doctor` says it for other systems"
        )
    _found[name] = path
    return path
