"""The six designs on TLS 1.3, end to end between teller and bank, with real TPMs."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from trustlab import tls
from trustlab.attest import Evidence
from trustlab.passage import DESIGNS, LADDER13, Binder, Design, DesignError, design_of, setting_of
from trustlab.passage.designs import CHOICES
from trustlab.scenarios import rung
from trustlab.tls.extensions import parse_extension

NAMES = [design.name for design in LADDER13]
MUTUAL = [design.name for design in LADDER13 if design.client]
INSIDE = [design.name for design in LADDER13 if design.when == "handshake"]


@pytest.fixture(scope="module")
def runs():
    acts = {}
    for name in NAMES:
        with rung(name) as act:
            act.run()
        acts[name] = act
    return acts


def certificates(act, party):
    raws = [e.raw for e in act.trace.select("tls.message", party=party, name="Certificate") if e.sent]
    return [tls.parse_message(22, raw, tls.CipherSuite.TLS_AES_128_GCM_SHA256, tls.Version.TLS13) for raw in raws]


def evidence_beside(entry):
    body = entry.extension(tls.ExtensionType.ATTESTATION)
    return None if body is None else parse_extension(tls.Extension(tls.ExtensionType.ATTESTATION, body), "Certificate")


@pytest.mark.parametrize("name", NAMES)
def test_the_payment_goes_through_and_alice_reads_nothing(runs, name):
    outcome = runs[name].outcome
    assert (outcome.outcome, outcome.alice_knows, outcome.refused_by) == ("completed", (), None)


@pytest.mark.parametrize("name", NAMES)
def test_each_end_that_is_owed_evidence_appraises_and_accepts_it(runs, name):
    accepted = {e.party for e in runs[name].trace.select("appraisal", name="accepted")}
    assert accepted == ({"teller", "bank"} if name in MUTUAL else {"teller"})


@pytest.mark.parametrize("name", NAMES)
def test_attester_and_verifier_come_to_the_same_binder(runs, name):
    by_role = {}
    for event in runs[name].trace.select("binder"):
        by_role.setdefault(event.data["role"], []).append(event.data["binder"])
    assert set(by_role) == ({"S", "C"} if name in MUTUAL else {"S"})
    assert all(len(both) == 2 and len(set(both)) == 1 for both in by_role.values())


@pytest.mark.parametrize("name", INSIDE)
def test_evidence_stands_beside_the_first_certificate(runs, name):
    for party in ("bank", "teller") if name in MUTUAL else ("bank",):
        (message,) = certificates(runs[name], party)
        first, *others = message.certificate_list
        assert Evidence.decode(evidence_beside(first)).quote
        assert [evidence_beside(entry) for entry in others] == [None] * len(others)


def test_in_the_exporter_design_the_handshake_itself_carries_no_evidence(runs):
    act = runs["tls13-exporter"]
    for party in ("bank", "teller"):
        (message,) = certificates(act, party)
        assert [evidence_beside(entry) for entry in message.certificate_list] == [None]


@pytest.mark.parametrize("name", NAMES)
def test_the_servers_key_signs_in_its_tpm_for_hypersafe_at_locality_2(runs, name):
    signed = runs[name].trace.select("tpm.command", party="bank", name="TPM2_Sign")
    assert {(e.data["client"], e.data["locality"]) for e in signed} == {("HyperSafe", 2)}
    assert len(signed) == (2 if name == "tls13-exporter" else 1)


@pytest.mark.parametrize("name", NAMES)
def test_the_key_is_proved_but_where_the_design_does_not_ask(runs, name):
    verdicts = {e.name: e.data["verdict"] for e in runs[name].trace.select("verdict", party="teller")}
    expected = "left out" if name == "tls13-nonce" else "pass"
    assert {verdicts[c] for c in ("key identity", "key provenance", "key policy", "one AK for both")} == {expected}


@pytest.mark.parametrize("name", NAMES)
def test_each_runs_with_sha_384_and_the_hybrid_group_too(name):
    design = msgspec.structs.replace(DESIGNS[name], suite="TLS_AES_256_GCM_SHA384", group="X25519MLKEM768")
    with rung(design) as act:
        assert act.run().outcome == "completed"
    (hello,) = [e for e in act.trace.select("tls.message", party="bank", name="ServerHello") if e.sent]
    assert b"\x13\x02" in hello.raw
    assert len(hello.raw) > 1088, "the server's share is an ML-KEM ciphertext and an x25519 value"
    assert {len(e.raw) for e in act.trace.select("secret", name="handshake_secret")} == {48}


def test_every_octet_of_every_message_is_named(runs):
    for act in runs.values():
        for event in [*act.trace.select("tls.message"), *act.trace.select("authenticator")]:
            reached = 0
            for start, end in sorted((s.start, s.end) for s in event.spans):
                assert start <= reached, f"{event.name}: octets {reached}-{start} have no name"
                reached = max(reached, end)
            assert reached == len(event.raw), event.name


def test_tshark_opens_the_capture_decrypted(runs, tmp_path):
    act = runs["tls13-exporter"]
    _, capture = act.save(tmp_path)
    tshark = shutil.which("tshark")
    assert tshark, "tshark is missing: make test installs it"
    flow = act.trace.select("frame", connection="teller-bank-1")[0]
    port = flow.data["src"].split(":")[1]
    command = [tshark, "-r", str(capture), "-T", "fields", "-e", "tcp.stream", "-Y", f"tcp.srcport == {port}"]
    stream = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.split()[0].decode()
    command = [tshark, "-r", str(capture), "-q", "-z", f"follow,tls,ascii,{stream}"]
    clear = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout
    assert b"PAY 120.00 TO carol PIN " + act.trace.select("secret", name="canary pin")[0].raw in clear


@pytest.mark.parametrize("name", NAMES)
def test_a_design_is_named_in_a_configuration_or_spelled_out_there(name):
    design = DESIGNS[name]
    other = msgspec.structs.replace(design, group="SECP256R1")
    assert setting_of(design) == name
    assert design_of(name) == design
    assert setting_of(other).startswith("{")
    assert design_of(setting_of(other)) == other


@pytest.mark.parametrize(
    "setting",
    [
        "moonlight",
        "{",
        '{"\ud800',
        '{"name": 7}',
        '{"name": "x", "when": "handshake"}',
        '{"name":"x","when":"never","group":"X"}',
    ],
)
def test_a_setting_that_is_no_design_is_a_design_error(setting):
    with pytest.raises(DesignError):
        design_of(setting)


def test_a_design_of_ones_own_runs_like_any_other_and_falls_where_it_must():
    mine = Design.custom("mine", like=DESIGNS["tls13-nonce-key"], server=Binder(("client_random", "H(SPKI_S)")))
    with rung(mine) as act:
        assert act.run().outcome == "completed"
    with rung(mine, "evidence-relay") as act:
        assert (act.run().outcome, act.design.key_origin) == ("succeeded", "machine")
    with rung(mine, "evidence-replay") as act:
        assert act.run().outcome == "refused"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"suite": "TLS_RSA_WITH_AES_128_GCM_SHA256"}, "not a suite of TLS 1.3"),
        ({"suite": "TLS_MOONLIGHT"}, "'TLS_MOONLIGHT' is not a name in trustlab.tls.CipherSuite"),
        ({"group": "X448"}, "cannot agree on a key in the group X448"),
        ({"group": "moon"}, "'moon' is not a name in trustlab.tls.Group"),
    ],
)
def test_a_design_with_a_suite_or_group_that_cannot_be_is_refused(changes, says):
    base = msgspec.structs.asdict(DESIGNS["tls13-early"])
    with pytest.raises(DesignError, match=says):
        Design(**{**base, **changes})


@pytest.mark.parametrize(
    ("field", "value", "there_are"),
    [
        ("tls", "1.4", "1.2, 1.3"),
        ("when", "tomorrow", "never, before, inside, sealed, handshake, after-finished"),
        ("key_origin", "moon", "deployed, machine, tcb"),
        ("key_origin", ["tcb"], "deployed, machine, tcb"),
    ],
)
def test_a_design_with_a_word_that_there_is_not_is_refused_at_once(field, value, there_are):
    with pytest.raises(DesignError, match=re.escape(f"mine: {field} cannot be {value!r}; choose from: {there_are}")):
        Design.custom("mine", **{field: value})


def test_every_field_of_a_few_words_is_held_against_them():
    words = {name: get_args(hint) for name, hint in get_type_hints(Design).items() if get_origin(hint) is Literal}
    assert words == CHOICES
