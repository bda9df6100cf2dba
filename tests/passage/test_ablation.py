"""Everything that can be left out is applied from outside: the honest code does not know that it can be."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import os
import re
from pathlib import Path

import pytest

import trustlab
from trustlab import tls
from trustlab.attest import CHECKS, AppraisalPolicy, ReferenceValues
from trustlab.cloud.authority import Authority
from trustlab.passage import DESIGNS, RESUMED, RULES, TRUSTED_PASSAGE, ablation
from trustlab.passage.components import HONEST, Components
from trustlab.tls.resumption12 import ResumingClient
from trustlab.tls.unchecked import UncheckedClientConfig
from trustlab.trace import Trace

PACKAGE = Path(trustlab.__file__).parent
ABLATION = PACKAGE / "passage" / "ablation"
OUTSIDE = ("pair", "resumption12", "unchecked")
"""Modules of the engine's room that the engine does not import: ends that do less than it, and a pair of ends to try."""
HONEST_MODULES = [
    *(
        PACKAGE / "passage" / f"{name}.py"
        for name in ("components", "guard", "exchange", "exported", "endpoint", "limits", "serving", "streams")
    ),
    PACKAGE / "cloud" / "channels.py",
    PACKAGE / "cloud" / "guest.py",
    PACKAGE / "cloud" / "station.py",
    *sorted(set((PACKAGE / "tls").glob("*.py")) - {PACKAGE / "tls" / f"{name}.py" for name in OUTSIDE}),
]
REMOVED = re.compile(
    r"\b(lax|eager|skip|switch of the lab|left out|without_rules|fail_closed|check_peer|sessions?(?!.hash)|^errs$|"
    + "|".join(map(re.escape, RULES))
    + r")\b"
)
COMMON = {"coalesce", "extended_master_secret", "intercept", "middlebox_compatibility", "secrets"}
SWITCHES = {
    tls.ClientConfig: COMMON | {"require_extended_master_secret"},
    tls.ServerConfig: COMMON | {"require_extended_master_secret", "acknowledge_server_name"},
}
"""Settings of the engine that are on or off: what it offers and tells, and one check more than usual; none less."""
SETTINGS = [
    *({"without_rules": name} for name in RULES),
    {"without": CHECKS[1]},
    {"policy": "lax"},
    {"verifier": "errs"},
    {"check signature": "def judge(case):\n    return None"},
    {"seed": "7"},
]


def chosen(settings, design=TRUSTED_PASSAGE, trace=None):
    return ablation.components(settings, design, (Trace() if trace is None else trace).party("bank"))


def said_by(path):
    """Return the names and the strings of a module; of the engine, whose strings speak of sessions, the names."""
    fields = ("id", "attr", "arg", "name") if path.parent.name == "tls" else ("id", "attr", "arg", "name", "value")
    for node in ast.walk(ast.parse(path.read_text())):
        for field in fields:
            if isinstance(word := getattr(node, field, None), str):
                yield word


@pytest.mark.parametrize("path", HONEST_MODULES, ids=lambda path: path.stem)
def test_an_honest_module_mentions_nothing_that_can_be_removed(path):
    assert {match[0] for word in said_by(path) for match in REMOVED.finditer(word)} == set()


def test_nobody_but_the_channels_asks_the_ablation_and_they_do_in_one_line():
    asks = re.compile(r"\bablation\.components\(|import .*\bcomponents\b.*")
    found = {
        str(path.relative_to(PACKAGE)): [
            line for line in path.read_text().splitlines() if "ablation.components(" in line
        ]
        for path in PACKAGE.rglob("*.py")
        if ABLATION not in path.parents and asks.search(path.read_text())
    }
    assert {name: len(lines) for name, lines in found.items() if lines} == {"cloud/channels.py": 1}
    assert len(re.findall(r"\bablation\b", (PACKAGE / "cloud" / "channels.py").read_text())) == 2  # and the import


@pytest.mark.parametrize("settings", [{}, {"policy": "strict", "without": "", "without_rules": ""}])
def test_a_configuration_that_asks_for_nothing_gets_the_honest_components(settings):
    for design in DESIGNS.values():
        trace = Trace()
        assert chosen(settings, design, trace) is HONEST
        assert len(trace) == 0


def test_the_honest_components_come_from_honest_modules():
    for field in dataclasses.fields(Components):
        component = getattr(HONEST, field.name)
        if component is not os.urandom:
            assert ABLATION not in Path(inspect.getfile(component)).parents
    assert HONEST.random is os.urandom


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: next(iter(settings.values())).partition("(")[0])
def test_each_removal_changes_its_own_component_and_no_other(settings):
    less = chosen(settings)
    changed = {f.name for f in dataclasses.fields(Components) if getattr(less, f.name) != getattr(HONEST, f.name)}
    expected = {
        "offer answered": {"client", "server"},
        "CA identity": {"client", "server"},
        "error refuses": {"guard"},
        "evidence first": {"asking"},
        "evidence anew": {"mutual"},
        "paced quotes": {"limited"},
        "one answer": {"server_end"},
        "lax": {"guard"},
        "errs": {"verifier"},
        CHECKS[1]: {"verifier"},
        "def judge(case):\n    return None": {"verifier"},
        "7": {"random"},
    }
    assert changed == expected[next(iter(settings.values()))]


def test_the_trace_says_who_does_not_keep_which_rule():
    trace = Trace()
    chosen({"without_rules": ",".join(RULES)}, trace=trace)
    told = {(e.name, e.data["sentence"]) for e in trace.select("note", party="bank")}
    assert told == {(f"rule left out: {name}", f"The bank {rule.without}.") for name, rule in RULES.items()}


def test_a_verifier_leaves_out_what_the_configuration_says_and_what_the_design_says():
    less = chosen({"without": "signature,claims"})
    references = ReferenceValues(1, {}, {}, {})
    verifier = less.verifier([], references, AppraisalPolicy(), last_reference_version=0, without=("events",))
    assert verifier.without == {"signature", "claims", "events"}


def test_only_a_design_that_resumes_keeps_sessions():
    assert chosen({}, DESIGNS["session-hash"]) is HONEST
    assert chosen({}, RESUMED).client != HONEST.client
    config = tls.ClientConfig(server_name="bank.example", trust=[Authority("a CA").root])
    less = chosen({"without_rules": "offer answered"}, RESUMED).client(config)
    assert isinstance(less, ResumingClient)
    assert less.config is config
    assert (less.client12, less.client13) != (ResumingClient.client12, ResumingClient.client13)
    assert isinstance(chosen({"without_rules": "CA identity"}).client(config).config, UncheckedClientConfig)
    trusting = chosen({"without_rules": "CA identity,offer answered"}, RESUMED).client(config)
    assert (type(trusting.config), isinstance(trusting, ResumingClient)) == (UncheckedClientConfig, True)


def test_the_engine_imports_no_end_that_does_less():
    """Not even for type checking; and a configuration has no field that turns a check off."""
    for path in HONEST_MODULES:
        if path.parent.name == "tls":
            text = path.read_text()
            assert not re.search(r"^\s*(from|import) .*(resumption12|unchecked)", text, re.MULTILINE), path
    for config in (tls.ClientConfig, tls.ServerConfig):
        switches = {f.name for f in dataclasses.fields(config) if isinstance(f.default, bool)}
        assert switches == SWITCHES[config]
