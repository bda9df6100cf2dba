"""The second ClientHello: every field that may be absent, changed or new, and the alert of each (RFC 9846 4.2.2)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unruly import (
    P256,
    TLS12,
    TLS13,
    TYPE,
    X25519,
    Case,
    End,
    both,
    client_config,
    doubled,
    extension,
    fields,
    judge,
    play,
    run,
    server_config,
    without,
)

from trustlab import tls

HELLO, RETRY = "ClientHello", "HelloRetryRequest"
ASKS: dict[str, Any] = {"ours": {"groups": (P256,)}, "theirs": {"groups": (X25519, P256)}}
FULL: dict[str, Any] = {
    "ours": ASKS["ours"] | {"attestation": tls.AttestationOffer(demanded=tls.ROLE_C)},
    "theirs": ASKS["theirs"] | {"attestation": tls.AttestationOffer(offered=tls.ROLE_C)},
}
BOTH_VERSIONS: dict[str, Any] = {role: settings | {"versions": (TLS13, TLS12)} for role, settings in ASKS.items()}
COOKIE = b"\0\x06crumbs"
PSK = b"\0\x0a\0\4name\0\0\0\0\0\x21\x20" + bytes(32)
MODES = extension(TYPE.PSK_KEY_EXCHANGE_MODES, b"\1\1")


def again(edit: Any, first: Any = None) -> dict[str, Any]:
    """Edit the second hello, and the first where that matters."""
    return {HELLO: [first, edit]}


def swapped(message: Any) -> Any:
    """Put the first two extensions in the other order."""
    one, two, *rest = message.extensions
    return replace(message, extensions=(two, one, *rest))


def reshared(edit: Any) -> Any:
    return extension(TYPE.KEY_SHARE, edit)


def also_x25519(shares: bytes) -> bytes:
    inner = b"\0\x1d\0\x20" + b"\x09" + bytes(31) + shares[2:]
    return len(inner).to_bytes(2, "big") + inner


# fmt: off
REQUIRED = [TYPE.SUPPORTED_VERSIONS, TYPE.SIGNATURE_ALGORITHMS, TYPE.SUPPORTED_GROUPS, TYPE.KEY_SHARE]
CASES = [
    *[Case(f"no {kind.name.lower()}", tls.MissingExtension, again(without(kind)), **settings) for kind in REQUIRED for settings in (ASKS, BOTH_VERSIONS)],
    *[Case(f"no {kind.name.lower()} any more", tls.IllegalParameter, again(without(kind)), **FULL) for kind in (TYPE.SERVER_NAME, TYPE.ALPN, TYPE.ATTESTATION)],
    *[Case(f"another {kind.name.lower()}", tls.IllegalParameter, again(extension(kind, body)), **FULL) for kind, body in {
        TYPE.SERVER_NAME: b"\0\x0d\0\0\x0aelse.where", TYPE.ALPN: b"\0\6\5other", TYPE.ATTESTATION: b"",
        TYPE.SUPPORTED_GROUPS: b"\0\2\0\x17", TYPE.SIGNATURE_ALGORITHMS: b"\0\2\4\3",
        TYPE.SUPPORTED_VERSIONS: b"\4\3\4\3\3",
    }.items()],
    *[Case(f"a malformed {kind.name.lower()}", alert, again(extension(kind, b"\xff")), **ASKS) for kind, alert in {
        TYPE.SUPPORTED_VERSIONS: tls.DecodeError, TYPE.SUPPORTED_GROUPS: tls.DecodeError, TYPE.KEY_SHARE: tls.DecodeError,
        TYPE.ALPN: tls.IllegalParameter, TYPE.COOKIE: tls.IllegalParameter,
    }.items()],
    Case("TLS 1.2 alone", tls.IllegalParameter, again(extension(TYPE.SUPPORTED_VERSIONS, b"\2\3\3")), **BOTH_VERSIONS),
    Case("an extension twice", tls.IllegalParameter, again(doubled(TYPE.ALPN)), **ASKS),
    Case("a new extension that is known", tls.IllegalParameter, again(MODES), **ASKS),
    Case("a new extension that nobody knows", tls.IllegalParameter, again(extension(0x0A0A, b"")), **ASKS),
    Case("its extensions in another order", tls.IllegalParameter, again(swapped), **ASKS),
    Case("no extensions", tls.MissingExtension, again(fields(extensions=())), **ASKS),
    Case("another random", tls.IllegalParameter, again(fields(random=bytes(32))), **ASKS),
    Case("another session id", tls.IllegalParameter, again(fields(session_id=bytes(32))), **ASKS),
    Case("no session id", tls.IllegalParameter, again(fields(session_id=b"")), **ASKS),
    Case("fewer cipher suites", tls.IllegalParameter, again(fields(cipher_suites=(0x1301, 0x1302)), fields(cipher_suites=(0x1301, 0x1302, 0x1303))), **ASKS),
    Case("compression", tls.IllegalParameter, again(fields(compression_methods=(0, 1))), **ASKS),
    Case("no compression method", tls.IllegalParameter, again(fields(compression_methods=(1,))), **ASKS),
    Case("legacy_version 0x0302", tls.IllegalParameter, again(fields(legacy_version=0x0302)), **ASKS),
    Case("legacy_version 0x0304", tls.IllegalParameter, again(fields(legacy_version=0x0304)), **ASKS),
    Case("legacy_version of SSL 3.0", tls.ProtocolVersion, again(fields(legacy_version=0x0300)), **ASKS),
    Case("early data", tls.IllegalParameter, again(extension(TYPE.EARLY_DATA, b"")), **ASKS),
    Case("early data that was there before", tls.IllegalParameter, again(extension(TYPE.EARLY_DATA, b""), extension(TYPE.EARLY_DATA, b"")), **ASKS),
    Case("a pre-shared key of a sudden", tls.IllegalParameter, again(extension(TYPE.PRE_SHARED_KEY, PSK), MODES), **ASKS),
    Case("a pre-shared key without its modes", tls.MissingExtension, again(extension(TYPE.PRE_SHARED_KEY, PSK)), **ASKS),
    Case("a cookie that nobody gave", tls.IllegalParameter, again(extension(TYPE.COOKIE, COOKIE)), **ASKS),
    Case("no key share at all", tls.IllegalParameter, again(reshared(b"\0\0")), **ASKS),
    Case("one key share more", tls.IllegalParameter, again(reshared(also_x25519)), **ASKS),
    Case("the key share of the first", tls.IllegalParameter, again(reshared(b"\0\x24\0\x1d\0\x20\x09" + bytes(31))), **ASKS),
]
LAWFUL = [
    Case("less padding", None, again(extension(TYPE.PADDING, b""), extension(TYPE.PADDING, bytes(64))), **ASKS),
    Case("no padding any more", None, again(without(TYPE.PADDING), extension(TYPE.PADDING, bytes(64))), **ASKS),
    Case("padding of a sudden", None, again(extension(TYPE.PADDING, bytes(9))), **ASKS),
    Case("no early data any more", None, again(without(TYPE.EARLY_DATA), extension(TYPE.EARLY_DATA, b"")), **ASKS),
    Case("other binders", None, again(extension(TYPE.PRE_SHARED_KEY, PSK[:-1] + b"\1"), both(MODES, extension(TYPE.PRE_SHARED_KEY, PSK))), **ASKS),
    Case("no pre-shared key any more", None, again(without(TYPE.PRE_SHARED_KEY), both(MODES, extension(TYPE.PRE_SHARED_KEY, PSK))), **ASKS),
]
# fmt: on


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_second_hello_that_differs_is_refused(case: Case) -> None:
    end = judge(case, "server", TLS13)
    assert [e.name for e in end.events if isinstance(e, tls.MessageSent)].count(RETRY) == 1


@pytest.mark.parametrize("case", LAWFUL, ids=str)
def test_a_second_hello_may_differ_in_this(case: Case) -> None:
    end, _ = play(case, "server", TLS13)
    assert end.fatal is None
    assert "Finished" in [e.name for e in end.events if isinstance(e, tls.MessageSent)]


@pytest.mark.parametrize(
    ("edit", "alert"),
    [(without(TYPE.COOKIE), tls.MissingExtension), (extension(TYPE.COOKIE, b"\0\5bread"), tls.IllegalParameter)],
    ids=["absent", "another"],
)
def test_a_cookie_has_to_come_back_as_it_was_given(edit: Any, alert: type[tls.Alert]) -> None:
    case = Case("cookie", alert, again(edit), **ASKS)
    client, server = pair_with_cookie(case)
    assert isinstance(server.error, alert), repr(server.error)
    assert isinstance(client.error, tls.PeerAlert)


def pair_with_cookie(case: Case) -> tuple[tls.Connection, tls.Connection]:
    """Let a server of ours give a cookie, and a client that breaks the rules answer it."""
    client = End(tls.Client(client_config(TLS13, intercept=True, **case.theirs)), case.edits)
    gives = {RETRY: extension(TYPE.COOKIE, COOKIE)}
    server = End(tls.Server(server_config(TLS13, intercept=True, **case.ours)), gives)
    run(client, server)
    return client.connection, server.connection


@pytest.mark.parametrize("version", [0x0300, 0x0301, 0x0302, 0x0304, 0xFEFD], ids=hex)
@pytest.mark.parametrize("retried", [False, True], ids=["first", "behind a HelloRetryRequest"])
def test_the_legacy_version_of_every_server_hello_is_checked(version: int, *, retried: bool) -> None:
    """RFC 9846 4.2.3: it MUST be 0x0303."""
    settings = {"ours": ASKS["theirs"], "theirs": ASKS["ours"]} if retried else {}
    judge(
        Case("version", tls.IllegalParameter, {"ServerHello": fields(legacy_version=version)}, **settings),
        "client",
        TLS13,
    )
