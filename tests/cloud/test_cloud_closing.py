"""A cloud, its worker and an act are closed at any time, from any thread: nobody waits for ever, nothing stays on."""

from __future__ import annotations

import os
import threading
import time

import pytest

from trustlab.cloud import Cloud, CloudClosedError, CloudError, Image, Ordinary
from trustlab.cloud.machine import MemoryMachine
from trustlab.cloud.uml import UmlMachine
from trustlab.cloud.worker import Worker
from trustlab.scenarios import rung
from trustlab.scenarios.live_cloud import LiveCloud
from trustlab.trace import Trace
from trustlab.wire import WireError

IDLE = Image("idle", b"def start(guest): pass\n", {"design": "plain-tls"})


def in_time(work, *, seconds=30.0):
    """Run something on a thread of its own; what it returned or raised, or a failure where it hangs."""
    ended: list[object] = []

    def run():
        try:
            ended.append(work())
        except BaseException as error:  # noqa: BLE001 - it is looked at by the test
            ended.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def result():
        thread.join(seconds)
        assert not thread.is_alive(), f"it still waits after {seconds:g} s"
        return ended[0]

    return result


def test_a_call_that_comes_between_the_close_and_the_threads_end_is_told_so():
    worker, busy, go = Worker("test"), threading.Event(), threading.Event()
    running = in_time(lambda: worker.call(lambda: busy.set() or go.wait(30)))
    assert busy.wait(30)
    queued = in_time(lambda: worker.call(lambda: "never"))
    while not worker._queued:
        time.sleep(0.001)
    closing = in_time(worker.close)
    assert isinstance(queued(), CloudClosedError)  # while the other still runs
    late = in_time(lambda: worker.call(lambda: "never"))
    assert isinstance(late(), CloudClosedError)
    go.set()
    assert running() is True  # what runs is seen through
    assert closing() is None
    assert not worker.thread.is_alive()


def test_of_many_threads_that_call_and_close_at_once_none_waits_for_ever():
    for round_ in range(60):
        worker, last = Worker(f"test {round_}"), []

        def calls(worker=worker):
            done = 0
            try:
                while True:
                    done += worker.call(lambda: 1)
            except CloudClosedError:
                return done

        callers = [in_time(calls) for _ in range(6)]
        time.sleep(0.0005 * (round_ % 5))
        closers = [in_time(lambda w=worker, last=last: w.close(lambda: last.append(w.thread))) for _ in range(3)]
        assert [closer() for closer in closers] == [None] * 3
        assert all(isinstance(caller(), int) for caller in callers)
        assert last == [worker.thread]  # once, and there
        assert not worker.thread.is_alive()


def test_a_worker_that_closes_itself_ends_behind_what_runs():
    worker, told = Worker("test"), []
    assert worker.call(lambda: worker.close(lambda: told.append("last")) or told.append("runs on") or "done") == "done"
    worker.close()
    assert told == ["runs on", "last"]
    assert not worker.thread.is_alive()


def test_what_the_last_work_raises_is_raised_by_the_first_close_and_the_thread_ends():
    worker = Worker("test")
    with pytest.raises(ZeroDivisionError):
        worker.close(lambda: 1 // 0)
    worker.close()
    assert not worker.thread.is_alive()


def test_a_machine_that_is_booting_when_the_cloud_is_closed_is_switched_off_too(monkeypatch):
    made, begun, go = [], threading.Event(), threading.Event()
    boots = MemoryMachine.__init__

    def slow(self, *args, **kwargs):
        boots(self, *args, **kwargs)
        made.append(self)
        begun.set()
        go.wait(30)

    monkeypatch.setattr(MemoryMachine, "__init__", slow)
    cloud = Cloud("memory")
    renting = in_time(lambda: cloud.rent("bank", IDLE, Ordinary))
    assert begun.wait(30)
    closing = in_time(cloud.close)
    go.set()
    assert closing() is None
    assert renting() is made[0]
    assert not made[0].platform.on
    made[0].close()  # harmless, though there is no cloud any more


def test_one_machine_that_cannot_be_switched_off_does_not_keep_the_others_on(monkeypatch):
    cloud = Cloud("memory")
    machines = [cloud.rent(name, IDLE, Ordinary) for name in ("a", "b", "c")]

    def fails():
        raise CloudError("the plug is stuck")

    stuck = machines[1].power_off
    monkeypatch.setattr(machines[1], "power_off", fails)
    with pytest.raises(CloudError, match="the plug is stuck"):
        cloud.close()
    assert [machine.platform.on for machine in machines] == [False, True, False]
    stuck()


@pytest.fixture
def machines_made(monkeypatch):
    """Every machine that is made, to look at it afterwards."""
    made = []
    boots = MemoryMachine.__init__

    def noting(self, *args, **kwargs):
        boots(self, *args, **kwargs)
        made.append(self)

    monkeypatch.setattr(MemoryMachine, "__init__", noting)
    return made


@pytest.mark.parametrize("milliseconds", range(0, 60, 5))
def test_an_act_is_closed_from_another_thread_while_it_is_played(milliseconds, machines_made):
    act = rung("tls13-early")
    running = in_time(lambda: act.run().outcome)
    while act._cloud is None or not act._cloud.machines:
        time.sleep(0.0005)
    time.sleep(milliseconds / 1000)
    closing = [in_time(act.close) for _ in range(2)]
    assert [closed() for closed in closing] == [None, None]
    told = running()
    assert told == "completed" or isinstance(told, CloudClosedError), told
    assert machines_made
    assert not any(machine.platform.on for machine in machines_made)


@pytest.mark.parametrize("event", ["substrate", "ready", "TPM2_Quote", "the payment", "power off"])
def test_a_subscriber_may_close_the_act_that_it_watches(event, machines_made):
    act = rung("tls13-early")

    def watch(seen):
        if seen.name == event:
            act.close()

    act.trace.subscribe(watch)
    told = in_time(act.run)()
    act.close()
    if event in ("TPM2_Quote", "power off"):  # then the last piece of work runs, and is seen through
        assert told.outcome == "completed"
    else:
        assert isinstance(told, CloudClosedError), told
    assert not any(machine.platform.on for machine in machines_made)


def test_an_act_that_was_closed_before_is_not_played_any_more(machines_made):
    act = rung("tls13-early")
    act.close()
    with pytest.raises(CloudClosedError, match="make a new one"):
        act.run()
    assert not machines_made


def test_an_act_that_is_closed_while_its_cloud_is_made_leaves_none(monkeypatch):
    act, made = rung("tls13-early"), []
    begins = Cloud.__init__

    def slow(self, *args, **kwargs):
        begins(self, *args, **kwargs)
        made.append(self)
        act.close()

    monkeypatch.setattr(Cloud, "__init__", slow)
    with pytest.raises(CloudClosedError):
        act.run()
    assert not made[0]._worker.thread.is_alive()


def test_an_act_that_is_over_keeps_its_outcome():
    act = rung("tls13-early")
    told = act.run()
    act.close()
    assert act.run() is told


def test_a_town_is_closed_while_it_opens(machines_made):
    for delay in (0, 0.01, 0.03):
        town = LiveCloud("tls13-early")
        opening = in_time(town.open)
        time.sleep(delay)
        assert in_time(town.close)() is None
        told = opening()
        assert told is None or isinstance(told, CloudClosedError), told
        town.close()
    assert not any(machine.platform.on for machine in machines_made)


@pytest.mark.machines
@pytest.mark.parametrize("seconds", [0.05, 0.6])
def test_a_cloud_of_virtual_machines_is_closed_while_somebody_waits_for_one(seconds):
    cloud = Cloud("uml", trace=Trace("closed early", "uml"))
    waiting = in_time(lambda: cloud.rent("bank", IDLE, Ordinary))
    while not cloud.machines:
        time.sleep(0.01)
    (machine,) = cloud.machines
    time.sleep(seconds)
    assert in_time(cloud.close)() is None
    told = waiting()
    assert isinstance(told, CloudError | UmlMachine), told
    with pytest.raises(WireError, match="closed"):
        cloud.order(lambda switch: switch)
    assert not machine.platform.on
    with pytest.raises(ProcessLookupError):
        os.kill(machine.pid, 0)
