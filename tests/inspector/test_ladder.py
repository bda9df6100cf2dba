from __future__ import annotations

import json

import pytest
import sample

from trustlab.inspector import Ladder
from trustlab.trace import Link, Span, Trace


def rows(kind: str, **options: bool) -> Ladder:
    return Ladder.of(sample.story(kind), **options)


def test_the_writers_and_the_readers_half_of_a_message_become_one_arrow() -> None:
    ladder = rows("trusted")
    hellos = [row for row in ladder.rows if row.name == "ClientHello"]
    assert [(row.at, row.to, len(row.events), len(row.parts)) for row in hellos] == [("teller", "bank", 2, 1)]


def test_lifelines_stand_in_the_order_of_the_story_and_only_those_present() -> None:
    assert rows("refused").lifelines == ["teller", "alice", "bank"]
    assert rows("trusted").lifelines == ["teller", "bank"]


def test_both_legs_of_a_man_in_the_middle_stand_side_by_side_with_the_changed_fields_named() -> None:
    ladder = rows("refused")
    first, second = (row for row in ladder.rows if row.name == "ClientHello")
    assert (first.at, first.to, second.at, second.to) == ("teller", "alice", "alice", "bank")
    assert second.meta["twin"] == first.id
    assert second.meta["changed"] == ["random"]


def test_a_message_decoded_by_capture_alone_finds_its_ends_from_the_frames() -> None:
    arrows = [row for row in rows("plain").rows if row.kind == "message"]
    assert {(row.at, row.to) for row in arrows} == {
        ("teller", "alice"),
        ("alice", "teller"),
        ("alice", "bank"),
        ("bank", "alice"),
    }


def test_a_message_without_any_frame_is_aimed_once_its_reader_speaks() -> None:
    trace, ladder = Trace(), Ladder()
    trace.subscribe(ladder.feed)
    place = {"connection": "c", "direction": "client", "offset": 0}
    trace.party("teller").emit("tls.message", "ClientHello", raw=b"\x01", sent=True, **place)
    assert (ladder.rows[0].at, ladder.rows[0].to) == ("teller", "")
    trace.party("bank").emit("tls.message", "ClientHello", raw=b"\x01", sent=False, **place)
    assert [(row.at, row.to) for row in ladder.rows] == [("teller", "bank")]


def test_octets_changed_under_way_are_kept_in_both_versions() -> None:
    trace = Trace()
    place = {"connection": "c", "direction": "client", "offset": 0}
    trace.party("teller").emit("tls.message", "ClientHello", raw=b"\x01", sent=True, **place)
    trace.party("bank").emit("tls.message", "ClientHello", raw=b"\x02", sent=False, **place)
    (row,) = Ladder.of(trace).rows
    assert row.meta["altered"] is True
    assert [part.hex for part in row.parts] == ["01", "02"]


def test_two_messages_of_one_name_in_one_record_stay_two_arrows() -> None:
    trace = Trace()
    place = {"connection": "c", "direction": "client", "offset": 0}
    for raw in (b"\x01", b"\x02"):
        trace.party("teller").emit("tls.message", "HelloRequest", raw=raw, sent=True, **place)
    for raw in (b"\x01", b"\x02"):
        trace.party("bank").emit("tls.message", "HelloRequest", raw=raw, sent=False, **place)
    ladder = Ladder.of(trace)
    assert [(row.parts[0].hex, len(row.events), "altered" in row.meta) for row in ladder.rows] == [
        ("01", 2, False),
        ("02", 2, False),
    ]


def test_a_command_and_its_response_share_a_tick_with_time_locality_and_code() -> None:
    quote = next(row for row in rows("trusted").rows if row.name == "TPM2_Quote")
    assert [part.title for part in quote.parts] == ["command", "response"]
    assert (quote.at, quote.meta["ms"], quote.meta["locality"], quote.meta["rc"]) == ("bank", 0.74, 2, 0)


def test_a_response_is_joined_by_its_link_and_not_by_its_place() -> None:
    trace = Trace()
    bank = trace.party("bank")
    first = bank.emit("tpm.command", "TPM2_Quote", raw=b"\x01")
    bank.emit("tpm.command", "TPM2_Sign", raw=b"\x02")
    link = [Link("response-to", first.party, first.seq)]
    bank.emit("tpm.response", "TPM2_Quote", raw=b"\x03", links=link, rc=0x907, rc_name="TPM_RC_LOCALITY", ms=1.0)
    quote, sign = Ladder.of(trace).rows
    assert (quote.mark, len(quote.parts), len(sign.parts)) == ("fail", 2, 1)


def test_a_refusal_is_a_row_with_its_verdicts_and_the_equation_that_failed() -> None:
    ladder = rows("refused")
    refusal = next(row for row in ladder.rows if row.kind == "appraisal")
    assert (refusal.mark, refusal.at, refusal.meta["refused_by"]) == ("fail", "teller", "extraData")
    assert len(refusal.meta["verdicts"]) == len(sample.CHECKS)
    equation = refusal.meta["binding"]
    assert not equation["holds"]
    differing = [field["name"] for field in equation["fields"] if field["verifier"] != field["attester"]]
    assert differing == ["client_random", "server_random", "H(SPKI_S)"]


def test_an_accepted_binding_holds_in_every_field() -> None:
    equation = next(row for row in rows("trusted").rows if row.kind == "appraisal").meta["binding"]
    assert equation["holds"]
    assert all(field["verifier"] == field["attester"] for field in equation["fields"])


@pytest.mark.parametrize("kind", ["plain", "trusted"])
def test_private_plaintext_reaches_the_rows_only_where_secrets_were_asked_for(kind: str) -> None:
    plain = json.dumps([row.to_json() for row in rows(kind).rows])
    opened = json.dumps([row.to_json() for row in rows(kind, secrets=True).rows])
    assert sample.PIN.hex() not in plain
    assert sample.PIN.hex() in opened


def test_fed_one_by_one_the_rows_are_those_of_the_finished_trace() -> None:
    trace, ladder = Trace(), Ladder()
    trace.subscribe(ladder.feed)
    sample.story("refused", trace)
    assert ladder.rows == Ladder.of(trace).rows


def test_every_row_is_numbered_by_its_place_and_becomes_json() -> None:
    ladder = rows("refused", secrets=True)
    assert [row.id for row in ladder.rows] == list(range(len(ladder.rows)))
    assert json.loads(json.dumps([row.to_json() for row in ladder.rows]))[0]["kind"] == "app"


def test_a_message_knows_how_many_frames_carried_it() -> None:
    hello = next(row for row in rows("trusted").rows if row.name == "ClientHello")
    assert hello.meta["frames"] == 1


def test_events_of_a_kind_unknown_here_still_become_rows() -> None:
    trace = Trace()
    trace.party("bank").emit("weather", "rain", raw=b"\x00", sentence="It rains.")
    (row,) = Ladder.of(trace).rows
    assert (row.kind, row.at, row.text, row.parts[0].hex) == ("event", "bank", "It rains.", "00")


def test_an_alert_says_what_it_is_about_and_only_a_fatal_one_is_marked() -> None:
    trace = Trace()
    for level in (1, 2):
        spans = [Span("level", 0, 1), Span("description", 1, 2, "close_notify (0)")]
        place = {"connection": "c", "direction": "client", "offset": level}
        trace.party("teller").emit("tls.message", "Alert", raw=bytes([level, 0]), spans=spans, sent=True, **place)
    rows = Ladder.of(trace).rows
    assert [(row.meta["says"], row.meta["fatal"]) for row in rows] == [("close_notify", False), ("close_notify", True)]


def test_who_holds_a_secret_is_known_by_name_and_its_octets_only_where_asked_for() -> None:
    closed, opened = rows("trusted"), rows("trusted", secrets=True)
    assert [(s.party, s.name) for s in closed.secrets] == [(s.party, s.name) for s in opened.secrets]
    assert all(not secret.hex for secret in closed.secrets)
    assert sample.PIN.hex() in {secret.hex for secret in opened.secrets}
    assert sample.PIN.hex() not in repr(opened.secrets)
