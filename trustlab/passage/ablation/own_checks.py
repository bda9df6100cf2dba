"""A student's check in place of one of the Verifier's: source text in the measured configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attest import CHECKS
from trustlab.passage.source import SourceError, loaded, source_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustlab.attest import Judge

PREFIX = "check "
"""Before the name of a check: the setting that holds the source of the one in its place."""
FUNCTION = "judge"
"""What the function is called in that source."""


def check_settings(checks: Mapping[str, object]) -> dict[str, str]:
    """Return what a configuration says of checks of one's own, by the name of the check that each stands for.

    Each is a function of a Case that returns None or a sentence that says what is wrong, or its source text, in which
    it is called `judge`. SourceError for anything else, and for a name that is no check.
    """
    if unknown := [name for name in checks if name not in CHECKS[1:]]:
        raise SourceError(f"there is no check {unknown[0]!r} to stand in for; there are: {', '.join(CHECKS[1:])}")
    return {
        f"{PREFIX}{name}": source_of(check, f"the check in place of {name!r}", function=FUNCTION)
        for name, check in checks.items()
    }


def own_checks(settings: Mapping[str, str]) -> dict[str, Judge]:
    """Return the checks of a configuration, ready to run."""
    names = [name.removeprefix(PREFIX) for name in settings if name.startswith(PREFIX)]
    return {name: loaded(settings[f"{PREFIX}{name}"], FUNCTION, f"check_{name.replace(' ', '_')}") for name in names}
