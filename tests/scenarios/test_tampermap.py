"""The tamper map is a net: every field that nothing catches is judged, and each kind is caught where it should be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import msgspec
import pytest

from trustlab import tls
from trustlab.passage import DESIGNS
from trustlab.scenarios import KINDS, TamperMap
from trustlab.scenarios.caught import caught
from trustlab.scenarios.judged import judgement_of, judgements
from trustlab.scenarios.tampermap import _Payments
from trustlab.trace import Trace

SOAK = bool(os.environ.get("TRUSTLAB_SOAK"))


def rows_of(design, *, keys=False):
    """Play a map: a sample, or all of it in the soak."""
    return list(TamperMap(design, keys=keys, every=SOAK))


def unjudged(rows):
    return [f"{row.design}: {row.message}.{row.field}" for row in rows if not row.judged]


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("keys", [False, True], ids=["without keys", "with keys"])
@pytest.mark.parametrize("design", DESIGNS)
def test_whatever_nothing_catches_is_judged_and_no_endpoint_fails(design, keys):
    rows = rows_of(design, keys=keys)
    assert unjudged(rows) == []
    assert {row.kind for row in rows} <= set(KINDS)
    assert [row for row in rows if row.caught_by == "fault of an endpoint"] == []
    assert all((row.outcome == "completed") is (row.kind in {"unread", "nothing"}) for row in rows)
    assert all((row.outcome == "refused") is (row.kind == "check") for row in rows)
    assert all(row.party for row in rows if row.kind not in {"unread", "nothing"})
    assert len(rows) >= (10 if keys else 100)


def test_rows_say_what_was_changed_and_who_caught_it():
    rows = {(row.direction, row.message, row.field): row for row in TamperMap("key-in-quote")}
    random = rows["server", "ServerHello", "random"]
    assert (random.kind, random.party, random.caught_by) == ("check", "teller", "extraData")
    assert (random.outcome, random.connection, random.nth, random.change) == ("refused", "teller-bank-1", 1, "xor 01")
    differ = [a ^ b for a, b in zip(bytes.fromhex(random.before), bytes.fromhex(random.to), strict=True)]
    assert differ == [0] * 16 + [1] + [0] * 15
    name = next(row for key, row in rows.items() if key[2].endswith("host_name"))
    assert (name.kind, name.party) == ("finished", "bank")
    tag = rows["client", "ApplicationData", "record.tag"]
    assert (tag.kind, tag.party) == ("record", "bank")
    stalled = rows["server", "ServerHelloDone", "record.length"]
    assert (stalled.kind, stalled.outcome) == ("stalled", "failed")
    assert "teller waits for" in stalled.sentence
    certificate = [row for row in rows.values() if row.message == "Certificate" and "tbsCertificate" in row.field]
    assert {row.kind for row in certificate} <= {"certificate", "alert", "check"}
    free = rows["client", "ClientHello", "record.version"]
    assert (free.kind, free.party, free.clause) == ("nothing", None, "RFC 5246 E.1, RFC 9846 5.1")


def test_between_openssl_ends_what_comes_after_the_answer_is_unread():
    rows = list(TamperMap("plain-tls"))
    assert {row.message for row in rows if row.kind == "unread"} == {"Alert"}
    assert {row.kind for row in rows if row.message == "ServerHello" and row.field == "random"} == {"record"}
    assert {row.kind for row in rows if "tbsCertificate" in row.field} <= {"certificate", "alert"}


def test_with_keys_the_record_no_longer_catches_anything_and_the_next_layer_shows():
    without = Counter(row.kind for row in TamperMap("tls13-key") if row.encrypted)
    assert set(without) == {"record"}
    rows = list(TamperMap("tls13-key", keys=True))
    assert all(row.encrypted for row in rows)
    kinds = Counter(row.kind for row in rows)
    assert kinds["record"] == 0
    assert kinds["signature"]
    assert {row.field for row in rows if row.kind == "nothing"} == {"line", "description"}


def test_rows_come_as_they_are_played():
    tampering = iter(TamperMap("plain-tls"))
    assert next(tampering).message == "ClientHello"
    tampering.close()


def test_a_map_goes_on_in_another_cloud_when_a_trace_has_grown(monkeypatch):
    whole = [(row.message, row.field, row.kind) for row in TamperMap("plain-tls")]
    monkeypatch.setattr("trustlab.scenarios.tampermap.RUNS_A_BOOT", 40)
    assert [(row.message, row.field, row.kind) for row in TamperMap("plain-tls")] == whole


def test_what_is_not_a_design_is_said_at_once():
    with pytest.raises(ValueError, match="there is no design 'tls14'; choose from: plain-tls"):
        TamperMap("tls14")


def test_every_judgement_says_why_and_means_something():
    for judged in judgements():
        assert judged.clause
        assert judged.why.endswith(".")
    assert judgement_of("trusted-passage", "ServerHello", "random", keys=False) is None
    assert judgement_of("trusted-passage", "ChangeCipherSpec", "record.version", keys=False) is None
    assert judgement_of("tls13-key", "ChangeCipherSpec", "record.version", keys=False)
    assert judgement_of("attest-then-connect", "Answer", "frame.event-log.value.events[2].event", keys=False) is None
    assert judgement_of("attest-then-connect", "Answer", "frame.event-log.value.events[4].event", keys=False)
    assert judgement_of("tls13-key", "ApplicationData", "line", keys=False) is None


def test_an_unjudged_field_is_not_called_judged(monkeypatch):
    monkeypatch.setattr("trustlab.scenarios.tampermap.judgement_of", lambda *_args, **_more: None)
    assert {name.partition(": ")[2] for name in unjudged(TamperMap("tls13-key"))} == {
        "ClientHello.record.version",
        "ServerHello.record.version",
        "ChangeCipherSpec.record.version",
    }


class End:
    def __init__(self, error=None, waits=""):
        self.error, self.waits_for = error, waits


def judged(*ends, events=(), read=True):
    trace = Trace()
    for party, kind, name in events:
        trace.party(party).emit(kind, name, sentence="said", failed=["quote"], refused_by="quote")
    return caught(list(trace), list(ends), customer="teller", fault=None, read=read)


PAID = (("bank", "app", "payment"), ("teller", "app", "answer"))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (tls.BadRecordMac("x"), "record"),
        (tls.DecryptError("a Finished that does not verify"), "finished"),
        (tls.DecryptError("a handshake signature that does not verify"), "signature"),
        (tls.UnknownCa("x"), "certificate"),
        (tls.DecodeError("x"), "alert"),
        (tls.Truncated("x"), "application"),
    ],
)
def test_an_ends_own_error_tells_the_kind_and_what_it_heard_does_not(error, kind):
    heard = tls.PeerAlert(error) if isinstance(error, tls.Alert) else None
    what = judged(("bank", End(error)), ("teller", End(heard)))
    assert (what.kind, what.party, what.outcome) == (kind, "bank", "failed")


def test_of_two_kinds_the_first_in_the_order_of_precedence_counts():
    what = judged(("bank", End(tls.DecodeError("x"))), ("teller", End(tls.BadRecordMac("y"))))
    assert (what.kind, what.party) == ("record", "teller")
    what = judged(("bank", End()), ("teller", End(tls.AccessDenied("x"))), events=[("teller", "appraisal", "refused")])
    assert (what.kind, what.by, what.party, what.outcome) == ("check", "quote", "teller", "refused")


def test_a_payment_that_was_made_is_nothing_or_unread_and_one_that_waits_is_stalled():
    assert judged(("bank", End()), events=PAID).kind == "nothing"
    assert judged(("bank", End()), events=PAID, read=False).kind == "unread"
    what = judged(("bank", End()), ("teller", End(waits="ServerHello")))
    assert (what.kind, what.party, what.sentence) == ("stalled", "teller", "teller waits for ServerHello.")
    assert judged(("bank", End()), events=[("bank", "app", "channel failed")]).kind == "application"
    assert judged(("bank", End())).sentence == "The payment was not made, and nobody says why."


def test_a_fault_of_an_endpoint_is_called_one():
    what = caught([], [], customer="teller", fault=RuntimeError("broken"), read=True)
    assert (what.by, what.outcome) == ("fault of an endpoint", "failed")


def test_the_hand_finds_every_field_of_the_first_payment_again():
    with _Payments("trusted-passage", keys=False) as payments:
        payments.open()
        for target in payments.hand.passed[::40]:
            payments.again(target)
            assert payments.hand.hit is not None, target


def trustlab(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "trustlab", *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_the_command_prints_the_rows():
    ended = trustlab("tamper", "plain-tls", "--keys", "--json")
    assert ended.returncode == 0, ended.stderr
    rows = json.loads(ended.stdout)
    wanted = [
        "design",
        "connection",
        "message",
        "nth",
        "field",
        "from",
        "to",
        "change",
        "outcome",
        "party",
        "caught_by",
        "kind",
    ]
    assert all(set(wanted) <= row.keys() for row in rows)
    assert {row["kind"] for row in rows} <= set(KINDS)
    assert len(rows) == len([*TamperMap("plain-tls", keys=True)])


def test_the_command_prints_a_table_for_people():
    ended = trustlab("tamper", "plain-tls")
    assert ended.returncode == 0, ended.stderr
    assert "What caught a changed byte" in ended.stdout
    assert "ClientHello.record.version" in ended.stdout
    ended = trustlab("tamper", "tls14")
    assert ended.returncode == 2
    assert "no design 'tls14'" in ended.stderr


def test_rows_are_json_as_the_interfaces_say():
    row = next(iter(TamperMap("plain-tls")))
    told = msgspec.to_builtins(row)
    assert told["from"] == row.before
    assert "before" not in told
