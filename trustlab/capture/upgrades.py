"""Where TLS begins in a stream that begins as something else: STARTTLS, a proxy's tunnel, a database's request.

Each protocol is known by what its two ends have said before TLS. Only with both the right request and the right answer
is what follows taken for TLS, so that nobody's well-formed message is called malformed TLS.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from trustlab.tls.records import MAX_CIPHERTEXT12
from trustlab.trace import other_role

if TYPE_CHECKING:
    from trustlab.wire import Direction

LONGEST_PREFACE = 16_384
"""Octets of a direction that may come before TLS; whoever has said more by then speaks something else."""
CLIENT_HELLO = re.compile(rb"\x16\x03[\x00-\x04]..\x01\x00..\x03[\x00-\x04]", re.DOTALL)
SERVER_ANSWER = re.compile(rb"\x16\x03[\x00-\x04]..\x02\x00|\x15\x03[\x00-\x04]\x00\x02[\x01\x02]", re.DOTALL)
"""A record with a ServerHello, or with an alert in clear."""


class Upgrade(NamedTuple):
    """How a protocol goes over to TLS: what the client, and what the server, has said before."""

    title: str
    client: re.Pattern[bytes]
    server: re.Pattern[bytes]


def _upgrade(title: str, client: bytes, server: bytes) -> Upgrade:
    flags = re.DOTALL | re.IGNORECASE
    return Upgrade(title, re.compile(client, flags), re.compile(server, flags))


_ALONE = rb"(?:.*\r\n)?starttls *\r\n"
"""A line of its own: what the server answers tells the protocols apart that have it."""
_SSL = b"[" + b"".join(re.escape(bytes([octet])) for octet in range(256) if octet & 0x08) + b"]"
"""The second octet of MySQL's capability flags, with CLIENT_SSL among them."""
_HTTP_HEADERS = rb"\r\n(?:[^\r\n]+\r\n)*\r\n"
UPGRADES = (
    _upgrade(
        "SMTP with STARTTLS (RFC 3207)",
        rb"(?:ehlo|helo|lhlo) .*\r\nstarttls *\r\n",
        rb"220.*\r\n220[^\r\n]*\r\n",
    ),
    _upgrade("POP3 with STLS (RFC 2595)", rb"(?:.*\r\n)?stls *\r\n", rb"\+ok.*\r\n\+ok[^\r\n]*\r\n"),
    _upgrade(
        "IMAP with STARTTLS (RFC 9051)",
        rb"(?:.*\r\n)?[^ \r\n]+ starttls *\r\n",
        rb"\* .*\r\n[^ \r\n]+ ok[^\r\n]*\r\n",
    ),
    _upgrade("FTP with AUTH TLS (RFC 4217)", rb"(?:.*\r\n)?auth (?:tls|ssl) *\r\n", rb"220.*\r\n234[^\r\n]*\r\n"),
    _upgrade("NNTP with STARTTLS (RFC 4642)", _ALONE, rb"20[01][ -].*\r\n382[^\r\n]*\r\n"),
    _upgrade(  # capabilities, each on a line, and OK; then OK once more
        "ManageSieve with STARTTLS (RFC 5804)",
        _ALONE,
        rb'"IMPLEMENTATION".*\r\nOK[^\r\n]*\r\n(?:.*\r\n)?OK[^\r\n]*\r\n',
    ),
    _upgrade("IRC with STARTTLS (IRCv3 tls)", _ALONE, rb"(?:.*\r\n)?:[^ ]+ 670 [^\r\n]*\r\n"),
    _upgrade(  # a greeting of protocol version 10; the client's flags, its longest packet, a character set, and zeros
        "MySQL with SSLRequest",
        rb"\x20\0\0\x01." + _SSL + rb".{7}\0{19}.{4}",
        rb".{3}\0\x0a[\x20-\x7e]+\0.*",
    ),
    _upgrade(
        "XMPP with STARTTLS (RFC 6120)",
        rb".*<starttls[^>]*(?:/>|></starttls>)\s*",
        rb".*<proceed[^>]*(?:/>|></proceed>)\s*",
    ),
    _upgrade(  # an ExtendedRequest of StartTLS's name, and an ExtendedResponse with resultCode success
        "LDAP with StartTLS (RFC 4511)",
        rb".*\x77.{1,6}\x80\x161\.3\.6\.1\.4\.1\.1466\.20037.{0,64}",
        rb".*\x78.{1,6}\x0a\x01\x00.*",
    ),
    _upgrade(  # perhaps behind a GSSENCRequest, which the server refused
        "PostgreSQL with SSLRequest",
        rb"(?:\0\0\0\x08\x04\xd2\x16\x30)?\0\0\0\x08\x04\xd2\x16\x2f",
        rb"N?S",
    ),
    _upgrade(  # perhaps asked again with a password, after a 407
        "an HTTP proxy's CONNECT (RFC 9110)",
        rb"(?:connect [^ ]+ http/1\.[01]" + _HTTP_HEADERS + rb")+",
        rb"(?:.*\r\n)?http/1\.[01] 2\d\d[^\r\n]*" + _HTTP_HEADERS,
    ),
    _upgrade("a SOCKS 4 proxy", rb"\x04\x01.{6}[^\0]*\0(?:[^\0]+\0)?", rb"\0\x5a.{6}"),
    _upgrade(  # methods, perhaps name and password, the request
        "a SOCKS 5 proxy (RFC 1928)",
        rb"\x05.{2,12}(?:\x01.{2,80})?\x05\x01\0[\x01\x03\x04].{6,257}",
        rb"\x05[\0\x02](?:\x01\0)?\x05\0\0[\x01\x03\x04].{6,257}",
    ),
)
_GUESSES = (
    (re.compile(rb"(?:GET|POST|PUT|HEAD|DELETE|OPTIONS|PATCH|TRACE) \S"), "HTTP"),
    (re.compile(rb"PRI \* HTTP/2\.0"), "HTTP/2"),
    (re.compile(rb"CONNECT \S+ HTTP/"), "HTTP CONNECT"),
    (re.compile(rb"SSH-"), "SSH"),
    (re.compile(rb"(?:EHLO|HELO|LHLO) ", re.IGNORECASE), "SMTP"),
    (re.compile(rb"\x05[\x01-\x09]"), "SOCKS 5"),
    (re.compile(rb"\x13BitTorrent protocol"), "BitTorrent"),
)
_NEVER = frozenset({"HTTP", "HTTP/2", "SSH", "BitTorrent"})
"""What does not turn into TLS later."""


class Beginning:
    """Holds back what two ends say until it is clear where TLS begins, or that it does not.

    `whole` says that the connection was captured from its first octet; of another one TLS begins, in each direction,
    with the first segment that begins with a record. `title` names what came before TLS, or what is spoken instead; it
    is empty for plain TLS and for something that nobody here knows.
    """

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._said: dict[Direction, bytearray] = {"client": bytearray(), "server": bytearray()}
        self._open: set[Direction] = set()
        self.passed_over: dict[Direction, int] = {"client": 0, "server": 0}
        """How many octets of each direction came before TLS, as far as is known."""
        self.tls = False
        self.other = False
        """Whether it is clear that this connection is not TLS and will not turn into it."""
        self.title = ""

    def feed(self, direction: Direction, data: bytes) -> list[tuple[Direction, bytes]]:
        """Take octets that are next in a direction; return those that are TLS by now."""
        if direction in self._open:
            return [(direction, data)]
        if self.other:
            return []
        self._said[direction] += data
        if not self._whole:
            return self._middle(direction)
        if self.tls:
            return self._answer(direction)
        begins = begins_tls(self._said[direction])
        if begins:
            return [*self._release(direction), *self._release(other_role(direction))]
        return [] if begins is None else self._preface(direction)

    def _release(self, direction: Direction, start: int = 0) -> list[tuple[Direction, bytes]]:
        """Let a direction pass from octet `start` of what it has said on."""
        said, self._said[direction] = bytes(self._said[direction][start:]), bytearray()
        self.passed_over[direction] += start
        self._open.add(direction)
        self.tls = True
        return [(direction, said)] if said else []

    def _middle(self, direction: Direction) -> list[tuple[Direction, bytes]]:
        """Look for a record at the beginning of a segment; what comes before it is passed over."""
        said = self._said[direction]
        begins = begins_tls(said)
        if begins:
            return self._release(direction)
        if begins is False:
            self._guess(said)
            self.passed_over[direction] += len(said)
            said.clear()
            self.other = not self.tls and self.passed_over[direction] > LONGEST_PREFACE
        return []

    def _preface(self, direction: Direction) -> list[tuple[Direction, bytes]]:
        """Look for a ClientHello behind other octets, where a protocol is known to go over to TLS."""
        said = self._said[direction]
        self._guess(said)
        hello = CLIENT_HELLO.search(said) if direction == "client" else None
        if hello is None:
            self.other = self.title in _NEVER or len(said) > LONGEST_PREFACE
            return []
        answer = SERVER_ANSWER.search(self._said["server"])
        before = self._said["server"][: answer.start()] if answer else self._said["server"]
        for upgrade in UPGRADES:
            if upgrade.client.fullmatch(said[: hello.start()]) and (not before or upgrade.server.fullmatch(before)):
                self.title = upgrade.title
                return [*self._release("client", hello.start()), *self._answer("server")]
        self.other = True
        return []

    def _answer(self, direction: Direction) -> list[tuple[Direction, bytes]]:
        """Find where the server's TLS begins, behind its answer in the other protocol."""
        answer = SERVER_ANSWER.search(self._said[direction])
        if answer is None:
            return self._release(direction) if len(self._said[direction]) > LONGEST_PREFACE else []
        return self._release(direction, answer.start())

    def _guess(self, said: bytearray) -> None:
        self.title = self.title or next((title for form, title in _GUESSES if form.match(said)), "")


def begins_tls(said: bytes | bytearray) -> bool | None:
    """Tell whether a stream begins with a TLS record, or an SSL 2.0 ClientHello; None while it may still do so."""
    if len(said) < 5:
        possible = not said or 20 <= said[0] <= 24 or said[0] & 0x80
        possible = possible and (len(said) < 2 or said[0] & 0x80 or said[1] == 3)
        return None if possible else False
    if said[0] & 0x80 and said[2] == 1 and bytes(said[3:5]) in {b"\0\x02", *(bytes([3, minor]) for minor in range(5))}:
        return True
    length = int.from_bytes(said[3:5], "big")
    return 20 <= said[0] <= 24 and said[1] == 3 and said[2] <= 4 and length <= MAX_CIPHERTEXT12
