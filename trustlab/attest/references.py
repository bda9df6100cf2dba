"""Reference Values: what good measurements look like (RFC 9334, 4.2), as Bob publishes them.

A file in TOML, digests in hex, each with a name for people:

    version = 7
    [hypersafe]
    "9f86d0..." = "HyperSafe 1.0"       # SHA-256 of the launched code
    [launch-policies]
    "60303a..." = "one VM, no debugger" # SHA-256 of the policy's text
    [images]
    "fd61a0..." = "bank 1.0"            # the image's digest

The version only ever goes up: a Relying Party remembers the last one it accepted, so that nobody can hand it
yesterday's file in which the image with the hole was still good.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import msgspec

from trustlab.attest import tables
from trustlab.attest.errors import ReferenceValuesError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_VERSION = 2**53


class _File(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    version: int
    hypersafe: dict[str, str]
    launch_policies: dict[str, str]
    images: dict[str, str]


class ReferenceValues(msgspec.Struct, frozen=True):
    """Digest (32 octets) to name, for what may be launched, under which policy, and which images may run."""

    version: int
    hypersafe: dict[bytes, str]
    launch_policies: dict[bytes, str]
    images: dict[bytes, str]

    @classmethod
    def from_toml(cls, source: str | bytes | Path) -> Self:
        """Read text, octets or a file; ReferenceValuesError names the line or the field that is wrong."""
        file = tables.load(source, _File, ReferenceValuesError)
        if not 0 <= file.version <= MAX_VERSION:
            raise ReferenceValuesError(f"version: {file.version} is not a version (0 to {MAX_VERSION})")
        return cls(
            file.version,
            _octets(file.hypersafe, "hypersafe"),
            _octets(file.launch_policies, "launch-policies"),
            _octets(file.images, "images"),
        )

    def to_toml(self) -> str:
        """Return the file that `from_toml` reads."""
        tables_ = {"hypersafe": self.hypersafe, "launch-policies": self.launch_policies, "images": self.images}
        lines = [f"version = {self.version}"]
        for title, entries in tables_.items():
            lines += ["", f"[{title}]"]
            lines += [f'"{octets.hex()}" = {tables.quote(name)}' for octets, name in sorted(entries.items())]
        return "\n".join(lines) + "\n"


def _octets(entries: Mapping[str, str], field: str) -> dict[bytes, str]:
    return {tables.digest(text, field, ReferenceValuesError): name for text, name in entries.items()}
