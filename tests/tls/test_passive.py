"""The listener's tools and the trace: what the engine tells is what somebody else can read off the wire."""

from __future__ import annotations

import pytest
from tls_pair import client_config, connected, server_config

from trustlab import tls
from trustlab.trace import Trace

RSA = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)


@pytest.mark.parametrize("extended", [False, True])
def test_the_master_secret_opens_every_protected_record(*, extended: bool) -> None:
    pair = connected(
        client=client_config(cipher_suites=RSA, extended_master_secret=extended),
        server=server_config(cipher_suites=RSA),
    )
    pair.client.connection.send(b"the PIN is 1234")
    pair.run()
    facts, suite = pair.client.connection.facts, RSA[0]
    pms = pair.server.secret("pre_master_secret")
    if extended:
        master = tls.extended_master_secret(pms, facts["session_hash"], suite)
    else:
        master = tls.master_secret(pms, facts["client_random"], facts["server_random"], suite)
    assert master == pair.client.secret("master_secret")
    listener = tls.PassiveDecryptor(master, facts["client_random"], facts["server_random"], suite)
    records, rest = tls.split_records(pair.streams["client"])
    assert not rest
    assert listener.decrypt("client", 0, records[-2]) == pair.client.of(tls.MessageSent)[-1].raw
    assert listener.decrypt("client", 1, records[-1]) == b"the PIN is 1234"
    with pytest.raises(tls.BadRecordMac):
        listener.decrypt("client", 2, records[-1])


def test_a_listener_joins_the_same_messages_at_the_same_places() -> None:
    pair = connected(server=server_config(cipher_suites=RSA))
    records, _ = tls.split_records(pair.streams["server"])
    joiner = tls.HandshakeJoiner()
    found = []
    for record in records:
        if record.content_type != 22:
            break
        found += joiner.feed(record.fragment, record.start, record.end)
    heard = [(raw, [tuple(r) for r in ranges]) for raw, ranges in found]
    assert heard == [(e.raw, list(e.records)) for e in pair.client.of(tls.MessageReceived) if e.content_type == 22][:-1]
    for raw, _ in found:
        assert tls.sentence(tls.parse_message(22, raw, RSA[0])).endswith(".")


def test_messages_across_records_and_records_with_several_messages_are_joined() -> None:
    one, two = tls.ServerHelloDone().encode(), tls.Finished(bytes(12)).encode()
    joiner = tls.HandshakeJoiner()
    stream = one + two
    assert joiner.feed(stream[:2], 0, 7) == []
    assert joiner.feed(stream[2:10], 7, 20) == [(one, [[0, 7], [7, 20]])]
    assert joiner.feed(stream[10:], 20, 39) == [(two, [[7, 20], [20, 39]])]


def test_the_trace_has_every_message_with_spans_and_secrets_as_secrets() -> None:
    trace = Trace()
    observers = {r: tls.TraceObserver(trace.party(r), "teller-bank-1", r) for r in ("client", "server")}
    pair = connected()
    pair.client.connection.send(b"the PIN")
    pair.run()
    for role in ("client", "server"):
        for event in getattr(pair, role).events:
            observers[role].observe(event)
    for role in ("client", "server"):
        written = trace.select("tls.message", party=role)
        assert all(e.spans and e.data["sentence"] and e.connection == "teller-bank-1" for e in written)
    [data] = trace.select("tls.message", party="server", name="ApplicationData")
    assert b"the PIN" not in data.raw
    assert data.direction == "client"
    [plain] = trace.select("secret", party="server", name="application data")
    assert plain.raw == b"the PIN"
    assert trace.find(plain.links[0].party, plain.links[0].seq) is data
    [master] = trace.select("secret", party="client", name="master_secret")
    line = tls.keylog_line("CLIENT_RANDOM", bytes.fromhex(str(master.data["client_random"])), master.raw)
    log = tls.KeyLog()
    for event in pair.server.events:
        log.observe(event)
    assert log.text == line
    order = [e.name for e in trace.ordered() if e.kind == "tls.message"]
    assert order.index("ClientHello") < order.index("ServerHello") < order.index("ClientKeyExchange")


def test_states_and_alerts_are_in_the_trace() -> None:
    trace = Trace()
    observer = tls.TraceObserver(trace.party("teller"), "c", "client")
    pair = connected()
    pair.server.connection.close()
    pair.run()
    for event in pair.client.events:
        observer.observe(event)
    assert trace.select("tls.state")[-1].name == "Closed"
    alerts = trace.select("tls.message", name="Alert")
    assert [a.sent for a in alerts] == [False, True]
    assert "close_notify" in str(alerts[0].data["sentence"])


def test_the_traffic_secrets_open_every_protected_record_of_tls_13() -> None:
    versions = (tls.Version.TLS13,)
    pair = connected(client=client_config(versions=versions), server=server_config(versions=versions))
    pair.client.connection.send(b"the PIN is 1234")
    pair.run()
    suite = tls.CipherSuite.TLS_AES_128_GCM_SHA256
    records, _ = tls.split_records(pair.streams["client"])
    early = tls.PassiveDecryptor13(pair.client.secret("client_handshake_traffic_secret"), suite)
    late = tls.PassiveDecryptor13(pair.client.secret("client_application_traffic_secret_0"), suite)
    assert early.decrypt(0, records[-2]) == (22, pair.client.of(tls.MessageSent)[-1].raw)
    assert late.decrypt(0, records[-1]) == (23, b"the PIN is 1234")
    with pytest.raises(tls.BadRecordMac):
        early.decrypt(1, records[-1])
