"""A student's check in place of one of the Verifier's, as source text in the measured configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import CHECKS
from trustlab.passage.source import SourceError, loaded, source_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.attest import Judge

PREFIX = "check "
"""The setting `check NAME` holds the source of the check that replaces the check NAME."""
FUNCTION = "judge"
"""The name of the function in that source."""


def check_settings(checks: Mapping[str, object]) -> dict[str, str]:
    """Return the settings for your own checks, given by the name of the check that each replaces.

    Each is a function that takes an `Appraisal` and returns None, or a sentence that says what is wrong; or the source
    text of such a function named `judge`. SourceError for anything else, or for a name that is not a check.
    """
    if unknown := [name for name in checks if name not in CHECKS[1:]]:
        raise SourceError(f"no check {unknown[0]!r} can be replaced; choose from: {', '.join(CHECKS[1:])}")
    return {
        f"{PREFIX}{name}": source_of(check, f"the check in place of {name!r}", function=FUNCTION)
        for name, check in checks.items()
    }


def own_checks(settings: Mapping[str, str]) -> dict[str, Judge]:
    """Return the student's checks in a configuration, ready to run."""
    names = [name.removeprefix(PREFIX) for name in settings if name.startswith(PREFIX)]
    return {name: loaded(settings[f"{PREFIX}{name}"], FUNCTION, f"check_{name.replace(' ', '_')}") for name in names}
