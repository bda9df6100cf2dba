"""Two ends without a network: what they say, what is between them, and how it ends."""

from __future__ import annotations

import pytest

from trustlab import tls
from trustlab.trace import Trace


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_both_ends_complete_and_talk(version: str) -> None:
    trace = Trace("mine")
    pair = tls.back_to_back(version, trace=trace)
    assert pair.trace is trace
    assert pair.complete
    pair.client.send(b"ping")
    pair.server.send(b"pong")
    pair.exchange()
    assert pair.heard == {"client": b"pong", "server": b"ping"}
    for party in ("teller", "bank"):
        names = [event.name for event in trace.select("tls.message", party=party)]
        assert names.count("Finished") == 2
        assert {event.connection for event in trace.select("tls.message", party=party)} == {"teller-bank"}


def test_each_flight_may_be_changed_and_whoever_notices_says_so() -> None:
    seen = []

    def meddle(who: str, data: bytes) -> bytes:
        seen.append(who)
        return data[:-1] + bytes([data[-1] ^ 1]) if len(seen) == 3 else data

    pair = tls.back_to_back("1.2", meddle=meddle)
    assert seen[:3] == ["client", "server", "client"]
    assert not pair.complete
    assert [(who, event.alert.name) for who, event in pair.alerts] == [("server", "bad_record_mac")]


def test_what_is_closed_in_order_is_no_alert() -> None:
    pair = tls.back_to_back("1.3")
    pair.client.close()
    pair.exchange()
    assert pair.alerts == []


@pytest.mark.parametrize(("version", "names"), [("1.2", "ServerKeyExchange"), ("1.3", "EncryptedExtensions")])
def test_one_suite_alone_may_be_asked_for(version: str, names: str) -> None:
    suite = {
        "1.2": tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "1.3": tls.CipherSuite.TLS_AES_256_GCM_SHA384,
    }[version]
    pair = tls.back_to_back(version, suite=suite)
    assert pair.complete
    assert names in [event.name for event in pair.trace.select("tls.message", party="teller")]
    hello = pair.trace.select("tls.message", party="bank", name="ServerHello")[0]
    assert int(suite).to_bytes(2, "big") in hello.raw


def test_in_1_2_the_master_secret_covers_no_transcript() -> None:
    """As the course wants it: extended_master_secret (RFC 7627) is off."""
    names = [
        span.name
        for event in tls.back_to_back().trace.select("tls.message", name="ClientHello")
        for span in event.spans
    ]
    assert not any("extended_master_secret" in name for name in names)


def test_the_certificate_is_made_once_in_a_process() -> None:
    first, again = (tls.back_to_back().trace.select("tls.message", name="Certificate")[0].raw for _ in range(2))
    assert first == again
    other = tls.back_to_back("1.3").trace.select("tls.message", name="Certificate")[0].raw
    assert len(other) < len(first) - 200, "a P-256 key, where 1.2 needs RSA to decrypt with"


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there is no TLS 1\.1 here: choose '1\.2' or '1\.3'"):
        tls.back_to_back("1.1")
