"""An act between virtual machines is steered like one in memory: nothing of ours blocks, and the guests wait."""

from __future__ import annotations

import gc
import os
import time

import pytest
from steered import PATIENCE, stops
from uml_cases import gone

import trustlab.cloud.cloud
import trustlab.cloud.uml.machine
from trustlab.cloud import CloudClosedError
from trustlab.scenarios import rung
from trustlab.wire import HeldError

pytestmark = pytest.mark.machines


def test_it_stops_at_the_same_messages_as_in_memory():
    def passage(substrate):
        return [name for where, name in stops("tls13-early", substrate=substrate) if where == "teller-bank-1"]

    assert passage("uml") == passage("memory")


def test_a_run_is_held_longer_than_any_time_out_and_copies_are_not_kept(monkeypatch):
    monkeypatch.setattr(trustlab.cloud.cloud, "QUIET_TIMEOUT", 8.0)
    monkeypatch.setattr(trustlab.cloud.uml.machine, "CALL_TIMEOUT", 8.0)
    monkeypatch.setattr(trustlab.cloud.uml.machine, "REMIND", 0.2)
    with rung("key-in-quote", substrate="uml") as act:
        act.controller.break_on("ClientHello")
        act.controller.break_on("TPM2_Quote")
        act.start()
        for place in [("teller-bank-1", "ClientHello"), ("TPM of bank", "TPM2_Quote")]:
            assert act.controller.wait(PATIENCE) == place
            time.sleep(9)
            act.controller.play()
        assert act.wait(PATIENCE).outcome == "completed"
        hellos = [e for e in act.trace.select("frame", connection="teller-bank-1") if e.offset == 0]
        assert [(e.direction, e.data.get("fate")) for e in hellos] == [("client", "held"), ("server", None)]


def test_an_edit_is_made_by_stream_position_and_a_changed_length_is_refused():
    with rung("tls13-early", substrate="uml") as act:
        act.controller.break_on("ServerHello")
        act.start()
        assert act.controller.wait(PATIENCE) == ("teller-bank-1", "ServerHello")
        time.sleep(1)  # the bank's kernel sends its flight again
        random = act.controller.held.field("random").octets
        with pytest.raises(ValueError, match="cannot change a length"):
            act.controller.edit("random", b"short")
        act.controller.edit("random", bytes([random[5] ^ 1]), octet=5)
        with pytest.raises(HeldError):
            act._cloud.call(lambda: None)
        act.controller.play()
        outcome = act.wait(PATIENCE)
    assert outcome.outcome == "failed"
    edited = [e for e in act.trace.select("frame") if e.data.get("fate") == "edited"]
    assert edited
    for frame in edited:
        written, at = bytes.fromhex(frame.data["original"]), frame.data["payload_offset"]
        differ = [n for n, octet in enumerate(written) if frame.raw[at + n] != octet]
        assert [frame.offset + n for n in differ] == [5 + 4 + 2 + 5]
    assert not [
        e
        for e in act.trace.select("frame", connection="teller-bank-1")
        if e.direction == "server"
        and e.offset is not None
        and e.offset <= 16 < e.offset + e.data["payload_length"]
        and e not in edited
    ]


@pytest.mark.parametrize("stop", ["octets", "ServerHello", "CertificateVerify", "TPM2_Quote"])
def test_it_is_ended_where_it_is_held_and_leaves_nothing(stop, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    act = rung("tls13-early", substrate="uml")
    act.controller.break_on(stop)
    act.start()
    assert act.controller.wait(PATIENCE)
    pids = [machine.pid for machine in act._cloud.machines]
    began = time.monotonic()
    act.close()
    assert time.monotonic() - began < 10
    with pytest.raises(CloudClosedError):
        act.wait(0)
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    assert gone(tmp_path)


def test_an_edit_that_does_not_fit_ends_the_act_with_its_sentence():
    act = rung("tls13-early", substrate="uml")
    act.controller.tamper("ServerHello", "random", bytes(31))
    act.start()
    with pytest.raises(ValueError, match=r"ServerHello\.random has 32 octets"):
        act.wait(PATIENCE)
    act.close()


def test_an_act_that_nobody_holds_any_more_ends():
    act = rung("tls13-early", substrate="uml")
    act.controller.break_on("ServerHello")
    act.start()
    assert act.controller.wait(PATIENCE)
    thread, pids = act._life.thread, [machine.pid for machine in act._cloud.machines]
    del act
    gc.collect()
    thread.join(20)
    assert not thread.is_alive()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
