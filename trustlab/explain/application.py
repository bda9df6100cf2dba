"""What travels inside a channel, or in clear: payment orders, HTTP, and the frames in which ends ask for Evidence.

Nothing says which of these a piece of application data is, so it is known by its look. Whatever looks like none of them
is one field that says so.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from trustlab import tls
from trustlab.attest import evidence_fields, is_evidence
from trustlab.explain.handshake import handshake_messages, message_fields
from trustlab.octets import SpanTree
from trustlab.tls.hpke import KEY
from trustlab.tls.registry import HandshakeType, Version

if TYPE_CHECKING:
    from trustlab.trace import Span

BANK = "trustlab protocol, bank"
FRAMES = "trustlab protocol, exchange"
SEALED = "trustlab protocol, sealed"
NONCE = 32
TAG = 16
"""Octets of the tag of AES-128-GCM."""
AUTHENTICATORS = {
    HandshakeType.CERTIFICATE,
    HandshakeType.CERTIFICATE_REQUEST,
    HandshakeType.CLIENT_CERTIFICATE_REQUEST,
    HandshakeType.CERTIFICATE_VERIFY,
    HandshakeType.FINISHED,
}
"""The messages that an exported authenticator, or the request for one, is made of (RFC 9261, 3)."""
SHOWN = 200
"""Characters of a text that are shown."""
MOST_LINES = 200

_PAY = re.compile(rb"(?P<verb>PAY) (?P<amount>[^ \n]+) TO (?P<payee>[^ \n]+) PIN (?P<PIN>[^ \n]+)\n?")
_PAID = re.compile(rb"(?P<verb>PAID) (?P<amount>[^ \n]+) to (?P<payee>[^ \n]+)\n?")
_OTHER = (
    re.compile(rb"(?P<verb>STATEMENT)\n?"),
    re.compile(rb"(?P<verb>BALANCE) (?P<amount>[^ \n]+)\n?"),
    re.compile(rb"(?P<verb>REFUSED) (?P<reason>[^\n]*)\n?"),
)
LINES = (_PAY, _PAID, *_OTHER)
VERBS = {
    b"PAY": ("order", "The teller orders a payment, in one line of text."),
    b"PAID": ("receipt", "The bank has paid, and says so in one line of text."),
    b"STATEMENT": ("question", "The customer asks what is in the account."),
    b"BALANCE": ("statement", "The bank says what is in the account."),
    b"REFUSED": ("refusal", "The bank does not do what it was asked to."),
}
WORDS = {
    "verb": "What is to be done, or was done.",
    "amount": "How much money.",
    "payee": "Who gets the money.",
    "PIN": "Bob's PIN. Whoever knows it can pay from this account: it is what Alice is after.",
    "reason": "Why not, in plain words.",
}
_REQUEST = re.compile(rb"(?P<method>[A-Z]{3,7}) (?P<target>[!-~]+) (?P<version>HTTP/1\.[01])\r\n")
_STATUS = re.compile(rb"(?P<version>HTTP/1\.[01]) (?P<status>\d{3}) ?(?P<reason>[^\r\n]*)\r\n")
HTTP = {
    "method": ("What the client wants to do: GET reads.", "RFC 9110, 9.1"),
    "target": ("What the client asks for.", "RFC 9112, 3.2"),
    "version": ("The version of HTTP.", "RFC 9112, 2.3"),
    "status": ("How it went: 2xx well, 4xx the client's mistake, 5xx the server's.", "RFC 9110, 15"),
    "reason": ("The same for people.", "RFC 9112, 4"),
}
HEADERS = {
    "host": "Which of the server's names is meant.",
    "connection": "Whether the connection is used again.",
    "content-type": "What form the body has.",
    "content-length": "How many bytes the body has.",
}


@lru_cache(maxsize=256)
def plaintext_fields(octets: bytes) -> tuple[Span, ...]:
    """Return the fields of a piece of plaintext, as a tree that covers all of it."""
    tree = SpanTree()
    at = 0
    while at < len(octets):
        end = _frame(tree, octets, at) or _line(tree, octets, at) or _http(tree, octets, at)
        if not end or len(tree.spans) > 50 * MOST_LINES:
            _unknown(tree, octets, at)
            break
        at = end
    return tuple(tree.spans)


def _unknown(tree: SpanTree, octets: bytes, at: int) -> None:
    note = "Application data in a form that this lab does not take apart: plaintext of the program at the other end."
    tree.add("data", at, len(octets), text(octets[at:]), note, "RFC 9846, 5.4")


def text(octets: bytes) -> str:
    """Return octets as a text if they are one, else in hex; the beginning, if they are many."""
    said = octets[:SHOWN].decode("utf-8", "replace").strip()
    shown = said if said.isprintable() and "\ufffd" not in said else octets[: SHOWN // 4].hex()
    return shown if len(octets) <= SHOWN else f"{shown}…"


# payment orders


def _line(tree: SpanTree, octets: bytes, at: int) -> int:
    """Name a line of the bank's protocol; return where it ends, 0 if it is none."""
    found = next((match for form in LINES if (match := form.match(octets, at))), None)
    if found is None:
        return 0
    name, note = VERBS[found["verb"]]
    with tree.inside(name, at, found.end(), text(found[0]), note, BANK):
        for word in found.re.groupindex:
            tree.add(word, *found.span(word), text(found[word]), WORDS[word], BANK)
    return found.end()


# HTTP


def _http(tree: SpanTree, octets: bytes, at: int) -> int:
    """Name an HTTP message as far as it is here; return where it ends, 0 if it is none."""
    first = _REQUEST.match(octets, at) or _STATUS.match(octets, at)
    if first is None:
        return 0
    request = "method" in first.re.groupindex
    note = "An HTTP request: what the client wants." if request else "An HTTP response: what the server answers."
    with tree.inside("request" if request else "response", at, len(octets), text(first[0]), note, "RFC 9112, 2.1"):
        for word in first.re.groupindex:
            if first[word]:
                tree.add(word, *first.span(word), text(first[word]), *HTTP[word])
        body = _headers(tree, octets, first.end())
        if body < len(octets):
            tree.add("body", body, len(octets), text(octets[body:]), "What the message carries.", "RFC 9112, 6")
    return len(octets)


def _headers(tree: SpanTree, octets: bytes, at: int) -> int:
    for _ in range(MOST_LINES):
        end = octets.find(b"\r\n", at)
        if end < 0:
            return at
        if end == at:
            tree.add("end_of_headers", at, end + 2, "", "An empty line: the header is over.", "RFC 9112, 2.1")
            return end + 2
        name, _, value = octets[at:end].partition(b":")
        word = text(name).replace(".", "-")
        note = HEADERS.get(word.lower(), "One line of the header: a name and a value.")
        tree.add(word or "header", at, end + 2, text(value), note, "RFC 9110, 6.3")
        at = end + 2
    return at


# questions and answers about the machine


def _frame(tree: SpanTree, octets: bytes, at: int) -> int:
    """Name a frame of the attestation exchange; return where it ends, 0 if this is none."""
    start, end = at + 2, at + 2 + int.from_bytes(octets[at : at + 2], "big")
    content = octets[start:end]
    if end > len(octets) or not content:
        return 0
    if len(content) == NONCE and not content.isascii():
        _nonce(tree, at, start, end, content)
    elif is_evidence(content):
        note = "A frame that answers the question: Evidence of the machine."
        with tree.inside("answer", at, end, f"{len(content)} bytes of Evidence", note, FRAMES):
            _length(tree, at, len(content))
            _evidence(tree, start, content)
    elif is_evidence(content[KEY:]):
        note = "A frame that answers the question: a key for sealed messages, and Evidence that names it."
        with tree.inside("answer", at, end, f"a key, and {len(content) - KEY} bytes of Evidence", note, SEALED):
            _length(tree, at, len(content))
            note = "The server's public key, made for this connection: what the client says is sealed to it."
            tree.add("hpke_public_key", start, start + KEY, content[:KEY].hex(), note, "RFC 9180, 4.1")
            _evidence(tree, start + KEY, content[KEY:])
    elif messages := handshake_messages(content, AUTHENTICATORS):
        request = len(messages) == 1
        note = (
            "A frame that asks for an exported authenticator." if request else "A frame with an exported authenticator."
        )
        with tree.inside("request" if request else "authenticator", at, end, "", note, "RFC 9261, 3"):
            _length(tree, at, len(content))
            for name, place, message in messages:
                with tree.inside(name, start + place, start + place + len(message), "", _SAYS[name], "RFC 9261, 5.2"):
                    tree.graft(message_fields(message, tls.describe(message, version=Version.TLS13)), start + place)
    elif len(content) >= KEY + TAG and not content.isascii():
        note = "A message that is sealed to the other end's key: the channel carries it, and cannot open it."
        with tree.inside("sealed", at, end, f"{len(content)} bytes", note, SEALED):
            _length(tree, at, len(content))
            note = "A public key for this message alone; with the other end's private key it gives the secret."
            tree.add("enc", start, start + KEY, content[:KEY].hex(), note, "RFC 9180, 4.1")
            note = "The message, encrypted with AES-128-GCM, and its tag."
            tree.add("ct", start + KEY, end, f"{len(content) - KEY} bytes", note, "RFC 9180, 5.2")
    else:
        return 0
    return end


def _evidence(tree: SpanTree, start: int, content: bytes) -> None:
    note = "Evidence: what the machine says about itself, signed by its TPM."
    with tree.inside("evidence", start, start + len(content), "", note, "RFC 9999, 3"):
        tree.graft(evidence_fields(content), start)


_SAYS = {
    "CertificateRequest": "Asks the client for an authenticator, with a fresh context.",
    "ClientCertificateRequest": "Asks the server for an authenticator, with a fresh context.",
    "Certificate": "The certificate that the authenticator is about, with Evidence beside it.",
    "CertificateVerify": "A signature by the certificate's key, over this channel's exporter and the request.",
    "Finished": "A MAC with a key from the channel's exporter: the authenticator belongs to this connection.",
}


def _nonce(tree: SpanTree, at: int, start: int, end: int, content: bytes) -> None:
    note = "A frame that asks: give me Evidence that is bound to these fresh bytes."
    with tree.inside("question", at, end, "", note, FRAMES):
        _length(tree, at, len(content))
        note = "32 fresh random bytes. Evidence that is bound to them cannot be an old one."
        tree.add("nonce", start, end, content.hex(), note, FRAMES)


def _length(tree: SpanTree, at: int, length: int) -> None:
    tree.add("length", at, at + 2, str(length), "How many bytes of the frame follow.", FRAMES)
