"""A peer gets its burst at once and then its rate, whatever the others do; what is remembered is bounded."""

from __future__ import annotations

import pytest

from trustlab.passage import AttestationFailure, Pace, Paced, pace


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_peer_gets_its_burst_at_once_and_then_waits():
    clock = Clock()
    bucket = Pace(2, rate=0.5, clock=clock)
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]
    assert bucket.take("b")
    clock.now = 2.0
    assert [bucket.take("a") for _ in range(2)] == [True, False]


def test_a_peer_that_rests_saves_no_more_than_a_burst():
    clock = Clock()
    bucket = Pace(2, clock=clock)
    clock.now = 1000.0
    assert [bucket.take("a") for _ in range(3)] == [True, True, False]


def test_no_more_peers_are_remembered_than_there_is_room_for(monkeypatch):
    monkeypatch.setattr(pace, "PEERS", 3)
    bucket = Pace(1, rate=0.0)
    for name in "abcd":
        assert bucket.take(name)
    assert bucket.take("a")  # forgotten, as the oldest
    assert not bucket.take("d")


def test_the_machine_is_not_asked_for_what_the_pace_refuses():
    class Machine:
        asked = 0

        def attest(self, binder, *, prove_key):
            self.asked += 1
            return binder

    machine = Machine()
    paced = Paced(machine, Pace(1, rate=0.0), "a stranger")
    assert paced.attest(b"binder", prove_key=False) == b"binder"
    with pytest.raises(AttestationFailure, match="a stranger has had its share"):
        paced.attest(b"binder", prove_key=False)
    assert machine.asked == 1
