"""Our frames against scapy's, and frames that are cut short."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import ARP, Ether

from trustlab.wire import Flag, FrameError, Host, Segment, build_frame, checksums_right, parse_frame

PORT = st.integers(0, 65535)
WORD = st.integers(0, 2**32 - 1)
ADDRESS = st.ip_addresses(v=4).map(str)


def segment(payload: bytes = b"hello", **changes: object) -> Segment:
    fields: dict[str, object] = {
        "source_mac": "02:00:00:00:00:02",
        "destination_mac": "02:00:00:00:00:03",
        "source": "10.0.0.2",
        "destination": "10.0.0.3",
        "source_port": 49152,
        "destination_port": 443,
        "seq": 1000,
        "ack": 2000,
        "flags": Flag.ACK | Flag.PSH,
        "payload": payload,
    }
    return Segment(**(fields | changes))  # type: ignore[arg-type]


def rebuilt_by_scapy(frame: bytes) -> bytes:
    packet = Ether(frame)
    del packet[IP].chksum, packet[IP].len, packet[TCP].chksum, packet[TCP].dataofs
    return bytes(packet)


FIELDS = st.fixed_dictionaries(
    {
        "payload": st.binary(max_size=100),
        "source": ADDRESS,
        "destination": ADDRESS,
        "source_port": PORT,
        "destination_port": PORT,
        "seq": WORD,
        "ack": WORD,
        "flags": st.integers(0, 31).map(Flag),
    }
)


@given(FIELDS)
def test_scapy_computes_the_same_lengths_and_checksums(fields: dict[str, object]) -> None:
    frame = build_frame(segment(**fields))  # type: ignore[arg-type]
    assert rebuilt_by_scapy(frame) == frame
    assert checksums_right(frame)


def test_a_syn_with_a_segment_size_is_what_scapy_builds() -> None:
    ours = build_frame(segment(b"", flags=Flag.SYN, ack=0, options=b"\x02\x04\x05\xb4"))
    theirs = (
        Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:03")
        / IP(src="10.0.0.2", dst="10.0.0.3", flags="DF", id=0)
        / TCP(sport=49152, dport=443, seq=1000, ack=0, flags="S", window=65535, options=[("MSS", 1460)])
    )
    assert ours == bytes(theirs)


@given(st.binary(max_size=100), st.binary(max_size=40))
def test_what_is_built_is_parsed_back(payload: bytes, options: bytes) -> None:
    parsed = parse_frame(build_frame(segment(payload, options=options)))
    assert parsed is not None
    assert parsed.payload == payload
    assert parsed.options.startswith(options)
    assert (parsed.source, parsed.destination) == ("10.0.0.2", "10.0.0.3")
    assert (parsed.seq, parsed.ack, parsed.flags) == (1000, 2000, Flag.ACK | Flag.PSH)


def test_the_payload_offset_points_at_the_payload() -> None:
    frame = build_frame(segment(b"the payload", options=b"\x01\x01\x01\x00"))
    parsed = parse_frame(frame)
    assert parsed is not None
    assert frame[parsed.payload_offset :] == b"the payload"


def test_ethernet_padding_is_not_payload() -> None:
    parsed = parse_frame(build_frame(segment(b"x")) + bytes(5))
    assert parsed is not None
    assert parsed.payload == b"x"


def test_a_frame_with_a_changed_octet_has_wrong_checksums() -> None:
    frame = bytearray(build_frame(segment()))
    frame[-1] ^= 1
    assert not checksums_right(bytes(frame))


def test_what_carries_no_tcp_is_none() -> None:
    assert parse_frame(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / ARP())) is None
    assert (
        parse_frame(bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(proto=17) / b"datagram")) is None
    )


@pytest.mark.parametrize("length", range(54))
def test_a_truncated_header_is_a_frame_error(length: int) -> None:
    with pytest.raises(FrameError):
        parse_frame(build_frame(segment(b""))[:length])


@pytest.mark.parametrize(
    ("at", "octet", "complaint"),
    [
        (14, 0x65, "IPv4 header of 20 octets"),  # version 6 under IPv4's EtherType
        (14, 0x44, "IPv4 header of 16 octets"),
        (17, 19, "total length 19"),
        (17, 46, "total length 46 does not fit a frame of 59 octets"),
        (17, 39, "TCP header is cut short at octet 53"),
        (46, 0x40, "TCP data offset 4 does not fit a segment of 25 octets"),
        (46, 0x70, "TCP data offset 7 does not fit a segment of 25 octets"),
    ],
)
def test_a_length_that_contradicts_the_frame_is_a_frame_error(at: int, octet: int, complaint: str) -> None:
    frame = bytearray(build_frame(segment(b"hello")))
    frame[at] = octet
    with pytest.raises(FrameError, match=complaint):
        parse_frame(bytes(frame))


def test_identification_and_sequence_numbers_are_cut_to_their_fields() -> None:
    frame = build_frame(segment(identification=0x1_0002, seq=0x1_0000_0003, ack=0x1_0000_0004))
    parsed = parse_frame(frame)
    assert parsed is not None
    assert (parsed.identification, parsed.seq, parsed.ack) == (2, 3, 4)


@given(st.binary(max_size=120))
def test_garbage_is_parsed_or_a_frame_error(garbage: bytes) -> None:
    for frame in (garbage, bytes(12) + b"\x08\x00" + garbage, bytes(12) + b"\x08\x00\x45" + garbage):
        try:
            parsed = parse_frame(frame)
        except FrameError:
            continue
        assert parsed is None or frame[parsed.payload_offset :].startswith(parsed.payload)


@pytest.mark.parametrize(
    ("mac", "ip"), [("02:00", "10.0.0.2"), ("zz:00:00:00:00:02", "10.0.0.2"), ("02:00:00:00:00:02", "10.0.0")]
)
def test_a_host_with_a_bad_address_is_refused(mac: str, ip: str) -> None:
    with pytest.raises(FrameError):
        Host("bank", mac, ip)


def test_a_payload_that_fits_no_packet_is_refused() -> None:
    with pytest.raises(FrameError, match="not fit into a packet"):
        build_frame(segment(bytes(70_000)))


@pytest.mark.parametrize(("options", "longest"), [(0, 65_495), (40, 65_455)])
def test_a_packet_holds_as_many_octets_as_its_length_can_say_and_no_more(options: int, longest: int) -> None:
    """RFC 791, 3.1: 65,535 with the headers; RFC 9293, 3.1: 40 of TCP options at most, in words of four."""
    whole = replace(segment(bytes(longest)), options=bytes(options))
    parsed = parse_frame(build_frame(whole))
    assert parsed is not None
    assert (len(parsed.payload), len(parsed.options)) == (longest, options)
    with pytest.raises(FrameError, match="not fit into a packet"):
        build_frame(replace(whole, payload=bytes(longest + 1)))
    with pytest.raises(FrameError, match="44 octets of options do not fit into a packet"):
        build_frame(replace(whole, payload=b"", options=bytes(41)))


def test_the_control_bits_are_those_of_rfc_9293() -> None:
    bits = {flag.name: flag.value for flag in Flag}
    assert bits == {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16}
    assert Flag.NONE.value == 0


@pytest.mark.parametrize(
    "mac", ["0200:00:00:00:00:02"[:-3], "02:00:00:00:00", "02:00:00:00:00:02:03", "020000000002", "0200:00:00:00:02"]
)
def test_an_address_has_six_octets_and_five_colons(mac: str) -> None:
    with pytest.raises(FrameError, match="is not a MAC address"):
        Host("teller", mac, "10.0.0.2")
