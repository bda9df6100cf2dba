"""What is read from the wire is what our own engine says it wrote and read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from openssl_ends import PIN, RECEIPT, Identity, network

from trustlab import tls
from trustlab.capture import PassiveDecoder, TraceKeys, knowledge
from trustlab.tls.unchecked import UncheckedClientConfig
from trustlab.trace import Trace, TraceEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.wire import MemoryNetwork


class EngineEnd:
    """Our engine as a `wire.Endpoint`, telling the trace what it does."""

    def __init__(self, connection: tls.Connection, observer: tls.TraceObserver, says: bytes, *, closes: bool) -> None:
        self.engine, self.observer, self.says, self.closes = connection, observer, says, closes
        self.renews = False

    @property
    def closed(self) -> bool:
        return self.engine.closed

    def receive(self, data: bytes) -> None:
        self.engine.receive(data)

    def eof_received(self) -> None:
        self.engine.eof_received()

    def data_to_send(self) -> bytes:
        self._drain()
        return self.engine.data_to_send()

    def _drain(self) -> None:
        for event in tls.pump(self.engine):
            self.observer.observe(event)
            if isinstance(event, tls.HandshakeCompleted) and self.closes:
                if self.renews:
                    self.engine.update_keys(request_peer=True)
                self.engine.send(self.says)
            elif isinstance(event, tls.ApplicationData):
                if self.closes:
                    self.engine.close()
                else:
                    self.engine.send(self.says)
            elif isinstance(event, tls.ConnectionClosed) and not self.engine.closed:
                self.engine.close()


def run(suite: tls.CipherSuite, *, extended: bool = True, renews: bool = False, **client: object) -> Trace:
    trace, identity = Trace(), Identity()
    wire = network(trace)
    common = {"versions": (version_of(suite),), "cipher_suites": (suite,), "extended_master_secret": extended}
    server = tls.Server(tls.ServerConfig(certificates=(identity.der,), key=identity.key, **common))  # type: ignore[arg-type]
    config = UncheckedClientConfig(server_name="bank.example", **common | client)  # type: ignore[arg-type]
    bank = EngineEnd(server, tls.TraceObserver(trace.party("bank"), "teller-bank-1", "server"), RECEIPT, closes=False)
    teller = EngineEnd(
        tls.Client(config), tls.TraceObserver(trace.party("teller"), "teller-bank-1", "client"), PIN, closes=True
    )
    teller.renews = renews
    _connect(wire, teller, bank)
    return trace


def _connect(wire: MemoryNetwork, teller: EngineEnd, bank: EngineEnd) -> None:
    wire.listen("bank", 443, lambda _: bank)
    wire.connect("teller", "bank", 443, teller)
    wire.run()


def version_of(suite: tls.CipherSuite) -> tls.Version:
    return tls.Version.TLS12 if "_WITH_" in suite.name else tls.Version.TLS13


def facts(events: Iterable[TraceEvent], party: str) -> list[tuple[object, ...]]:
    return [
        (
            e.name,
            e.raw,
            e.spans,
            e.direction,
            e.offset,
            e.sent,
            e.data["records"],
            e.data["encrypted"],
        )
        for e in events
        if e.kind == "tls.message" and e.party == party
    ]


SUITES = [
    (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256, False),
    (tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256, True),
    (tls.CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, True),
    (tls.CipherSuite.TLS_AES_128_GCM_SHA256, True),
    (tls.CipherSuite.TLS_CHACHA20_POLY1305_SHA256, True),
]


@pytest.mark.parametrize(("suite", "extended"), SUITES)
@pytest.mark.parametrize("party", ["teller", "bank"])
def test_the_engine_and_the_wire_tell_the_same_story(suite: tls.CipherSuite, party: str, *, extended: bool) -> None:
    own = run(suite, extended=extended)
    seen = Trace()
    decoder = PassiveDecoder(seen, keys=TraceKeys(own))
    decoder.feed(own.select("frame"))
    decoder.finish()
    written, read = facts(own, party), facts(seen, party)
    unread = [f for f in read if f not in written]
    assert [f for f in written if f not in read] == []
    assert [(f[0], f[3]) for f in unread] == (
        [("Alert", "server")] if party == "teller" else []
    )  # it had closed already
    assert len(written) >= 12


def test_a_second_client_hello_and_new_keys_are_followed() -> None:
    own = run(tls.CipherSuite.TLS_AES_256_GCM_SHA384, renews=True, key_shares=())
    seen = Trace()
    PassiveDecoder(seen, keys=TraceKeys(own)).feed(own.select("frame")).finish()
    for direction in ("client", "server"):  # the wire cannot tell when within a chunk the bank answered
        written, read = ([f for f in facts(t, "bank") if f[3] == direction] for t in (own, seen))
        assert written == read
    names = [name for name, *_ in facts(seen, "bank")]
    assert (names.count("ClientHello"), names.count("HelloRetryRequest"), names.count("KeyUpdate")) == (2, 1, 2)
    assert {e.data["version"] for e in seen.select("tls.message") if e.data["encrypted"]} == {"TLS 1.3"}
    assert knowledge(own, "bank").holds(PIN) != []


@pytest.mark.parametrize("extended", [False, True])
def test_a_pre_master_secret_alone_opens_the_connection(*, extended: bool) -> None:
    trace = run(tls.CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256, extended=extended)
    pre_master = trace.select("secret", party="teller", name="pre_master_secret")[0].raw
    assert knowledge(trace, "alice").holds(PIN) == []
    trace.party("alice").secret("pre_master_secret", pre_master)
    assert knowledge(trace, "alice").holds(PIN) != []
