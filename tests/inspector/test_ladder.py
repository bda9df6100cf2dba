from __future__ import annotations

import hashlib

import msgspec
import pytest
import sample

from trustlab.inspector import Document, Ladder
from trustlab.inspector.document import (
    AppraisalRow,
    BinderRow,
    ConnectRow,
    MessageRow,
    PlainRow,
    ReadRow,
    SectionRow,
    TpmRow,
    VerdictRow,
)
from trustlab.inspector.legs import changed
from trustlab.inspector.static_html import picture_html
from trustlab.trace import Link, Span, Trace

PLACE = {"connection": "c", "direction": "client", "offset": 0}


def rows(kind: str, *, secrets: bool = False) -> Ladder:
    return Ladder.of(sample.story(kind), secrets=secrets)


def messages(ladder: Ladder, name: str = "") -> list[MessageRow]:
    return [row for row in ladder.rows if isinstance(row, MessageRow) and name in {"", row.name}]


def test_the_writers_and_the_readers_half_of_a_message_become_one_arrow() -> None:
    (hello,) = messages(rows("trusted"), "ClientHello")
    assert (hello.at, hello.to, len(hello.parts), hello.state) == ("teller", "bank", 1, "read")


def test_a_message_is_written_then_on_the_wire_then_read() -> None:
    trace, ladder = Trace(), Ladder()
    trace.subscribe(ladder.feed)
    records = {"records": [[0, 6]]}
    trace.party("teller").emit("tls.message", "ClientHello", raw=b"\x01", sent=True, **PLACE, **records)
    (row,) = messages(ladder)
    assert row.state == "written"
    trace.party("network").emit("frame", "TCP", raw=b"", payload_length=6, **PLACE, **{"from": "teller", "to": "bank"})
    assert row.state == "wire"
    trace.party("bank").emit("tls.message", "ClientHello", raw=b"\x01", sent=False, **PLACE, **records)
    assert row.state == "read"


def test_lifelines_stand_in_the_order_of_the_story_and_only_those_present() -> None:
    assert rows("refused").lifelines == ["teller", "alice", "bank"]
    assert rows("trusted").lifelines == ["teller", "bank"]


def test_both_legs_of_a_man_in_the_middle_name_each_other_and_the_fields_that_differ() -> None:
    ladder = rows("refused")
    first, second = messages(ladder, "ClientHello")
    assert (first.at, first.to, second.at, second.to) == ("teller", "alice", "alice", "bank")
    assert (first.twin, second.twin) == (second.id, first.id)
    assert first.differs
    assert second.differs
    assert changed(ladder.book, second) == ["random"]
    one, other = (row for row in ladder.rows if isinstance(row, ConnectRow))
    assert (one.twin, other.twin) == (other.id, one.id)


def test_a_message_decoded_by_capture_alone_finds_its_ends_from_the_frames() -> None:
    assert {(row.at, row.to) for row in messages(rows("plain"))} == {
        ("teller", "alice"),
        ("alice", "teller"),
        ("alice", "bank"),
        ("bank", "alice"),
    }


def test_a_message_without_any_frame_is_aimed_once_its_reader_speaks() -> None:
    trace, ladder = Trace(), Ladder()
    trace.subscribe(ladder.feed)
    trace.party("teller").emit("tls.message", "ClientHello", raw=b"\x01", sent=True, **PLACE)
    (row,) = messages(ladder)
    assert (row.at, row.to, row.anchor) == ("teller", "", "run/c/ClientHello")
    trace.party("bank").emit("tls.message", "ClientHello", raw=b"\x01", sent=False, **PLACE)
    assert [(row.at, row.to, row.anchor) for row in messages(ladder)] == [
        ("teller", "bank", "run/teller-bank/ClientHello")
    ]


def test_octets_changed_under_way_are_kept_in_both_versions() -> None:
    trace = Trace()
    trace.party("teller").emit("tls.message", "ClientHello", raw=b"\x01", sent=True, **PLACE)
    trace.party("bank").emit("tls.message", "ClientHello", raw=b"\x02", sent=False, **PLACE)
    (row,) = messages(Ladder.of(trace))
    assert row.altered is True
    assert "changed this message on the way" in row.say
    assert [part.hex for part in row.parts] == ["01", "02"]


def test_two_messages_of_one_name_in_one_record_stay_two_arrows() -> None:
    trace = Trace()
    for party, sent in (("teller", True), ("bank", False)):
        for raw in (b"\x01", b"\x02"):
            trace.party(party).emit("tls.message", "HelloRequest", raw=raw, sent=sent, **PLACE)
    found = messages(Ladder.of(trace))
    assert [(row.parts[0].hex, row.state, row.altered) for row in found] == [
        ("01", "read", False),
        ("02", "read", False),
    ]


def test_a_command_and_its_response_share_a_row_with_time_locality_and_code() -> None:
    quote = next(row for row in rows("trusted").rows if isinstance(row, TpmRow) and row.name == "TPM2_Quote")
    assert [part.title for part in quote.parts] == ["command", "response"]
    assert (quote.at, quote.ms, quote.locality, quote.rc) == ("bank", 0.74, 2, 0)


def test_a_response_is_joined_by_its_link_and_not_by_its_place() -> None:
    trace = Trace()
    bank = trace.party("bank")
    first = bank.emit("tpm.command", "TPM2_Quote", raw=b"\x01")
    bank.emit("tpm.command", "TPM2_Sign", raw=b"\x02")
    link = [Link("response-to", first.party, first.seq)]
    bank.emit("tpm.response", "TPM2_Quote", raw=b"\x03", links=link, rc=0x907, rc_name="TPM_RC_LOCALITY", ms=1.0)
    quote, sign = Ladder.of(trace).rows
    assert (quote.mark, len(quote.parts), len(sign.parts)) == ("fail", 2, 1)
    assert "TPM_RC_LOCALITY" in quote.say


def test_a_refusal_is_a_row_with_its_verdicts_and_the_binding_that_does_not_hold() -> None:
    ladder = rows("refused")
    refusal = next(row for row in ladder.rows if isinstance(row, AppraisalRow))
    assert (refusal.mark, refusal.at, refusal.refused_by) == ("fail", "teller", "extraData")
    assert len(refusal.verdicts) == len(sample.CHECKS)
    assert all(ladder.rows[n].appraisal == refusal.id for n in refusal.verdicts)  # type: ignore[union-attr]
    assert refusal.binding is not None
    binding = ladder.document.frame.bindings[refusal.binding]
    assert not binding.holds
    assert [i.name for i in binding.inputs if i.differs] == ["client_random", "server_random", "H(SPKI_S)"]
    assert refusal.say == (
        "This quote was made for another connection. Three inputs differ: "
        "the client's random, the server's random and the server's public key."
    )


def test_an_accepted_binding_holds_in_every_input_and_says_what_it_leaves_open() -> None:
    (binding,) = rows("trusted").document.frame.bindings
    assert binding.holds
    assert not any(i.differs for i in binding.inputs)
    assert "cipher suites" in binding.not_covered


def test_the_inputs_of_a_binding_stand_in_the_messages_that_it_names() -> None:
    ladder = rows("refused")
    (binding,) = ladder.document.frame.bindings
    found = 0
    for i in binding.inputs:
        for value, source in ((i.attester, i.attester_source), (i.verifier, i.verifier_source)):
            if source is not None:
                hexes = ladder.rows[source.row].parts[source.part].hex
                assert hexes[2 * source.start : 2 * source.end] == value
                found += 1
    assert found == 6  # the nonce and both randoms, on both legs


@pytest.mark.parametrize("kind", ["plain", "trusted"])
def test_private_plaintext_reaches_the_document_only_where_secrets_were_asked_for(kind: str) -> None:
    closed = msgspec.json.encode(rows(kind).document).decode()
    opened = msgspec.json.encode(rows(kind, secrets=True).document).decode()
    for shown in (sample.PIN.hex(), sample.PIN.decode()):
        assert shown not in closed
    assert sample.PIN.hex() in opened


def test_fed_one_by_one_the_document_is_that_of_the_finished_trace() -> None:
    trace = Trace("Act II: Alice again", "memory")
    ladder = Ladder(trace.title, trace.substrate)
    trace.subscribe(ladder.feed)
    sample.story("refused", trace)
    assert ladder.document == Ladder.of(trace).document


def test_a_document_is_read_again_from_its_json_and_rows_are_numbered_by_their_place() -> None:
    document = rows("refused", secrets=True).document
    again = msgspec.json.decode(msgspec.json.encode(document), type=Document)
    assert again == document
    assert [row.id for row in again.rows] == list(range(len(again.rows)))
    anchors = [row.anchor for row in again.rows]
    assert len(set(anchors)) == len(anchors)


def test_a_message_knows_how_many_frames_carried_it() -> None:
    (hello,) = messages(rows("trusted"), "ClientHello")
    assert hello.details["frames"] == 1


def test_events_of_a_kind_unknown_here_still_become_rows() -> None:
    trace = Trace()
    trace.party("bank").emit("weather", "rain", raw=b"\x00", sentence="It rains.")
    (row,) = Ladder.of(trace).rows
    assert type(row) is PlainRow
    assert (row.at, row.text, row.say, row.parts[0].hex) == ("bank", "It rains.", "It rains.", "00")


def test_only_what_the_lab_says_narrates() -> None:
    trace = Trace()
    trace.party("lab").emit("note", "the payment", sentence="The teller is told to pay.", act="Act II: x")
    trace.party("capture").emit("note", "not decoded", sentence="3 UDP packets.")
    trace.party("bank").emit("note", "no evidence", sentence="The TPM is busy.")
    ladder = Ladder.of(trace)
    assert [type(row) for row in ladder.rows] == [SectionRow, PlainRow, PlainRow]
    assert [row.section for row in ladder.rows] == [1, 1, 1]
    assert ladder.document.frame.notes == ["3 UDP packets."]
    assert ladder.rows[2].at == "bank"


def test_an_alert_says_what_it_is_about_and_only_a_fatal_one_is_marked() -> None:
    trace = Trace()
    for level in (1, 2):
        spans = [Span("level", 0, 1), Span("description", 1, 2, "close_notify (0)")]
        place = {**PLACE, "offset": level}
        trace.party("teller").emit("tls.message", "Alert", raw=bytes([level, 0]), spans=spans, sent=True, **place)
    assert [(row.alert, row.fatal) for row in messages(Ladder.of(trace))] == [
        ("close_notify", False),
        ("close_notify", True),
    ]


def test_who_holds_a_secret_is_known_by_name_and_its_octets_only_where_asked_for() -> None:
    trace = sample.story("trusted")
    trace.party("teller").secret("master_secret", b"\x07" * 48, connection="teller-bank-1")
    closed, opened = (Ladder.of(trace, secrets=secrets).document.frame.secrets for secrets in (False, True))
    assert [(s.id, s.holders) for s in closed] == [(s.id, s.holders) for s in opened]
    assert closed[0].id == "teller-bank/master_secret"
    assert all(not secret.hex for secret in closed)
    assert opened[0].hex == "07" * 48


def test_alice_reads_only_what_reached_her_own_end() -> None:
    trace = Trace()
    trace.party("teller").secret("canary pin", b"4711")
    for connection, writer, reader in (("a", "teller", "alice"), ("b", "teller", "bank"), ("c", "alice", "bank")):
        place = {"connection": connection, "direction": "client", "offset": 0}
        for party, sent in ((writer, True), (reader, False)):
            event = trace.party(party).emit("tls.message", "ApplicationData", raw=b"\x17", sent=sent, **place)
            link = [Link("inside", event.party, event.seq)]
            trace.party(party).secret("application data", b"PIN 4711\n", links=link, connection=connection)
    for secrets in (False, True):
        ladder = Ladder.of(trace, secrets=secrets)
        (read,) = (row for row in ladder.rows if isinstance(row, ReadRow))
        assert (read.secret, read.mark, read.say) == (True, "fail", "Alice reads Bob's PIN.")
        assert ladder.rows[read.of].connection == "a"
        assert ladder.document.frame.reads == [read.id]
        assert (read.text, read.loot) == (("PIN 4711", (4, 8)) if secrets else ("Bob's PIN", None))
        (pin,) = (s for s in ladder.document.frame.secrets if s.prize)
        assert [h.party for h in pin.holders] == ["teller", "alice", "bank"]


def test_a_binder_row_belongs_to_its_side_and_names_its_inputs() -> None:
    attester, verifier = (row for row in rows("trusted").rows if isinstance(row, BinderRow))
    assert (attester.side, attester.at, verifier.side, verifier.at) == ("attester", "bank", "verifier", "teller")
    assert attester.details["fields"][-1] == "H(SPKI_S)"


def test_every_row_has_a_plain_sentence() -> None:
    for kind in ("plain", "trusted", "refused"):
        for row in rows(kind).rows:
            assert row.say, f"{row.id} {row.name}"


def test_a_check_keeps_the_octets_that_it_compared() -> None:
    check = next(row for row in rows("refused").rows if isinstance(row, VerdictRow) and row.name == "extraData")
    assert (len(check.expected), len(check.found), check.expected == check.found) == (64, 64, False)


def frame(trace: Trace, direction: str, offset: int | None, payload: bytes = b"") -> None:
    ends = {"client": ("teller", "bank"), "server": ("bank", "teller")}[direction]
    trace.party("network").emit(
        "frame",
        "TCP",
        raw=bytes(54) + payload,
        connection="c",
        direction=direction,
        offset=offset,
        payload_offset=54,
        payload_length=len(payload),
        **dict(zip(("from", "to"), ends, strict=True)),
    )


def test_a_question_in_clear_is_a_message_and_read_when_a_frame_comes_back() -> None:
    trace, ladder = Trace(), Ladder()
    trace.subscribe(ladder.feed)
    nonce = hashlib.sha256(b"fresh").digest()
    frame(trace, "client", 0, b"\x00\x20" + nonce[:10])
    assert not messages(ladder)
    frame(trace, "client", 12, nonce[10:])
    (challenge,) = messages(ladder)
    assert (challenge.name, challenge.at, challenge.to, challenge.state) == ("Challenge", "teller", "bank", "wire")
    assert ladder.book.labels(challenge.parts[0])[challenge.first] == "nonce"
    frame(trace, "client", 0, b"\x00\x20" + nonce)  # TCP sends it again
    frame(trace, "server", None)
    assert [(row.name, row.state) for row in messages(ladder)] == [("Challenge", "read")]


def test_a_stream_of_tls_is_left_to_the_messages_that_are_read_from_it() -> None:
    trace = Trace()
    frame(trace, "client", 0, bytes.fromhex("1603010005") + b"hello")
    frame(trace, "client", 10, b"\x00\x20" + bytes(32))
    assert not messages(Ladder.of(trace))


def test_a_canary_in_clear_is_read_off_the_wire() -> None:
    trace = Trace()
    trace.party("teller").secret("canary pin", b"471108")
    frame(trace, "client", 0, b"PAY 1 TO x PIN 471108\n")
    ladder = Ladder.of(trace)
    (read,) = (row for row in ladder.rows if isinstance(row, ReadRow))
    assert (read.say, ladder.rows[read.of].name) == ("Alice reads Bob's PIN.", "Data")


def test_the_phases_of_a_story_follow_one_another_without_gaps() -> None:
    names = {
        "plain": ["boot", "hello", "keys", "payment"],
        "trusted": ["boot", "hello", "evidence", "checks", "keys", "payment"],
        "refused": ["boot", "hello", "evidence", "checks", "hang-up"],
    }
    for kind, wanted in names.items():
        ladder = rows(kind)
        phases = ladder.document.frame.phases
        assert [phase.name for phase in phases] == wanted
        assert [phase.first for phase in phases[1:]] == [phase.last + 1 for phase in phases[:-1]]
        assert (phases[0].first, phases[-1].last) == (0, len(ladder.rows) - 1)


def test_a_launch_begins_the_dynamic_pcrs_anew() -> None:
    trace = Trace()
    bank = trace.party("bank")
    for _ in range(2):
        bank.emit("machine", "DRTM launch", pcr=17, digest="11" * 32)
        bank.emit("machine", "measure", pcr=19, digest="22" * 32)
    bank.emit("machine", "measure", pcr=True, digest="22" * 32)
    bank.emit("machine", "measure", pcr=19, digest="zz")
    changes = Ladder.of(trace).document.frame.pcrs
    assert [(c.pcr, c.row) for c in changes] == [(17, 0), (19, 1), (17, 2), (19, 3)]
    assert {c.before for c in changes} == {"00" * 32}
    assert changes[0].after == hashlib.sha256(bytes(32) + b"\x11" * 32).hexdigest()


def test_what_somebody_off_stage_did_is_in_the_still_picture() -> None:
    trace = Trace()
    trace.party("network").emit("tpm.command", "TPM2_Quote", raw=b"\x00")
    trace.party("cloud").emit("binder", "x", side="attester", fields=[["L", "00"]], binder="00" * 32)
    assert "TPM: Quote" in picture_html(Ladder.of(trace))
