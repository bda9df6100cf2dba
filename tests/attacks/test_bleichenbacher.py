"""The bank's answers to wrong secrets, octet for octet and by time; without the rule they differ."""

from __future__ import annotations

import statistics

import pytest

from trustlab.attacks import answers
from trustlab.attacks.programs.bleichenbacher import VARIANTS
from trustlab.scenarios import rung
from trustlab.trace import Trace

BAD_RECORD_MAC, DECRYPT_ERROR = bytes.fromhex("15030300020214"), bytes.fromhex("15030300020233")
SECRETS = {"correct", "another version inside"}
OPENS = {"correct", "another version inside", "a secret too short", "a secret too long", "no secret at all"}


def answer_times(trace: Trace, server: str = "bank") -> dict[str, float]:
    """Return how long the server's TPM worked on each variant, in ms, timed on this machine.

    TPM2_RSA_Decrypt may answer sooner for a wrong block than for a correct one: the engine cannot hide that difference.
    """
    took = [float(str(e.data["ms"])) for e in trace.select("tpm.response", party=server, name="TPM2_RSA_Decrypt")]
    return dict(zip(VARIANTS, took, strict=False))


def asked(*, without=()):
    with rung("tcb-key", "bleichenbacher", without=without) as act:
        act.run()
    return act


@pytest.fixture(scope="module")
def act():
    return asked()


def test_every_wrong_secret_is_answered_by_the_same_octets(act):
    assert answers(act.trace) == dict.fromkeys(VARIANTS, BAD_RECORD_MAC)


def test_what_a_kernel_sends_twice_is_read_once(act):
    again = Trace("with retransmissions")
    for event in act.trace.select("frame"):
        for _ in range(2):
            again.append(
                event.party, "frame", event.name, raw=event.raw, connection=event.connection, data=dict(event.data)
            )
    assert answers(again) == answers(act.trace)


def opened(act) -> set[str]:
    codes = [e.data["rc"] for e in act.trace.select("tpm.response", party="bank", name="TPM2_RSA_Decrypt")]
    return {name for name, rc in zip(VARIANTS, codes, strict=False) if rc == 0}


def test_blocks_of_the_right_form_open_in_the_tpm_and_others_do_not_or_to_noise(act):
    """Noise is what an emulator on OpenSSL 3.2 or later hands out: implicit rejection."""
    assert opened(act) in (OPENS, set(VARIANTS))


def test_without_the_rule_the_answers_tell_what_opened_to_a_secret():
    act = asked(without=("one answer",))
    told = answers(act.trace)
    noise = opened(act) - OPENS  # of 48 octets once in some 250 times
    said = {answer: {name for name, given in told.items() if given == answer} - noise for answer in told.values()}
    assert said == {BAD_RECORD_MAC: SECRETS, DECRYPT_ERROR: set(VARIANTS) - SECRETS - noise}


def test_the_tpm_takes_about_as_long_for_what_does_not_open(act):
    took = answer_times(act.trace)
    assert set(took) == set(VARIANTS)
    opened = statistics.median(took[name] for name in OPENS)
    closed = statistics.median(took[name] for name in set(VARIANTS) - OPENS)
    assert 0.1 < closed / opened < 10
