"""Reading the files people write: TOML into a validated struct, with errors that name the line or the field."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from trustlab.attest.errors import AttestError

T = TypeVar("T")
MAX_FILE = 1 << 20
HEX_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def load(source: str | bytes | Path, kind: type[T], error: type[AttestError]) -> T:
    """Read TOML (text, octets, or a file's Path) as a struct of `kind`; `error` names the line or the field."""
    where = f"{source}: " if isinstance(source, Path) else ""
    try:
        octets = source.read_bytes() if isinstance(source, Path) else source
        if len(octets) > MAX_FILE:
            raise error(f"{where}{len(octets)} octets; {MAX_FILE} are read at most")
        table = tomllib.loads(octets if isinstance(octets, str) else octets.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError, RecursionError) as problem:
        raise error(f"{where}not TOML that can be read: {problem}") from problem
    return convert(table, kind, error, where)


def convert(table: dict[str, Any], kind: type[T], error: type[AttestError], where: str = "") -> T:
    """Make a struct of `kind` from a table; `error` names the field that is missing, unknown or of the wrong type."""
    try:
        return msgspec.convert(table, kind)
    except (msgspec.ValidationError, OverflowError) as problem:
        raise error(f"{where}{problem}") from problem


def digest(text: str, field: str, error: type[AttestError]) -> bytes:
    """Return the 32 octets of a SHA-256 digest written as 64 lower-case hex digits."""
    if not HEX_DIGEST.match(text):
        raise error(f"{field}: {text[:80]!r} is not a SHA-256 digest (64 lower-case hex digits)")
    return bytes.fromhex(text)


def quote(text: str) -> str:
    """Return a TOML basic string."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
