"""A side that wants more security than its peer has refuses, and a server's alert says why."""

from __future__ import annotations

from test_tls13_interop import modern_client, modern_server
from tls_pair import Pair, client_config, connected, server_config

from trustlab import tls

HYBRID = (tls.Group.X25519MLKEM768,)


def test_a_server_that_requires_the_extended_master_secret_tells_a_client_without_it() -> None:
    client = client_config(extended_master_secret=False)
    pair = Pair(client=client, server=server_config(require_extended_master_secret=True)).run()
    assert isinstance(pair.server.error, tls.InsufficientSecurity)
    assert isinstance(pair.client.error.alert, tls.InsufficientSecurity)


def test_a_client_that_requires_the_extended_master_secret_refuses_a_server_without_it() -> None:
    client = client_config(require_extended_master_secret=True)
    pair = Pair(client=client, server=server_config(extended_master_secret=False)).run()
    assert isinstance(pair.client.error, tls.HandshakeFailure)


def test_two_that_require_the_extended_master_secret_agree_on_it() -> None:
    pair = connected(
        client=client_config(require_extended_master_secret=True),
        server=server_config(require_extended_master_secret=True),
    )
    assert pair.client.connection.extended_master_secret
    assert pair.server.connection.extended_master_secret


def test_a_server_with_nothing_but_a_post_quantum_group_tells_a_client_without_one() -> None:
    pair = Pair(client=modern_client(groups=(tls.Group.X25519,)), server=modern_server(groups=HYBRID)).run()
    assert isinstance(pair.server.error, tls.InsufficientSecurity)


def test_groups_that_merely_differ_are_a_failed_handshake() -> None:
    client = modern_client(groups=(tls.Group.X25519,))
    pair = Pair(client=client, server=modern_server(groups=(tls.Group.SECP256R1,))).run()
    assert isinstance(pair.server.error, tls.HandshakeFailure)
    assert not isinstance(pair.server.error, tls.InsufficientSecurity)
