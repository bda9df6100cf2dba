"""The ways in which attestation data can be unreadable, one type each, all of them `AttestError`."""

from __future__ import annotations

from trustlab.octets import OctetsError


def shown(text: object, limit: int = 80) -> str:
    """Return text that came from a stranger as it may stand in a sentence: short, and free of control characters."""
    words = str(text)
    cut = words if len(words) <= limit else words[: limit - 1] + "…"
    return cut if cut.isprintable() else ascii(cut)


def plural(count: int, one: str, many: str) -> str:
    """Return a count with its noun: `1 entry`, `8 entries`."""
    return f"{count} {one if count == 1 else many}"


class AttestError(ValueError):
    """Anything wrong with data that this room reads; never raised for an appraisal that merely refuses."""


class CodecError(OctetsError, AttestError):
    """Octets are not the TPM structure they should be; says which structure, which field, at which offset."""


class EventLogError(AttestError):
    """An event log cannot be read or replayed; the message says at which event and offset."""


class EvidenceError(AttestError):
    """Octets are not an Evidence collection; the message says which entry, and at which offset where there is one."""


class ReferenceValuesError(AttestError):
    """A file of Reference Values is not one, is badly signed, or has a bad field; the message names line or field."""


class PolicyError(AttestError):
    """An Appraisal Policy has a bad field; the message names line or field."""


class ResultError(AttestError):
    """A serialised Attestation Result is not one, or its signature, binder or time does not hold."""
