"""Captures as files: those of real programs beside tshark, those that are damaged, those that are too large to keep.

`data/curl-openssl*` were captured by dumpcap on the loopback device, and on `any` (link type SLL): curl over IPv4 with
TLS 1.3 and over IPv6 with TLS 1.2, `openssl s_client` over IPv4, all to `openssl s_server`, and three UDP datagrams.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import subprocess
import tracemalloc
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from foreign_ends import Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trustlab.capture import (
    CaptureError,
    CaptureLimits,
    CaptureProgress,
    KeyLogReader,
    PassiveDecoder,
    decode_frames,
    decode_pcapng,
    open_trace,
    write_trace,
)
from trustlab.inspector.report import report
from trustlab.tls import ContentType
from trustlab.trace import Trace, TraceFormatError, other_role
from trustlab.wire import CapturedFrame, Host, LinkType, TcpConversation, parse_pcapng, read_pcapng, write_capture

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = Path(__file__).parent / "data"
KEYS = (DATA / "curl-openssl.keys").read_text()
FILES = ["curl-openssl.pcapng.gz", "curl-openssl-any.pcapng.gz", "curl-openssl.pcap.gz"]
PORTS = ("-d", "tcp.port==4451,tls", "-d", "tcp.port==4452,tls")


def tshark(path: Path, *options: str) -> str:
    command = ["tshark", "-r", str(path), "-o", f"tls.keylog_file:{DATA / 'curl-openssl.keys'}", *PORTS, *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def tsharks_messages(path: Path) -> dict[tuple[int, str], list[str]]:
    """Return the types of handshake messages and alerts of each stream and direction, as tshark sees them."""
    fields = ("tcp.stream", "tcp.srcport", "tls.handshake.type", "tls.alert_message.desc")
    told = tshark(path, "-Y", "tls", "-T", "fields", *(word for field in fields for word in ("-e", field)))
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for line in told.splitlines():
        stream, port, types, alerts = line.split("\t")
        side = "server" if port in {"4451", "4452"} else "client"
        found[int(stream), side] += [f"handshake {t}" for t in types.split(",") if t]
        found[int(stream), side] += [f"alert {a}" for a in alerts.split(",") if a]
    return found


def our_messages(trace: Trace) -> dict[tuple[int, str], list[str]]:
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    for event in trace.select("tls.message"):
        if event.sent:
            key = int(event.connection.rpartition("-")[2]) - 1, event.direction
            if event.data["content_type"] == ContentType.HANDSHAKE:
                found[key].append(f"handshake {event.raw[0]}")
            elif event.data["content_type"] == ContentType.ALERT:
                found[key].append(f"alert {event.raw[1]}")
    return found


def tsharks_data(path: Path, stream: int) -> dict[str, bytes]:
    """Return what each side of a connection said, decrypted."""
    told = tshark(path, "-q", "-z", f"follow,tls,raw,{stream}")
    first = "server" if re.search(r"^Node 0: .*:445[12]$", told, re.MULTILINE) else "client"
    said = {"client": b"", "server": b""}
    for line in re.findall(r"^\t?[0-9a-f]+$", told, re.MULTILINE):
        said[other_role(first) if line.startswith("\t") else first] += bytes.fromhex(line.strip())
    return said


def our_data(trace: Trace, stream: int) -> dict[str, bytes]:
    said = {"client": b"", "server": b""}
    for event in trace.select("secret", name="application data"):
        number = int(str(event.data["connection"]).rpartition("-")[2]) - 1
        reads = next(
            e for e in trace if e.links == () and (e.party, e.seq) == (event.links[0].party, event.links[0].seq)
        )
        if number == stream and reads.sent:
            said[str(event.data["direction"])] += event.raw
    return said


@pytest.mark.parametrize("name", FILES)
def test_a_real_capture_holds_the_messages_and_the_data_that_tshark_finds(name: str) -> None:
    trace = decode_pcapng(DATA / name, keylog=KEYS)
    assert our_messages(trace) == tsharks_messages(DATA / name)
    assert len(our_messages(trace)) == 6
    for stream in range(3):
        ours = our_data(trace, stream)
        assert ours == tsharks_data(DATA / name, stream)
        assert b"GET / HTTP" in ours["client"]
        assert b"TLSv1" in ours["server"]
    assert trace.select("note") == []


def test_a_report_has_the_shape_that_was_agreed() -> None:
    told = report(decode_pcapng(DATA / FILES[0], keylog=KEYS), "a file")
    assert list(told) == ["source", "link", "frames", "connections", "skipped", "notes"]
    assert (told["source"], told["link"], told["frames"]) == ("a file", "Ethernet", 57)
    assert told["skipped"] == [{"what": "UDP packets", "count": 3}]
    first, second, third = told["connections"]
    assert list(first) == ["name", "client", "server", "version", "suite", "decrypted", "why_not", "messages"]
    assert [c["version"] for c in told["connections"]] == ["TLS 1.3", "TLS 1.2", "TLS 1.3"]
    assert (second["suite"], second["decrypted"]) == ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", True)
    assert (second["client"][:6], second["server"], third["server"]) == ("[::1]:", "[::1]:4452", "127.0.0.1:4451")
    hello = first["messages"][0]
    assert list(hello) == ["name", "from", "records", "encrypted", "fields"]
    assert (hello["name"], hello["from"], hello["records"]) == ("ClientHello", first["client"], [[0, 517]])
    random = next(f for f in hello["fields"] if f["path"] == "random")
    assert (random["start"], random["end"], random["clause"]) == (6, 38, "RFC 5246 7.4.1.2")
    assert random["sentence"]
    assert list(random) == ["path", "start", "end", "value", "sentence", "clause"]


def test_a_report_has_decrypted_data_only_where_it_was_asked_for() -> None:
    trace = decode_pcapng(DATA / FILES[0], keylog=KEYS)
    first = [report(trace, "x", secrets=secrets)["connections"][0] for secrets in (False, True)]
    assert [sum("data" in m for m in connection["messages"]) for connection in first] == [0, 2]
    data = next(m["data"] for m in first[1]["messages"] if "data" in m)
    assert bytes.fromhex(data["hex"]).startswith(b"GET / HTTP/1.1")
    assert data["fields"]
    record = next(m for m in first[0]["messages"] if m["name"] == "ApplicationData")
    assert any("padding" in f["path"] or "inner" in f["path"] or "type" in f["path"] for f in record["fields"])


def test_without_keys_a_report_says_why_nothing_was_decrypted() -> None:
    for connection in report(decode_pcapng(DATA / FILES[0]), "x")["connections"]:
        assert not connection["decrypted"]
        assert "nobody here has its key" in connection["why_not"]


def gre(ip: bytes) -> bytes:
    from scapy.layers.inet import IP  # noqa: PLC0415 - only here
    from scapy.layers.l2 import GRE  # noqa: PLC0415

    return bytes(IP(src="192.0.2.1", dst="192.0.2.2") / GRE() / IP(ip))


FRAMINGS: dict[str, tuple[int, Callable[[bytes], bytes]]] = {
    "raw IP": (LinkType.RAW, lambda ip: ip),
    "NULL": (LinkType.NULL, lambda ip: b"\2\0\0\0" + ip),
    "LOOP": (LinkType.LOOP, lambda ip: b"\0\0\0\2" + ip),
    "SLL2": (LinkType.LINUX_SLL2, lambda ip: b"\x08\0" + bytes(6) + b"\0\1\0\6" + bytes(8) + ip),
    "QinQ": (LinkType.ETHERNET, lambda ip: bytes(12) + b"\x88\xa8\0\5\x81\0\0\6\x08\0" + ip),
    "GRE": (LinkType.RAW, gre),
}


@pytest.mark.parametrize("framing", FRAMINGS)
def test_a_connection_reads_alike_in_every_framing(framing: str, tmp_path: Path) -> None:
    site = Site(tmp_path)
    frames = site.talk(["-tls1_3"], ["-tls1_3"])
    link, wrap = FRAMINGS[framing]
    packets = [CapturedFrame(n / 8, wrap(raw[14:]), link=link) for n, raw in enumerate(frames)]
    path = write_capture(tmp_path / "framed.pcapng", packets, keylog=site.keylog)
    plain, framed = decode_frames(frames, keylog=site.keylog), decode_pcapng(path)
    told = [[(e.party, e.name, e.raw, e.offset) for e in t.select("tls.message")] for t in (plain, framed)]
    assert told[0] == told[1] != []
    assert our_data(framed, 0)["client"] == b"hello bank\n"
    command = ["tshark", "-r", str(path), "-d", "tcp.port==443,tls", "-q", "-z", "follow,tls,raw,0"]
    assert b"hello bank\n".hex() in subprocess.run(command, check=True, capture_output=True, text=True).stdout


# Damage


WHOLE = {name: gzip.decompress((DATA / name).read_bytes()) for name in FILES}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 255)), max_size=6),
    st.integers(0, 30_000) | st.none(),
    st.sampled_from([bytes, gzip.compress]),
)
def test_a_damaged_capture_is_shown_in_part_or_a_typed_error(
    tmp_path: Path, name: str, changes: list[tuple[int, int]], length: int | None, pack: Callable[[bytes], bytes]
) -> None:
    octets = bytearray(WHOLE[name])
    for place, value in changes:
        octets[place % len(octets)] = value
    path = tmp_path / "damaged"
    path.write_bytes(pack(bytes(octets[:length])))
    with contextlib.suppress(CaptureError, TraceFormatError):
        whole_or_in_part(open_trace(path, keylog=KEYS), changes)


def whole_or_in_part(trace: Trace, changes: list[tuple[int, int]]) -> None:
    told = report(trace, "x")
    assert told["frames"] <= 57
    assert not [e for e in trace.select("tls.message") if "malformed" in str(e.data["sentence"]) and not changes]


@pytest.mark.parametrize("octets", [3000, -1])
def test_a_packed_capture_that_ends_too_early_is_shown_as_far_as_it_goes(octets: int, tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng.gz"
    path.write_bytes((DATA / FILES[0]).read_bytes()[:octets])
    trace = decode_pcapng(path, keylog=KEYS)
    (note,) = [n for n in trace.select("note") if "breaks off" in str(n.data["sentence"])]
    assert "the gzip file ends too early" in str(note.data["sentence"])
    assert trace.select("tls.message") != []


def test_a_packed_capture_that_ends_before_its_first_packet_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng.gz"
    path.write_bytes((DATA / FILES[0]).read_bytes()[:40])
    with pytest.raises(CaptureError, match="the gzip file ends too early"):
        decode_pcapng(path, keylog=KEYS)


WRONG = {
    "an empty file": (b"", "It is empty"),
    "a picture": (b"\x89PNG\r\n\x1a\n", "It begins with the octets 89 50 4e 47"),
    "text": (b"GET / HTTP/1.1", "neither a trace of trustlab"),
    "one octet of gzip": (b"\x1f\x8b", "gzip file"),
    "a pcap header without its end": (b"\xd4\xc3\xb2\xa1\2\0\4\0", "a header of 24 octets, this one 8"),
    "a section without interfaces": (WHOLE[FILES[0]][:28] + b"\6\0\0\0", "octets"),
    "JSON of somebody else": (b'{"a": 1}', "not a trustlab trace header"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_file_of_another_kind_says_what_it_is(wrong: str, tmp_path: Path) -> None:
    octets, told = WRONG[wrong]
    path = tmp_path / "wrong"
    path.write_bytes(octets)
    with pytest.raises((CaptureError, TraceFormatError), match=re.escape(told)):
        open_trace(path)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/urandom", "/", "no such file", "a\0b"])
def test_what_is_not_a_file_with_an_end_is_refused_at_once(path: str) -> None:
    with pytest.raises(CaptureError):
        open_trace(path)


def test_a_pipe_is_refused_before_anybody_waits_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(CaptureError, match="is a pipe or a device"):
            open_trace(path)


# Much


def many(connections: int, records: int, *, close: bool = True, size: int = 1400) -> list[CapturedFrame]:
    """Return the frames of so many connections that carry so many records that nobody can open."""
    frames = []
    for number in range(connections):
        trace = Trace()
        client = Host("c", "02:00:00:00:00:02", f"10.1.{number // 250}.{number % 250 + 1}")
        server = Host("s", "02:00:00:00:00:03", "10.0.0.3")
        tcp = TcpConversation(trace.party("network"), str(number), client, server, 50_000, 443)
        tcp.open()
        for _ in range(records):
            tcp.data("client", b"\x17\x03\x03" + size.to_bytes(2, "big") + bytes(size))
        if close:
            tcp.close("client")
            tcp.close("server")
        frames += [CapturedFrame(0.0, event.raw) for event in trace]
    return frames


def sentence(trace: Trace) -> str:
    (event,) = trace.select("capture")
    return str(event.data["sentence"])


def test_what_is_left_out_to_save_memory_is_said() -> None:
    limits = CaptureLimits(frames=20_000, messages=20_000, data=60_000, data_each=30_000, notes=2)
    trace = decode_frames(many(6, 20), limits=limits)
    shown = [e for e in trace.select("tls.message") if e.sent]
    assert 0 < len(shown) < 120
    assert len({e.connection for e in shown}) >= 2, "one connection leaves room for others"
    left = {item["what"]: item["count"] for item in trace.select("capture")[0].data["left_out"]}
    assert left["records of application data"] == 120 - len(shown)
    assert left["frames"] + len(trace.select("frame")) == len(many(6, 20))
    assert "left out here to save memory: " in sentence(trace)
    assert report(trace, "x")["frames"] == len(many(6, 20))


def test_a_connection_that_is_over_is_forgotten_and_its_late_segments_with_it() -> None:
    frames = many(3, 2)
    trace = decode_frames([*frames, *frames[3:5], *frames[-3:]])
    assert len({e.connection for e in trace.select("tls.message")}) == 3
    assert len(report(trace, "x")["connections"]) == 3


def test_the_longest_silent_connection_makes_room_for_a_new_one() -> None:
    trace = decode_frames(many(10, 1, close=False), limits=CaptureLimits(connections=4))
    assert len({e.connection for e in trace.select("tls.message")}) == 10
    assert "6 connections that made room for others" in sentence(trace)
    over = decode_frames(many(10, 1), limits=CaptureLimits(connections=4))
    assert "made room" not in sentence(over), "one that is over takes none"


def test_what_waits_behind_gaps_is_bounded_and_said() -> None:
    frames = many(4, 60, close=False)
    missing = [f for n, f in enumerate(frames) if n % 63 != 4]
    trace = decode_frames(missing, limits=CaptureLimits(waiting=50_000))
    assert re.search(r"\d+ TCP segments behind a gap", sentence(trace))
    assert any("were never captured" in str(n.data["sentence"]) for n in trace.select("note"))


def test_a_large_capture_takes_little_memory_and_tells_how_far_it_is(tmp_path: Path) -> None:
    """20 MB, of which half the packets are lost: the rest cannot be read, and does not stay."""
    frames = many(20, 700, close=False)
    path = write_capture(tmp_path / "large.pcapng", frames)
    size, said = path.stat().st_size, list[CaptureProgress]()
    del frames
    limits = CaptureLimits(frames=1 << 18, messages=1 << 18, data=1 << 18, data_each=1 << 16, waiting=1 << 18)
    tracemalloc.start()
    try:
        trace = decode_pcapng(path, limits=limits, progress=said.append)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 20_000_000
    assert peak < size / 4
    looking, reading = [p for p in said if not p.packets], [p for p in said if p.packets]
    assert said == looking + reading
    assert [p.packets for p in reading] == list(range(1000, trace.select("capture")[0].data["frames"] + 1, 1000))
    assert all(p.size == size and 0 < p.done <= size for p in said)
    for part in (looking, reading):
        assert sorted(p.done for p in part) == [p.done for p in part]
        assert len(part) >= 13


def test_records_that_no_key_will_open_do_not_wait_for_the_end() -> None:
    packets = parse_pcapng(WHOLE[FILES[0]]).frames[:15]  # of the first connection, which has not ended there
    trace = decode_frames(packets)
    kinds = [e.kind for e in trace]
    last_frame = max(n for n, kind in enumerate(kinds) if kind == "frame")
    unread = [n for n, e in enumerate(trace) if e.kind == "tls.message" and not e.data["readable"]]
    assert len([n for n in unread if n < last_frame]) >= 10


UDP: dict[str, tuple[str, list[bytes]]] = {
    "QUIC": ("QUIC packets", [b"\xc3\0\0\0\1\x08" + bytes(40), b"\x45" + bytes(30), b"\x80\0\0\0\0\x08" + bytes(20)]),
    "DTLS": ("DTLS datagrams", [b"\x16\xfe\xfd" + bytes(8) + b"\0\4abcd", b"\x2e" + bytes(20), b"\x17\xfe\xff" + bytes(10)]),
    "neither": ("UDP packets", [b"\x45" + bytes(30), b"\x2e" + bytes(20), b"", b"\xc3\0\0\0\x09\x08" + bytes(40)]),
}  # fmt: skip


@pytest.mark.parametrize("kind", UDP)
def test_what_udp_carries_is_named(kind: str) -> None:
    from scapy.layers.inet import IP  # noqa: PLC0415 - only here
    from scapy.layers.inet import UDP as HEADER  # noqa: PLC0415

    what, payloads = UDP[kind]
    frames = [
        CapturedFrame(0.0, bytes(IP() / HEADER(sport=5, dport=6) / payload), link=LinkType.RAW) for payload in payloads
    ]
    assert report(decode_frames(frames), "x")["skipped"] == [{"what": what, "count": len(payloads)}]


@pytest.mark.parametrize("name", FILES)
def test_a_decoded_capture_can_be_decoded_and_exported_again(name: str, tmp_path: Path) -> None:
    trace = decode_pcapng(DATA / name, keylog=KEYS)
    packets = parse_pcapng(WHOLE[name]).frames
    exported = read_pcapng(write_trace(tmp_path / "again.pcapng", trace)).frames
    assert [(f.raw, f.link, f.time) for f in exported] == [
        (f.raw, f.link, pytest.approx(f.time, abs=1e-6)) for f in packets
    ]
    fresh = Trace()
    for event in trace.select("frame"):
        fresh.append("network", "frame", event.name, event.raw, connection=event.connection, data=event.data)
    PassiveDecoder(fresh, keys=KeyLogReader(KEYS)).feed(fresh).finish()
    assert our_messages(fresh) == our_messages(trace)


def test_keys_may_stand_behind_the_packets_that_they_open(tmp_path: Path) -> None:
    packets = parse_pcapng(WHOLE[FILES[0]]).frames
    path = write_capture(tmp_path / "late.pcapng", packets, keylog=KEYS)
    octets = path.read_bytes()
    block = re.search(rb"\x0a\0\0\0....KSLT", octets, re.DOTALL)
    assert block
    length = int.from_bytes(octets[block.start() + 4 : block.start() + 8], "little")
    moved = octets[: block.start()] + octets[block.start() + length :] + octets[block.start() : block.start() + length]
    path.write_bytes(moved)
    assert len(read_pcapng(path).keylogs) == 1
    assert our_data(decode_pcapng(path), 0) == our_data(decode_frames(packets, keylog=KEYS), 0)


def test_a_trace_is_opened_packed_or_not(tmp_path: Path) -> None:
    trace = decode_pcapng(DATA / FILES[0], keylog=KEYS)
    path = trace.save(tmp_path / "kept", secrets=True)
    packed = tmp_path / "packed"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    for again in (open_trace(path), open_trace(str(packed)), open_trace(trace)):
        assert [(e.party, e.seq, e.raw) for e in again] == [(e.party, e.seq, e.raw) for e in trace]
    told: list[dict[str, Any]] = [report(t, "x") for t in (trace, open_trace(path))]
    assert told[0] == told[1]
