"""Who comes in, for every JupyterHub of a class: the names on the teacher's list, each with a password made here.

So nobody can take a classmate's name first, and no password can be guessed or is used elsewhere. `passwords.csv` is
what the hub compares with, and what the teacher cuts up and hands out. Without a row, a name gets a new password when
the hub starts again. The environment may name TRUSTLAB_CLASS_LIST (class.txt: a name a line), TRUSTLAB_PASSWORDS
(passwords.csv), and TRUSTLAB_TEACHER (teacher), who may see and stop all servers.
"""

# ruff: noqa: F821
from __future__ import annotations

import csv
import hmac
import os
import re
import secrets
from pathlib import Path

from jupyterhub.auth import Authenticator

TEACHER = os.environ.get("TRUSTLAB_TEACHER", "teacher")
NAME = re.compile(r"[a-z][a-z0-9._-]{0,39}")
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""None that look alike on paper."""


def class_list(path: Path) -> list[str]:
    """Return the names on the list, without empty lines and comments; SystemExit says what is wrong with it."""
    if not path.is_file():
        raise SystemExit(f"{path.resolve()} is missing: write the list of names, one on each line")
    lines = (line.partition("#")[0].strip().lower() for line in path.read_text("utf-8").splitlines())
    names = list(dict.fromkeys(filter(None, lines)))
    wrong = next((name for name in names if not NAME.fullmatch(name)), None)
    if wrong is not None:
        raise SystemExit(f"{path}: {wrong!r} cannot be a name: a letter, then letters, digits, and . _ -")
    return names


def first_passwords(path: Path, names: list[str]) -> dict[str, str]:
    """Return everyone's password; whoever has none gets one. The file is written anew, for its owner alone."""
    known = {}
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            known = {row[0]: row[1] for row in csv.reader(file) if len(row) == 2 and row[1]}
    everyone = {name: known.get(name) or new_password() for name in names}
    renewed = path.with_name(f".{path.name}")
    descriptor = os.open(renewed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(everyone.items())
    renewed.replace(path)
    return everyone


def new_password() -> str:
    """Return a password that can be typed from paper: 12 letters and digits, 59 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(3))


class ClassAuthenticator(Authenticator):
    """Compare with the list."""

    async def authenticate(self, handler: object, data: dict[str, str]) -> str | None:  # noqa: ARG002 - JupyterHub's
        """Return the name if the password is its own."""
        name = data["username"].strip().lower()
        expected = PASSWORDS.get(name, "")
        right = hmac.compare_digest(data["password"].strip().encode(), expected.encode())
        return name if expected and right else None


STUDENTS = class_list(Path(os.environ.get("TRUSTLAB_CLASS_LIST", "class.txt")))
PASSWORDS = first_passwords(Path(os.environ.get("TRUSTLAB_PASSWORDS", "passwords.csv")), [TEACHER, *STUDENTS])

c = get_config()  # type: ignore[name-defined]
c.JupyterHub.authenticator_class = ClassAuthenticator
c.Authenticator.allowed_users = set(STUDENTS)
c.Authenticator.admin_users = {TEACHER}
c.Authenticator.allow_existing_users = False  # who is no longer on the list stays out
# A class comes all at once. Above this limit the hub answers HTTP 429, and students press the button again.
c.JupyterHub.concurrent_spawn_limit = len(STUDENTS) + 10
