"""Who must be here, and what they must at least be able to do: a probe that fails must not make tests vanish."""

from __future__ import annotations

import pytest
from combinations import SUITES_12, SUITES_13, TLS12, TLS13, Offer, combinations
from peers import curl, everyone, gnutls, lacking, openssl, python_ssl

from trustlab import tls

MODERN = {
    tls.CipherSuite.TLS_AES_128_GCM_SHA256,
    tls.CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
}
PROBES = [python_ssl, openssl, gnutls, curl]


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_every_peer_is_here_with_both_versions_and_the_common_suites(probe: object) -> None:
    offer = probe()
    assert offer.versions == (TLS12, TLS13), offer.lacks
    assert offer.suites >= MODERN, offer.lacks
    assert offer.groups >= {tls.Group.X25519, tls.Group.SECP256R1}, offer.lacks


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.__name__)
def test_everything_a_peer_offers_is_tried_and_nothing_else(probe: object) -> None:
    offer: Offer = probe()
    tried = combinations(offer)
    assert {c.suite for c in tried} == set(SUITES_12 + SUITES_13) & set(offer.suites)
    assert {c.group for c in tried if c.version == TLS13} == offer.groups
    assert {(c.client, c.alpn) for c in tried} == {(c, a) for c in ("none", "ECDSA", "RSA") for a in (False, True)}


def test_what_a_peer_lacks_is_told_with_the_reason() -> None:
    told = "\n".join(lacking())
    for offer in everyone():
        for group in set(tls.Group) & {tls.Group.X25519MLKEM768} - offer.groups:
            assert f"{offer.name}: {group.name} is refused or unknown there" in told


def test_an_absent_program_has_no_combinations_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("peers.shutil.which", lambda name: None)
    gnutls.cache_clear()
    try:
        offer = gnutls()
        assert combinations(offer) == []
        assert "gnutls-cli is not installed" in offer.lacks[0]
    finally:
        gnutls.cache_clear()
