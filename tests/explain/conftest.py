"""What the explanations' tests share."""

from __future__ import annotations

import sys

import pytest

from trustlab.explain import event as explain_event


@pytest.fixture(autouse=True)
def every_test_for_itself() -> None:
    """Where mutants are played, keep no tree from one test to the next: else only the first one seems to need a line."""
    if "tests.mutants" in sys.modules:
        explain_event.forget()
