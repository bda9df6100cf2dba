"""What the engine tells its program, what it waits for, and which answers it takes."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import pytest
from tls_pair import End, Pair, client_config, client_identity, connected, root, server_config

from trustlab import tls
from trustlab.tls import attestation
from trustlab.tls.extensions import AttestationExtension, push_attestation
from trustlab.tls.messages.hello import attestation_of, with_attestation
from trustlab.tls.records import parse_record_header
from trustlab.tls.registry import ExtensionType

TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
VERSION = pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.title)
RSA = (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,)
BOTH = tls.ROLE_C, tls.ROLE_S


def pair(
    version: tls.Version, client: dict[str, Any] | None = None, server: dict[str, Any] | None = None, **answers: Any
):
    return Pair(
        client_config(versions=(version,), **(client or {})),
        server_config(versions=(version,), **(server or {})),
        **answers,
    )


def attesting(version: tls.Version, **answers: Any) -> Pair:
    identity = client_identity()
    return pair(
        version,
        {"attestation": tls.AttestationOffer(*BOTH), "certificates": (identity.der,), "key": identity.key},
        {
            "attestation": tls.AttestationOffer(*BOTH[::-1]),
            "client_certificate": "require",
            "trust": [root().certificate],
        },
        **{"client_answers": {"EvidenceWanted": b"ce"}, "server_answers": {"EvidenceWanted": b"se"}} | answers,
    )


# What it waits for


@VERSION
def test_it_waits_for_the_next_messages_by_name_and_for_nothing_when_it_is_over(version: tls.Version) -> None:
    p = pair(version)
    client, server = p.client.connection, p.server.connection
    assert server.waits_for == "ClientHello: no octet of it is here"
    hello = p.client.drain()
    first = "ServerHello" if version == TLS12 else "ServerHello or HelloRetryRequest"
    assert set(client.waits_for.partition(":")[0].split(" or ")) == set(first.split(" or "))
    server.receive(hello[:4])
    assert server.waits_for == "ClientHello: 1 more octets of a record's header (4 of 5 are here)"
    server.receive(hello[4:7])
    p.server.process()
    assert f"{len(hello) - 7} more octets of a record (7 of {len(hello)} are here)" in server.waits_for
    server.receive(hello[7:])
    p.run()
    for end in (client, server):
        assert end.waits_for == "application data: no octet of it is here"
    client.close()
    assert client.waits_for == "close_notify: no octet of it is here"
    p.run()
    server.close()
    p.run()
    assert (client.waits_for, server.waits_for) == ("", "")


def test_it_waits_for_the_rest_of_a_message_that_lies_in_several_records() -> None:
    p = Pair()
    body = p.client.drain()[5:]
    p.server.connection.receive(b"\x16\3\1\0\3" + body[:3])
    p.server.process()
    assert p.server.connection.waits_for == "ClientHello: 1 more octets of a message's header (3 of 4 are here)"
    p.server.connection.receive(b"\x16\3\1\0\7" + body[3:10])
    p.server.process()
    told = f"ClientHello: {len(body) - 10} more octets of ClientHello (10 of {len(body)} are here)"
    assert p.server.connection.waits_for == told


@pytest.mark.parametrize("role", ["client", "server"])
def test_it_waits_for_its_own_program_to_answer_or_to_close(role: str) -> None:
    p = attesting(TLS12)
    end, other = (p.client, p.server) if role == "client" else (p.server, p.client)
    while not end.connection._waiting:
        if (event := end.connection.next_event()) is None:
            end.connection.receive(other.drain())
            other.connection.receive(end.connection.data_to_send())
        elif isinstance(event, tls.KeyOperationWanted):
            end.connection.answer(event, tls.perform(event))
    wanted = {"client": "EvidenceReceived", "server": "EvidenceWanted"}[role]
    assert end.connection.waits_for == f"its own answer to {wanted}"
    q = connected(client=client_config(versions=(TLS13,)), server=server_config(versions=(TLS13,)))
    q.server.connection.close()
    q.run()
    assert q.client.connection.waits_for == "its own program, which may still write or close"


# Which answers it takes


@VERSION
@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("question", ["EvidenceWanted", "EvidenceReceived"])
def test_an_answer_of_the_wrong_kind_is_the_programs_own_fault(version: tls.Version, role: str, question: str) -> None:
    what = {
        "EvidenceWanted": "EvidenceWanted is answered with octets, not int",
        "EvidenceReceived": "None or an Alert, not int",
    }
    answers = {"client_answers": {"EvidenceWanted": b"ce"}, "server_answers": {"EvidenceWanted": b"se"}}
    answers[f"{role}_answers"] = answers[f"{role}_answers"] | {question: 7}
    with pytest.raises(tls.LocalProtocolError, match=what[question]):
        attesting(version, **answers).run()


@VERSION
def test_an_error_in_place_of_a_judgement_refuses(version: tls.Version) -> None:
    answers = {"EvidenceWanted": b"ce", "EvidenceReceived": ZeroDivisionError("oops")}
    p = attesting(version, client_answers=answers).run()
    assert isinstance(p.client.error, tls.AccessDenied)
    assert "oops" in str(p.client.error)
    assert "oops" not in str(p.server.error)


@VERSION
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_octets_of_any_kind_are_evidence(version: tls.Version, kind: type) -> None:
    p = attesting(version, client_answers={"EvidenceWanted": kind(b"quote")}).run()
    assert p.client.connection.handshake_complete
    assert p.server.of(tls.EvidenceReceived)[0].evidence == b"quote"


# What it tells


@VERSION
def test_secrets_are_told_to_whoever_wants_them_and_to_nobody_else(version: tls.Version) -> None:
    names = {
        TLS12: {"pre_master_secret", "master_secret", "client_verify_data", "server_verify_data"},
        TLS13: {
            *("client_handshake_traffic_secret", "server_handshake_traffic_secret", "exporter_master_secret"),
            *("client_application_traffic_secret_0", "server_application_traffic_secret_0", "resumption_master_secret"),
        },
    }[version]
    p = pair(version).run()
    for end in (p.client, p.server):
        assert {e.label for e in end.of(tls.SecretDerived)} >= names
    p = pair(version, {"secrets": False}, {"secrets": False}).run()
    for end in (p.client, p.server):
        assert end.connection.handshake_complete
        assert end.of(tls.SecretDerived) == []


def test_only_rsa_key_exchange_has_an_encrypted_secret_and_only_attestation_a_commitment() -> None:
    for suites, attested in itertools.product((RSA, (tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,)), (0, 1)):
        offers = [tls.AttestationOffer(*roles) if attested else None for roles in (BOTH, BOTH[::-1])]
        p = Pair(
            client_config(cipher_suites=suites, attestation=offers[0]),
            server_config(cipher_suites=suites, attestation=offers[1]),
            {"EvidenceWanted": b"ce"},
            {"EvidenceWanted": b"se"},
        ).run()
        for end in (p.client, p.server):
            facts = end.connection.facts
            assert end.connection.handshake_complete
            assert (facts.epms is not None) is (suites == RSA)
            assert (facts.pms_commitment is not None) is bool(attested)


@VERSION
def test_the_end_of_the_handshake_is_told_once_with_version_suite_and_chain(version: tls.Version) -> None:
    p = pair(version).run()
    for end in (p.client, p.server):
        (told,) = end.of(tls.HandshakeCompleted)
        assert (told.version, told.cipher_suite) == (version, end.connection.cipher_suite)
        assert told.peer_certificates == end.connection.peer_certificates


@VERSION
def test_nothing_is_said_behind_close_notify_whatever_comes(version: tls.Version) -> None:
    p = pair(version).run()
    p.client.connection.close()
    p.client.drain()
    p.client.connection.receive(b"\x17\3\3\0\x30" + bytes(48))
    assert p.client.drain() == b""
    assert isinstance(p.client.error, tls.BadRecordMac)


@VERSION
def test_what_came_before_the_end_of_the_stream_is_read_before_it(version: tls.Version) -> None:
    p = pair(version).run()
    p.server.connection.send(b"the last words")
    p.server.connection.close()
    p.client.connection.receive(p.server.drain())
    p.client.connection.eof_received()
    p.client.process()
    assert p.client.data == b"the last words"
    assert p.client.error is None


def test_a_hello_request_before_server_hello_is_ignored_too() -> None:
    p = Pair()
    hello = p.client.drain()
    p.client.connection.receive(b"\x16\3\3\0\4\0\0\0\0")
    p.client.process()
    p.server.connection.receive(hello)
    p.run()
    assert p.client.connection.handshake_complete


def test_hellos_with_an_empty_list_of_extensions_keep_it() -> None:
    for hello in (
        tls.ClientHello(bytes(32), b"", (0x9C,), (), has_extensions=True),
        tls.ServerHello(bytes(range(32)), b"", 0x9C, (), has_extensions=True),
    ):
        raw = hello.encode()
        assert raw.endswith(b"\0\0\0") if isinstance(hello, tls.ServerHello) else raw.endswith(b"\1\0\0\0")
        assert tls.parse_message(22, raw, None) == hello
        shorter = raw[:1] + (len(raw) - 6).to_bytes(3, "big") + raw[4:-2]
        assert tls.parse_message(22, shorter, None).has_extensions is False


@pytest.mark.parametrize(
    ("suites", "version", "offered"),
    [
        (RSA, TLS12, False),
        ((tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,), TLS12, True),
        ((tls.CipherSuite.TLS_AES_128_GCM_SHA256,), TLS13, False),
    ],
)
def test_point_formats_are_offered_with_elliptic_curves_of_tls12_alone(suites, version, offered) -> None:
    config = client_config(cipher_suites=suites, versions=(version,))
    kinds = {extension.type for extension in config.standing_extensions}
    assert (ExtensionType.EC_POINT_FORMATS in kinds) is offered
    assert (ExtensionType.SUPPORTED_GROUPS in kinds) is (suites != RSA)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"client_certificate": "maybe"}, "client_certificate is none, request or require, not 'maybe'"),
        ({"client_certificate": "require"}, "needs roots to trust"),
        ({"certificates": ()}, "a server needs certificates and their key"),
        ({"key": None}, "a server needs certificates and their key"),
    ],
)
def test_a_server_that_cannot_serve_is_refused_at_construction(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(tls.LocalProtocolError, match=complaint):
        server_config(**changes)


def test_a_server_may_ask_whom_it_does_not_check() -> None:
    assert server_config(client_certificate="require", checks=False).client_certificate == "require"


@pytest.mark.parametrize("kind", [ExtensionType.KEY_SHARE, ExtensionType.SUPPORTED_VERSIONS])
def test_a_ticket_with_an_extension_of_the_hellos_is_illegal(kind: int) -> None:
    """RFC 9846 4.3: an extension in a message that it does not belong in."""
    p = pair(TLS13).run()
    body = b"\3\4" if kind == ExtensionType.SUPPORTED_VERSIONS else b"\0\x17\0\1x"
    ticket = tls.messages.NewSessionTicket13(1, 2, b"n", b"ticket", (tls.Extension(kind, body),))
    p.server.connection.records.write_message(22, ticket.encode())
    p.client.connection.receive(p.server.drain())
    p.client.process()
    assert isinstance(p.client.error, tls.IllegalParameter)


# Who offers and who demands


def ext(offered: int, demanded: int, formats: tuple[int, ...] = (1,)) -> AttestationExtension:
    return AttestationExtension(bytes(32), offered, demanded, formats)


@pytest.mark.parametrize("tls13", [False, True])
def test_a_server_answers_what_both_want_and_refuses_what_it_misses(*, tls13: bool) -> None:
    """All combinations of who offers, who demands and in which format, by the rules of the carriage in words."""
    missing = tls.MissingExtension if tls13 else tls.HandshakeFailure
    flags = (0, tls.ROLE_S, tls.ROLE_C, tls.ROLE_S | tls.ROLE_C)
    for offered, demanded, own_offers, own_demands, common in itertools.product(
        flags, flags, (0, tls.ROLE_S), (0, tls.ROLE_C), (True, False)
    ):
        own = tls.AttestationOffer(own_offers, own_demands, (9, 1), bytes(32))
        asked = ext(offered, demanded, (1,) if common else (7,))
        config = SimpleNamespace(attestation=own)
        if offered & tls.ROLE_S or demanded & tls.ROLE_C:
            expected: Any = tls.IllegalParameter
        elif own_demands and (not offered or not common):
            expected = missing
        elif not common:
            expected = None
        else:
            expected = ext(own_offers & demanded, own_demands)
        if isinstance(expected, type):
            with pytest.raises(expected):
                attestation.server_answer(config, asked, tls13=tls13)
        else:
            assert attestation.server_answer(config, asked, tls13=tls13) == expected


@pytest.mark.parametrize("tls13", [False, True])
def test_a_client_that_says_nothing_is_served_by_whoever_demands_nothing(*, tls13: bool) -> None:
    for own in (None, tls.AttestationOffer(tls.ROLE_S, 0)):
        assert attestation.server_answer(SimpleNamespace(attestation=own), None, tls13=tls13) is None
    with pytest.raises(tls.MissingExtension if tls13 else tls.HandshakeFailure):
        attestation.server_answer(SimpleNamespace(attestation=tls.AttestationOffer(0, tls.ROLE_C)), None, tls13=tls13)


def test_a_client_takes_an_answer_within_what_it_asked_and_no_other() -> None:
    flags = (0, tls.ROLE_S, tls.ROLE_C)
    for offered, demanded, gives, wants in itertools.product(flags, flags, flags, flags):
        asked, answer = ext(offered, demanded, (1, 2)), ext(gives, wants, (2,))
        if gives & ~demanded or wants & ~offered:
            with pytest.raises(tls.IllegalParameter):
                attestation.check_answer(asked, answer)
        else:
            attestation.check_answer(asked, answer)
    for formats in ((), (1, 2), (3,)):
        with pytest.raises(tls.IllegalParameter, match="did not choose one of the offered formats"):
            attestation.check_answer(ext(1, 2, (1, 2)), ext(0, 0, formats))


@pytest.mark.parametrize("tls13", [False, True])
def test_a_demand_is_met_by_whoever_offers_it(*, tls13: bool) -> None:
    alert = tls.MissingExtension if tls13 else tls.HandshakeFailure
    for demanded, offered in itertools.product((0, tls.ROLE_S), (None, 0, tls.ROLE_S)):
        answer = None if offered is None else ext(offered, 0)
        if demanded and not offered:
            with pytest.raises(alert):
                attestation.check_demand(ext(0, demanded), answer, tls13=tls13)
        else:
            attestation.check_demand(ext(0, demanded), answer, tls13=tls13)


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        (((0xFF54, b"a"), (0xFF54, b"b")), tls.IllegalParameter),
        (((0xFF54, b"a"), (1, b"b")), tls.IllegalParameter),
        (((1, b"b"),), tls.IllegalParameter),
        (((0xFF54, b""),), tls.DecodeError),
    ],
)
def test_supplemental_data_holds_one_evidence_and_nothing_else(entries: Any, error: type) -> None:
    with pytest.raises(error):
        attestation.evidence_in(tls.SupplementalData(entries))
    assert attestation.evidence_in(tls.SupplementalData(((0xFF54, b"a"),))) == b"a"


def test_evidence_to_send_is_neither_empty_nor_longer_than_its_length_can_say() -> None:
    for size in (1, 0xFFFF):
        assert attestation.supplemental_data(bytes(size)).entries == ((0xFF54, bytes(size)),)
    for size in (0, 0x10000):
        with pytest.raises(tls.LocalProtocolError, match=f"1 to 65535 octets, not {size}"):
            attestation.supplemental_data(bytes(size))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_configured_nonce_of_another_size_is_this_sides_fault(size: int) -> None:
    offer = tls.AttestationOffer(*BOTH, nonce=bytes(size))
    with pytest.raises(tls.LocalProtocolError, match=f"a nonce has 32 octets, not {size}"):
        attestation.nonce_for(SimpleNamespace(attestation=offer))
    assert attestation.nonce_for(SimpleNamespace(attestation=None)) == b""


@VERSION
@pytest.mark.parametrize("suite", [0x1234, 0x1301, 0x009C])
def test_a_suite_that_was_not_offered_or_is_not_of_the_version_is_refused_with_the_clause(version, suite: int) -> None:
    own = {TLS12: 0x009C, TLS13: 0x1301}[version]
    if suite == own:
        return
    p = pair(version, {"cipher_suites": (tls.CipherSuite(own),)}, {"intercept": True})

    def other(request: tls.MessageReady) -> Any:
        message = request.message
        if message.name != "ServerHello":
            return None
        return type(message)(message.random, message.session_id, suite, message.extensions)

    p.server.answers["MessageReady"] = other
    p.run()
    assert isinstance(p.client.error, tls.IllegalParameter)
    assert p.client.error.clause == {TLS12: "RFC 5246 7.4.1.3", TLS13: "RFC 9846 4.2.3"}[version]


def test_a_server_name_list_names_each_of_its_names() -> None:
    body = b"\0\x0c" + b"\0\0\1a" + b"\1\0\1b" + b"\2\0\1c"
    hello = tls.ClientHello(bytes(32), b"", (0x9C,), (tls.Extension(ExtensionType.SERVER_NAME, body),))
    names = [s.name for s in tls.describe(hello.encode()) if s.name.endswith(".host_name")]
    inside = "extensions.server_name.server_name_list"
    assert names == [f"{inside}.server_name[{n}].host_name" for n in range(3)]


def test_an_end_without_anything_to_say_is_silent() -> None:
    end = End(tls.Server(server_config()))
    assert end.drain() == b""


@VERSION
def test_only_a_client_of_tls13_sends_key_shares_and_noise_for_a_session(version: tls.Version) -> None:
    hello = tls.parse_message(22, pair(version).client.drain()[5:], None)
    kinds = {e.type for e in hello.extensions}
    assert (ExtensionType.KEY_SHARE in kinds) is (version == TLS13)
    assert len(hello.session_id) == (32 if version == TLS13 else 0)


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (b"\x13\3\3\0\1", tls.UnexpectedMessage),
        (b"\x18\3\3\0\1", tls.UnexpectedMessage),
        (b"\x16\2\3\0\1", tls.ProtocolVersion),
        (b"\x16\4\3\0\1", tls.ProtocolVersion),
        (b"\x17\3\3\x48\1", tls.RecordOverflow),
    ],
)
def test_a_record_header_that_is_nonsense_has_its_alert(header: bytes, error: type) -> None:
    """RFC 5246 6.2: a type from 20 to 23, a version 3.x, at most 2^14 + 2048 octets."""
    for good in (b"\x14\3\1\0\1", b"\x17\3\4\x48\0"):
        assert parse_record_header(good) == (good[0], 0x0300 | good[2], int.from_bytes(good[3:], "big"))
    with pytest.raises(error):
        parse_record_header(header)


def test_the_nonce_of_a_hello_can_be_changed_where_there_is_one() -> None:
    body = attestation_body()
    hello = tls.ClientHello(
        bytes(32), b"", (0x9C,), (tls.Extension(0x0A0A, b"x"), tls.Extension(ExtensionType.ATTESTATION, body))
    )
    changed = with_attestation(hello, nonce=b"m" * 32)
    assert attestation_of(changed).nonce == b"m" * 32
    assert [e.type for e in changed.extensions] == [e.type for e in hello.extensions]
    with pytest.raises(tls.DecodeError, match="this ClientHello has no attestation extension"):
        with_attestation(tls.ClientHello(bytes(32), b"", (0x9C,), ()), nonce=bytes(32))


def attestation_body() -> bytes:
    return push_attestation(ext(1, 2))
