"""`trustlab lab`: the notebooks, copied to a folder of the user's, in JupyterLab."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

import trustlab
from trustlab.cli import packages
from trustlab.cli.failure import Failure

PACKAGE = Path(trustlab.__file__).parent
LABS = PACKAGE / "labs"
KINDS = (".ipynb", ".png", ".svg")
FIRST = "00-start-here.ipynb"
RECORD = ".trustlab-labs.json"
"""Which files of the folder are as they were copied: their SHA-256 by their names."""
LINK = re.compile(rb"\]\(\.\./docs/([\w-]+\.md)")
"""How a notebook links to a page that stands beside its folder; a copy has these pages in its own folder."""
STARTUP = PACKAGE / "inspector" / "trustlab_startup.py"
DEFAULT = Path("trustlab-labs")


def lab(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where your notebooks are, or shall be.")] = DEFAULT,
    options: Annotated[
        list[str] | None, typer.Argument(metavar="[-- OPTIONS]", help="What JupyterLab is to be told, behind `--`.")
    ] = None,
    *,
    no_open: Annotated[bool, typer.Option("--no-open", help="Copy only; do not start JupyterLab.")] = False,
) -> None:
    """Copy the notebooks to a folder of yours, and open them in JupyterLab.

    A notebook that you have changed, or saved with its outputs, is never overwritten. Stop JupyterLab with Ctrl-C.
    """
    if not no_open and importlib.util.find_spec("jupyterlab") is None:
        line = packages.pip(packages.requirements("labs"))
        raise Failure(f"JupyterLab is not installed in this Python environment. Run this, then try again:\n{line}")
    if not folder.exists() or folder.resolve() != LABS.resolve():  # a clone's own notebooks are opened in place
        for line in _told(folder, *_copy(folder)):
            typer.echo(line)
    if no_open:
        return
    typer.echo("JupyterLab starts. Stop it with Ctrl-C in this terminal.", err=True)
    sys.stdout.flush()
    command = [sys.executable, "-m", "jupyterlab", str(folder / FIRST)]
    if os.geteuid() == 0:
        command.append("--allow-root")
    command += options or []
    os.execve(sys.executable, command, _environment())  # noqa: S606 - Ctrl-C and exit code are JupyterLab's own


def _environment() -> dict[str, str]:
    """Return the environment for JupyterLab; a kernel that was restarted says so also where no wheel was installed."""
    return {"PYTHONSTARTUP": str(STARTUP), **os.environ}


def _sources() -> dict[str, bytes]:
    """Return what belongs into the folder, by name: notebooks, their pictures, and the pages that they link to."""
    found: dict[str, bytes] = {}
    for path in sorted(path for path in LABS.iterdir() if path.suffix in KINDS):
        octets = path.read_bytes()
        for page in LINK.findall(octets):
            name = page.decode()
            found[f"docs/{name}"] = (PACKAGE / "docs" / name).read_bytes()
        found[path.name] = LINK.sub(rb"](docs/\1", octets)
    if FIRST not in found:
        raise Failure(f"this copy of trustlab holds no notebooks (there is no {LABS / FIRST}): install it again")
    return found


def _copy(folder: Path) -> tuple[list[str], list[str]]:
    """Copy what is new or was not changed; return the names of what was written, and of what was kept as it is."""
    written, kept = [], []
    record = folder / RECORD
    try:
        folder.mkdir(parents=True, exist_ok=True)
        known = _record(record)
        for name, octets in _sources().items():
            there, digest = folder / name, hashlib.sha256(octets).hexdigest()
            if os.path.lexists(there):
                present = hashlib.sha256(there.read_bytes()).hexdigest()
                if present == digest:
                    known[name] = digest
                    continue
                if present != known.get(name):
                    kept.append(name)
                    continue
            there.parent.mkdir(exist_ok=True)
            _write(there, octets)
            known[name] = digest
            written.append(name)
        _write(record, json.dumps(known, indent=1).encode() + b"\n")
    except OSError as error:
        reason = (error.strerror or "no reason is known").lower()
        raise Failure(
            f"cannot put the notebooks into {folder} ({reason}: {error.filename}): name a folder that you can write to"
        ) from error
    return written, kept


def _record(path: Path) -> dict[str, str]:
    try:
        known = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError:
        return {}  # whatever was copied then counts as changed, and is kept
    return {str(name): str(digest) for name, digest in known.items()} if isinstance(known, dict) else {}


def _write(path: Path, octets: bytes) -> None:
    """Write a file whole or not at all."""
    half = path.with_name(f".{path.name}.new")
    half.write_bytes(octets)
    half.replace(path)


def _told(folder: Path, written: list[str], kept: list[str]) -> list[str]:
    notebooks = [name for name in written if name.endswith(".ipynb")]
    plural = "1 notebook was" if len(notebooks) == 1 else f"{len(notebooks)} notebooks were"
    lines = [f"{plural} copied to {folder}." if notebooks else f"Your notebooks are in {folder}."]
    if kept:
        lines.append(f"Kept as you left them: {', '.join(kept)}. Move one away to get it new.")
    return lines
