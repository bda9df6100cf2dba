"""The decoder of one connection, fed with octets by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from openssl_ends import Identity, pay

from trustlab import tls
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
    parse_keylog,
)
from trustlab.capture.passive import sentence_of
from trustlab.trace import Trace

if TYPE_CHECKING:
    from pathlib import Path


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


def test_a_copy_and_its_original_finish_a_message_each_for_itself() -> None:
    done = b"\x0e\x00\x00\x00"
    decoder = ConnectionDecoder(no_keys)
    assert decoder.feed("server", record(22, done[:3])) == []
    other = decoder.copy()
    for each in (decoder, other):
        (message,) = each.feed("server", record(22, done[3:]))
        assert isinstance(message, Decoded)
        assert message.raw == done


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
    assert bool(message.problem) is (name != "UnknownMessage")
    assert message.undecoded == ("" if message.problem else "handshake messages of type 99")


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


def test_an_unfinished_last_line_of_a_key_log_that_may_grow_is_no_problem_yet() -> None:
    full = Trace()
    pay(full, Identity())
    said = [keylog(full)[:-2]]
    keys = KeyLog(lambda: said[-1])
    asked = Handshake(client_random=bytes.fromhex(keylog(full).split()[1]))
    assert keys(asked, "CLIENT_RANDOM") == []
    said.append(keylog(full)[:-1])
    assert [secret.hex() for secret in keys(asked, "CLIENT_RANDOM")] == [keylog(full).split()[2]]
    assert keys.problems == []


def test_a_problem_of_a_key_log_that_grows_is_told_once() -> None:
    said = ["CLIENT_RANDOM 00 11\n"]
    keys = KeyLog(lambda: said[-1])
    for _ in range(3):
        assert keys(Handshake(client_random=bytes(32)), "CLIENT_RANDOM") == []
        said.append(said[-1] + "# more\n")
    assert [str(problem) for problem in keys.problems] == [
        "key log, line 1: client_random and secret of CLIENT_RANDOM have lengths 1 and 1; they need 32 and 48"
    ]


def test_a_key_log_file_that_is_none_opens_nothing(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        assert KeyLog(path)(Handshake(client_random=bytes(32)), "CLIENT_RANDOM") == []


RANDOM, SECRET = "Ab" * 32, "cD" * 48


@pytest.mark.parametrize(
    "text",
    [
        f"CLIENT_RANDOM {RANDOM} {SECRET}",
        f"CLIENT_RANDOM {RANDOM.lower()} {SECRET.upper()}\n",
        f"# made by a browser\r\n\r\nCLIENT_RANDOM {RANDOM} {SECRET}\r\n",
        f"\n  \nSOMETHING_ELSE {RANDOM} 00\nCLIENT_RANDOM {RANDOM} {SECRET}\nRSA 00 11\n",
        f"\ufeffCLIENT_RANDOM {RANDOM} {SECRET}\n",
        f"CLIENT_RANDOM {RANDOM} not-hex\nCLIENT_RANDOM {RANDOM} {SECRET}\n",
    ],
)
def test_a_key_log_is_read_in_whatever_way_it_is_written(text: str) -> None:
    secrets, problems = parse_keylog(text)
    assert secrets == {("CLIENT_RANDOM", b"\xab" * 32): [b"\xcd" * 48]}
    assert len(problems) == text.count("not-hex")


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_the_line_of_a_problem_is_counted_as_an_editor_does(ends: str) -> None:
    lines = [
        "# a\x0b form \x0c feed \u2028 and others end no line",
        "",
        f"CLIENT_RANDOM {RANDOM} 00",
        "CLIENT_RANDOM x",
    ]
    _, problems = parse_keylog(ends.join(lines))
    assert [str(problem).partition(":")[0] for problem in problems] == ["key log, line 3", "key log, line 4"]


@given(st.text(max_size=300) | st.text(alphabet="CLIENT_RANDOM abcdef0123456789\r\n#", max_size=300))
def test_any_text_is_a_key_log(text: str) -> None:
    secrets, problems = parse_keylog(text)
    assert all(len(random) == 32 for _, random in secrets)
    assert all(isinstance(problem, CaptureError) for problem in problems)


def hello(*extensions: tls.Extension, suite: int = 0x1301, version: int = 0x0303) -> bytes:
    answer = tls.ServerHello(bytes(32), b"", suite, tuple(extensions), legacy_version=version)
    return record(22, answer.encode())


OFFER = record(22, tls.ClientHello(b"r" * 32, b"", (0x1301,), ()).encode())
CHANGE = record(20, b"\x01")


def between(answer: bytes, *later: bytes) -> list[Decoded]:
    """Return what comes out behind an offer and an answer, of the server's stream."""
    decoder = ConnectionDecoder(no_keys)
    decoder.feed("client", OFFER)
    found = [*decoder.feed("server", answer + b"".join(later)), *decoder.finish()]
    return [item for item in found if isinstance(item, Decoded)][1:]


@pytest.mark.parametrize(
    ("answer", "undecoded"),
    [
        (hello(suite=0x002F, version=0x0300), "SSL 3.0"),
        (hello(suite=0x002F, version=0x0301), "TLS 1.0"),
        (hello(suite=0x002F, version=0x0302), "TLS 1.1"),
        (hello(suite=0x002F, version=0x0305), "version 0x0305"),
        (hello(suite=0x002F, version=0x0303), ""),
        (hello(tls.Extension(22, b""), suite=0x002F), "encrypt_then_mac (RFC 7366)"),
        (hello(tls.Extension(22, b""), suite=0x009C), ""),
        (hello(tls.Extension(4, b""), suite=0x002F), "truncated_hmac (RFC 6066 7)"),
        (hello(suite=0x009E), "the cipher suite TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 (0x009e)"),
        (hello(suite=0xFAFA), "the cipher suite unknown (0xfafa)"),
        (hello(suite=0x1301), "the cipher suite TLS_AES_128_GCM_SHA256 (0x1301)"),
        (hello(tls.Extension(43, b"\x03\x04"), suite=0x1301), ""),
        (
            hello(tls.Extension(43, b"\x03\x04"), suite=0x1304),
            "the cipher suite TLS_AES_128_CCM_SHA256 (0x1304)",
        ),
        (hello(tls.Extension(43, b"\x7f\x1c"), suite=0x1301), "TLS 1.3 draft 28 (0x7f1c)"),
    ],
)
def test_what_this_lab_does_not_decode_is_named_and_does_not_wait_for_keys(answer: bytes, undecoded: str) -> None:
    *_, last = between(answer, CHANGE, record(23, bytes(64)))
    assert not last.readable
    assert (last.undecoded, last.problem) == (undecoded, "")
    sentence = sentence_of(last)
    assert (f"this lab does not decode {undecoded}" in sentence) == bool(undecoded)
    assert ("nobody here has its key" in sentence) != bool(undecoded)


def test_record_compression_is_named() -> None:
    answer = tls.ServerHello(bytes(32), b"", 0x009C, (), compression_method=1)
    *_, last = between(record(22, answer.encode()), CHANGE, record(23, bytes(64)))
    assert last.undecoded == "record compression (method 1)"


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (0x0305, b"\x0c\x00\x00\x02??"),
        (0x0303, b"\x43\x00\x00\x02\x00\x00"),
    ],
)
def test_a_message_of_a_form_that_nobody_here_knows_is_not_called_malformed(version: int, message: bytes) -> None:
    (found,) = between(hello(suite=0x009C, version=version), record(22, message))
    assert found.problem == ""
    assert found.undecoded in {"version 0x0305", "handshake messages of type 67"}


def test_a_heartbeat_is_no_damage_to_the_stream() -> None:
    beat, alert = between(hello(suite=0x009C), record(24, b"\x01\x00\x02hi"), record(21, b"\x01\x00"))
    assert (beat.name, beat.undecoded, beat.offset) == ("Heartbeat", "the heartbeat protocol (RFC 6520)", 49)
    assert alert.name == "Alert"


def test_a_hello_request_is_no_part_of_the_transcript() -> None:
    decoder = ConnectionDecoder(no_keys)
    decoder.feed("client", OFFER)
    decoder.feed("server", record(22, tls.HelloRequest().encode()) + hello(suite=0x009C))
    assert bytes(decoder.handshake.transcript) == OFFER[5:] + hello(suite=0x009C)[5:]


def test_a_hello_of_ssl_2_is_named() -> None:
    (trouble,) = fed(b"\x80\x2e\x01\x03\x01" + bytes(43))
    assert isinstance(trouble, Trouble)
    assert "SSL 2.0" in trouble.sentence


def test_data_of_a_connection_whose_handshake_was_not_captured_says_so_at_once() -> None:
    decoder = ConnectionDecoder(no_keys)
    (found,) = decoder.feed("client", record(23, b"late"))
    assert isinstance(found, Decoded)
    assert sentence_of(found) == "A protected record (ApplicationData): its handshake was not captured."


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
