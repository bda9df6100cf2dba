"""Handshake messages and records: what TLS named, as a tree, and what is inside that TLS does not look into."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from trustlab.attest import evidence_fields
from trustlab.octets import leaves, nested
from trustlab.tls.registry import HandshakeType
from trustlab.trace import Span
from trustlab.x509 import certificate_fields

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_CERTIFICATE = re.compile(r"(^|\.)(certificate\[\d+\]|cert_data)$")
_TYPES = frozenset(HandshakeType)
_EVIDENCE = re.compile(r"(^|\.)(evidence|supp_data_entry(\[\d+\])?\.data)$")
CERTIFICATE = "A certificate: the word of a CA that a name and a key belong together."
ENCRYPTED13 = "Ciphertext. Inside are the content, one byte with its true type, and zeros as padding, if any."
INNER_TYPE = "The true type of the content. Outside, the record says application data whatever it carries."
PADDING = "Zeros that hide how long the content is. They are encrypted like the content."
CONTENT = "Ciphertext of the content: as many bytes as the plaintext has."
TAG = "A MAC by the record's key: whoever changes the record, or its place in the order, is found out."
RECORD13 = "RFC 9846, 5.2"


def message_fields(raw: bytes, spans: Sequence[Span]) -> list[Span]:
    """Return the fields of a handshake message as a tree, with certificates and Evidence looked into.

    `spans` are those of `tls.describe` or of an old trace. Octets that no span covers are one field that says so.
    """
    result: list[Span] = []
    tree = nested(span for span in spans if 0 <= span.start < span.end <= len(raw))
    bottom = {id(span) for span in leaves(tree)}
    for span in tree:
        result.append(span)
        if id(span) not in bottom:
            continue
        if _CERTIFICATE.search(span.name):
            result[-1] = _renoted(span, f"{span.end - span.start} bytes of DER", CERTIFICATE, "RFC 5280, 4.1")
            result += within(span, certificate_fields(raw[span.start : span.end]))
        elif _EVIDENCE.search(span.name):
            result[-1] = _renoted(span, f"{span.end - span.start} bytes of CBOR", span.note, span.clause)
            result += within(span, evidence_fields(raw[span.start : span.end]))
    return result


def handshake_messages(octets: bytes, kinds: Collection[int] = _TYPES) -> list[tuple[str, int, bytes]]:
    """Cut octets into handshake messages, each with its name and place; none unless they fill the octets."""
    found = []
    at = 0
    while at < len(octets):
        end = at + 4 + int.from_bytes(octets[at + 1 : at + 4], "big")
        if octets[at] not in kinds or end > len(octets):
            return []
        found.append((HandshakeType(octets[at]).title, at, octets[at:end]))
        at = end
    return found


def within(outer: Span, inner: Iterable[Span]) -> list[Span]:
    """Return the spans of a structure that fills `outer`, named and placed inside it."""
    at, name = outer.start, outer.name
    return [Span(f"{name}.{s.name}", s.start + at, s.end + at, s.value, s.note, s.clause) for s in inner]


def _renoted(span: Span, value: str, note: str, clause: str) -> Span:
    return Span(span.name, span.start, span.end, value, note, clause)


def record_fields(spans: Sequence[Span], version: str, content: int | None = None) -> list[Span]:
    """Return the fields of a protected record. `version` is the connection's (`TLS 1.3`).

    `content` is the length of the plaintext, if it is known: then the inner type and the padding of a TLS 1.3 record
    are told apart, which lie behind the content byte for byte (RFC 9846, 5.2).
    """
    result: list[Span] = []
    for span in nested(spans):
        if version != "TLS 1.3" or span.name not in ("encrypted", "tag"):
            result.append(_renoted(span, span.value, TAG, span.clause) if span.name == "tag" else span)
        elif span.name == "tag":
            result.append(_renoted(span, span.value, TAG, RECORD13))
        else:
            result.append(_renoted(span, span.value, ENCRYPTED13, RECORD13))
            if content is not None and 0 <= content < span.end - span.start:
                result += _inner(span, span.start + content)
    return result


def _inner(span: Span, at: int) -> list[Span]:
    """Name what a TLS 1.3 record's ciphertext hides: content up to `at`, type, padding."""
    parts = [
        Span(f"{span.name}.content", span.start, at, "", CONTENT, RECORD13),
        Span(f"{span.name}.type", at, at + 1, "", INNER_TYPE, RECORD13),
        Span(f"{span.name}.zeros", at + 1, span.end, f"{span.end - at - 1} zeros", PADDING, "RFC 9846, 5.4"),
    ]
    return [part for part in parts if part.start < part.end]
