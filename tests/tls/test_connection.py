"""The connection itself: requests, copies, limits, states, what a peer may not do, and what stays secret."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tls_pair import End, Pair, client_config, connected, server_config

from trustlab import tls
from trustlab.tls.client12 import Client12
from trustlab.tls.handshake import Handshake
from trustlab.tls.states import CLIENT12, CLIENT13, SERVER12, SERVER13

RSA = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)
OFFERS: dict[str, Any] = {
    "client": client_config(
        cipher_suites=RSA, attestation=tls.AttestationOffer(offered=tls.ROLE_C, demanded=tls.ROLE_S)
    ),
    "server": server_config(
        cipher_suites=RSA, attestation=tls.AttestationOffer(offered=tls.ROLE_S, demanded=tls.ROLE_C)
    ),
    "client_answers": {"EvidenceWanted": b"ce"},
    "server_answers": {"EvidenceWanted": b"se"},
}


def record(fragment: bytes, content_type: int = 22, version: int = 0x0303) -> bytes:
    return bytes([content_type]) + version.to_bytes(2, "big") + len(fragment).to_bytes(2, "big") + fragment


def test_octets_one_by_one_give_the_same_handshake() -> None:
    pair = Pair(**OFFERS, chunk=1).run()
    assert pair.client.connection.handshake_complete
    assert pair.server.connection.handshake_complete


def test_stream_positions_of_both_ends_agree() -> None:
    pair = connected(**OFFERS)
    pair.client.connection.send(b"x" * 50_000)
    pair.run()
    for writer, reader in ((pair.client, pair.server), (pair.server, pair.client)):
        sent = [(e.name, e.offset, e.records, e.raw) for e in writer.of(tls.MessageSent)]
        assert sent == [(e.name, e.offset, e.records, e.raw) for e in reader.of(tls.MessageReceived)]
    sent = [(e.offset, e.raw, e.data) for e in pair.client.of(tls.ApplicationDataSent)]
    assert sent == [(e.offset, e.raw, e.data) for e in pair.server.of(tls.ApplicationData)]
    for offset, raw, _ in sent:
        assert pair.streams["client"][offset : offset + len(raw)] == raw


def test_a_connection_can_be_copied_between_any_two_events() -> None:
    """Both ends are replaced by copies before every single event, and the originals are thrown away."""
    ends = {"client": End(tls.Client(OFFERS["client"])), "server": End(tls.Server(OFFERS["server"]))}
    answers = {"client": b"ce", "server": b"se"}
    quiet = 0
    while quiet < 4:
        for name, other in (("client", "server"), ("server", "client")):
            end = ends[name]
            end.connection = copy.deepcopy(end.connection)
            event = end.connection.next_event()
            quiet = 0 if event else quiet + 1
            end.connection = copy.deepcopy(end.connection)
            if isinstance(event, tls.KeyOperationWanted):
                end.connection.answer(event, tls.perform(event))
            elif isinstance(event, tls.Request):
                end.connection.answer(event, answers[name] if isinstance(event, tls.EvidenceWanted) else None)
            elif event is None:
                ends[other].connection.receive(end.connection.data_to_send())
    assert ends["client"].connection.handshake_complete
    assert ends["server"].connection.handshake_complete


def test_a_copy_that_runs_to_its_end_leaves_the_original_where_it_was() -> None:
    """Before every single event both ends are copied and the copies shake hands to the end; then the originals go on."""
    pair = Pair(**OFFERS)
    ends, quiet, copies = [pair.client, pair.server], 0, 0
    while quiet < 4:
        for end, other in (ends, ends[::-1]):
            twins = Pair(client_answers=pair.client.answers, server_answers=pair.server.answers)
            twins.client.connection, twins.server.connection = (e.connection.copy() for e in ends)
            if not any(e.connection._waiting for e in ends):
                assert twins.run().client.connection.handshake_complete
                copies += 1
            event = end.connection.next_event()
            quiet = 0 if event else quiet + 1
            if isinstance(event, tls.KeyOperationWanted):
                end.connection.answer(event, tls.perform(event))
            elif isinstance(event, tls.Request):
                end.connection.answer(event, end.answers.get(type(event).__name__))
            elif event is None:
                other.connection.receive(end.connection.data_to_send())
    assert copies > 50
    assert pair.client.connection.handshake_complete
    assert pair.server.connection.handshake_complete


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("version", [tls.Version.TLS12, tls.Version.TLS13], ids=lambda v: v.title)
def test_what_is_still_to_be_done_knows_no_connection(version: tls.Version, role: str) -> None:
    """Neither the plan nor what happens with an answer is bound to a handshake: a copy would act on the original."""
    pair = Pair(client_config(versions=(version,), intercept=True), server_config(versions=(version,), intercept=True))
    end, other = (pair.client, pair.server) if role == "client" else (pair.server, pair.client)
    planned, answered = 0, 0
    for _ in range(100):
        while event := end.connection.next_event():
            todo = [*end.connection.plan, *([end.connection._waiting[1]] if end.connection._waiting else [])]
            for step in todo:
                inside = [cell.cell_contents for cell in getattr(step, "__closure__", None) or ()]
                assert not hasattr(step, "__self__"), step
                assert not any(isinstance(held, tls.Connection | Handshake) for held in inside), step
            planned += len(end.connection.plan)
            answered += bool(end.connection._waiting)
            if isinstance(event, tls.Request):
                value = tls.perform(event) if isinstance(event, tls.KeyOperationWanted) else None
                end.connection.answer(event, value)
        other.connection.receive(end.connection.data_to_send())
        end.connection.receive(other.drain())
    assert end.connection.handshake_complete
    assert planned > 0
    assert answered > 0


def test_a_copy_goes_its_own_way() -> None:
    pair = connected()
    twin = pair.client.connection.copy()
    pair.client.connection.send(b"one")
    twin.send(b"two")
    one, two = pair.client.drain(), twin.data_to_send()
    assert one != two
    other_server = pair.server.connection.copy()
    pair.server.connection.receive(one)
    pair.server.drain()
    other = End(other_server)
    other_server.receive(two)
    other.drain()
    assert (pair.server.data, other.data) == (b"one", b"two")


def test_answers_belong_to_the_request_that_waits() -> None:
    pair = connected(**OFFERS)
    with pytest.raises(tls.LocalProtocolError):
        pair.client.connection.answer(pair.client.requests[0], None)


def test_application_data_before_the_handshake_is_the_programs_own_fault() -> None:
    client = tls.Client(client_config())
    with pytest.raises(tls.LocalProtocolError):
        client.send(b"too early")
    pair = connected()
    pair.client.connection.close()
    with pytest.raises(tls.LocalProtocolError):
        pair.client.connection.send(b"too late")


def test_close_notify_closes_both_ends_in_order() -> None:
    pair = connected()
    pair.client.connection.send(b"last words")
    pair.client.connection.close()
    pair.run()
    assert pair.server.data == b"last words"
    for end in (pair.client, pair.server):
        assert end.connection.closed
        assert end.of(tls.ConnectionClosed) == [tls.ConnectionClosed(None)]


def test_a_stream_that_ends_without_close_notify_is_truncated() -> None:
    pair = connected()
    pair.server.connection.eof_received()
    pair.server.drain()
    assert isinstance(pair.server.error, tls.Truncated)


def test_every_edge_the_engine_takes_is_in_its_table() -> None:
    pair = connected(**OFFERS)
    for end, table in ((pair.client, CLIENT12), (pair.server, SERVER12)):
        edges = {(e.source, e.target) for e in table.edges}
        taken = [(e.old, e.new) for e in end.of(tls.StateChanged)]
        assert taken
        assert set(taken) <= edges


def test_a_connection_begins_with_the_table_of_its_highest_version() -> None:
    assert tls.Client(client_config()).table is CLIENT12
    assert tls.Server(server_config()).table is SERVER12
    both = (tls.Version.TLS12, tls.Version.TLS13)
    assert tls.Client(client_config(versions=both)).table is CLIENT13
    assert tls.Server(server_config(versions=both)).table is SERVER13


def test_the_engine_runs_on_its_table_and_not_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair()
    without = copy.copy(CLIENT12)
    without._targets = {k: v for k, v in CLIENT12._targets.items() if k[2] != "ServerKeyExchange"}
    monkeypatch.setattr(Client12, "table", without)
    pair.run()
    assert isinstance(pair.client.error, tls.UnexpectedMessage)


def test_secrets_are_in_no_repr() -> None:
    pair = connected(**OFFERS)
    pair.client.connection.send(b"the PIN")
    pair.run()
    secrets = [e.value for e in pair.client.of(tls.SecretDerived)]
    assert secrets
    everything = [pair.client.connection, pair.client.connection.handshake, pair.client.connection.config]
    text = "".join(map(repr, [*pair.client.events, *pair.server.events, *everything]))
    for secret in [*secrets, b"the PIN"]:
        assert secret.hex() not in text
        assert repr(secret)[2:-1] not in text


@pytest.mark.parametrize(
    ("octets", "alert"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", tls.UnexpectedMessage),
        (record(b"\x01\x00", 24), tls.UnexpectedMessage),
        (record(b"\x01\x00\x00\x00", 22, 0x0200), tls.ProtocolVersion),
        (b"\x16\x03\x01\xff\xff", tls.RecordOverflow),
        (record(b""), tls.UnexpectedMessage),
        (record(b"\x01", 20), tls.UnexpectedMessage),
        (record(b"data", 23), tls.UnexpectedMessage),
        (record(b"\x01\x00\x00\x05\x03\x03abc"), tls.DecodeError),
        (record(b"\x02\x00\x00\x00"), tls.UnexpectedMessage),
        (record(b"\xc8\x00\x00\x00"), tls.UnexpectedMessage),
        (record(b"\x01\xff\xff\xff"), tls.DecodeError),
        (record(b"\x01\x02\x01\x45"), tls.DecodeError),
        (record(b"\x01", 21), tls.DecodeError),
        (record(b"\x07\x00", 21), tls.IllegalParameter),
    ],
)
def test_nonsense_for_a_first_message_gets_the_alert_it_deserves(octets: bytes, alert: type) -> None:
    end = End(tls.Server(server_config()))
    end.connection.receive(octets)
    out = end.drain()
    assert isinstance(end.error, alert), end.error
    assert out[-2:] == bytes([2, alert.code])
    assert end.connection.state == "Closed"


def test_more_than_the_limit_of_unprocessed_octets_is_the_programs_own_fault() -> None:
    server = tls.Server(server_config(limits=tls.Limits(buffered=100)))
    server.receive(bytes(100))
    with pytest.raises(tls.LocalProtocolError):
        server.receive(b"x")


def test_a_chain_longer_than_the_limit_is_refused() -> None:
    pair = Pair(
        client_config(limits=tls.Limits(chain=1)), server_config(certificates=(server_config().certificates * 2))
    )
    pair.run()
    assert isinstance(pair.client.error, tls.BadCertificate)


def test_endless_warnings_and_empty_records_are_refused() -> None:
    pair = connected()
    for _ in range(6):
        pair.client.connection._send_alert(tls.UserCanceled(), fatal=False)
    pair.run()
    assert isinstance(pair.server.error, tls.UnexpectedMessage)
    pair = connected()
    for _ in range(40):
        pair.client.connection.records.write_message(23, b"")
    pair.run()
    assert isinstance(pair.server.error, tls.UnexpectedMessage)


def test_a_record_that_was_changed_on_its_way_is_bad_record_mac() -> None:
    pair = connected()
    pair.client.connection.send(b"pay 10")
    data = bytearray(pair.client.drain())
    data[-1] ^= 1
    pair.server.connection.receive(bytes(data))
    pair.server.drain()
    assert isinstance(pair.server.error, tls.BadRecordMac)
    assert not pair.server.data


def test_records_in_another_order_are_bad_record_mac() -> None:
    pair = connected()
    pair.client.connection.send(b"1")
    first = pair.client.drain()
    pair.client.connection.send(b"2")
    pair.server.connection.receive(pair.client.drain() + first)
    pair.server.drain()
    assert isinstance(pair.server.error, tls.BadRecordMac)


def test_renegotiation_is_refused_with_a_warning_and_the_connection_lives() -> None:
    pair = connected()
    hello = pair.client.of(tls.MessageSent)[0].raw
    pair.client.connection.records.write_message(22, hello)
    pair.run()
    assert [a.alert.code for a in pair.client.of(tls.AlertReceived)] == [100]
    pair.server.connection.records.write_message(22, tls.HelloRequest().encode())
    pair.run()
    assert [a.alert.code for a in pair.server.of(tls.AlertReceived)] == [100]
    pair.client.connection.send(b"still here")
    pair.run()
    assert pair.server.data == b"still here"


def test_a_failed_decryption_looks_like_a_wrong_finished() -> None:
    """Whatever is wrong with the encrypted pre-master secret, the server notices it at Finished only."""
    good = b"\x03\x03" + bytes(46)
    for answer in (ValueError("padding"), b"", b"\x03\x03" + bytes(45), b"\x03\x02" + bytes(46), good + b"\0"):
        pair = Pair(client_config(cipher_suites=RSA), server_config(key="in a TPM", cipher_suites=RSA))
        pair.server.answers["KeyOperationWanted"] = answer
        pair.run()
        assert isinstance(pair.server.error, tls.BadRecordMac), (answer, pair.server.error)
        assert pair.server.received[-2:] == ["ClientKeyExchange", "ChangeCipherSpec"]


def test_a_key_elsewhere_does_its_work_by_request() -> None:
    local = server_config(cipher_suites=RSA)

    def decrypt(request: tls.KeyOperationWanted) -> bytes | Exception:
        assert request.operation == "rsa-decrypt"
        assert request.key == "in a TPM"
        return tls.perform(tls.KeyOperationWanted("rsa-decrypt", local.key, request.data))

    pair = connected(
        server=server_config(key="in a TPM", cipher_suites=RSA), server_answers={"KeyOperationWanted": decrypt}
    )
    assert len(pair.server.of(tls.KeyOperationWanted)) == 1


def flights() -> tuple[bytes, bytes]:
    pair = connected(**OFFERS)
    return pair.streams["client"], pair.streams["server"]


CLIENT_STREAM, SERVER_STREAM = flights()


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_a_changed_stream_gives_the_server_a_typed_error_or_nothing(data: Any) -> None:
    stream = bytearray(CLIENT_STREAM)
    for _ in range(data.draw(st.integers(1, 3))):
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
    hear(tls.Server(OFFERS["server"]), bytes(stream), b"se")


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_a_changed_stream_gives_the_client_a_typed_error_or_nothing(data: Any) -> None:
    stream = bytearray(SERVER_STREAM)
    for _ in range(data.draw(st.integers(1, 3))):
        stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
    hear(tls.Client(OFFERS["client"]), bytes(stream), b"ce")


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=150)
def test_any_octets_give_a_typed_error_or_nothing(stream: bytes) -> None:
    hear(tls.Server(OFFERS["server"]), stream, b"se")
    hear(tls.Client(OFFERS["client"]), stream, b"ce")


def hear(connection: tls.Connection, stream: bytes, evidence: bytes) -> None:
    end = End(connection, EvidenceWanted=evidence)
    connection.receive(stream)
    end.drain()
    connection.eof_received()
    end.drain()
    assert connection.state == "Closed"
    assert isinstance(end.error, tls.TlsError)
    assert not connection.handshake_complete
