"""Frames as scapy packets."""

from __future__ import annotations

import threading
import time

from openssl_ends import Identity, pay
from scapy.layers.inet import IP, TCP

from trustlab.capture import Sniffer, packets
from trustlab.trace import Trace


def test_every_frame_of_a_trace_becomes_a_packet() -> None:
    trace = Trace()
    pay(trace, Identity())
    found = list(packets(trace))
    assert [bytes(p) for p in found] == [e.raw for e in trace.select("frame")]
    assert (found[0][IP].src, found[0][TCP].flags) == ("10.0.0.2", "S")


def test_a_sniffer_yields_packets_while_they_pass() -> None:
    trace = Trace()
    with Sniffer(trace, count=3, timeout=10) as sniffer:
        thread = threading.Thread(target=pay, args=(trace, Identity()))
        thread.start()
        assert [str(p[TCP].flags) for p in sniffer] == ["S", "SA", "A"]
        thread.join()


def test_a_sniffer_ends_when_its_time_is_up() -> None:
    began = time.monotonic()
    assert list(Sniffer(Trace(), timeout=0.05)) == []
    assert 0.04 < time.monotonic() - began < 5


def test_a_sniffer_picks_what_it_is_asked_for_and_stops_when_left() -> None:
    trace = Trace()
    with Sniffer(trace, match=lambda e: e.direction == "server") as sniffer:
        pay(trace, Identity())
    expected = [e.raw for e in trace.select("frame") if e.direction == "server"]
    pay(trace, Identity())
    assert [bytes(p) for p in sniffer] == expected
