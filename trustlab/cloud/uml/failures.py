"""What was raised in a guest, made again where its result is awaited."""

from __future__ import annotations

import builtins

from trustlab.attest import errors as attest_errors
from trustlab.cloud import errors
from trustlab.wire import errors as wire_errors

MORE_TO_SAY = (
    wire_errors.EndpointError,
    attest_errors.CodecError,
    UnicodeDecodeError,
    UnicodeEncodeError,
    UnicodeTranslateError,
)
"""Exceptions that are not made of a sentence alone."""


def raised(name: str, error: str, sentence: str) -> Exception:
    """Return the error that the guest `name` named; one that this side does not know becomes a CloudError."""
    for module in (errors, attest_errors, wire_errors, builtins):
        kind = getattr(module, error, None)
        if isinstance(kind, type) and issubclass(kind, Exception) and kind not in MORE_TO_SAY:
            return kind(sentence)
    return errors.CloudError(f"{name}: {error}: {sentence}")
