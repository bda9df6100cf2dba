"""Both acts, end to end, with real TPMs: judged by what Alice holds and by who refused."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from trustlab.attacks import CATALOGUE, Judgement, judge
from trustlab.cloud import Cloud, Image, Ordinary
from trustlab.scenarios import plain_tls, rung, trusted_passage
from trustlab.scenarios.verdict import verdict
from trustlab.trace import Trace


@pytest.fixture(scope="module")
def plain():
    with plain_tls() as act:
        act.run()
        yield act


@pytest.fixture(scope="module")
def passage():
    with trusted_passage() as act:
        act.run()
        yield act


@pytest.fixture(scope="module")
def attacked():
    with trusted_passage("rogue-certificate") as act:
        act.run()
        yield act


def pin_of(act) -> bytes:
    return act.trace.select("secret", name="canary pin")[0].raw


def test_plain_tls_falls_to_alice_and_she_holds_the_pin(plain):
    assert (plain.outcome.outcome, plain.outcome.alice_knows) == ("succeeded", ("pin",))
    assert plain.outcome.as_told
    assert plain.outcome.alice_read == f"PAY 120.00 TO carol PIN {pin_of(plain).decode()}"
    assert pin_of(plain).decode() not in repr(plain.outcome)


def test_plain_tls_without_alice_completes_and_she_reads_nothing():
    with plain_tls(None) as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.alice_knows, outcome.as_told) == ("completed", (), True)


def test_the_messages_of_act_one_come_from_passive_decoding(plain):
    messages = plain.trace.select("tls.message")
    assert messages
    assert all(e.data["passive"] for e in messages)
    names = [e.name for e in messages if e.party == "teller" and e.sent]
    assert names[:4] == ["ClientHello", "ClientKeyExchange", "ChangeCipherSpec", "Finished"]
    assert {e.connection for e in messages} == {"teller-bank-1", "alice-bank-1"}


def test_act_one_is_tls_12_with_rsa_key_exchange_and_aes_128_gcm(plain):
    hellos = plain.trace.select("tls.message", name="ServerHello")
    assert hellos
    assert all(e.raw[4:6] == b"\x03\x03" and b"\x00\x9c" in e.raw for e in hellos)


def test_under_alices_eyes_the_payment_still_goes_through(plain):
    assert plain.trace.select("app", party="bank", name="payment")
    assert plain.trace.select("app", party="teller", name="answer")


def test_a_trusted_passage_completes_without_alice(passage):
    assert (passage.outcome.outcome, passage.outcome.alice_knows, passage.outcome.refused_by) == ("completed", (), None)
    appraisals = {e.party: e.name for e in passage.trace.select("appraisal")}
    assert appraisals == {"teller": "accepted", "bank": "accepted"}


def test_both_ends_bind_the_same_handshake(passage):
    by_role = {}
    for event in passage.trace.select("binder"):
        by_role.setdefault(event.data["role"], set()).add(event.data["binder"])
    assert set(by_role) == {"S", "C"}
    assert all(len(binders) == 1 for binders in by_role.values())


def test_the_pre_master_secret_is_opened_by_the_banks_tpm_at_locality_2(passage):
    commands = [e for e in passage.trace.select("tpm.command", party="bank") if e.name == "TPM2_RSA_Decrypt"]
    assert [e.data["locality"] for e in commands] == [2]


def test_the_passage_refuses_alice_and_names_check_and_bytes(attacked):
    outcome = attacked.outcome
    assert (outcome.outcome, outcome.alice_knows, outcome.refused_by) == ("refused", (), "extraData")
    verdict = attacked.trace.select("verdict", party="teller", name="extraData")[0]
    assert verdict.data["verdict"] == "fail"
    assert verdict.data["expected"] != verdict.data["found"]
    assert len(verdict.data["expected"]) == len(verdict.data["found"]) == 64


def test_what_alice_could_copy_she_copied_and_only_her_key_gives_her_away(attacked):
    binders = attacked.trace.select("binder")
    expected = dict(next(e for e in binders if e.party == "teller" and e.data["side"] == "verifier").data["fields"])
    proved = dict(next(e for e in binders if e.party == "bank" and e.data["side"] == "attester").data["fields"])
    assert [name for name in expected if expected[name] != proved[name]] == ["H(SPKI_S)"]


def test_the_pin_never_leaves_the_teller_when_alice_is_refused(attacked):
    pin = pin_of(attacked)
    assert not [e for e in attacked.trace if pin in e.raw and e.name != "canary pin"]
    assert not attacked.trace.select("app", party="teller", name="connected")


@pytest.mark.parametrize(
    "without",
    [("extraData", "key identity"), ("extraData", "key identity", "key provenance")],
    ids="+".join,
)
def test_without_the_checks_that_catch_her_alice_reads_the_pin(without):
    with trusted_passage("rogue-certificate", without=without) as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.alice_knows) == ("succeeded", ("pin",))


@pytest.mark.parametrize(("left_out", "refuses"), [("extraData", "key identity"), ("key identity", "extraData")])
def test_each_of_the_two_checks_is_enough_to_refuse_her(left_out, refuses):
    with trusted_passage("rogue-certificate", without=(left_out,)) as act:
        act.run()
        assert act.outcome.outcome == "refused"
        assert act.outcome.refused_by == refuses


def test_without_an_attack_alice_knowing_the_pin_is_no_happy_end():
    act = plain_tls(None)
    with act:
        act.run()
        keys = act.trace.select("secret", party="teller", name="master_secret")[0]
        act.trace.party("alice").secret("master_secret", keys.raw, **keys.data)
        again = act._judged(judge(act.trace, {"pin": pin_of(act)}))
    assert (again.outcome, again.as_told, again.alice_knows) == ("failed", False, ("pin",))
    assert "Alice knows: pin" in again.sentence


def test_a_guest_program_cannot_read_what_others_did():
    program = b"def start(guest):\n    assert not hasattr(guest.party, 'trace')\n"
    with Cloud("memory") as cloud:
        cloud.rent("idle", Image("idle", program, {"design": "plain-tls"}), Ordinary).start()


def test_checks_to_leave_out_may_be_named_by_one_string():
    with trusted_passage("rogue-certificate", without="extraData") as act:
        assert act.run().refused_by == "key identity"


def test_running_an_act_twice_returns_the_same_outcome(plain):
    assert plain.run() is plain.run()


def test_an_unknown_attack_is_named():
    with pytest.raises(ValueError, match="no attack 'moonlight'"):
        trusted_passage("moonlight")


def test_the_trace_on_disk_is_the_trace_of_the_run(plain, tmp_path):
    trace, _ = plain.save(tmp_path)
    loaded = Trace.load(trace)
    assert [(e.party, e.seq, e.raw) for e in loaded] == [(e.party, e.seq, e.raw) for e in plain.trace]


@pytest.mark.parametrize("name", ["plain", "passage"])
def test_tshark_opens_the_capture_decrypted(request, tmp_path, name):
    act = request.getfixturevalue(name)
    _, capture = act.save(tmp_path)
    tshark = shutil.which("tshark")
    assert tshark, "tshark is missing: make test installs it"
    flow = next(e for e in act.trace.select("frame", connection="teller-bank-1"))
    port = flow.data["src"].split(":")[1]
    stream = subprocess.run(
        [tshark, "-r", str(capture), "-T", "fields", "-e", "tcp.stream", "-Y", f"tcp.srcport == {port}"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout.split()[0]
    clear = subprocess.run(
        [tshark, "-r", str(capture), "-q", "-z", f"follow,tls,ascii,{stream.decode()}"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    assert b"PAY 120.00 TO carol PIN " + pin_of(act) in clear
    assert b"PAID 120.00 to carol" in clear


def test_a_shared_trace_without_secrets_holds_no_pin_and_no_keys(plain, tmp_path):
    path = plain.trace.save(tmp_path / "shared.jsonl")
    shared = Trace.load(path)
    assert not shared.select("secret")
    assert not [e for e in shared if pin_of(plain) in e.raw or f"PIN {pin_of(plain).decode()}" in str(e.data)]


def test_every_octet_of_every_message_is_named(passage):
    for event in passage.trace.select("tls.message"):
        covered = sorted((s.start, s.end) for s in event.spans)
        assert covered, event.name
        reached = 0
        for start, end in covered:
            assert start <= reached, f"{event.name}: octets {reached}-{start} have no name"
            reached = max(reached, end)
        assert reached == len(event.raw), event.name


def test_reprs_of_the_whole_trace_show_no_pin(plain):
    assert pin_of(plain).decode() not in "".join(map(repr, plain.trace))


def told(outcome: str, *, connected: str = "", attack: str | None = None, paid: bool = False, **facts) -> str:
    """Return the sentence of a run in which this party trusted its channel, if any did."""
    trace = Trace()
    if connected:
        trace.party(connected).emit("app", "connected", sentence="It trusts this channel and asks.")
    judgement = Judgement(**({"alice_knows": (), "refused_by": None, "failed": (), "wrong_peer": None} | facts))
    chosen = CATALOGUE[attack] if attack else None
    return verdict(outcome, judgement, chosen, trace, customer="teller", paid=paid)


@pytest.mark.parametrize("connected", ["", "mallory"])
def test_a_refusal_before_the_customer_trusted_the_channel_says_that_the_pin_was_never_sent(connected):
    said = told("refused", connected=connected, refused_by="extraData")
    assert said == "Refused by the check 'extraData'. The PIN was never sent."


def test_a_refusal_after_the_pin_was_sent_does_not_say_that_it_never_was():
    assert told("refused", connected="teller", refused_by="extraData") == "Refused by the check 'extraData'."


def test_an_act_that_is_refused_when_the_pin_has_left_does_not_say_that_it_never_was_sent():
    """In TLS 1.3 the client speaks first: the bank refuses the evidence of a teller that has paid already."""
    with rung("tls13-handshake-secret", "same-pms-reencryption-tls13") as act:
        outcome = act.run()
        assert act.trace.select("app", party="teller", name="connected")
        assert [e for e in act.trace.select("secret") if pin_of(act) in e.raw and e.name != "canary pin"]
    assert (outcome.outcome, outcome.sentence) == ("refused", "Refused by the check 'extraData'.")


def test_a_payment_that_went_through_under_alices_eyes_is_said_to_have_and_one_that_did_not_is_not():
    secret = "Alice read the PIN."
    assert told("succeeded", attack="rogue-certificate", paid=False) == secret
    assert told("succeeded", attack="rogue-certificate", paid=True) == (
        f"{secret} The payment went through, and neither end noticed."
    )
