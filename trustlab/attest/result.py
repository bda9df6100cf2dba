"""What an appraisal yields: a verdict for every check, and the whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from trustlab.trace import Emitter, Value

PASS, FAIL, NOT_DEMANDED, NOT_COMPARED, LEFT_OUT = "pass", "fail", "not demanded", "not compared", "left out"


class BootCounters(msgspec.Struct, frozen=True):
    """Which boot a quote comes from.

    `launch` is the digest of the launch nonce that HyperSafe drew (empty if there was no such launch): every launch has
    another. resetCount, restartCount and clock alone do not tell boots apart: TPM2_Clear takes them back to zero.
    """

    reset_count: int
    restart_count: int
    launch: bytes = b""
    clock: int = 0
    safe: bool = True


class Check(msgspec.Struct, frozen=True):
    """One named check's outcome: `sentence` for people, `expected` and `found` the octets that were compared.

    `verdict` is "pass", "fail", "not demanded", "not compared" where there is nothing to compare with, or "left out" if
    an experiment switched the check off.
    `fields` are the named inputs of `expected` where there are any (the binder's fields).
    """

    name: str
    verdict: str
    sentence: str
    expected: bytes = b""
    found: bytes = b""
    clause: str = ""
    fields: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True)
class AttestationResult:
    """All checks in order, and what the evidence says once they are believed.

    `boot` is what the next appraisal of the same passage expects; `image` the name of the accepted image; `pcrs` the
    replayed values; `ek_key` the machine; `binder` what the evidence is bound to. They mean nothing unless
    `accepted`. `unproved` are the paths of fields that nothing proves, whatever the verdict (`attest.unproved`).
    """

    checks: tuple[Check, ...]
    binder: bytes
    boot: BootCounters | None = None
    image: str | None = None
    claims: dict[str, str] = field(default_factory=dict)
    pcrs: dict[int, bytes] = field(default_factory=dict)
    ek_key: bytes = b""
    reference_version: int = 0
    unproved: tuple[str, ...] = ()

    @cached_property
    def failed(self) -> list[str]:
        """The names of all checks that failed, in order."""
        return [check.name for check in self.checks if check.verdict == FAIL]

    @property
    def accepted(self) -> bool:
        return not self.failed

    @property
    def refused_by(self) -> str | None:
        """The first check that failed, None if none did."""
        return next(iter(self.failed), None)

    def __getitem__(self, name: str) -> Check:
        """Return the check of this name; KeyError if it was not reached (malformed evidence)."""
        for check in self.checks:
            if check.name == name:
                return check
        raise KeyError(name)

    @property
    def sentence(self) -> str:
        """The whole in a sentence."""
        if self.accepted:
            return f"Accepted: {sum(c.verdict == PASS for c in self.checks)} checks passed."
        first = self[self.failed[0]]
        more = f" ({len(self.failed) - 1} more failed)" if len(self.failed) > 1 else ""
        return f"Refused by {first.name!r}: {first.sentence}{more}"

    def record(self, party: Emitter, *, about: str, connection: str = "", **data: Value) -> None:
        """Emit one `verdict` event a check and the `appraisal` event; `about` names whose evidence it was."""
        entries = [(check.name, _entry(check, about, data)) for check in self.checks]
        party.emit_all("verdict", entries, connection=connection)
        whole: dict[str, Value] = {
            "refused_by": self.refused_by,
            "failed": list(self.failed),
            "sentence": self.sentence,
            "about": about,
            **data,
        }
        name = "accepted" if self.accepted else "refused"
        party.emit("appraisal", name, connection=connection, data=whole)


def _entry(check: Check, about: str, more: dict[str, Value]) -> dict[str, Value]:
    entry: dict[str, Value] = {
        "verdict": check.verdict,
        "sentence": check.sentence,
        "expected": check.expected.hex(),
        "found": check.found.hex(),
        "clause": check.clause,
        "about": about,
        **more,
    }
    if check.fields:
        entry["fields"] = [[name, octets.hex()] for name, octets in check.fields]
    return entry
