"""What can go wrong in looking at a capture."""

from __future__ import annotations


class CaptureError(Exception):
    """A capture or key log cannot be read; the message says which octet or line is wrong."""
