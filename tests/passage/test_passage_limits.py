"""A peer gets its burst at once and then its rate, whatever the others do; what is remembered is bounded."""

from __future__ import annotations

import contextlib

import pytest

from trustlab.passage import AttestationFailure, RateLimitedAttester, RateLimiter, limits
from trustlab.passage.limits import ConnectionLimit


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_peer_gets_its_burst_at_once_and_then_waits():
    clock = Clock()
    bucket = RateLimiter(2, rate=0.5, clock=clock)
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]
    assert bucket.take("b")
    clock.now = 2.0
    assert [bucket.take("a") for _ in range(2)] == [True, False]


def test_a_peer_that_rests_saves_no_more_than_a_burst():
    clock = Clock()
    bucket = RateLimiter(2, clock=clock)
    clock.now = 1000.0
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]


def test_no_more_peers_are_remembered_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(limits, "PEERS", 3)
    bucket = RateLimiter(1, rate=0.0)
    for name in "abcd":
        assert bucket.take(name)
    assert bucket.take("a")  # forgotten, as the oldest
    assert not bucket.take("d")


def test_the_machine_is_not_asked_for_what_the_limiter_refuses():
    class Machine:
        asked = 0

        def attest(self, binder, *, prove_key):
            self.asked += 1
            return binder

    machine = Machine()
    limited = RateLimitedAttester(machine, RateLimiter(1, rate=0.0), "a stranger")
    assert limited.attest(b"binder", prove_key=False) == b"binder"
    with pytest.raises(AttestationFailure, match="a stranger has used up its quotes for now, and may ask again later"):
        limited.attest(b"binder", prove_key=False)
    assert machine.asked == 1


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("2001:db8:0:1::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("somewhere", "elsewhere", False),
    ],
)
def test_an_ipv6_peer_shares_with_its_64_bits_and_any_other_with_nobody(first, second, *, same):
    bucket = RateLimiter(1, rate=0.0)
    assert bucket.take(first)
    assert bucket.take(second) is not same
    assert not bucket.take(first)


def test_as_many_peers_are_remembered_as_there_is_room_for(monkeypatch):
    monkeypatch.setattr(limits, "PEERS", 3)
    bucket = RateLimiter(1, rate=0.0)
    for name in "abc":
        assert bucket.take(name)
    assert not any(bucket.take(name) for name in "abc")


def test_the_peer_that_was_heard_of_longest_ago_is_forgotten_first(monkeypatch):
    """What counts is when it last asked, not when it first did."""
    monkeypatch.setattr(limits, "PEERS", 2)
    bucket = RateLimiter(1, rate=0.0)
    bucket.take("old, but here again")
    bucket.take("heard of longest ago")
    assert not bucket.take("old, but here again")
    bucket.take("new")
    assert not bucket.take("old, but here again")
    assert bucket.take("heard of longest ago")


class Stream:
    """A passage that notes why it was given up."""

    reason = None

    def give_up(self, reason):
        self.reason = reason


def crowded(room, *peers):
    """Let connections from these addresses come one after the other; return those that were given up, by number."""
    connections, streams = ConnectionLimit(room, "no room"), [Stream() for _ in peers]
    with contextlib.ExitStack() as stack:
        for stream, peer in zip(streams, peers, strict=True):
            stack.enter_context(connections.holding(stream, peer))
            assert len(connections) <= room
        assert {stream.reason for stream in streams} <= {None, "no room"}
        left = [number for number, stream in enumerate(streams) if stream.reason]
    assert len(connections) == 0
    return left


@pytest.mark.parametrize(
    ("peers", "lost"),
    [
        ("aaa", []),
        ("aaaa", [0]),
        ("aaaaa", [0, 1]),
        ("baaa", [1]),
        ("abbb", [1]),
        ("bbaac", [0, 2]),
        ("abcd", [0]),
        (("2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"), [0]),
        (("192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.2"), [1]),
    ],
)
def test_for_one_more_than_there_is_room_for_whoever_has_the_most_loses_its_oldest(peers, lost):
    assert crowded(3, *peers) == lost


def test_who_has_left_takes_no_room():
    connections = ConnectionLimit(1, "no room")
    for _ in range(3):
        stream = Stream()
        with connections.holding(stream, "a"):
            assert len(connections) == 1
        assert stream.reason is None
