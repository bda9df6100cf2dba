"""The listener's tools and the trace: what the engine tells is what somebody else can read off the wire."""

from __future__ import annotations

import re
import subprocess

import pytest
from tls_pair import client_config, connected, server_config

from trustlab import tls
from trustlab.tls.suitenames import SUITE_NAMES
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
        master = tls.extended_master_secret(pms, facts.session_hash, suite)
    else:
        master = tls.master_secret(pms, facts.client_random, facts.server_random, suite)
    assert master == pair.client.secret("master_secret")
    listener = tls.PassiveDecryptor(master, facts.client_random, facts.server_random, suite)
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


def vector(size: int, octets: bytes) -> bytes:
    return len(octets).to_bytes(size, "big") + octets


HINT, SIGNED = vector(2, b"hint"), b"\x04\x01" + vector(2, b"signature")
GROUP = b"\x03\x00\x1d" + vector(1, b"P" * 32)
PRIME = vector(2, b"p" * 128) + vector(2, b"\x02") + vector(2, b"Y" * 128)
SRP = vector(2, b"N" * 128) + vector(2, b"\x02") + vector(1, b"salt") + vector(2, b"B" * 128)
SECRET = vector(2, b"e" * 256)
SERVER, CLIENT, VERIFY, REQUEST = 12, 16, 15, 13
FORMS = [
    (SERVER, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 0x0303, PRIME + SIGNED, "dh_p dh_g dh_Ys signature"),
    (SERVER, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", 0x0301, PRIME + SIGNED[2:], "dh_p dh_g dh_Ys signature"),
    (SERVER, "TLS_DH_anon_WITH_AES_128_CBC_SHA", 0x0303, PRIME, "dh_p dh_g dh_Ys"),
    (SERVER, "TLS_PSK_WITH_AES_128_GCM_SHA256", 0x0303, HINT, "psk_identity_hint"),
    (SERVER, "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256", 0x0303, HINT, "psk_identity_hint"),
    (SERVER, "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256", 0x0303, HINT + PRIME, "psk_identity_hint dh_p dh_g dh_Ys"),
    (SERVER, "TLS_PSK_DHE_WITH_AES_128_CCM_8", 0x0303, HINT + PRIME, "psk_identity_hint dh_p dh_g dh_Ys"),
    (
        SERVER,
        "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA",
        0x0303,
        HINT + GROUP,
        "psk_identity_hint curve_type namedcurve public",
    ),
    (
        SERVER,
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
        0x0302,
        GROUP + SIGNED[2:],
        "curve_type namedcurve public signature",
    ),
    (SERVER, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", 0x0303, GROUP + SIGNED, "curve_type namedcurve public signature"),
    (SERVER, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", 0x0303, GROUP, "curve_type namedcurve public"),
    (SERVER, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", 0x0303, b"\x01explicit", "curve_type opaque"),
    (SERVER, "TLS_SRP_SHA_WITH_AES_128_CBC_SHA", 0x0303, SRP, "srp_N srp_g srp_s srp_B"),
    (SERVER, "TLS_SRP_SHA_RSA_WITH_AES_128_CBC_SHA", 0x0301, SRP + SIGNED[2:], "srp_N srp_g srp_s srp_B signature"),
    (
        SERVER,
        "TLS_RSA_EXPORT_WITH_RC4_40_MD5",
        0x0301,
        vector(2, b"m" * 64) + vector(2, b"\x03") + SIGNED[2:],
        "rsa_modulus rsa_exponent signature",
    ),
    (SERVER, "TLS_ECCPWD_WITH_AES_128_GCM_SHA256", 0x0303, b"anything", "opaque"),
    (SERVER, "TLS_GOSTR341112_256_WITH_KUZNYECHIK_CTR_OMAC", 0x0303, b"anything", "opaque"),
    (CLIENT, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", 0x0303, vector(2, b"Y" * 128), "dh_Yc"),
    (CLIENT, "TLS_DH_RSA_WITH_AES_128_CBC_SHA", 0x0303, b"", ""),
    (CLIENT, "TLS_PSK_WITH_AES_128_GCM_SHA256", 0x0303, HINT, "psk_identity"),
    (CLIENT, "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256", 0x0303, HINT + SECRET, "psk_identity encrypted_pre_master_secret"),
    (CLIENT, "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256", 0x0303, HINT + vector(2, b"Y"), "psk_identity dh_Yc"),
    (CLIENT, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA", 0x0303, HINT + vector(1, b"Y"), "psk_identity ecdh_Yc"),
    (CLIENT, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", 0x0303, vector(1, b"Y"), "ecdh_Yc"),
    (CLIENT, "TLS_SRP_SHA_WITH_AES_128_CBC_SHA", 0x0303, vector(2, b"A"), "srp_A"),
    (CLIENT, "TLS_RSA_WITH_AES_128_CBC_SHA", 0x0301, SECRET, "encrypted_pre_master_secret"),
    (CLIENT, "TLS_RSA_WITH_AES_128_CBC_SHA", 0x0300, SECRET[2:], "encrypted_pre_master_secret"),
    (CLIENT, "TLS_KRB5_WITH_3DES_EDE_CBC_SHA", 0x0301, b"ticket", "opaque"),
    (VERIFY, "TLS_RSA_WITH_AES_128_CBC_SHA", 0x0301, SIGNED[2:], "signature"),
    (REQUEST, "TLS_RSA_WITH_AES_128_CBC_SHA", 0x0302, b"\x01\x01" + vector(2, vector(2, b"name")), ""),
]
NUMBERS = {name: number for number, name in SUITE_NAMES.items()}


@pytest.mark.parametrize(("kind", "suite", "version", "body", "fields"), FORMS)
def test_messages_of_forms_that_the_engine_does_not_speak_are_named(
    kind: int, suite: str, version: int, body: bytes, fields: str
) -> None:
    raw = bytes([kind]) + vector(3, body)
    message = tls.parse_message(22, raw, NUMBERS[suite], tls.Version(version))
    assert isinstance(message, tls.ForeignMessage)
    assert message.encode() == raw
    expected = tls.Version(version).title if version < 0x0303 else f"{suite} (0x{NUMBERS[suite]:04x})"
    assert expected in tls.sentence(message)
    spans = tls.describe(raw, 22, NUMBERS[suite], tls.Version(version))
    assert [s.name for s in spans if s.name in {*fields.split(), "opaque"}] == fields.split()
    assert {n for s in spans for n in range(s.start, s.end)} == set(range(len(raw)))
    if "opaque" in fields or "encrypted" in fields:
        return
    for end in range(len(body)):
        cut = bytes([kind]) + vector(3, body[:end])
        try:
            assert tls.parse_message(22, cut, NUMBERS[suite], tls.Version(version)).encode() == cut
        except tls.DecodeError:
            continue


def test_what_breaks_off_inside_a_form_is_malformed() -> None:
    for body in (PRIME[:-1], PRIME + SIGNED[:-1], vector(2, b"")):
        with pytest.raises(tls.DecodeError):
            tls.parse_message(22, bytes([SERVER]) + vector(3, body), 0x009E)


def test_our_own_forms_are_those_of_the_engine() -> None:
    message = tls.ClientKeyExchange(b"e" * 256)
    assert tls.parse_message(22, message.encode(), RSA[0]) == message
    assert tls.parse_message(22, message.encode(), None) == message
    assert isinstance(tls.parse_message(22, message.encode(), RSA[0], tls.Version.TLS11), tls.ForeignMessage)


def test_the_names_of_suites_are_those_of_openssl() -> None:
    command = ["openssl", "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.findall(r"0x(..),0x(..) - (TLS_\w+)", told)
    assert len(found) > 100
    for high, low, name in found:
        assert SUITE_NAMES[int(high + low, 16)] == name
    assert {int(suite): suite.name for suite in tls.CipherSuite}.items() <= SUITE_NAMES.items()
