"""What was found runs, with real TPMs; where nothing was found, no attack of the catalogue with these powers succeeds."""

from __future__ import annotations

import os

import pytest

from tests.finder.random_designs import random_designs
from trustlab.finder import find
from trustlab.passage import DESIGNS, Binder, Design
from trustlab.scenarios.found import act_of_finding, catalogued, run_finding

SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
ATTACKS, NONES = (200, 50) if SOAK else (40, 10)
SEED = "2026"


def drawn(verdict, count):
    """Return so many findings with this verdict about random designs."""
    findings = []
    for design, powers, goal, replay in random_designs(SEED):
        found = find(design, powers, goal, replay=replay)
        if found.verdict == verdict and (verdict == "attack" or any(catalogued(found))):
            findings.append(found)
        if len(findings) == count:
            return findings
    return findings


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_every_attack_on_a_random_design_succeeds():
    wrong = [(f.design, f.powers, f.goal, ran.sentence) for f, ran in ran_of("attack", ATTACKS) if not ran.as_found]
    assert wrong == []


@pytest.mark.long
@pytest.mark.timeout(1500)
def test_no_named_attack_succeeds_where_nothing_was_found():
    wrong = [(f.design, f.powers, f.goal, ran.sentence) for f, ran in ran_of("none", NONES) if not ran.as_found]
    assert wrong == []


def ran_of(verdict, count):
    findings = drawn(verdict, count)
    assert len(findings) == count
    return [(found, run_finding(found)) for found in findings]


@pytest.mark.parametrize(
    ("name", "powers", "goal"),
    [
        ("plain-tls", ("ca",), "pin"),
        ("attest-then-connect", ("ca",), "pin"),
        ("key-in-quote", ("copy",), "pin"),
        ("client-quote", ("ca",), "balance"),
        ("pms-in-quote", ("ca", "lax-peer"), "balance"),
        ("tls13-early", ("dh-known", "key-usable", "ca"), "agree"),
        ("tls13-exporter", ("own-machine", "unpinned"), "peer"),
    ],
)
def test_a_found_attack_on_a_named_design_succeeds(name, powers, goal):
    ran = run_finding(find(DESIGNS[name], powers, goal))
    assert (ran.outcome, ran.as_found) == ("succeeded", True)


def test_replayed_evidence_is_kept_before_the_teller_comes():
    found = find(DESIGNS["tls13-key"], ("ca", "key-usable"), replay=True)
    with act_of_finding(found) as act:
        assert act.run().outcome == "succeeded"
        clients = [truth.data["client"] for truth in act.trace.select("ground-truth", name="connection")]
    assert clients == ["alice", "teller"]


def test_steps_that_do_not_come_out_are_reported_as_a_defect(monkeypatch):
    monkeypatch.setattr("trustlab.finder.search.explained", lambda steps: ())
    ran = run_finding(find(DESIGNS["tls13-nonce"], ("ca",)))
    assert not ran.as_found
    assert ran.sentence.startswith("The search found an attack, and its run did not succeed")


def test_a_success_where_nothing_was_found_is_reported_as_a_defect(monkeypatch):
    monkeypatch.setattr("trustlab.scenarios.found.catalogued", lambda _found: iter(["rogue-certificate"]))
    open_door = Design.custom("open", like=DESIGNS["attest-then-connect"], server=Binder(("nonce_C",), bare=True))
    ran = run_finding(find(open_door, ("copy",), states=1))
    assert (ran.outcome, ran.as_found) == ("succeeded", False)
    assert "rogue-certificate succeeds" in ran.sentence


def test_an_attestation_key_that_leaked_is_used_in_a_run():
    ran = run_finding(find(DESIGNS["trusted-passage"], ("ca", "ak-leaked")))
    assert (ran.outcome, ran.as_found) == ("succeeded", True)


@pytest.mark.parametrize(
    ("changes", "powers", "replay"),
    [
        ({"server": Binder(("L", "S", "server_random", "H(SPKI_S)"))}, ("ca", "key-usable"), True),
        ({"server": Binder(("L", "S")), "when": "before", "key_origin": "machine"}, ("ca", "dh-known"), False),
    ],
    ids=["a kept hello", "an ECDSA certificate of her own"],
)
def test_a_found_attack_on_a_design_of_ones_own_succeeds(changes, powers, replay):
    design = Design.custom("mine", like=DESIGNS["tcb-key"], **changes)
    ran = run_finding(find(design, powers, replay=replay))
    assert (ran.outcome, ran.as_found) == ("succeeded", True)


LEAKED = ("key-in-quote", "trusted-passage", "session-hash", "tls13-early", "tls13-exporter")


@pytest.mark.parametrize("name", LEAKED)
@pytest.mark.parametrize("goal", ["pin", "balance"])
def test_with_leaked_attestation_keys_every_finding_comes_out(name, goal):
    """Evidence is forged in the handshake, in frames, and in authenticators; for the bank, and for the teller."""
    found = find(DESIGNS[name], ("ca", "ak-leaked"), goal)
    assert found.verdict == "attack"
    ran = run_finding(found)
    assert (ran.outcome, ran.as_found) == ("succeeded", True), ran.sentence


def test_an_image_of_her_own_is_refused_by_what_it_is():
    """A quote names the image, so this power alone finds nothing; a machine with it is played."""
    found = find(DESIGNS["tls13-key"], ("ca", "evil-image", "unpinned"), "peer")
    ran = run_finding(found)
    assert (found.verdict, ran.outcome) == ("none", "refused")
    assert "own-genuine-machine-other-image" in ran.sentence


@pytest.mark.parametrize("fields", [("nonce_C",), ("L",)])
def test_old_evidence_inside_a_channel_of_tls13(fields):
    """The question is asked inside, so only a binder without its nonce can be shown again."""
    design = Design.custom(
        "mine", like=DESIGNS["tls13-nonce-key"], when="inside", server=Binder(fields), client=None, client_key=False
    )
    found = find(design, ("ca",), replay=True)
    assert found.verdict == ("none" if "nonce_C" in fields else "attack")
    assert run_finding(found).as_found
