"""A run that stalls says who waits for how many octets of what."""

from __future__ import annotations

import re

import pytest
from tls_identities import server_identity

from trustlab import tls
from trustlab.cloud.uml import why_not
from trustlab.scenarios import rung
from trustlab.scenarios.live_cloud import LiveCloud
from trustlab.tls.unchecked import UncheckedClientConfig
from trustlab.wire import Match, MemoryNetwork, QuietError

COUNT = re.compile(r"(\d+) more octets of ([^(]+) \((\d+) of (\d+) are here\)")


class Cut:
    """An end of which the network carries so many octets, and no more."""

    def __init__(self, end, octets: int) -> None:
        self._end, self._left = end, octets

    def data_to_send(self) -> bytes:
        data = self._end.data_to_send()[: self._left]
        self._left -= len(data)
        return data

    def __getattr__(self, name):
        return getattr(self._end, name)


def stalled(monkeypatch, design: str, octets: int, *, party="bank"):
    """Play a payment of which so many octets of the bank's come through, or of the teller's."""
    listens, connects = MemoryNetwork.listen, MemoryNetwork.connect

    def listen(self, host, port, accept):
        cut = (lambda c: Cut(accept(c), octets)) if (host, party) == ("bank", "bank") and port == 443 else accept
        listens(self, host, port, cut)

    def connect(self, client, server, port, endpoint, **options):
        mine = (client, party, port) == ("teller", "teller", 443)
        return connects(self, client, server, port, Cut(endpoint, octets) if mine else endpoint, **options)

    monkeypatch.setattr(MemoryNetwork, "listen", listen)
    monkeypatch.setattr(MemoryNetwork, "connect", connect)
    with rung(design) as act:
        return act.run()


@pytest.mark.parametrize("octets", [0, 3, 5, 44, 700])
@pytest.mark.parametrize("design", ["plain-tls", "trusted-passage", "tls13-handshake-secret"])
def test_a_handshake_that_is_cut_off_is_told_with_what_the_other_end_waits_for(monkeypatch, design, octets):
    told = stalled(monkeypatch, design, octets)
    assert told.outcome == "failed"
    assert told.sentence.startswith("The payment stalled: teller waits on teller-bank-1 for ")
    assert "bank waits on teller-bank-1 for " in told.sentence
    waits = told.sentence.split("bank waits")[0]
    if octets == 0:
        assert "no octet of it is here" in waits
        assert ("the handshake's next message" if design == "plain-tls" else "ServerHello") in waits
        return
    counts = COUNT.findall(waits)
    assert counts
    for more, _, here, size in counts:
        assert int(more) == int(size) - int(here) > 0
    if octets == 3:
        assert counts == [("2", "a record's header", "3", "5")]


@pytest.mark.parametrize(
    ("octets", "told"), [(0, "no octet of it is here"), (20, r"\d+ more octets of a record \(20 of \d+ are here\)")]
)
def test_the_message_is_named_of_which_a_part_is_here(monkeypatch, octets, told):
    sentence = stalled(monkeypatch, "trusted-passage", octets, party="teller").sentence
    assert re.search(rf"bank waits on teller-bank-1 for ClientHello: {told}\.", sentence), sentence


def test_a_message_over_several_records_is_counted_apart_from_its_record():
    client = tls.Client(UncheckedClientConfig(server_name="bank.example"))
    hello = client.data_to_send()
    identity = server_identity("ECDSA")
    server = tls.Server(tls.ServerConfig(certificates=(identity.der,), key=identity.key))
    body = hello[5:]
    for start in (0, 30):
        piece = body[start : start + 30]
        server.receive(tls_record(piece))
        server.data_to_send()
    assert server.waits_for == f"ClientHello: {len(body) - 60} more octets of ClientHello (60 of {len(body)} are here)"
    server.receive(tls_record(body[60:90])[:10])
    server.data_to_send()
    assert server.waits_for == (
        "ClientHello: 25 more octets of a record (10 of 35 are here) and "
        f"{len(body) - 60} more octets of ClientHello (60 of {len(body)} are here)"
    )
    server.abort(tls.InternalError("enough"))
    assert server.waits_for == ""


def tls_record(content: bytes) -> bytes:
    return b"\x16\x03\x03" + len(content).to_bytes(2, "big") + content


def test_an_exchange_inside_the_channel_that_stalls_is_told(monkeypatch):
    whole = 100_000
    for octets in range(1_000, whole, 150):
        sentence = stalled(monkeypatch, "session-hash", octets).sentence
        monkeypatch.undo()
        if "attestation exchange" in sentence:
            break
    assert "more octets of a frame of the attestation exchange" in sentence
    assert "application data" in sentence


def test_a_run_without_end_says_who_waits(monkeypatch):
    monkeypatch.setattr(MemoryNetwork.run, "__kwdefaults__", {"limit": 5})
    with rung("trusted-passage") as act, pytest.raises(QuietError, match=r"still open: .* waits on .* for "):
        act.run()


@pytest.mark.machines
def test_in_virtual_machines_frames_that_are_held_are_waited_for():
    assert why_not() is None
    with LiveCloud("trusted-passage", substrate="uml") as town:
        town.open()
        held = town.cloud.order(lambda switch: switch.hold(Match(payload=True)))
        said = town.pay()
        assert any(
            re.fullmatch(r"bank waits on \S+ for ClientHello: no octet of it is here\.", line) for line in said
        ), said
        town.cloud.order(lambda _switch: held.undo())
