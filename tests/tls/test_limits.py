"""`tls.Limits`: at each bound a peer is served, one beyond it the connection ends with the alert that is meant for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from test_tls13_interop import modern_client, modern_server
from tls_pair import Pair, client_config, client_identity, root, server_config, server_identity

from trustlab import tls
from trustlab.tls import authenticators
from trustlab.tls.records import parse_record_header, record_header

if TYPE_CHECKING:
    from collections.abc import Callable

TLS12, TLS13 = tls.Version.TLS12, tls.Version.TLS13
CLASSIC = (tls.Group.X25519, tls.Group.SECP256R1)
VERSION = pytest.mark.parametrize("version", [TLS12, TLS13], ids=["TLS 1.2", "TLS 1.3"])
ROLE = pytest.mark.parametrize("role", ["client", "server"])


def limited(version: tls.Version, role: str, limits: tls.Limits, **peers: Any) -> Pair:
    """Make a pair in which this role has these limits, and its peer these settings; both ends show certificates."""
    identity = client_identity()
    theirs = {"certificates": (identity.der,), "key": identity.key}
    ours = {"client_certificate": "require", "trust": [root().certificate]}
    client, server = ({"limits": limits}, peers) if role == "client" else (peers, {"limits": limits})
    return Pair(
        client_config(versions=(version,), **(theirs | client)), server_config(versions=(version,), **(ours | server))
    )


def ends(pair: Pair, role: str) -> tuple[Any, Any]:
    """Return the end that has the limits, and its peer."""
    return (pair.client, pair.server) if role == "client" else (pair.server, pair.client)


@VERSION
@ROLE
def test_a_handshake_message_may_be_as_long_as_the_limit(version: tls.Version, role: str) -> None:
    end, _ = ends(limited(version, role, tls.Limits()).run(), role)
    longest = max(len(e.raw) for e in end.of(tls.MessageReceived)) - 4  # the limit does not count the header
    end, _ = ends(limited(version, role, tls.Limits(message=longest)).run(), role)
    assert end.connection.handshake_complete
    end, _ = ends(limited(version, role, tls.Limits(message=longest - 1)).run(), role)
    assert isinstance(end.error, tls.IllegalParameter)


@VERSION
@ROLE
def test_a_chain_may_have_as_many_certificates_as_the_limit(version: tls.Version, role: str) -> None:
    leaf = (server_identity("RSA") if role == "client" else client_identity()).der
    for length in (1, 3):
        end, _ = ends(
            limited(version, role, tls.Limits(chain=3), certificates=(leaf, *[root().der] * (length - 1))).run(), role
        )
        assert end.connection.handshake_complete, end.error
        assert len(end.connection.peer_certificates) == length
    end, _ = ends(limited(version, role, tls.Limits(chain=3), certificates=(leaf, *[root().der] * 3)).run(), role)
    assert isinstance(end.error, tls.BadCertificate)
    assert "4 certificates" in str(end.error)


def test_octets_may_pile_up_to_the_limit_in_any_number_of_pieces() -> None:
    for pieces in ([100], [60, 40], [1] * 100):
        server = tls.Server(server_config(limits=tls.Limits(buffered=100)))
        for size in pieces:
            server.receive(bytes(size))
        with pytest.raises(tls.LocalProtocolError, match="more than 100 octets"):
            server.receive(b"x")
    server = tls.Server(server_config(limits=tls.Limits(buffered=100)))
    with pytest.raises(tls.LocalProtocolError, match="more than 100 octets"):
        server.receive(bytes(101))


def warning(end: Any) -> None:
    end.connection._send_alert(tls.UserCanceled(), fatal=False)


def empty_record(end: Any) -> None:
    end.connection.records.write_message(23, b"")


def key_update(end: Any) -> None:
    end.connection.update_keys()


LIMITED = {
    "warnings": (warning, (TLS12, TLS13)),
    "empty_records": (empty_record, (TLS12, TLS13)),
    "key_updates": (key_update, (TLS13,)),
}
CASES = [
    pytest.param(name, once, version, id=f"{name} in {version.title}")
    for name, (once, versions) in LIMITED.items()
    for version in versions
]


@pytest.mark.parametrize(("name", "once", "version"), CASES)
@ROLE
@pytest.mark.parametrize("limit", [1, None], ids=["of 1", "by default"])
def test_what_may_come_so_often_in_a_row_may_come_again_behind_data(
    name: str, once: Callable[[Any], None], version: tls.Version, role: str, limit: int | None
) -> None:
    limits = tls.Limits() if limit is None else tls.Limits(**{name: limit})
    patience = getattr(limits, name)
    pair = limited(version, role, limits).run()
    end, peer = ends(pair, role)
    for said in (b"one", b"two"):
        for _ in range(patience):
            once(peer)
        pair.run()
        assert end.error is None
        peer.connection.send(said)
        pair.run()
    assert end.data == b"onetwo"
    for _ in range(patience + 1):
        once(peer)
    pair.run()
    assert isinstance(end.error, tls.UnexpectedMessage)


@ROLE
def test_a_compatibility_ccs_is_dropped_as_often_as_the_limit(role: str) -> None:
    """Each side's own compatibility ChangeCipherSpec counts, which is why it is switched off here."""
    for count, borne in ((3, True), (4, False)):
        pair = Pair(
            modern_client(limits=tls.Limits(compatibility_ccs=3), middlebox_compatibility=False),
            modern_server(limits=tls.Limits(compatibility_ccs=3), middlebox_compatibility=False),
        )
        pair.server.connection.receive(pair.client.drain())
        end, rest = pair.server, b""
        if role == "client":
            end, rest = pair.client, pair.server.drain()
        end.connection.receive(b"\x14\x03\x03\x00\x01\x01" * count + rest)
        end.process()
        if borne:
            assert end.error is None
        else:
            assert isinstance(end.error, tls.UnexpectedMessage)


@pytest.mark.parametrize("server_groups", [CLASSIC, (tls.Group.SECP256R1,)], ids=["at once", "behind a retry"])
@pytest.mark.parametrize(
    ("sizes", "survives"), [((1000,), True), ((400, 600), True), ((1001,), False), ((400, 601), False)]
)
def test_unwanted_early_data_is_skipped_up_to_the_limit(
    server_groups: tuple[int, ...], sizes: tuple[int, ...], *, survives: bool
) -> None:
    pair = Pair(
        modern_client(extensions=(tls.Extension(tls.ExtensionType.EARLY_DATA),), groups=CLASSIC),
        modern_server(groups=server_groups, limits=tls.Limits(early_data=1000)),
    )
    early = b"".join(b"\x17\x03\x03" + size.to_bytes(2, "big") + b"e" * size for size in sizes)
    pair.server.connection.receive(pair.client.drain() + early)
    pair.run()
    assert pair.server.connection.handshake_complete is survives


@ROLE
def test_as_many_records_are_written_with_one_key_as_the_limit(role: str) -> None:
    pair = limited(TLS13, role, tls.Limits(records_per_key=3)).run()
    end, peer = ends(pair, role)
    before = end.sent.count("KeyUpdate"), end.connection.records.write.sequence
    assert before[0] == 0
    for n in range(3 - before[1]):
        end.connection.send(b"%d" % n)
        pair.run()
    assert end.sent.count("KeyUpdate") == 0
    end.connection.send(b"!")
    pair.run()
    assert end.sent.count("KeyUpdate") == 1
    assert peer.data.endswith(b"!")
    assert peer.error is None


@pytest.mark.parametrize("coalesce", [False, True])
def test_one_long_text_changes_keys_as_often_as_the_limit_says(*, coalesce: bool) -> None:
    limits = tls.Limits(records_per_key=3)
    pair = Pair(modern_client(limits=limits, coalesce=coalesce), modern_server()).run()
    text = bytes(range(256)) * 64 * 10
    pair.client.connection.send(text)
    pair.run()
    assert pair.client.sent.count("KeyUpdate") == 3, "ten records and a Finished, three with one key"
    assert pair.server.data == text
    assert pair.server.error is None


def test_requests_to_renegotiate_are_refused_up_to_the_limit_and_then_end_the_connection() -> None:
    client = client_config(versions=(TLS12,), limits=tls.Limits(warnings=2))
    pair = Pair(client, server_config(versions=(TLS12,))).run()
    for survives in (True, True, False):
        pair.server.connection.records.write_message(22, bytes(4))
        pair.run()
        assert (pair.client.error is None) is survives
    assert isinstance(pair.client.error, tls.UnexpectedMessage)


@ROLE
def test_an_authenticator_may_have_as_many_certificates_as_the_limit(role: str) -> None:
    pair = limited(TLS13, role, tls.Limits(chain=2)).run()
    end, peer = ends(pair, role)
    identity = server_identity("RSA") if role == "client" else client_identity()
    for length in (1, 2, 3):
        asked = authenticators.request(end.connection)
        unsigned = authenticators.prepare(peer.connection, asked, [identity.der, *[root().der] * (length - 1)])
        signed = unsigned.finish(
            tls.perform(tls.KeyOperationWanted("sign", identity.key, unsigned.data, unsigned.scheme))
        )
        if length <= 2:
            assert len(authenticators.validate(end.connection, asked, signed).chain) == length
        else:
            with pytest.raises(tls.BadCertificate, match="3 certificates"):
                authenticators.validate(end.connection, asked, signed)


def test_a_record_may_be_as_long_as_its_bound_and_no_longer() -> None:
    """RFC 5246 6.2.3: a fragment has at most 2^14 + 2048 octets."""
    longest = 2**14 + 2048
    assert parse_record_header(record_header(23, 0x0303, longest)) == (23, 0x0303, longest)
    with pytest.raises(tls.RecordOverflow, match=f"a record of {longest + 1} octets"):
        parse_record_header(record_header(23, 0x0303, longest + 1))
