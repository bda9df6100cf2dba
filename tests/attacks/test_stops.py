"""What stopped her is taken from the trace, the most telling thing first; a design that cannot work is not secure."""

from __future__ import annotations

import pytest

from trustlab.attacks import stop_of
from trustlab.attest import AppraisalPolicy
from trustlab.passage import DESIGNS
from trustlab.scenarios import rung
from trustlab.scenarios.honest import BROKE
from trustlab.scenarios.third_party import third_party
from trustlab.trace import Trace

ALERT = bytes([2, 40])


def refused(trace, party="teller", failed=("extraData", "key identity")):
    trace.party(party).emit("appraisal", "refused", refused_by=failed[0], failed=list(failed))


def alert(trace, party, raw=ALERT, *, sent=True):
    trace.party(party).emit("tls.message", "Alert", raw=raw, connection="teller-bank-1", sent=sent)


def answered(trace, code, name, client):
    trace.party("bank").emit("tpm.response", "TPM2_Sign", client=client, rc=code, rc_name=name)


def test_nothing_stopped_her_where_nothing_happened():
    assert stop_of(Trace(), "pin") is None


def test_a_check_says_more_than_the_alert_before_it_and_what_she_says_herself_counts_for_nothing():
    trace = Trace()
    refused(trace, "alice", ("my own say",))
    alert(trace, "alice")
    alert(trace, "bank", sent=False)
    assert stop_of(trace, "pin") is None
    alert(trace, "bank")
    assert stop_of(trace, "pin").by == ("alert handshake_failure",)
    refused(trace)
    assert stop_of(trace, "pin").by == ("extraData", "key identity")


def test_a_warning_is_no_refusal():
    trace = Trace()
    alert(trace, "bank", bytes([1, 0]))
    assert stop_of(trace, "pin") is None


@pytest.mark.parametrize(
    ("code", "name", "client", "by"),
    [
        (0x907, "TPM_RC_LOCALITY", "root VM", ("TPM_RC_LOCALITY",)),
        (0x99D, "TPM_RC_POLICY_FAIL (session 1)", "HyperSafe with a back door", ("TPM_RC_POLICY_FAIL",)),
        (0x902, "TPM_RC_OBJECT_MEMORY", "root VM", None),
        (0x922, "TPM_RC_RETRY", "root VM", None),
        (0x101, "TPM_RC_FAILURE", "HyperSafe", None),
        (0, "TPM_RC_SUCCESS", "root VM", None),
    ],
)
def test_a_tpm_that_refused_her_is_named_by_its_code_and_a_busy_one_is_not(code, name, client, by):
    trace = Trace()
    answered(trace, code, name, client)
    stop = stop_of(trace, "pin")
    assert (stop and stop.by) == by


@pytest.mark.parametrize(
    ("design", "attack", "by", "says"),
    [
        ("tcb-key", "deployed-key", ("key in the TPM",), "The TPM of bank made its key, and no copy is on the disk."),
        ("tcb-key", "memory-scrape", ("HyperSafe",), "HyperSafe does not show its guest's memory (emulated"),
        ("tls13-key", "key-abuse", ("TPM_RC_LOCALITY",), "The TPM of bank refused TPM2_Sign to root VM"),
        ("tls13-key", "downgrade", ("alert missing_extension",), "(109): evidence is demanded and the server does not"),
        ("session-hash", "client-impersonation", ("extraData",), "Refused by the check 'extraData'."),
        ("client-certificate", "same-pms-reencryption", ("extraData", "key identity"), "Refused by the check"),
        ("session-hash", "toctou-redirect", ("evidence format",), "Refused by the check 'evidence format'."),
        ("plain-tls", "plain-wire", ("traffic keys",), "Only teller and bank have the keys of teller-bank-1."),
    ],
)
def test_the_sentence_of_a_run_says_what_stopped_her_in_it(design, attack, by, says):
    with rung(design, attack) as act:
        told = act.run()
    assert told.stopped_by == by
    assert act.attack.goal not in told.reached
    assert says in told.sentence


def test_a_design_that_never_completes_is_broken_whatever_attacks_it():
    impossible = AppraisalPolicy(allowed_images=("no such image",))
    with rung("trusted-passage", "tunnel-relay", policy=impossible) as act:
        told = act.run()
    assert told.outcome == "broke"
    assert told.sentence.startswith(f"{BROKE} Refused by the check 'reference values'.")
    with rung("trusted-passage", "tunnel-relay") as act:
        assert act.run().outcome == "refused"


def test_an_attack_on_a_broken_design_that_succeeds_has_succeeded():
    impossible = AppraisalPolicy(allowed_images=("no such image",))
    with rung(DESIGNS["plain-tls"], "deployed-key", policy=impossible) as act:
        assert act.run().outcome == "succeeded"


def test_a_demand_that_no_customer_can_meet_makes_her_trick_mean_nothing():
    with third_party("stale-antivirus", policy=AppraisalPolicy(claims=("antivirus.signatures >= 2999-01-01",))) as act:
        told = act.run()
    assert (told.outcome, told.stopped_by) == ("broke", ("claims",))
