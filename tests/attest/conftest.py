"""Hypothesis without its stopwatch: these tests run on machines that do other things at the same time."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
