"""The decoder of one connection, fed with octets by hand."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from openssl_ends import Identity, pay

from trustlab.capture import (
    PRIVATE_KEY,
    CaptureError,
    ConnectionDecoder,
    Decoded,
    Handshake,
    KeyLog,
    PassiveDecoder,
    TraceKeys,
    Trouble,
    keylog,
    knowledge,
)
from trustlab.trace import Trace


def no_keys(_: Handshake, __: str) -> list[bytes]:
    return []


def record(content_type: int, fragment: bytes, version: int = 0x0303) -> bytes:
    return bytes([content_type]) + version.to_bytes(2, "big") + len(fragment).to_bytes(2, "big") + fragment


def fed(*pieces: bytes) -> list[Decoded | Trouble]:
    decoder = ConnectionDecoder(no_keys)
    found = [item for piece in pieces for item in decoder.feed("client", piece)]
    return found + decoder.finish()


def test_a_record_may_come_octet_by_octet() -> None:
    octets = record(21, b"\x02\x28")
    (alert,) = fed(*[bytes([octet]) for octet in octets])
    assert isinstance(alert, Decoded)
    assert (alert.name, alert.raw, alert.offset, alert.records) == ("Alert", b"\x02\x28", 0, [[0, 7]])


def test_a_handshake_message_may_span_records_and_share_them() -> None:
    done = b"\x0e\x00\x00\x00"
    first, second = fed(record(22, done[:3]), record(22, done[3:] + done))
    assert isinstance(first, Decoded)
    assert isinstance(second, Decoded)
    assert (first.name, first.records) == ("ServerHelloDone", [[0, 8], [8, 18]])
    assert (second.name, second.records) == ("ServerHelloDone", [[8, 18]])


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"\x63\x00\x00\x00", "UnknownMessage"),
        (b"\x01\x00\x00\x02\x03\x03", "ClientHello"),
        (b"\x0e\x00\x00\x01\x00", "ServerHelloDone"),
        (b"\x10\x00\x00\x02\xff\xff", "ClientKeyExchange"),
    ],
)
def test_a_message_that_cannot_be_parsed_keeps_its_name_and_says_why(raw: bytes, name: str) -> None:
    (message,) = fed(record(22, raw))
    assert isinstance(message, Decoded)
    assert (message.name, message.raw, message.message) == (name, raw, None)
    assert message.problem


@pytest.mark.parametrize(
    "octets", [record(99, b"x"), record(22, b"x", version=0x0500), b"\x16\x03\x03\xff\xff", b"GET / HTTP/1.0"]
)
def test_what_is_no_record_is_trouble_once_and_the_rest_is_left_alone(octets: bytes) -> None:
    found = fed(record(21, b"\x01\x00"), octets, octets, record(21, b"\x01\x00"))
    assert [type(item) for item in found] == [Decoded, Trouble]
    assert isinstance(found[1], Trouble)
    assert found[1].offset == 7


@pytest.mark.parametrize(
    ("octets", "what"),
    [(b"\x16\x03", "unfinished record"), (record(22, b"\x0b\x00\x10\x00abc"), "unfinished handshake message")],
)
def test_an_end_in_the_middle_is_trouble(octets: bytes, what: str) -> None:
    (trouble,) = fed(octets)
    assert isinstance(trouble, Trouble)
    assert what in trouble.sentence


@given(st.lists(st.tuples(st.sampled_from([20, 21, 22, 23]), st.binary(max_size=40)), max_size=8), st.booleans())
def test_records_of_garbage_are_messages_or_trouble(records: list[tuple[int, bytes]], encrypted: bool) -> None:  # noqa: FBT001
    start = record(20, b"\x01") if encrypted else b""
    stream = start + b"".join(record(kind, fragment) for kind, fragment in records)
    for item in fed(stream):
        assert isinstance(item, Trouble) or 0 <= item.offset < len(stream)


@given(st.binary(max_size=200))
def test_octets_of_garbage_are_messages_or_trouble(octets: bytes) -> None:
    for item in fed(octets):
        assert 0 <= item.offset <= len(octets)


def test_a_key_log_may_be_a_callable_that_says_more_each_time() -> None:
    full, later = Trace(), Trace()
    pay(full, Identity())
    said = [""]
    decoder = PassiveDecoder(later, keys=KeyLog(lambda: said[-1])).feed(full.select("frame"))
    assert later.select("tls.message", name="Finished") == []
    said.append(keylog(full))
    decoder.finish()
    assert len(later.select("tls.message", name="Finished")) == 4


def test_an_unfinished_last_line_of_a_key_log_is_not_read_yet() -> None:
    full = Trace()
    pay(full, Identity())
    keys = KeyLog(lambda: keylog(full)[:-1])
    assert list(keys(Handshake(client_random=bytes.fromhex(keylog(full).split()[1])), "CLIENT_RANDOM")) == []
    assert keys.problems == []


def test_a_secret_of_a_trace_that_is_malformed_is_a_problem_and_opens_nothing() -> None:
    trace = Trace()
    curve_key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    trace.party("alice").secret("master_secret", bytes(48), client_random="not hex")
    trace.party("alice").secret(PRIVATE_KEY, curve_key)
    keys = TraceKeys(trace)
    assert list(keys(Handshake(client_random=bytes(32)), "CLIENT_RANDOM")) == []
    assert [str(p).rpartition(" is ")[2] for p in keys.problems] == [
        "not hexadecimal",
        "not an RSA key: it opens no key exchange",
    ]
    pay(trace, Identity(), keys=False)
    with pytest.raises(CaptureError, match="client_random"):
        knowledge(trace, "alice")
