"""A command's own failure."""

from __future__ import annotations


class Failure(Exception):  # noqa: N818 - what a person reads is its message
    """The command cannot do what it was asked; the message names the fix."""
