"""A frame on the wire: link, IP and TCP headers, and the records, or the plain octets, that it carries."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.explain.application import plaintext_fields
from trustlab.explain.handshake import handshake_messages, message_fields
from trustlab.explain.link import ETHERNET, link_header
from trustlab.octets import OctetsError, SpanReader, SpanTree
from trustlab.tls.registry import ContentType, Version
from trustlab.wire import Flag, LinkType, link_title
from trustlab.wire.ethernet import PROTOCOL_TCP
from trustlab.wire.linktypes import IPV4, IPV6

if TYPE_CHECKING:
    from trustlab.trace import Span

TCPDUMP = "Link-layer header types, tcpdump.org"
IP = "RFC 791, 3.1"
IP6 = "RFC 8200, 3"
FRAGMENT = 44
EXTENSIONS = {
    0: "Options for every router on the way.",
    43: "A list of routers to pass.",
    FRAGMENT: "Which fragment of a packet that was cut to pieces this is.",
    60: "Options for the receiver.",
}
TCP = "RFC 9293, 3.1"
RECORD = "RFC 5246, 6.2.1; RFC 9846, 5.1"
CONTENTS = {
    ContentType.CHANGE_CIPHER_SPEC: "ChangeCipherSpec: one byte.",
    ContentType.ALERT: "An alert, encrypted once keys are in use.",
    ContentType.HANDSHAKE: "Handshake messages, encrypted once keys are in use. Each has a row of its own.",
    ContentType.APPLICATION_DATA: "Ciphertext. It hides application data and, in TLS 1.3, most of the handshake too.",
}
CONTINUED = (
    "Bytes of a message or record that began in an earlier frame: ciphertext, a certificate or Evidence. "
    "The whole of it is a row of its own."
)


def frame_fields(raw: bytes, link: int = LinkType.ETHERNET) -> list[Span]:
    """Return the fields of a frame of a link type as a tree; without TCP over IP in it, as far as it is known."""
    tree = SpanTree()
    reader = SpanReader(raw, prefix="frame")
    try:
        payload, end = _headers(reader, link)
    except OctetsError as error:
        payload = end = 0
        note = "The frame breaks off, or is in a form that this lab does not take apart."
        reader.record("unreadable", reader.position, len(raw), str(error), note, ETHERNET)
    tree.graft(reader.spans, 0)
    if payload < end:
        octets = raw[payload:end]
        shown = f"{len(octets)} bytes"
        with tree.inside("payload", payload, end, shown, "What TCP carries: a piece of a stream.", TCP):
            if not _records(tree, octets, payload):
                _plain(tree, octets, payload)
    return tree.spans


def _ip_address(octets: bytes) -> str:
    return str(ipaddress.ip_address(octets))


def _headers(r: SpanReader, link: int) -> tuple[int, int]:
    """Read the headers; return where TCP's payload begins and ends, twice 0 if there is none."""
    ethertype = link_header(r, link)
    if ethertype is None:
        r.octets(r.left, "data", None, f"A frame of a kind that is not taken apart here: {link_title(link)}.", TCPDUMP)
        return 0, 0
    if ethertype == IPV4:
        protocol, end = _ipv4(r)
    elif ethertype == IPV6:
        protocol, end = _ipv6(r)
    else:
        r.octets(r.left, "data", None, "Something other than IP.", ETHERNET)
        return 0, 0
    if protocol != PROTOCOL_TCP:
        r.octets(r.left, "data", None, "Something other than TCP.", IP)
        return 0, 0
    return _tcp(r, min(r.end, end))


def _ipv4(r: SpanReader) -> tuple[int, int]:
    """Read an IPv4 header; return what it carries, or -1 for a later fragment, and where the packet ends."""
    start = r.position
    with r.group("ip", "From which machine to which.", IP):
        first = r.uint(1, "version_ihl", hex, "Version 4, and how many words of 4 bytes the header has.", IP)
        r.uint(1, "tos", hex, "How urgent it is; nobody here cares.", IP)
        total = r.uint(2, "total_length", str, "How many bytes header and content have.", IP)
        r.uint(2, "identification", str, "Tells fragments of one packet from those of another.", IP)
        fragment = r.uint(2, "flags_fragment_offset", hex, "4000: it must not be cut into fragments.", IP)
        r.uint(1, "time_to_live", str, "How many routers it may still pass.", IP)
        protocol = r.uint(1, "protocol", str, "6: TCP follows.", IP)
        r.uint(2, "header_checksum", hex, "Finds accidents in the header, and stops nobody who means harm.", IP)
        r.octets(4, "source", _ip_address, "The sender's address. Nothing proves it.", IP)
        r.octets(4, "destination", _ip_address, "The receiver's address.", IP)
        r.octets(max(0, 4 * (first & 0xF) - 20), "options", None, "Options of IP.", IP)
    return -1 if fragment & 0x1FFF else protocol, start + total if total else r.end  # 0: the network card fills it in


def _ipv6(r: SpanReader) -> tuple[int, int]:
    """Read an IPv6 header and its extensions; return what they carry, or -1 for a later fragment, and the end."""
    start = r.position
    with r.group("ip", "From which machine to which.", IP6):
        r.uint(4, "version_class_flow", hex, "Version 6, how urgent it is, and which flow it belongs to.", IP6)
        total = r.uint(2, "payload_length", str, "How many bytes follow this header.", IP6)
        follows = r.uint(1, "next_header", str, "6: TCP follows.", IP6)
        r.uint(1, "hop_limit", str, "How many routers it may still pass.", IP6)
        r.octets(16, "source", _ip_address, "The sender's address. Nothing proves it.", IP6)
        r.octets(16, "destination", _ip_address, "The receiver's address.", IP6)
        later, number = False, 0
        while follows in EXTENSIONS:
            with r.group(f"extension[{number}]", "More for routers, or for the receiver, before TCP.", IP6):
                kind, follows = follows, r.uint(1, "next_header", str, "What follows.", IP6)
                size = r.uint(1, "length", str, "How long it is, in words of 8 bytes after the first.", IP6)
                octets = r.octets(6 if kind == FRAGMENT else 8 * size + 6, "content", None, EXTENSIONS[kind], IP6)
            number += 1
            later = later or (kind == FRAGMENT and int.from_bytes(octets[:2], "big") >> 3 > 0)
    return -1 if later else follows, start + 40 + total if total else r.end


def _tcp(r: SpanReader, end: int) -> tuple[int, int]:
    """Read a TCP header; return where its payload begins and ends."""
    with r.group("tcp", "Which connection, and which piece of its stream.", TCP):
        r.uint(2, "source_port", str, "The sender's port.", TCP)
        r.uint(2, "destination_port", str, "The receiver's port: 443 stands for HTTPS.", TCP)
        r.uint(4, "sequence_number", str, "The number of the first byte carried here.", TCP)
        r.uint(4, "acknowledgment_number", str, "The number of the byte that the sender expects next.", TCP)
        offset = r.uint(2, "data_offset_flags", _flags, "How long the header is, and what the segment does.", TCP)
        r.uint(2, "window", str, "How many bytes the sender is ready to take.", TCP)
        r.uint(2, "checksum", hex, "Finds accidents, and stops nobody who means harm.", TCP)
        r.uint(2, "urgent_pointer", str, "Not used any more.", TCP)
        r.octets(max(0, 4 * (offset >> 12) - 20), "options", None, "Options of TCP, such as the longest segment.", TCP)
    if end < r.end:
        place = r.position
        r.position = max(place, end)
        r.octets(r.left, "trailer", None, "Bytes behind the IP packet: zeros that fill up a short frame.", ETHERNET)
        return place, end
    return r.position, end


def _flags(number: int) -> str:
    return ", ".join(flag.name or "" for flag in Flag if flag and number & flag) or "none"


def _records(tree: SpanTree, octets: bytes, at: int) -> bool:
    """Name TLS records one after the other; False if the first octets are not a record's header."""
    place = 0
    while _is_header(octets, place):
        length = int.from_bytes(octets[place + 3 : place + 5], "big")
        end = min(place + 5 + length, len(octets))
        kind = ContentType(octets[place])
        value = kind.name.lower() if end == place + 5 + length else f"{kind.name.lower()}, goes on in the next frame"
        with tree.inside(
            "record", at + place, at + end, value, "A TLS record: a header, and what it protects.", RECORD
        ):
            tree.graft(tls.describe_record(octets[place : place + 5]), at + place)
            if not _messages(tree, octets[place + 5 : end], kind, at + place + 5) and place + 5 < end:
                tree.add("fragment", at + place + 5, at + end, "", CONTENTS[kind], RECORD)
        place = end
    if place and place < len(octets):
        tree.add("rest", at + place, at + len(octets), "", CONTINUED, RECORD)
    return place > 0


def _messages(tree: SpanTree, fragment: bytes, kind: ContentType, at: int) -> bool:
    """Name the handshake messages that fill a record in clear; False for anything else."""
    messages = handshake_messages(fragment) if kind is ContentType.HANDSHAKE else []
    for name, place, message in messages:
        with tree.inside(name, at + place, at + place + len(message), "", "A handshake message in clear.", RECORD):
            tree.graft(message_fields(message, tls.describe(message)), at + place)
    return bool(messages)


def _is_header(octets: bytes, at: int) -> bool:
    header = octets[at : at + 5]
    return len(header) == 5 and header[0] in CONTENTS and header[1] == 3 and header[2] <= Version.TLS13 & 0xFF


def _plain(tree: SpanTree, octets: bytes, at: int) -> None:
    fields = plaintext_fields(octets)
    if [span.name for span in fields] == ["data"]:
        tree.add("data", at, at + len(octets), "", CONTINUED, TCP)
    else:
        tree.graft(fields, at)
