"""Captures of what others speak: early data, renegotiation, suites and versions that this lab does not decode.

The ends are OpenSSL and GnuTLS; tshark is the second opinion for what can be decrypted.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509 import ocsp
from foreign_ends import Program, Site, Tap, wait_for

from trustlab.capture import PRIVATE_KEY, ConnectionDecoder, Decoded, KeyLogReader, PassiveDecoder, decode_frames
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustlab.trace import TraceEvent

EARLY, LATE = "early PIN 4711\n", "late PIN 0815"
LATE_OCTETS = f"{LATE}\n".encode()
CLIENT, SERVER = "10.0.0.2", "10.0.0.3"
EARLY_LABEL = "CLIENT_EARLY_TRAFFIC_SECRET"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def sent(trace: Trace, direction: str) -> list[TraceEvent]:
    return [e for e in trace.select("tls.message") if e.sent and e.direction == direction]


def names(trace: Trace, direction: str) -> list[str]:
    return [e.name for e in sent(trace, direction)]


def read_by(trace: Trace, party: str) -> list[bytes]:
    return [e.raw for e in trace.select("secret", party=party) if e.data["direction"] == "client"]


def sentences(trace: Trace) -> list[str]:
    return [str(e.data["sentence"]) for e in trace.select("tls.message")]


def notes(trace: Trace) -> list[str]:
    return [str(e.data["sentence"]) for e in trace.select("note")]


def accepted(site: Site) -> list[bytes]:
    with site.openssl_server("-early_data") as (bank, port):
        return site.resume(bank, port, site.session(port), EARLY, LATE)


def refused_by_a_server_that_lost_the_session(site: Site) -> list[bytes]:
    with site.openssl_server("-early_data") as (_, port):
        session = site.session(port)
    with site.openssl_server("-early_data", "-ciphersuites", "TLS_AES_128_GCM_SHA256") as (bank, port):
        return site.resume(bank, port, session, EARLY, LATE)


def refused_with_hello_retry_request(site: Site) -> list[bytes]:
    with site.openssl_server("-early_data") as (_, port):
        session = site.session(port)
    with site.openssl_server("-early_data", "-groups", "P-384") as (bank, port):
        return site.resume(bank, port, session, EARLY, LATE)


def refused_in_a_session_that_is_resumed(site: Site) -> list[bytes]:
    with site.openssl_server("-early_data", "-alpn", "bank") as (bank, port):
        return site.resume(bank, port, site.session(port), EARLY, LATE, "-alpn", "bank")


REFUSED = [
    refused_by_a_server_that_lost_the_session,
    refused_with_hello_retry_request,
    refused_in_a_session_that_is_resumed,
]


def test_accepted_early_data_is_read_with_its_secret(site: Site) -> None:
    frames = accepted(site)
    trace = site.decoded(frames)
    assert names(trace, "client") == [
        "ClientHello",
        "ChangeCipherSpec",
        "ApplicationData",
        "EndOfEarlyData",
        "Finished",
        "ApplicationData",
        "Alert",
    ]
    for party in (CLIENT, SERVER):
        assert read_by(trace, party) == [EARLY.encode(), LATE_OCTETS]
    assert b"".join(site.tshark_reads(frames)) == EARLY.encode() + LATE_OCTETS
    assert notes(trace) == []
    assert all(e.data["readable"] for e in trace.select("tls.message"))


def test_accepted_early_data_without_its_secret_is_passed_over_with_one_note(site: Site) -> None:
    trace = site.decoded(accepted(site), EARLY_LABEL)
    assert names(trace, "client") == [
        "ClientHello",
        "ChangeCipherSpec",
        "ApplicationData",
        "ApplicationData",  # EndOfEarlyData, protected like the data
        "Finished",
        "ApplicationData",
        "Alert",
    ]
    assert [e.data["readable"] for e in sent(trace, "client")] == [True, True, False, False, True, True, True]
    assert read_by(trace, SERVER) == [LATE_OCTETS]
    (note,) = notes(trace)
    assert EARLY_LABEL in note
    assert "The server refused" not in "".join(sentences(trace))


@pytest.mark.parametrize("made", REFUSED)
def test_refused_early_data_is_the_clients_alone(site: Site, made: Callable[[Site], list[bytes]]) -> None:
    frames = made(site)
    trace = site.decoded(frames)
    assert read_by(trace, CLIENT) == [EARLY.encode(), LATE_OCTETS]
    assert read_by(trace, SERVER) == [LATE_OCTETS]
    (passed_over,) = [e for e in trace.select("tls.message") if not e.data["readable"]]
    assert (passed_over.party, passed_over.sent, passed_over.name) == (SERVER, False, "ApplicationData")
    assert "The server refused it" in str(passed_over.data["sentence"])
    assert names(trace, "client")[-3:] == ["Finished", "ApplicationData", "Alert"]
    assert site.tshark_reads(frames)[-1] == LATE_OCTETS


@pytest.mark.parametrize("made", REFUSED)
def test_refused_early_data_without_its_secret_does_not_hide_what_follows(
    site: Site, made: Callable[[Site], list[bytes]]
) -> None:
    trace = site.decoded(made(site), EARLY_LABEL)
    assert read_by(trace, SERVER) == [LATE_OCTETS]
    (unread,) = [e for e in sent(trace, "client") if not e.data["readable"]]
    assert EARLY_LABEL in str(unread.data["sentence"])
    assert "The server refused it" in str(unread.data["sentence"])
    (note,) = notes(trace)
    assert EARLY_LABEL in note
    expected = ["Finished", "ApplicationData", "Alert"]
    assert names(trace, "client")[-3:] == expected
    assert names(trace, "client").index("ApplicationData") < names(trace, "client").index("Finished")


def test_early_data_without_any_key_is_unread_and_claims_nothing(site: Site) -> None:
    trace = decode_frames(accepted(site))
    unread = [e for e in sent(trace, "client") if not e.data["readable"]]
    assert len(unread) == 5
    assert all("nobody here has the key of either" in str(e.data["sentence"]) for e in unread)


def live(site: Site, frames: list[bytes], keylog: str) -> list[tuple[str, list[str]]]:
    """Feed a decoder piece by piece, and return after each its direction and the client's messages so far."""
    decoder, found, seen = ConnectionDecoder(KeyLogReader(keylog)), [], []
    for event in decode_frames(frames).select("frame"):
        if event.data["payload_length"]:
            data = event.raw[int(str(event.data["payload_offset"])) :]
            found += decoder.feed("client" if event.direction == "client" else "server", data)
            seen.append(
                (event.direction, [m.name for m in found if isinstance(m, Decoded) and m.direction == "client"])
            )
    return seen


def test_early_data_is_read_as_soon_as_the_server_has_answered(site: Site) -> None:
    seen = live(site, accepted(site), site.keylog)
    assert next(names for direction, names in seen if direction == "server")[-1] == "ApplicationData"


def test_a_second_hello_in_clear_does_not_wait_for_keys(site: Site) -> None:
    seen = live(site, refused_with_hello_retry_request(site), "")
    assert seen[-1][1] == ["ClientHello", "ChangeCipherSpec", "ApplicationData", "ClientHello"]


def test_the_end_of_early_data_is_seen_without_the_handshake_secret(site: Site) -> None:
    trace = site.decoded(accepted(site), "CLIENT_HANDSHAKE_TRAFFIC_SECRET")
    assert "EndOfEarlyData" in names(trace, "client")
    unread = [e for e in sent(trace, "client") if not e.data["readable"]]
    assert unread
    assert all(str(e.data["sentence"]).endswith(": nobody here has its key.") for e in unread)


def test_changed_early_data_is_named_as_such_and_hides_nothing(site: Site) -> None:
    frames = accepted(site)
    offset = next(e for e in sent(site.decoded(frames), "client") if e.name == "ApplicationData").offset
    assert offset is not None
    original = decode_frames(frames)
    damaged = []
    for event in original.select("frame"):
        raw, at, length = bytearray(event.raw), int(str(event.data.get("payload_offset", 0))), len(event.raw)
        if event.direction == "client" and event.offset is not None:
            place = at + offset + 8 - event.offset
            if at <= place < length:
                raw[place] ^= 1
        damaged.append(bytes(raw))
    trace = site.decoded(damaged)
    assert read_by(trace, SERVER) == [LATE_OCTETS]


def test_streams_that_come_one_after_the_other_give_the_same(site: Site) -> None:
    for made in (accepted, refused_with_hello_retry_request):
        frames = made(site)
        whole = decode_frames(frames, keylog=site.keylog)
        client = [e.raw for e in whole.select("frame") if e.direction == "client"]
        server = [e.raw for e in whole.select("frame") if e.direction == "server"]
        for order in (client + server, client[:1] + server + client[1:]):
            again = decode_frames(order, keylog=site.keylog)
            for direction in ("client", "server"):
                assert names(again, direction) == names(whole, direction)
            assert read_by(again, SERVER) == read_by(whole, SERVER)


RENEGOTIATED = ["one", "two"]


@pytest.mark.parametrize(("command", "resumed"), [("R", False), ("r", True)])
@pytest.mark.parametrize("cipher", ["ECDHE-RSA-AES128-GCM-SHA256", "AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"])
def test_renegotiation_is_followed(site: Site, cipher: str, command: str, *, resumed: bool) -> None:
    options = ["-tls1_2", "-cipher", cipher]
    frames = site.talk([*options, "-client_renegotiation"], options, ["one", command, "two"])
    trace = site.decoded(frames)
    assert read_by(trace, SERVER) == [b"one\n", b"two\n"]
    assert site.tshark_reads(frames) == [b"one\n", b"two\n"]
    assert all(e.data["readable"] for e in trace.select("tls.message"))
    client = names(trace, "client")
    assert client.count("ClientHello") == 2
    assert client.count("ClientKeyExchange") == (1 if resumed else 2)
    second = [e for e in sent(trace, "client") if e.name == "ClientHello"][1]
    assert second.data["encrypted"]
    assert ("HelloRequest" in names(trace, "server")) == resumed


def test_renegotiation_without_the_second_secret_hides_only_what_it_protects(site: Site) -> None:
    frames = site.talk(["-tls1_2", "-client_renegotiation"], ["-tls1_2"], ["one", "R", "two"])
    first, second = [line for line in site.keylog.splitlines() if line.startswith("CLIENT_RANDOM")]
    trace = decode_frames(frames, keylog=first)
    assert read_by(trace, SERVER) == [b"one\n"]
    assert names(trace, "client")[-4:] == [
        "ChangeCipherSpec",
        "EncryptedHandshakeMessage",
        "ApplicationData",
        "EncryptedAlert",
    ]
    assert read_by(decode_frames(frames, keylog=second), SERVER) == []


def test_the_servers_private_key_opens_both_handshakes_of_a_renegotiation(site: Site) -> None:
    options = ["-tls1_2", "-cipher", "AES128-GCM-SHA256"]
    frames = decode_frames(site.talk([*options, "-client_renegotiation"], options, ["one", "R", "two"]))
    key = load_pem_private_key(site.pem.read_bytes(), None)
    trace = Trace()
    trace.party("alice").secret(PRIVATE_KEY, key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    for event in frames.select("frame"):
        trace.append("network", "frame", "TCP", raw=event.raw, connection=event.connection, data=event.data)
    PassiveDecoder(trace).feed(trace).finish()
    assert read_by(trace, SERVER) == [b"one\n", b"two\n"]
    assert names(trace, "client").count("ClientKeyExchange") == 2


def undecoded(trace: Trace, reason: str) -> None:
    """See that nothing is malformed or lacks a key, and that every protected record says `reason`."""
    told = sentences(trace)
    assert not [s for s in told if "has its key" in s or "authentication tag" in s]
    unread = [e for e in trace.select("tls.message") if not e.data["readable"]]
    assert unread
    assert all(reason in str(e.data["sentence"]) for e in unread)
    for event in trace.select("tls.message"):
        assert "unreadable" not in {span.name.rpartition(".")[2] for span in event.spans}, event.name
        covered = {n for span in event.spans for n in range(span.start, span.end)}
        assert covered == set(range(len(event.raw))), event.name
    assert notes(trace) == []
    flight = [e.name for e in sent(trace, "server")]
    assert "ServerHelloDone" in flight or "EncryptedExtensions" not in flight


OLD = [("-tls1", "TLS 1.0"), ("-tls1_1", "TLS 1.1")]


@pytest.mark.parametrize("cipher", ["AES128-SHA", "DHE-RSA-AES128-SHA", "ECDHE-RSA-AES128-SHA", "ADH-AES128-SHA"])
@pytest.mark.parametrize(("option", "title"), OLD)
def test_versions_before_tls_12_are_named(site: Site, option: str, title: str, cipher: str) -> None:
    options = [option, "-cipher", f"{cipher}:@SECLEVEL=0"]
    verify = [] if cipher.startswith("ADH") else ["-verify", "1"]
    certificate = ["-cert", str(site.pem)] if verify else []
    trace = site.decoded(site.talk([*options, *verify], [*options, *certificate]))
    undecoded(trace, f"this lab does not decode {title}")
    assert {e.data["version"] for e in sent(trace, "server")} == {title}
    if verify:
        assert {"CertificateVerify"} <= set(names(trace, "client"))
        assert "CertificateRequest" in names(trace, "server")


@pytest.mark.parametrize(
    ("cipher", "suite", "exchange"),
    [
        ("DHE-RSA-AES128-GCM-SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", {"dh_p", "dh_Ys", "signature"}),
        ("ADH-AES128-GCM-SHA256", "TLS_DH_anon_WITH_AES_128_GCM_SHA256", {"dh_p", "dh_Ys"}),
        ("AECDH-AES128-SHA", "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", {"namedcurve", "public"}),
        ("AES128-CCM", "TLS_RSA_WITH_AES_128_CCM", set()),
        ("ECDHE-RSA-CAMELLIA128-SHA256", "TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256", {"public", "signature"}),
        ("ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", {"public", "signature"}),
        ("NULL-SHA256", "TLS_RSA_WITH_NULL_SHA256", set()),
        ("PSK-AES128-GCM-SHA256", "TLS_PSK_WITH_AES_128_GCM_SHA256", set()),
        ("RSA-PSK-AES128-GCM-SHA256", "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256", set()),
        ("DHE-PSK-AES128-GCM-SHA256", "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256", {"psk_identity_hint_length", "dh_Ys"}),
        (
            "ECDHE-PSK-AES128-CBC-SHA256",
            "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256",
            {"psk_identity_hint_length", "public"},
        ),
    ],
)
def test_suites_that_are_not_ours_are_named(site: Site, cipher: str, suite: str, exchange: set[str]) -> None:
    options = ["-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0", "-psk", "4711"]
    trace = site.decoded(site.talk(options, options))
    undecoded(trace, f"this lab does not decode the cipher suite {suite} (0x")
    fields = {
        span.name.rpartition(".")[2] for e in sent(trace, "server") if e.name == "ServerKeyExchange" for span in e.spans
    }
    assert exchange <= fields
    assert "opaque" not in fields
    (hello,) = [e for e in sent(trace, "server") if e.name == "ServerHello"]
    assert suite in str(hello.data["sentence"])


def test_encrypt_then_mac_is_named_and_without_it_the_same_suite_is_decrypted(site: Site) -> None:
    options = ["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"]
    undecoded(site.decoded(site.talk(options, options)), "this lab does not decode encrypt_then_mac (RFC 7366)")
    frames = site.talk([*options, "-no_etm"], options)
    assert read_by(site.decoded(frames), SERVER) == [b"hello bank\n"]
    assert site.tshark_reads(frames) == [b"hello bank\n"]


def test_a_suite_of_tls_13_that_is_not_ours_is_named(site: Site) -> None:
    options = ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"]
    trace = site.decoded(site.talk(options, options))
    undecoded(trace, "this lab does not decode the cipher suite TLS_AES_128_CCM_SHA256 (0x1304)")


def gnutls(site: Site, priority: str, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Let GnuTLS talk to GnuTLS."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(site.keys))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    served = ["--echo", "-p", str(port), "--x509certfile", str(site.pem), "--x509keyfile", str(site.pem)]
    with Program(["gnutls-serv", *served, "--priority", priority]) as server:
        wait_for(lambda: _listens(port), lambda: f"a server: {server.output.decode(errors='replace')}")
        tap = Tap(port)
        with Program(["gnutls-cli", "--insecure", "-p", str(tap.port), "--priority", priority, "127.0.0.1"]) as client:
            client.await_output("Handshake was completed")
            client.say("hello bank\n")
            wait_for(lambda: client.output.count(b"hello bank") > 0, lambda: client.output.decode(errors="replace"))
            client.await_end()
        return tap.frames()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("priority", "reason"),
    [
        ("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+CAMELLIA-128-GCM", "CAMELLIA_128_GCM"),
        ("NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CCM-8", "AES_128_CCM_8"),
        ("NORMAL:-VERS-ALL:+VERS-TLS1.0", "TLS 1.0"),
    ],
)
def test_what_gnutls_speaks_and_we_do_not_is_named(
    site: Site, priority: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    undecoded(site.decoded(gnutls(site, priority, monkeypatch)), reason)


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_what_gnutls_speaks_and_we_do_too_is_decrypted(
    site: Site, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = gnutls(site, f"NORMAL:-VERS-ALL:+VERS-TLS{version}:-CIPHER-ALL:+AES-128-GCM", monkeypatch)
    trace = site.decoded(frames)
    assert read_by(trace, SERVER) == [b"hello bank\n"]
    assert site.tshark_reads(frames)[0] == b"hello bank\n"


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_a_stapled_status_has_its_name(site: Site, version: str) -> None:
    response = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
    path = site.folder / "status"
    path.write_bytes(response.public_bytes(Encoding.DER))
    trace = site.decoded(site.talk([version, "-status_file", str(path)], [version, "-status"]))
    messages = {e.name: e for e in sent(trace, "server")}
    assert ("CertificateStatus" in messages) == (version == "-tls1_2")
    carrier = messages["CertificateStatus" if version == "-tls1_2" else "Certificate"]
    assert path.read_bytes() in carrier.raw
    spans = {span.name: carrier.raw[span.start : span.end] for span in carrier.spans}
    if version == "-tls1_2":
        assert spans["response"] == path.read_bytes()
        assert spans["status_type"] == b"\x01"
    else:
        assert any("status_request" in name for name in spans)


def test_a_decoder_can_be_copied_between_any_two_pieces(site: Site) -> None:
    """What an edit in flight needs: the copy goes on alone, and so does the original."""
    for made in (
        accepted,
        lambda site: site.talk(["-tls1_2", "-client_renegotiation"], ["-tls1_2"], ["one", "R", "two"]),
    ):
        trace = decode_frames(made(site))
        pieces = [
            (e.direction, e.raw[int(str(e.data["payload_offset"])) :])
            for e in trace.select("frame")
            if e.data["payload_length"]
        ]
        keys = KeyLogReader(site.keylog)
        whole, copied = ConnectionDecoder(keys), ConnectionDecoder(keys)
        first, second = [], []
        for direction, data in pieces:
            first += whole.feed(direction, data)
            copied, old = copied.copy(), copied
            old.feed(direction, data)
            second += copied.feed(direction, data)
        assert [*first, *whole.finish()] == [*second, *copied.finish()]
        assert whole.held == 0
