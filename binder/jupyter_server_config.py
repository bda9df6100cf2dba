"""Jupyter's configuration in the image: the notebook that opens first, and a token that is kept if that is asked for.

Jupyter reads a token from the file that JUPYTER_TOKEN_FILE names, but does not make it. A token of one's own in
JUPYTER_TOKEN wins. On Binder and in a JupyterHub neither is set: there the hub lets people in.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

FIRST = "/lab/tree/labs/00-start-here.ipynb"


def kept_token(path: Path) -> str:
    """Return the token in the file, which only its owner can read; a missing or empty file gets a new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="ascii") as file:
        token = file.read().strip()
        if not token:
            token = secrets.token_urlsafe(24)
            file.write(token)
    return token


def configure(config: Any, environment: os._Environ[str] | dict[str, str]) -> None:  # noqa: ANN401 - traitlets' Config
    """Set what Jupyter does by default; its command line still wins."""
    config.ServerApp.default_url = config.LabApp.default_url = FIRST
    own, kept = environment.get("JUPYTER_TOKEN"), environment.get("JUPYTER_TOKEN_FILE")
    if kept and not own:
        token = kept_token(Path(kept))
        port = environment.get("TRUSTLAB_PORT", "8888")
        print(f"trustlab: open http://127.0.0.1:{port}/?token={token}", flush=True)


configure(get_config(), os.environ)  # type: ignore[name-defined]  # noqa: F821 - Jupyter gives it
