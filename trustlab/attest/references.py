"""Reference Values: what good measurements look like (RFC 9334, 4.2), as Bob publishes them.

A file in TOML, digests in hex, each with a name for people:

    version = 7
    expires = 2027-06-30T00:00:00Z      # after this moment nothing is accepted by the file; left out: never
    [hypersafe]
    "9f86d0..." = "HyperSafe 1.0"       # SHA-256 of the launched code
    [launch-policies]
    "60303a..." = "one VM, no debugger" # SHA-256 of the policy's text
    [images]
    "fd61a0..." = "bank 1.0"            # the image's digest
    [pcrs]                              # for machines whose policy demands firmware's PCRs: the values they may have
    7 = ["65caf8..."]

The version only ever goes up: a Relying Party remembers the last one it accepted, so that nobody can hand it
yesterday's file in which the image with the hole was still good.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Self

import msgspec

from trustlab.attest import tables
from trustlab.attest.digests import PCR_COUNT
from trustlab.attest.errors import ReferenceValuesError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_VERSION = 2**53
Moment = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""A moment as a file writes it, with its time zone."""
LAUNCH_PCRS = range(17, 21)
BANK_OF_SIZE = {32: "sha256", 48: "sha384", 64: "sha512"}
"""Banks by the length of their PCRs' values."""
INDICES = {str(pcr) for pcr in range(PCR_COUNT)}


class _ReferencesFile(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    version: int
    hypersafe: dict[str, str]
    launch_policies: dict[str, str]
    images: dict[str, str]
    pcrs: dict[str, list[str]] = {}
    expires: Moment | None = None


class ReferenceValues(msgspec.Struct, frozen=True):
    """Digest (32 octets) to name, for what may be launched, under which policy, and which images may run.

    `pcrs` (index to values) is for PCRs about which the lab's own events say nothing: not 17 to 20, whose values would
    never be looked at (ReferenceValuesError). A value's length says of which bank it is.
    """

    version: int
    hypersafe: dict[bytes, str]
    launch_policies: dict[bytes, str]
    images: dict[bytes, str]
    pcrs: dict[int, tuple[bytes, ...]] = {}
    expires: dt.datetime | None = None

    def __post_init__(self) -> None:
        for pcr in self.pcrs:
            if pcr in LAUNCH_PCRS:
                raise ReferenceValuesError(
                    f"pcrs: PCR {pcr} has no values here. What may be in PCR 17 to 20 is said by what was measured "
                    "into them ([hypersafe], [launch-policies], [images]), and by claims in the policy. Take it out"
                )

    @classmethod
    def from_toml(cls, source: str | bytes | Path) -> Self:
        """Read text, octets or a file; ReferenceValuesError names the line or the field that is wrong."""
        file = tables.load(source, _ReferencesFile, ReferenceValuesError)
        if not 0 <= file.version <= MAX_VERSION:
            raise ReferenceValuesError(f"version: {file.version} is not a version (0 to {MAX_VERSION})")
        return cls(
            file.version,
            _octets(file.hypersafe, "hypersafe"),
            _octets(file.launch_policies, "launch-policies"),
            _octets(file.images, "images"),
            {_index(pcr): tuple(_pcr_value(value) for value in values) for pcr, values in file.pcrs.items()},
            file.expires,
        )

    @property
    def bank(self) -> str:
        """The bank of the first PCR value: those of one file belong to one bank."""
        size = next((len(value) for values in self.pcrs.values() for value in values), 32)
        return BANK_OF_SIZE[size]

    def to_toml(self) -> str:
        """Return the file that `from_toml` reads."""
        tables_ = {"hypersafe": self.hypersafe, "launch-policies": self.launch_policies, "images": self.images}
        lines = [f"version = {self.version}"]
        if self.expires is not None:
            lines.append(f"expires = {self.expires.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}")
        for title, entries in tables_.items():
            lines += ["", f"[{title}]"]
            lines += [f'"{octets.hex()}" = {tables.quote(name)}' for octets, name in sorted(entries.items())]
        if self.pcrs:
            lines += ["", "[pcrs]"]
            lines += [
                f"{pcr} = [{', '.join(tables.quote(v.hex()) for v in self.pcrs[pcr])}]" for pcr in sorted(self.pcrs)
            ]
        return "\n".join(lines) + "\n"


def _octets(entries: Mapping[str, str], field: str) -> dict[bytes, str]:
    return {_digest(text, field): name for text, name in entries.items()}


def _listed(values: tuple[bytes, ...]) -> str:
    return ", ".join(tables.quote(value.hex()) for value in values)


def _digest(text: str, field: str) -> bytes:
    return tables.digest(text, field, ReferenceValuesError)


def _pcr_value(text: str) -> bytes:
    return tables.pcr_value(text, "pcrs", ReferenceValuesError)


def _index(text: str) -> int:
    if text not in INDICES:
        raise ReferenceValuesError(f"pcrs: {text[:20]!r} is not a PCR (0 to {PCR_COUNT - 1})")
    return int(text)
