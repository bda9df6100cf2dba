"""Passive decoding of real OpenSSL connections: names, plaintext, both ends; agreement with tshark."""

from __future__ import annotations

import re
import ssl
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from foreign_ends import same_in_both
from hypothesis import given, settings
from hypothesis import strategies as st
from openssl_ends import PIN, RECEIPT, Identity, network, pay, pay_through_alice

from trustlab.capture import (
    CaptureError,
    KeyLogReader,
    PassiveDecoder,
    TraceKeys,
    decode_frames,
    decode_pcapng,
    keylog,
    knowledge,
    write_trace,
)
from trustlab.trace import Trace, TraceEvent
from trustlab.wire import CapturedFrame, read_pcapng, write_pcapng

if TYPE_CHECKING:
    from pathlib import Path

FULL = [
    ("client", "ClientHello"),
    ("server", "ServerHello"),
    ("server", "Certificate"),
    ("server", "ServerHelloDone"),
    ("client", "ClientKeyExchange"),
    ("client", "ChangeCipherSpec"),
    ("client", "Finished"),
    ("server", "ChangeCipherSpec"),
    ("server", "Finished"),
    ("client", "ApplicationData"),
    ("server", "ApplicationData"),
    ("client", "Alert"),
    ("server", "Alert"),
]
TSHARK_NAMES = {  # tls.handshake.type
    "1": "ClientHello", "2": "ServerHello", "11": "Certificate", "12": "ServerKeyExchange", "14": "ServerHelloDone",
    "16": "ClientKeyExchange", "20": "Finished",
}  # fmt: skip


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity()


@pytest.fixture
def paid(identity: Identity) -> Trace:
    trace = Trace()
    with PassiveDecoder(trace):
        pay(trace, identity)
    return trace


def messages(trace: Trace, *, sent: bool = True, connection: str | None = None) -> list[TraceEvent]:
    return [e for e in trace.select("tls.message", connection=connection) if e.sent is sent]


def names(trace: Trace, *, sent: bool = True, connection: str | None = None) -> list[tuple[str, str]]:
    return [(e.direction, e.name) for e in messages(trace, sent=sent, connection=connection)]


def data_of(trace: Trace, party: str) -> list[tuple[str, bytes]]:
    secrets = trace.select("secret", party=party, name="application data")
    return [(str(e.data["direction"]), e.raw) for e in secrets]


def frames_of(trace: Trace) -> list[bytes]:
    return [e.raw for e in trace.select("frame")]


def tshark(path: Path, *options: str) -> list[str]:
    command = ["tshark", "-r", str(path), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_every_message_of_a_plain_connection_is_named_in_order(paid: Trace) -> None:
    assert names(paid) == FULL
    assert names(paid, sent=False) == FULL


def test_the_writer_and_the_reader_of_each_message_are_named(paid: Trace) -> None:
    for event in messages(paid):
        assert event.party == {"client": "teller", "server": "bank"}[event.direction]
    for event in messages(paid, sent=False):
        assert event.party == {"client": "bank", "server": "teller"}[event.direction]


def test_both_ends_read_the_application_data(paid: Trace) -> None:
    for party in ("teller", "bank"):
        assert data_of(paid, party) == [("client", PIN), ("server", RECEIPT)]


def test_the_plaintext_is_linked_to_its_record_and_stands_in_no_message(paid: Trace) -> None:
    for secret in paid.select("secret", name="application data"):
        (link,) = secret.links
        message = paid.find(link.party, link.seq)
        assert (link.rel, message.name, message.party) == ("inside", "ApplicationData", secret.party)
        assert message.raw[:3] == b"\x17\x03\x03"
        assert secret.raw not in message.raw


def test_raw_is_the_handshake_message_with_its_header(paid: Trace) -> None:
    for event in messages(paid):
        if event.data["content_type"] == 22:
            assert int.from_bytes(event.raw[1:4], "big") == len(event.raw) - 4
    assert [e.raw for e in messages(paid) if e.name == "ChangeCipherSpec"] == [b"\x01", b"\x01"]
    assert [e.raw for e in messages(paid) if e.name == "Alert"] == [b"\x01\x00", b"\x01\x00"]


def test_only_what_came_after_change_cipher_spec_was_encrypted(paid: Trace) -> None:
    encrypted = {e.name for e in messages(paid) if e.data["encrypted"]}
    assert encrypted == {"Finished", "ApplicationData", "Alert"}


def test_the_spans_cover_every_octet(paid: Trace) -> None:
    for event in messages(paid):
        covered = {n for span in event.spans for n in range(span.start, span.end)}
        assert covered == set(range(len(event.raw))), event.name


def test_offsets_and_records_are_positions_in_the_stream(paid: Trace) -> None:
    stream = b""
    for frame in paid.select("frame"):
        at = frame.data["payload_offset"]
        if frame.direction == "server" and isinstance(at, int):
            stream += frame.raw[at:]
    for event in messages(paid):
        if event.direction == "server":
            records = event.data["records"]
            assert isinstance(records, list)
            assert records[0][0] == event.offset
            assert stream[records[0][0]] == event.data["content_type"]
            assert (
                int.from_bytes(stream[records[0][0] + 3 : records[0][0] + 5], "big") + 5
                == records[0][1] - records[0][0]
            )


def test_live_and_afterwards_give_the_same_events(identity: Identity) -> None:
    trace = Trace()
    live: list[TraceEvent] = []
    with PassiveDecoder(trace):
        trace.subscribe(lambda e: live.append(e) if e.kind == "tls.message" else None)
        pay(trace, identity)
    again = Trace()
    for event in trace:
        if event.kind == "frame" or event.name == "master_secret":
            again.append(
                event.party, event.kind, event.name, raw=event.raw, connection=event.connection,
                direction=event.direction, offset=event.offset, data=event.data,
            )  # fmt: skip
    PassiveDecoder(again).feed(again).finish()
    assert [(e.party, e.name, e.raw, e.offset) for e in messages(again)] == [
        (e.party, e.name, e.raw, e.offset) for e in live if e.sent
    ]


def test_each_message_appears_as_soon_as_its_frame_passed(paid: Trace) -> None:
    events = list(paid)
    finished = next(n for n, e in enumerate(events) if e.name == "Finished")
    last_data = max(n for n, e in enumerate(events) if e.kind == "frame" and e.data["payload_length"])
    assert finished < last_data


def test_without_keys_encrypted_messages_are_shown_unread_in_the_end(identity: Identity) -> None:
    trace = Trace()
    with PassiveDecoder(trace):
        pay(trace, identity, keys=False)
    unread = [e for e in messages(trace) if not e.data["readable"]]
    assert {e.name for e in unread} == {"EncryptedHandshakeMessage", "ApplicationData", "EncryptedAlert"}
    assert len(messages(trace)) == len(FULL)
    assert trace.select("secret") == []


def test_without_holding_encrypted_messages_are_shown_at_once(identity: Identity) -> None:
    trace = Trace()
    decoder = PassiveDecoder(trace, hold=False)
    trace.subscribe(decoder.observe)
    pay(trace, identity, keys=False)
    assert ("server", "EncryptedHandshakeMessage") in names(trace)


def test_held_records_are_read_as_soon_as_the_key_appears(identity: Identity) -> None:
    full = Trace()
    pay(full, identity)
    (master, *_) = full.select("secret", name="master_secret")
    late = Trace()
    decoder = PassiveDecoder(late)
    late.subscribe(decoder.observe)
    for event in full.select("frame"):
        late.append("network", "frame", "TCP", raw=event.raw, connection=event.connection, data=event.data)
    assert ("client", "Finished") not in names(late)
    late.append("bob", "secret", "master_secret", raw=master.raw, data=master.data)
    assert [name for _, name in names(late)].count("Finished") == 2
    assert data_of(late, "teller") == [("client", PIN), ("server", RECEIPT)]


def test_a_key_log_file_may_grow_while_it_is_read(identity: Identity, tmp_path: Path) -> None:
    full = Trace()
    pay(full, identity)
    path = tmp_path / "keys"
    trace = Trace()
    decoder = PassiveDecoder(trace, keys=KeyLogReader(path))
    decoder.feed(full.select("frame"))
    assert ("client", "Finished") not in names(trace)
    path.write_text(keylog(full))
    decoder.finish()
    assert names(trace).count(("client", "Finished")) == 1


@pytest.mark.parametrize(
    "suite",
    [
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-CHACHA20-POLY1305",
    ],
)
def test_every_aead_suite_of_tls_12_is_decrypted(identity: Identity, suite: str) -> None:
    trace = Trace()
    with PassiveDecoder(trace):
        pay(trace, identity, suite=suite)
    assert data_of(trace, "bank") == [("client", PIN), ("server", RECEIPT)]


def test_a_large_message_spans_records_and_frames(identity: Identity) -> None:
    trace, text = Trace(), bytes(range(256)) * 200
    with PassiveDecoder(trace):
        pay(trace, identity, says=text)
    assert b"".join(raw for direction, raw in data_of(trace, "bank") if direction == "client") == text


def test_alice_in_the_middle_is_seen_on_both_legs(identity: Identity) -> None:
    trace = Trace()
    with PassiveDecoder(trace):
        pay_through_alice(trace, identity, Identity())
    assert data_of(trace, "alice").count(("client", PIN)) == 2
    assert {e.party for e in messages(trace, connection="teller-bank-1")} == {"teller", "alice"}
    assert {e.party for e in messages(trace, connection="alice-bank-1")} == {"alice", "bank"}
    certificates = {e.raw for e in messages(trace) if e.name == "Certificate"}
    assert len(certificates) == 2


def test_only_the_ends_and_connections_asked_for_are_written(identity: Identity) -> None:
    trace = Trace()
    with PassiveDecoder(trace, connections={"teller-bank-1"}, parties={"teller"}):
        pay_through_alice(trace, identity, Identity())
    assert {(e.connection, e.party) for e in trace.select("tls.message")} == {("teller-bank-1", "teller")}


def test_the_keys_of_one_party_open_only_its_connections(identity: Identity) -> None:
    trace = Trace()
    pay_through_alice(trace, identity, Identity())
    PassiveDecoder(trace, keys=TraceKeys(trace, "carol")).feed(trace).finish()
    assert trace.select("secret", name="application data") == []


def test_tls_13_without_keys_is_named_as_far_as_it_is_clear(identity: Identity) -> None:
    trace = Trace()
    with PassiveDecoder(trace):
        pay(trace, identity, keys=False, version=ssl.TLSVersion.TLSv1_3)
    clear = [e.name for e in messages(trace) if e.data["readable"]]
    assert clear == ["ClientHello", "ServerHello", "ChangeCipherSpec", "ChangeCipherSpec"]
    protected = [e for e in messages(trace) if not e.data["readable"]]
    assert {(e.name, e.data["version"]) for e in protected} == {("ApplicationData", "TLS 1.3")}


def test_tls_13_is_decrypted_with_its_traffic_secrets(identity: Identity) -> None:
    trace = Trace()
    with PassiveDecoder(trace):
        pay(trace, identity, version=ssl.TLSVersion.TLSv1_3)
    handshake = [(d, n) for d, n in names(trace) if n not in {"ChangeCipherSpec", "NewSessionTicket"}]
    assert handshake == [
        ("client", "ClientHello"),
        ("server", "ServerHello"),
        ("server", "EncryptedExtensions"),
        ("server", "Certificate"),
        ("server", "CertificateVerify"),
        ("server", "Finished"),
        ("client", "Finished"),
        ("client", "ApplicationData"),
        ("server", "ApplicationData"),
        ("client", "Alert"),
        ("server", "Alert"),
    ]
    assert data_of(trace, "bank") == [("client", PIN), ("server", RECEIPT)]
    assert knowledge(trace, "alice").holds(PIN) == []
    assert knowledge(trace, "teller").holds(PIN) == [("teller-bank-1", "client", 0, "decrypted")]


def test_tls_13_with_only_the_handshake_secrets_hides_the_data(identity: Identity) -> None:
    full = Trace()
    pay(full, identity, version=ssl.TLSVersion.TLSv1_3)
    lines = [line for line in keylog(full).splitlines() if "HANDSHAKE" in line]
    trace = decode_frames(frames_of(full), keylog="\n".join(lines) + "\n")
    assert ("client", "Finished") in names(trace)
    assert trace.select("secret", name="application data") == []


def test_tshark_decrypts_tls_13_with_our_key_log(identity: Identity, tmp_path: Path) -> None:
    trace = Trace()
    with PassiveDecoder(trace):
        pay(trace, identity, version=ssl.TLSVersion.TLSv1_3)
    path = write_trace(tmp_path / "paid.pcapng", trace)
    types = ",".join(
        tshark(path, "-d", "tcp.port==443,tls", "-Y", "tls.handshake", "-T", "fields", "-e", "tls.handshake.type")
    )
    ours = [str(e.raw[0]) for e in messages(trace) if e.data["content_type"] == 22]
    assert types.split(",") == ours


def test_tshark_agrees_on_names_and_plaintext(paid: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "paid.pcapng", paid)
    decode = ("-d", "tcp.port==443,tls", "-o", "tls.desegment_ssl_records:TRUE")
    fields = ("-T", "fields", "-e", "tls.handshake.type", "-Y", "tls.handshake")
    types = ",".join(tshark(path, *decode, *fields)).split(",")
    assert [TSHARK_NAMES[t] for t in types] == [e.name for e in messages(paid) if e.data["content_type"] == 22]
    follow = "\n".join(tshark(path, "-q", "-z", "follow,tls,raw,0"))
    octets = [bytes.fromhex(line) for line in re.findall(r"^\t?([0-9a-f]+)$", follow, re.MULTILINE)]
    assert octets == [PIN, RECEIPT]


def test_a_written_capture_is_decoded_to_the_same_messages(paid: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "paid.pcapng", paid)
    again = decode_pcapng(path, names={"10.0.0.2": "teller", "10.0.0.4": "bank"})
    assert [(e.party, e.name, e.raw) for e in messages(again)] == [(e.party, e.name, e.raw) for e in messages(paid)]
    assert {e.connection for e in messages(again)} == {"teller-bank-1"}
    assert data_of(again, "bank") == data_of(paid, "bank")


def test_a_capture_without_secrets_opens_nothing(paid: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "paid.pcapng", paid, secrets=False)
    assert decode_pcapng(path).select("secret") == []
    assert decode_pcapng(path, keylog=keylog(paid)).select("secret") != []


def test_frames_in_any_order_give_the_same_messages(paid: Trace) -> None:
    frames = frames_of(paid)
    shuffled = frames[:3] + frames[:2:-1]
    again = decode_frames(shuffled, keylog=keylog(paid))
    assert sorted(names(again)) == sorted(FULL)


def test_a_lost_frame_is_noted_and_the_rest_is_held(paid: Trace) -> None:
    frames = [e.raw for e in paid.select("frame") if not (e.direction == "server" and e.offset == 0)]
    trace = decode_frames(frames, keylog=keylog(paid))
    assert ("client", "ClientHello") in names(trace)
    assert ("server", "Certificate") not in names(trace)
    assert any("never captured" in str(e.data["sentence"]) for e in trace.select("note"))


def test_a_changed_record_is_named_as_such(paid: Trace) -> None:
    frames = [
        e.raw[:-1] + bytes([e.raw[-1] ^ 1])
        if e.direction == "client" and e.name == "TCP" and _carries(paid, e)
        else e.raw
        for e in paid.select("frame")
    ]
    trace = decode_frames(frames, keylog=keylog(paid))
    (damaged,) = [e for e in messages(trace) if not e.data["readable"]]
    assert damaged.name == "ApplicationData"
    assert "authentication tag is wrong" in str(damaged.data["sentence"])
    assert data_of(trace, "10.0.0.4") == [("server", RECEIPT)]


def _carries(trace: Trace, frame: TraceEvent) -> bool:
    (data,) = [e for e in messages(trace) if e.name == "ApplicationData" and e.direction == "client"]
    return frame.offset == data.offset


def test_what_is_no_tls_gives_one_note_and_no_message() -> None:
    trace = Trace()
    wire = network(trace)
    wire.listen("bank", 80, lambda _: _Plain(b"HTTP/1.0 200 OK\r\n\r\nhello, world"))
    wire.connect("teller", "bank", 80, _Plain(b"GET / HTTP/1.0\r\n\r\n"))
    with PassiveDecoder(trace):
        wire.run()
    assert messages(trace) == []
    notes = trace.select("note", name="not decoded")
    assert [n.direction for n in notes] == ["client", "server"]
    assert "not TLS" in str(notes[0].data["sentence"])


class _Plain:
    def __init__(self, says: bytes) -> None:
        self.says = says
        self.closed = False

    def receive(self, data: bytes) -> None: ...

    def eof_received(self) -> None: ...

    def data_to_send(self) -> bytes:
        said, self.says = self.says, b""
        return said


_recorded: dict[str, Trace] = {}


@pytest.fixture(scope="module", autouse=True)
def _record(identity: Identity) -> None:
    trace = Trace()
    pay(trace, identity)
    _recorded["paid"] = trace


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 255))
def test_a_flipped_octet_anywhere_never_crashes_the_decoder(position: int, change: int) -> None:
    frames = [bytearray(raw) for raw in frames_of(_recorded["paid"])]
    frame = frames[position % len(frames)]
    frame[position // len(frames) % len(frame)] ^= change
    trace = decode_frames([bytes(f) for f in frames], keylog=keylog(_recorded["paid"]))
    assert len(trace.select("frame")) == len(frames)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 1600), min_size=1, max_size=8))
def test_truncated_frames_never_crash_the_decoder(lengths: list[int]) -> None:
    frames = frames_of(_recorded["paid"])
    cut = [raw[: lengths[n % len(lengths)]] for n, raw in enumerate(frames)]
    trace = decode_frames(cut, keylog=keylog(_recorded["paid"]))
    assert len(trace.select("frame")) == len(frames)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=5))
def test_frames_of_garbage_never_crash_the_decoder(frames: list[bytes]) -> None:
    assert decode_frames(frames).select("tls.message") == []


def test_a_file_that_is_no_capture_is_a_capture_error(tmp_path: Path) -> None:
    path = tmp_path / "no.pcapng"
    path.write_bytes(b"this is not a capture")
    with pytest.raises(CaptureError, match=r"no\.pcapng: this is not a pcapng file: it does not begin with"):
        decode_pcapng(path)


def test_a_truncated_capture_file_is_a_capture_error(paid: Trace, tmp_path: Path) -> None:
    path = write_pcapng(tmp_path / "paid.pcapng", paid)
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(CaptureError, match="octet"):
        decode_pcapng(path)


@pytest.mark.parametrize("line", ["CLIENT_RANDOM", "CLIENT_RANDOM xx yy", "CLIENT_RANDOM 00 11"])
def test_a_damaged_line_of_a_key_log_is_noted_and_passed_over(paid: Trace, tmp_path: Path, line: str) -> None:
    damaged = f"# a comment\r\n{line}\n{keylog(paid)}"
    path = write_trace(tmp_path / "paid.pcapng", paid, secrets=False)
    for trace in (decode_frames(frames_of(paid), keylog=damaged), decode_pcapng(path, keylog=damaged)):
        assert data_of(trace, "10.0.0.4") == [("client", PIN), ("server", RECEIPT)]
        (note,) = trace.select("note")
        assert str(note.data["sentence"]).startswith("a key that cannot be used: key log, line 2: ")
    assert "line 2" in str(decode_frames([], keylog=damaged).select("note")[0].data["sentence"])


def secrets_block(text: str) -> bytes:
    body = struct.pack("<II", 0x544C534B, len(text)) + text.encode() + bytes(-len(text) % 4)
    return struct.pack("<II", 10, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_several_secrets_blocks_are_joined_line_by_line(identity: Identity, tmp_path: Path, end: str) -> None:
    trace = Trace()
    pay(trace, identity, version=ssl.TLSVersion.TLSv1_3)
    lines = keylog(trace).splitlines()
    whole = write_trace(tmp_path / "paid.pcapng", trace, secrets=False).read_bytes()
    at = struct.unpack_from("<I", whole, 4)[0]
    blocks = [secrets_block(f"# block\n{line}{end}") for line in [*lines, "CLIENT_RANDOM ends here"]]
    path = tmp_path / "blocks.pcapng"
    path.write_bytes(whole[:at] + b"".join(blocks) + whole[at:])
    again = decode_pcapng(path, keylog="CLIENT_RANDOM 0 1")
    assert data_of(again, "10.0.0.4") == [("client", PIN), ("server", RECEIPT)]
    assert [str(n.data["sentence"]).split(": ")[1] for n in again.select("note")] == [
        f"secrets block {len(blocks)}, line 2",
        "key log, line 1",
    ]
    assert read_pcapng(path).keylog.replace("\r", "").count("\n") == 2 * len(blocks)


def test_a_capture_that_cannot_be_opened_is_a_capture_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing.pcapng"):
        with pytest.raises(CaptureError, match="cannot be read"):
            decode_pcapng(path)


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_frames_and_their_capture_are_decoded_alike(
    identity: Identity, tmp_path: Path, version: ssl.TLSVersion, end: str
) -> None:
    trace = Trace()
    pay(trace, identity, version=version)
    text = keylog(trace).rstrip("\n") + end
    packets = [CapturedFrame(number / 4, raw) for number, raw in enumerate(frames_of(trace))]
    alike = same_in_both(packets, text, tmp_path)
    assert data_of(alike, "10.0.0.4") == [("client", PIN), ("server", RECEIPT)]


def edited(full: Trace, direction: str, name: str, at: int) -> Trace:
    """Return the frames and secrets of a trace, one octet of a message changed in flight as the switch writes it."""
    decoded = Trace()
    PassiveDecoder(decoded, keys=TraceKeys(full)).feed(full).finish()
    (message,) = [e for e in messages(decoded) if (e.direction, e.name) == (direction, name)]
    assert message.offset is not None
    target = message.offset + 5 + at
    result = Trace()
    for event in full:
        if event.secret and event.name != "application data":
            result.party(event.party).secret(event.name, event.raw, **event.data)
        if event.kind != "frame":
            continue
        data, raw = dict(event.data), bytearray(event.raw)
        length = int(str(data["payload_length"]))
        if event.direction == direction and event.offset is not None and 0 <= target - event.offset < length:
            payload = int(str(data["payload_offset"]))
            data |= {"fate": "edited", "original": event.raw[payload:].hex()}
            raw[payload + target - event.offset] ^= 0xFF
        result.append(
            event.party, "frame", event.name, raw=bytes(raw), connection=event.connection,
            direction=event.direction, offset=event.offset, data=data,
        )  # fmt: skip
    return result


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(("direction", "writer"), [("client", "teller"), ("server", "bank")])
def test_after_an_edit_in_flight_each_end_has_what_it_wrote_and_what_it_read(
    identity: Identity, version: ssl.TLSVersion, direction: str, writer: str
) -> None:
    full = Trace()
    pay(full, identity, version=version)
    name = "ClientHello" if direction == "client" else "ServerHello"
    at = 6 + 5  # behind message header and version: octet 5 of the random
    trace = edited(full, direction, name, at)
    PassiveDecoder(trace).feed(trace).finish()
    plain = Trace()
    PassiveDecoder(plain, keys=TraceKeys(full)).feed(full).finish()
    (wrote,) = [e for e in messages(trace) if e.name == name]
    (read,) = [e for e in messages(trace, sent=False) if e.name == name]
    (honest,) = [e for e in messages(plain) if e.name == name]
    assert (wrote.party, wrote.raw) == (writer, honest.raw)
    assert read.party != writer
    assert read.raw == honest.raw[:at] + bytes([honest.raw[at] ^ 0xFF]) + honest.raw[at + 1 :]
    before = [e.name for e in messages(plain)]
    assert [e.name for e in messages(trace)][: before.index("ServerHello") + 1] == before[
        : before.index("ServerHello") + 1
    ]


def test_after_an_edit_of_a_record_the_writer_still_reads_what_it_wrote(identity: Identity) -> None:
    full = Trace()
    pay(full, identity)
    trace = edited(full, "client", "ApplicationData", 12)
    PassiveDecoder(trace).feed(trace).finish()
    assert data_of(trace, "teller") == [("client", PIN), ("server", RECEIPT)]
    assert data_of(trace, "bank") == [("server", RECEIPT)]
    (damaged,) = [e for e in messages(trace, sent=False) if not e.data["readable"]]
    assert (damaged.party, damaged.name) == ("bank", "ApplicationData")
    assert "authentication tag is wrong" in str(damaged.data["sentence"])
    assert trace.select("note") == []
    assert names(trace) == FULL
    assert knowledge(trace, "teller").holds(PIN)
    assert not knowledge(trace, "bank").holds(PIN)


def test_an_edit_that_is_written_down_wrongly_is_a_note(identity: Identity) -> None:
    full = Trace()
    pay(full, identity)
    for original in ("zz", "00"):
        trace = Trace()
        for event in full.select("frame"):
            trace.append("network", "frame", "TCP", raw=event.raw, data=event.data | {"original": original})
        PassiveDecoder(trace).feed(trace).finish()
        assert messages(trace) == []
        assert {n.name for n in trace.select("note")} == {"not decoded"}


def test_frames_may_carry_their_time(paid: Trace) -> None:
    trace = decode_frames([CapturedFrame(4.5, raw) for raw in frames_of(paid)])
    assert trace.select("frame")[0].data["captured"] == pytest.approx(4.5)
