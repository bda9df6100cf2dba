"""What every test shares. Being here also puts this folder on the path: rooms' tests import its modules by name.

Three marks say what a test needs, so that `make quick` can leave it out:

- `browser`: Chromium, and often a JupyterLab. Set here for all of `tests/browser` and what else starts one.
- `machines`: virtual machines of User Mode Linux. Set at the test; skipped here where none can run.
- `long`: whole tables, many programs, all commands. Set here by folder, file and name, or at the test.

Under pytest-xdist (`--dist loadgroup`) a browser's tests share one process, and so do the virtual machines'. A module
with fixtures of its own scope stays together too, so that nothing expensive is made twice.
"""

from __future__ import annotations

import platform
import signal
import sys
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

TESTS = Path(__file__).parent
BROWSER = ("browser/", "interop/test_interop_chromium.py")
LONG = (
    "interop/",
    "attacks/",
    "mutants/",
    "fuzz/",
    "test_cli",
    "test_removals.py",
    "test_passages_page.py",
    "scenarios/test_matrix.py",
    "scenarios/test_own.py",
    "scenarios/test_stalled.py",
    "scenarios/test_third_party.py",
    "passage/test_streams.py",
    "capture/test_capture_byte_ranges.py",
    "capture/test_capture_export.py",
    "capture/test_capture_foreign.py",
    "capture/test_capture_upgrades.py",
    "conformance/test_conformance_rewritten.py",
    "tls/test_broken_certificates.py",
    "tls/test_tls13_interop.py",
    "tls/test_tshark.py",
    "tpm/test_tpm_soak.py",
)
"""What takes more than its share of half a minute: whole tables, many programs, all commands."""
LONG_TESTS = (
    "attest/test_attest_certificates.py::test_no_changed_octet_*",
    "capture/test_capture_files.py::test_a_connection_reads_alike_in_every_framing*",
    "capture/test_capture_files.py::test_a_large_capture_*",
    "capture/test_capture_files.py::test_a_real_capture_*.pcapng.gz?",
    "conformance/test_conformance_alerts.py::test_tls13_alerts_are_protected_*",
    "conformance/test_conformance_client.py::test_without_change_cipher_spec_*",
    "explain/test_fields_of.py::test_every_event_of_every_design_*",
    "explain/test_fields_of.py::test_nearly_all_octets_*",
    "explain/test_fields_of.py::test_a_long_leaf_*",
    "explain/test_fields_of.py::test_no_field_has_the_sentence_of_nobody",
    "inspector/test_keyschedule.py::test_every_secret_of_every_design_*",
    "inspector/test_odd_views.py::test_a_changed_trace_*",
    "inspector/test_real_steering.py::*trusted-passage*",
    "inspector/test_sources.py::test_the_sources_are_typed",
    "inspector/test_steered.py::test_what_if_*",
    "inspector/test_terminal_browser.py::test_a_signal_*",
    "passage/test_tls13_designs.py::test_tshark_*",
    "scenarios/test_acts.py::test_checks_to_leave_out_*",
    "scenarios/test_acts.py::test_each_of_the_two_checks_*",
    "scenarios/test_acts.py::test_tshark_*",
    "scenarios/test_acts.py::test_without_the_checks_*",
    "scenarios/test_steering.py::test_an_interpreter_*",
    "scenarios/test_steering_page.py::*",
    "scenarios/test_tampermap.py::test_a_map_goes_on_*",
    "scenarios/test_tampermap.py::test_an_unjudged_field_*",
    "scenarios/test_tampermap.py::test_between_openssl_ends_*",
    "scenarios/test_tampermap.py::test_rows_say_*",
    "scenarios/test_tampermap.py::test_the_command_*",
    "scenarios/test_tampermap.py::test_with_keys_*",
    "scenarios/test_what_if.py::*trusted-passage*",
    "scenarios/test_what_if.py::test_against_an_attack_*",
    "scenarios/test_what_if.py::test_an_edit_that_two_checks_*",
    "test_contributing.py::test_the_program_*",
    "tpm/test_tpm_swtpm_setup.py::*",
    "x509/test_certificate_fields.py::test_any_changed_octet_*",
)
"""Single tests that take a second of a processor or more, beside which the others of their file are quick."""
NO_MACHINES = pytest.mark.skip(reason="User Mode Linux runs on Linux on x86-64 alone")


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """Give Ctrl-C and SIGTERM back what they did: a command called in-process ignores both when it is over.

    A child would inherit that, and could not be ended.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def pytest_configure(config: pytest.Config) -> None:
    """Hypothesis without its stopwatch, since the machine does other things too; a quick run draws fewer examples."""
    if settings.get_current_profile_name() == "default":
        quick = "not long" in config.option.markexpr.split(" and ")
        settings.register_profile("ours", deadline=None, max_examples=20 if quick else 100)
        settings.load_profile("ours")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import the files that `-m "not browser and not machines and not long"` leaves out: it takes seconds."""
    terms = config.option.markexpr.split(" and ")
    left_out = [p for mark, paths in (("browser", BROWSER), ("long", LONG)) if f"not {mark}" in terms for p in paths]
    where = collection_path.relative_to(TESTS).as_posix()
    return (f"{where}/" if collection_path.is_dir() else where).startswith(tuple(left_out)) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    virtual = sys.platform == "linux" and platform.machine() == "x86_64"
    for item in items:
        where = item.path.relative_to(TESTS).as_posix()
        if where.startswith(BROWSER):
            item.add_marker("browser")
        if where.startswith(LONG) or any(fnmatchcase(f"{where}::{item.name}", each) for each in LONG_TESTS):
            item.add_marker("long")
        if item.get_closest_marker("machines") and not virtual:
            item.add_marker(NO_MACHINES)
        group = group_of(item, where)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name octets by their parameter: they may be random, and every process must collect the same names."""
    return argname if isinstance(val, bytes) and not (val.isascii() and val.decode().isprintable()) else None


def group_of(item: pytest.Item, where: str) -> str | None:
    """Name the process that a test shares with others; None if it may run in any."""
    for mark in ("browser", "machines"):
        if item.get_closest_marker(mark):
            return mark
    info = getattr(item, "_fixtureinfo", None)
    wide = info is not None and any(d.scope == "module" for defs in info.name2fixturedefs.values() for d in defs)
    return where if wide else None
