"""Taking any single check, rule or binder field out of the program makes a test fail, and the test is named.

The named test is run by a pytest of its own inside this one: once as the program is, and once with the removal, which
is in force only while the body of the test runs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from removals import REMOVALS

from trustlab.attest import CHECKS
from trustlab.passage import PARTS, RULES

ROOT = Path(__file__).parents[1]
NOT_NEEDED = ("cacheprovider", "faulthandler", "unraisableexception", "threadexception")
"""Plugins of pytest's own that the outer one has already, or that would leave files."""


class Applied:
    """A plugin: something is taken out while a test's body runs, and what became of it is kept."""

    def __init__(self, take_out=lambda _patch: None):
        self.became = {}
        self._take_out = take_out

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        with pytest.MonkeyPatch.context() as patch:
            self._take_out(patch)
            return (yield)

    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.failed:
            self.became[report.nodeid] = report


def run(test, plugin):
    """Run a test by its name, in this process and with no other plugin, and return what became of it."""
    idle = [f"-pno:{name}" for name in NOT_NEEDED]
    options = ["-c", os.devnull, "--rootdir", str(ROOT), *idle, "-qq", "--no-summary"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytest.main([*options, str(ROOT / test)], plugins=[plugin])
    assert set(plugin.became) == {test}
    return plugin.became[test]


def test_every_check_rule_and_field_is_taken_out_once():
    assert set(REMOVALS) == {*CHECKS, *RULES, *PARTS}


@pytest.mark.parametrize("name", REMOVALS)
def test_its_test_passes_as_the_program_is_and_fails_when_it_is_taken_out(name):
    take_out, test = REMOVALS[name]
    assert run(test, Applied()).outcome == "passed"
    report = run(test, Applied(take_out))
    assert (report.outcome, report.when) == ("failed", "call")
    crash = report.longrepr.reprcrash
    assert Path(crash.path) == ROOT / test.partition("::")[0]
    assert crash.message.startswith(("AssertionError", "assert "))
