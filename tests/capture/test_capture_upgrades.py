"""TLS that begins later in a stream: real clients (`openssl s_client -starttls`, curl) before servers of a few lines."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest
from foreign_ends import PATIENCE, Site, Tap

from trustlab.capture import decode_frames
from trustlab.capture.upgrades import Beginning, begins_tls
from trustlab.inspector.report import report
from trustlab.trace import Trace
from trustlab.wire import CapturedFrame, Host, TcpConversation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PAGE = b"HTTP/1.0 200 OK\r\nContent-Length: 8\r\n\r\nPIN 4711"
Steps = list[tuple[bytes, bytes]]
FEATURES = b"<stream:stream><stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:features>"
SIEVE = (
    b'"IMPLEMENTATION" "Example1 ManageSieved v001"\r\n"SIEVE" "fileinto vacation"\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\n'
)
MYSQL_GREETING = bytes.fromhex(
    "4b0000000a382e302e33330009000000"
    "1e3a5b1d1f6b4e2200fffff7ff0200ffc1150000000000000000000033274b5c1f1d7e0c4f2b5a6e00"
    "6d7973716c5f6e61746976655f70617373776f726400"
)
"""Of MySQL 8.0.33: protocol 10, version, thread, a scramble of 8 octets, capabilities, 12 more octets, a plugin's name."""
LDAP_ANSWER = bytes.fromhex("300c02010178070a010004000400")
STARTTLS: dict[str, tuple[str, Steps]] = {
    "smtp": ("SMTP", [(b"", b"220 mail\r\n"), (b"EHLO .*\n", b"250-mail\r\n250 STARTTLS\r\n"), (b"STARTTLS\r\n", b"220 go\r\n")]),
    "lmtp": ("SMTP", [(b"", b"220 mail\r\n"), (b"LHLO .*\n", b"250-mail\r\n250 STARTTLS\r\n"), (b"STARTTLS\r\n", b"220 go\r\n")]),
    "pop3": ("POP3", [(b"", b"+OK ready\r\n"), (b"STLS\r\n", b"+OK go\r\n")]),
    "imap": ("IMAP", [(b"", b"* OK ready\r\n"), (b"CAPABILITY\r\n", b"* CAPABILITY IMAP4rev1 STARTTLS\r\n. OK\r\n"), (b"STARTTLS\r\n", b". OK go\r\n")]),
    "ftp": ("FTP", [(b"", b"220 ready\r\n"), (b"AUTH TLS\r\n", b"234 go\r\n")]),
    "xmpp": ("XMPP", [(b"<stream:stream.*>", FEATURES), (b"<starttls[^>]*>", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")]),
    "postgres": ("PostgreSQL", [(b"\x04\xd2\x16\x2f", b"S")]),
    "nntp": ("NNTP", [(b"", b"200 news ready\r\n"), (b"CAPABILITIES\r\n", b"101 list\r\nVERSION 2\r\nSTARTTLS\r\n.\r\n"), (b"STARTTLS\r\n", b"382 go\r\n")]),
    "irc": ("IRC", [(b"STARTTLS\r\n", b":irc.example 020 * :Please wait while we process your connection.\r\n:irc.example 670 * :STARTTLS successful, proceed with TLS handshake\r\n")]),
    "sieve": ("ManageSieve", [(b"", SIEVE + b'OK "Sieve ready."\r\n'), (b"STARTTLS\r\n", b'OK "Begin TLS negotiation now."\r\n')]),
    "mysql": ("MySQL", [(b"", MYSQL_GREETING), (rb"\x20\0\0\x01.{32}", b"")]),
    "ldap": ("LDAP", [(rb"1466\.20037", LDAP_ANSWER)]),
}  # fmt: skip
SOCKS5_DONE = b"\x05\0\0\x01" + bytes(6)
PROXIES: dict[str, tuple[str, Steps, list[str]]] = {
    "CONNECT": ("CONNECT", [(rb"\r\n\r\n", b"HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\n")], ["--proxy", "http://{}"]),
    "SOCKS 4": ("SOCKS 4", [(rb"\x04\x01.{6}[^\0]*\0", b"\0\x5a" + bytes(6))], ["--proxy", "socks4://{}"]),
    "SOCKS 4a": ("SOCKS 4", [(rb"\x04\x01.{6}[^\0]*\0localhost\0", b"\0\x5a" + bytes(6))], ["--proxy", "socks4a://{}"]),
    "SOCKS 5": ("SOCKS 5", [(rb"\x05..+", b"\x05\0"), (rb"\x05\x01\0.+", SOCKS5_DONE)], ["--proxy", "socks5h://{}"]),
    "SOCKS 5 with a password": (
        "SOCKS 5",
        [(rb"\x05..+", b"\x05\2"), (b"\x01\5alice\6secret", b"\1\0"), (rb"\x05\x01\0.+", SOCKS5_DONE)],
        ["--proxy", "socks5h://alice:secret@{}"],
    ),
}  # fmt: skip


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@contextlib.contextmanager
def server(site: Site, steps: Steps) -> Iterator[int]:
    """Serve one connection: answer as `steps` say, then speak TLS and send a page."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(site.pem)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, context, steps), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(PATIENCE)


def serve(listener: socket.socket, context: ssl.SSLContext, steps: Steps) -> None:
    sock, _ = listener.accept()
    with sock:
        for wanted, answer in steps:
            heard, found = b"", re.search(wanted, b"", re.DOTALL)
            while found is None:  # what comes behind it stays: MySQL's client goes on to TLS without waiting
                coming = sock.recv(4096, socket.MSG_PEEK)
                found = re.search(wanted, heard + coming, re.DOTALL)
                heard += sock.recv(len(coming) if found is None else found.end() - len(heard))
            sock.sendall(answer)
        with contextlib.suppress(OSError), context.wrap_socket(sock, server_side=True) as channel:
            channel.recv(4096)
            channel.sendall(PAGE)
            channel.unwrap()


def captured(site: Site, steps: Steps, client: Sequence[str], said: bytes = b"") -> list[bytes]:
    with server(site, steps) as port:
        tap = Tap(port)
        command = [part.format(f"127.0.0.1:{tap.port}") for part in client]
        done = subprocess.run(command, input=said, check=False, capture_output=True, timeout=PATIENCE)
        assert b"PIN 4711" in done.stdout, done.stderr.decode(errors="replace")
    return tap.frames()


def check(site: Site, frames: list[bytes], title: str) -> None:
    trace = site.decoded(frames)
    (connection,) = report(trace, "x")["connections"]
    assert (connection["version"], connection["decrypted"]) == ("TLS 1.3", True), connection["why_not"]
    (note,) = trace.select("note")
    assert "TLS begins later in this connection: " in str(note.data["sentence"])
    assert title in str(note.data["sentence"])
    assert any(b"PIN 4711" in secret.raw for secret in trace.select("secret"))
    hello = next(e for e in trace.select("tls.message") if e.name == "ClientHello")
    carried = b"".join(f.raw[f.data["payload_offset"] :] for f in trace.select("frame") if f.direction == "client")
    assert carried[hello.offset + 5 :].startswith(hello.raw), "the message's offset is its place in the stream"


@pytest.mark.parametrize("protocol", STARTTLS)
def test_starttls_is_found(site: Site, protocol: str) -> None:
    title, steps = STARTTLS[protocol]
    client = [
        "openssl",
        "s_client",
        "-connect",
        "{}",
        "-starttls",
        protocol,
        "-keylogfile",
        str(site.keys),
        "-quiet",
        "-ign_eof",
    ]
    client += ["-name", "bank.example"] if protocol in {"smtp", "lmtp", "xmpp"} else []
    check(site, captured(site, steps, client, b"hello\n"), title)


@pytest.mark.parametrize("proxy", PROXIES)
def test_a_tunnel_through_a_proxy_is_found(site: Site, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(site.keys))
    title, steps, options = PROXIES[proxy]
    client = ["curl", "-sk", "--proxytunnel", *options, "https://localhost:443/"]
    check(site, captured(site, steps, client), title)


TELLER, BANK = Host("teller", "02:00:00:00:00:02", "10.0.0.2"), Host("bank", "02:00:00:00:00:03", "10.0.0.3")
HELLO = b"\x16\x03\x01\x00\x30\x01\x00\x00\x2c\x03\x03" + bytes(42)


def conversation(*said: tuple[str, bytes]) -> Trace:
    trace = Trace()
    tcp = TcpConversation(trace.party("network"), "c", TELLER, BANK, 50_000, 443)
    tcp.open()
    for direction, data in said:
        tcp.data(direction, data)
    tcp.close("client")
    tcp.close("server")
    return decode_frames([CapturedFrame(0.0, event.raw) for event in trace])


OTHERS = {
    "HTTP": [("client", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), ("server", b"HTTP/1.1 200 OK\r\n\r\nhello")],
    "SSH": [("server", b"SSH-2.0-OpenSSH_9\r\n"), ("client", b"SSH-2.0-OpenSSH_9\r\n")],
    "SMTP": [
        ("server", b"220 mail\r\n"),
        ("client", b"EHLO me\r\n"),
        ("server", b"250 mail\r\n"),
        ("client", b"QUIT\r\n"),
    ],
    "": [("client", b"\0\1\2\3" * 9)],
}


@pytest.mark.parametrize("spoken", OTHERS)
def test_somebody_elses_protocol_is_counted_and_not_called_malformed(spoken: str) -> None:
    trace = conversation(*OTHERS[spoken])
    name = f" ({spoken})" if spoken else ""
    (skipped,) = report(trace, "x")["skipped"]
    assert skipped == {"what": f"TCP connections in which no TLS was found{name}", "count": 1}
    assert trace.select("tls.message") == []
    assert trace.select("note") == []
    (told,) = trace.select("capture")
    assert f"Not decoded: 1 TCP connection in which no TLS was found{name}." in str(told.data["sentence"])


@pytest.mark.parametrize(
    ("before", "answer"),
    [
        (b"POST /capture HTTP/1.1\r\nContent-Length: 99\r\n\r\n", b""),
        (b"an upload of somebody's capture: ", b"thanks\r\n"),
        (b"EHLO me\r\nSTARTTLS\r\n", b"220 mail\r\n250 ok\r\n454 not now\r\n"),
        (b"CONNECT bank:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 403 Forbidden\r\n\r\n"),
        (b"STARTTLS\r\n", b"200 news\r\n580 cannot start TLS\r\n"),
        (b"STARTTLS\r\n", b":irc.example 691 * :STARTTLS failed\r\n"),
        (b"STARTTLS\r\n", SIEVE + b'OK "ready"\r\nNO "not here"\r\n'),
        (b"\x20\0\0\x01\x85\xa6" + bytes(7) + bytes(23), MYSQL_GREETING),
        (b"\x20\0\0\x01\x85\xae" + bytes(7) + bytes(23), b"220 mail\r\n"),
    ],
)
def test_octets_that_look_like_a_hello_are_none_where_nobody_agreed_on_tls(before: bytes, answer: bytes) -> None:
    trace = conversation(("client", before[:5]), ("server", answer), ("client", before[5:]), ("client", HELLO))
    assert trace.select("tls.message") == []
    assert "no TLS was found" in report(trace, "x")["skipped"][0]["what"]


def test_nothing_is_kept_of_a_connection_that_says_too_much_before_tls() -> None:
    beginning = Beginning(whole=True)
    for _ in range(20):
        assert beginning.feed("client", bytes(1000)) == []
    assert beginning.other
    assert beginning.feed("client", HELLO) == []


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        (b"", None), (b"\x16", None), (b"\x16\x03", None), (b"\x16\x03\x01\x00", None), (HELLO, True), (b"\x16\x02", False),
        (b"\x80\x2e\x01\x00\x02", True), (b"\x80\x2e\x01\x03\x01", True), (b"\x80\x2e\x04\x00\x02", False),
        (b"\x17\x03\x03\x48\x01", False), (b"\x17\x03\x03\x48\x00", True), (b"GET", False), (b"\x19\x03\x03\0\1", False),
    ],
)  # fmt: skip
def test_a_record_is_known_by_its_header(said: bytes, begins: object) -> None:
    assert begins_tls(said) is begins


def test_a_connection_captured_from_its_middle_on_begins_with_its_first_whole_record() -> None:
    beginning = Beginning(whole=False)
    assert beginning.feed("server", b"the rest of a record") == []
    assert beginning.feed("server", b"\x17\x03\x03\x00\x01x") == [("server", b"\x17\x03\x03\x00\x01x")]
    assert beginning.feed("client", b"as well") == []
    assert beginning.feed("client", HELLO) == [("client", HELLO)]
    assert beginning.passed_over == {"client": 7, "server": 20}
