"""Taking any single check, rule or binder field out of the program makes a test fail, and the test is named.

The named tests are run by a pytest of their own inside this one: once as the program is, and once for each removal,
which is in force only while the body of the test runs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from removals import REMOVALS

from trustlab.attest import CHECKS
from trustlab.passage import PARTS, RULES

ROOT = Path(__file__).parents[1]


class Applied:
    """A plugin: something is taken out while a test's body runs, and what became of the tests is kept."""

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


def run(tests, plugin):
    """Run tests by their names, in this process and with no other plugin, and return what became of each."""
    places = [str(ROOT / test) for test in tests]
    options = ["-c", os.devnull, "--rootdir", str(ROOT), "-p", "no:cacheprovider", "-qq", "--no-summary"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        pytest.main([*options, *places], plugins=[plugin])
    return plugin.became


def test_every_check_rule_and_field_is_taken_out_once():
    assert set(REMOVALS) == {*CHECKS, *RULES, *PARTS}
    assert all(removal.tests for removal in REMOVALS.values())


def test_the_named_tests_pass_as_the_program_is():
    tests = {test for removal in REMOVALS.values() for test in removal.tests}
    became = run(sorted(tests), Applied())
    assert set(became) == tests
    assert {report.outcome for report in became.values()} == {"passed"}


@pytest.mark.parametrize("name", REMOVALS)
def test_taking_it_out_makes_its_tests_fail(name):
    take_out, tests = REMOVALS[name]
    became = run(tests, Applied(take_out))
    assert {test: report.outcome for test, report in became.items()} == dict.fromkeys(tests, "failed")
    for test, report in became.items():
        crash = report.longrepr.reprcrash
        assert (report.when, Path(crash.path)) == ("call", ROOT / test.partition("::")[0])
        assert crash.message.startswith(("AssertionError", "assert "))
