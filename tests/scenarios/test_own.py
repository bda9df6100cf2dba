"""What students bring: an attack, a check and a policy of their own, and a seed that makes runs equal."""

from __future__ import annotations

import re

import pytest

from trustlab.attacks import CATALOGUE, Assumptions, Attack
from trustlab.attest import AppraisalPolicy, PolicyError
from trustlab.passage import SeedError, SourceError
from trustlab.scenarios import rung, third_party
from trustlab.scenarios.setup import Bob, plan, set_up

RELAY = """
from trustlab.attacks.alice.ends import intercept
from trustlab.attacks.alice.tools import Alice

def start(guest):
    alice = Alice(guest)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: intercept(alice, identity, connection))
"""


def listening(guest):
    from trustlab.attacks.alice.tools import Alice  # noqa: PLC0415 - it travels as text, with its imports

    Alice(guest).only_listen()


def names_a_global(guest):
    return CATALOGUE, guest


def refuse_all(case):
    return f"nothing is good enough, and least of all {len(case.quote.extra_data)} octets"


def accept_all(case):
    return None


def lenient(case):
    return None if case.quote.extra_data else "there is no extraData"


def fails(case):
    raise LookupError(f"no key in {type(case).__name__}")


def says_a_number(case):
    return 7


def outcome_of(act):
    with act:
        return act.run()


def test_an_attack_of_ones_own_plays_like_the_one_of_the_catalogue():
    mine = Attack.from_source("mine", RELAY, why="A copy of the question finds the same machine.")
    with rung("connect-then-attest", mine) as act:
        told = act.run()
    assert (told.attack, told.outcome, told.alice_knows) == ("mine", "refused", ())
    with rung("plain-tls", mine) as act:
        told = act.run()
    assert (told.outcome, told.alice_knows) == ("succeeded", ("pin",))
    assert {e.name for e in act.trace.select("attack")} == {"mine"}


def test_its_program_is_the_text_that_alices_machine_measures_and_runs():
    bob = Bob(rung("tcb-key")._publisher, "web", "privacy")
    setup = set_up(plan(rung("tcb-key").design, Attack.from_source("mine", RELAY)), bob)
    assert setup.alice.image.program == RELAY.encode()
    assert setup.alice.image.load().defines("start")


def test_a_function_is_taken_by_its_source_whatever_its_name():
    mine = Attack.from_source("mine", listening)
    assert "def listening(guest):" in mine.code
    told = outcome_of(rung("tcb-key", mine))
    assert (told.attack, told.outcome) == ("mine", "failed")


def test_what_an_attack_of_ones_own_assumes_is_granted():
    usable = Attack.from_source("mine", listening, assumes=Assumptions(leaks=("key usable",), unpinned=True))
    with rung("tcb-key", usable) as act:
        act.run()
    assert act.trace.select("note", name="assumption: key usable")
    assert act.design.key_origin == "machine"


@pytest.mark.parametrize(
    ("program", "sentence"),
    [
        ("def go(guest): pass", "must define a function 'start'"),
        ("def start(guest:", "is not Python"),
        (5, "must be source text or a function, not int"),
        (lambda guest: None, "must be a function that begins with `def`"),
        (names_a_global, "uses 'CATALOGUE', but does not define it"),
        (print, "must be source text or a function, not builtin_function_or_method"),
        ("def start(guest):\n    return helper(guest)", "uses 'helper', but does not define it"),
        ("def start(guest): return '\0'", "is not Python"),
    ],
)
def test_a_program_that_could_not_run_is_refused_in_a_sentence(program, sentence):
    with pytest.raises(SourceError, match=re.escape(sentence)) as caught:
        Attack.from_source("mine", program)
    assert "\n" not in str(caught.value)
    assert "the program of the attack 'mine'" in str(caught.value)


@pytest.mark.parametrize(
    ("attack", "sentence"),
    [
        (5, "attack must be a name or an Attack, not int"),
        ("nobody", "there is no attack 'nobody'; choose from: "),
        (
            Attack(name="mine", needs=(), steps=(), breaks="", why="", source="", stopped_by=""),
            "does not have a program",
        ),
        (Attack.from_source("mine", RELAY, tls="1.3"), "mine is an attack on TLS 1.3, but tcb-key runs on TLS 1.2"),
    ],
)
def test_an_attack_that_cannot_be_played_is_refused_in_a_sentence(attack, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        rung("tcb-key", attack)


def test_a_check_of_ones_own_refuses_with_its_own_sentence():
    with rung("tcb-key", checks={"extraData": refuse_all}) as act:
        told = act.run()
    assert (told.outcome, told.refused_by, told.failed) == ("refused", "extraData", ("extraData",))
    judged = act.trace.select("verdict", party="teller", name="extraData")[0]
    assert judged.data["sentence"] == "nothing is good enough, and least of all 32 octets"
    assert judged.data["clause"]  # it still stands where the Verifier's own would


def test_a_check_that_is_too_kind_lets_the_relay_in_and_a_good_one_does_not():
    design, attack = "key-in-quote", "tunnel-relay"
    assert outcome_of(rung(design, attack)).refused_by == "extraData"
    assert outcome_of(rung(design, attack, checks={"extraData": lenient})).alice_knows == ("pin",)
    text = "def judge(case):\n    return None if case.quote.extra_data == case.expected.binder else 'another binder'"
    assert outcome_of(rung(design, attack, checks={"extraData": text})).refused_by == "extraData"
    assert outcome_of(rung(design, checks={"extraData": text})).outcome == "completed"


def test_a_check_is_measured_with_the_image():
    def digest(**more):
        bob = Bob(publisher, "web", "privacy")
        return set_up(plan(design, **more), bob).customer.image.digest

    act = rung("tcb-key")
    publisher, design = act._publisher, act.design
    assert digest() == digest()
    assert len({digest(), digest(checks={"claims": accept_all}), digest(checks={"claims": refuse_all})}) == 3


@pytest.mark.parametrize(
    ("check", "sentence"),
    [(fails, "no key in "), (says_a_number, "This check returned 7: it should return None or a sentence.")],
)
def test_a_check_that_fails_or_says_nothing_sensible_refuses(check, sentence):
    with rung("tcb-key", checks={"signature": check}) as act:
        assert act.run().refused_by == "signature"
    assert sentence in act.trace.select("verdict", party="teller", name="signature")[0].data["sentence"]


@pytest.mark.parametrize(
    ("checks", "sentence"),
    [
        ({"nonce": accept_all}, "no check 'nonce' can be replaced; choose from: AK chain"),
        ({"evidence format": accept_all}, "no check 'evidence format' can be replaced"),
        ({"signature": 5}, "the check in place of 'signature' must be source text or a function, not int"),
        ({"signature": "def check(case): pass"}, "must define a function 'judge'"),
    ],
)
def test_a_check_that_cannot_be_taken_is_refused_in_a_sentence(checks, sentence):
    with pytest.raises(SourceError, match=re.escape(sentence)):
        rung("tcb-key", checks=checks)


def test_a_policy_of_ones_own_is_what_the_teller_demands_of_the_bank():
    assert outcome_of(rung("tcb-key", policy=AppraisalPolicy(allowed_images=("bank",)))).outcome == "completed"
    told = outcome_of(rung("tcb-key", policy=AppraisalPolicy(allowed_images=("teller",))))
    assert told.refused_by == "reference values"
    assert outcome_of(rung("tcb-key", policy='claims = ["antivirus.signatures >= 2026-11-01"]')).refused_by == "claims"


def test_a_policy_that_pins_nothing_pins_bobs_machines_and_one_that_pins_another_refuses():
    attack = "own-genuine-machine-pinned"
    assert outcome_of(rung("tcb-key", attack, policy=AppraisalPolicy())).refused_by == "machine pinned"
    other = AppraisalPolicy(ek_keys=(bytes(32),))
    assert outcome_of(rung("tcb-key", policy=other)).refused_by == "machine pinned"


def test_a_policy_of_ones_own_is_what_the_bank_demands_of_carol():
    strict = AppraisalPolicy(allowed_images=("carol",), claims=("antivirus.signatures >= 2026-11-01",))
    assert outcome_of(third_party(policy=strict)).outcome == "completed"
    assert outcome_of(third_party("stale-antivirus", policy=strict)).refused_by == "claims"
    assert outcome_of(third_party("stale-antivirus", policy=AppraisalPolicy())).outcome == "completed"


@pytest.mark.parametrize(
    ("policy", "sentence"),
    [
        (5, "policy must be an AppraisalPolicy or its TOML text, not int"),
        ("claim = []", "claim"),
        ('claims = ["x"]', "x"),
    ],
)
def test_a_policy_that_cannot_be_read_is_refused_in_a_sentence(policy, sentence):
    with pytest.raises(PolicyError, match=re.escape(sentence)) as caught:
        rung("tcb-key", policy=policy)
    assert isinstance(caught.value, ValueError)


def drawn(design, seed, attack=None):
    """Return what was drawn in a run: secrets, randoms, nonces."""
    with rung(design, attack, seed=seed) as act:
        assert act.run().outcome in {"completed", "refused", "failed", "succeeded"}
    hellos = [e for e in act.trace.select("tls.message") if e.sent and e.name in {"ClientHello", "ServerHello"}]
    randoms = [(e.party, e.raw[6:38]) for e in hellos]
    fields = [(e.party, e.data["side"], *field) for e in act.trace.select("binder") for field in e.data["fields"]]
    nonces = [field for field in fields if field[2].startswith("nonce")]
    canaries = [e.raw for e in act.trace.select("secret") if e.name.startswith("canary")]
    chosen = [e.raw for e in act.trace.select("secret", name="pre_master_secret")]
    key = act._publisher.private_bytes_raw()
    questions = [e.raw[:200] for e in act.trace.select("frame") if b"acme-challenge" in e.raw]
    questions = [raw[raw.index(b"acme-challenge") :].split(b" ")[0] for raw in questions]
    return {"randoms": randoms, "nonces": nonces, "canaries": canaries, "pms": chosen, "key": key, "ca": questions}


@pytest.mark.parametrize(
    ("design", "attack"),
    [
        ("connect-then-attest", "early-canary"),
        ("attest-then-connect", "toctou-redirect"),
        ("trusted-passage", None),
        ("session-hash", None),
        ("tls13-nonce", None),
    ],
)
def test_two_runs_with_one_seed_draw_the_same(design, attack):
    first, again, other = drawn(design, 7, attack), drawn(design, "7", attack), drawn(design, 8, attack)
    assert first == again
    assert first["randoms"]
    assert first["ca"]
    for name, values in first.items():
        if values and name != "nonces":
            assert values != other[name], name


def test_without_a_seed_no_two_runs_draw_the_same():
    first, again = drawn("trusted-passage", None), drawn("trusted-passage", None)
    for name in ("randoms", "canaries", "pms", "key", "ca"):
        assert first[name] != again[name]


def test_a_seeded_machine_says_so_and_is_another_image():
    with rung("tcb-key", seed=1) as act:
        act.run()
    assert {e.party for e in act.trace.select("note", name="seeded")} == {"bank", "teller"}
    assert all("seed" in e.data["sentence"] for e in act.trace.select("note", name="seeded"))


@pytest.mark.parametrize("seed", [1.5, True, b"7", [1]])
def test_a_seed_that_is_none_is_refused_in_a_sentence(seed):
    with pytest.raises(SeedError, match="a seed must be a whole number or text, not "):
        rung("tcb-key", seed=seed)
