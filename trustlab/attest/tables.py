"""Reading the files people write: TOML into a validated struct, with errors that name the line or the field."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from trustlab.octets import read_file

if TYPE_CHECKING:
    from trustlab.attest.errors import AttestError

T = TypeVar("T")
MAX_FILE = 1 << 18
MAX_LINE = 4096
HEX_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
HEX_PCR = re.compile(r"(?:[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})\Z")


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
    "datetime": "a date",
    "date": "a date",
    "time": "a time of day",
    "bytes": "octets",
}
"""The library's names of types, in words."""
_EXPECTED = re.compile(f"Expected `([^`]+)`, got `({'|'.join(_KINDS)})`")


def load(source: str | bytes | Path, kind: type[T], error: type[AttestError], *, empty: str = "") -> T:
    """Read TOML (text, octets, or a file's Path) as a struct of `kind`; `error` names the line or the field.

    `empty` is what to say of a file without any key, if that is an error.
    """
    where = f"{source}: " if isinstance(source, Path) else ""
    try:
        octets = read_file(source) if isinstance(source, Path) else source
        text = octets if isinstance(octets, str) else octets.decode()
        problem = _too_big(text)
        table = {} if problem else tomllib.loads(text)
    except (ValueError, OSError, RecursionError) as wrong:
        raise error(f"{where}{_why_not(wrong)}") from wrong
    problem = problem or ("" if table else empty)
    if problem:
        raise error(where + problem)
    return convert(table, kind, error, where)


def keys_of(source: str | bytes | Path) -> set[str]:
    """Return which keys a file that `load` has read holds."""
    octets = read_file(source) if isinstance(source, Path) else source
    return set(tomllib.loads(octets if isinstance(octets, str) else octets.decode()))


def _why_not(wrong: Exception) -> str:
    """Say in plain words why a file cannot be read as TOML."""
    match wrong:
        case OSError():
            return f"the file cannot be read ({(wrong.strerror or 'no reason is known').lower()})"
        case UnicodeDecodeError():
            return f"not TOML: octet {wrong.start} is not UTF-8 text"
        case RecursionError():
            return "not TOML that can be read: it is nested too deeply"
        case tomllib.TOMLDecodeError():
            place = re.search(r"at line (\d+), column (\d+)", str(wrong))
            where = f"at line {place[1]}, column {place[2]}" if place else "at its end, where something is missing"
            return f"not TOML {where}"
        case _:
            return "not TOML that can be read: a number or a date is out of bounds"


def _too_big(text: str) -> str:
    if len(text) > MAX_FILE:
        return f"{len(text)} characters; {MAX_FILE} are read at most"
    for number, line in enumerate(text.split("\n"), start=1):  # the parser takes quadratic time over one line
        if len(line) > MAX_LINE:
            return f"line {number} has {len(line)} characters; {MAX_LINE} are read at most"
    return ""


def convert(table: dict[str, Any], kind: type[T], error: type[AttestError], where: str = "") -> T:
    """Make a struct of `kind` from a table; `error` names the field that is missing, unknown or of the wrong type."""
    try:
        return msgspec.convert(table, kind)
    except (msgspec.ValidationError, OverflowError) as problem:
        raise error(f"{where}{_field_of(problem)}") from problem


def _field_of(problem: Exception) -> str:
    """Say in plain words which field is not as it should be."""
    if isinstance(problem, OverflowError):
        return "a number is out of bounds"
    sentence, _, place = str(problem).partition(" - at ")
    sentence = sentence.replace("Object contains unknown field", "there is no field").replace(
        "Object missing required field", "it lacks the field"
    )
    sentence = _EXPECTED.sub(
        lambda found: f"it must be {_KINDS.get(found[1], found[1])}, not {_KINDS[found[2]]}", sentence
    )
    field = place.strip("`").removeprefix("$").lstrip(".")
    return f"{field}: {sentence}".replace("`", "'") if field else sentence.replace("`", "'")


def digest(text: str, field: str, error: type[AttestError]) -> bytes:
    """Return the 32 octets of a SHA-256 digest written as 64 lower-case hex digits."""
    if not HEX_DIGEST.match(text):
        raise error(f"{field}: {text[:80]!r} is not a SHA-256 digest (64 lower-case hex digits)")
    return bytes.fromhex(text)


def pcr_value(text: str, field: str, error: type[AttestError]) -> bytes:
    """Return a PCR's value: 64, 96 or 128 lower-case hex digits, for the SHA-256, SHA-384 or SHA-512 bank."""
    if not HEX_PCR.match(text):
        raise error(f"{field}: {text[:80]!r} is not a PCR's value (64, 96 or 128 lower-case hex digits)")
    return bytes.fromhex(text)


def quote(text: str) -> str:
    """Return a TOML basic string."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
