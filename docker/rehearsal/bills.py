"""What an image ships, and under which licences: two CycloneDX files, by kept tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from children import CannotRehearseError, run

if TYPE_CHECKING:
    from pathlib import Path

    from images import Podman

PYTHON = """#!/bin/sh
# The image's Python as the tool wants it: what it says about folders is said from outside.
chroot {root} /opt/venv/bin/python "$@" | sed 's#"/#"{root}/#g'
"""


def write(podman: Podman, image: str, folder: Path, tools: Path) -> dict[str, object]:
    """Write `python.cdx.json` and `debian.cdx.json` for an image; return how much stands in them.

    cyclonedx-py reads the virtual environment, debsbom what dpkg has installed and its copyright files.
    """
    lacking = [name for name in ("cyclonedx-py", "debsbom") if not (tools / name).exists()]
    if lacking:
        raise CannotRehearseError(f"{' and '.join(lacking)} not in {tools}: `make sbom` installs them.")
    target = folder / image.partition(":")[2]
    target.mkdir(parents=True, exist_ok=True)
    python, debian = target / "python.cdx.json", target / "debian.cdx.json"
    with podman.mounted(image) as root:
        shim = podman.folder / "python-of-the-image"
        shim.write_text(PYTHON.format(root=root), "utf-8")
        shim.chmod(0o700)
        run(
            [str(tools / "cyclonedx-py"), "environment", "--output-reproducible", "-o", str(python), str(shim)],
            podman.log,
        )
        argv = [str(tools / "debsbom"), "generate", "-t", "cdx", "--with-licenses", "--no-recommends-deps"]
        run([*argv, "--root", str(root), "--out", str(debian)], podman.log)
    return {"python": len(components(python)), "debian": len(components(debian)), "folder": str(target)}


def components(path: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(path.read_text("utf-8"))["components"]
    return found
