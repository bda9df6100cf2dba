"""An act is steered: held at any message and TPM command, edited, cancelled anywhere; and it leaves nothing."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time

import pytest
from processes import children
from steered import PATIENCE, stops

from trustlab.cloud import CloudClosedError, CloudError
from trustlab.scenarios import plain_tls, rung, trusted_passage
from trustlab.trace import Stages
from trustlab.wire import HeldError


def tpms():
    """Return the process ids of this process's TPM emulators."""
    return [pid for pid, name in children(os.getpid()).items() if name == "swtpm"]


def held(act, *steps):
    """Start an act, and go to where it is held after these steps."""
    act.start()
    for what in steps:
        assert act.controller.wait(PATIENCE)
        act.controller.step(what)
    return act.controller.wait(PATIENCE)


HANDSHAKE13 = ["ClientHello", "ServerHello", "ChangeCipherSpec", "EncryptedExtensions", "CertificateRequest"]
PROOF = ["Certificate", "CertificateVerify", "Finished"]
DATA = ["ApplicationData", "ApplicationData", "Alert", "Alert"]


def test_start_returns_at_once_and_a_step_is_a_message():
    places = stops("tls13-early", "message")
    passage = [name for connection, name in places if connection == "teller-bank-1"]
    assert passage == [*HANDSHAKE13, *PROOF, "ChangeCipherSpec", *PROOF, *DATA]


def test_tpm_commands_are_stepped_between_the_messages():
    places = stops("key-in-quote", "tpm")
    names = [name for _, name in places]
    start = names.index("ClientHello")
    between = places[start + 1 : names.index("ServerHello")]
    assert ("TPM of bank", "TPM2_Quote") in between
    assert all(where == "TPM of bank" and name.startswith("TPM2_") for where, name in between)


@pytest.mark.long
@pytest.mark.parametrize("design", ["plain-tls", "tls13-early", "trusted-passage"])
def test_an_act_is_ended_at_every_stop_and_leaves_nothing(design):
    count, threads = len(stops(design, "tpm")), threading.active_count()
    assert count > 10
    before = set(tpms())
    for stop in range(count):
        act = rung(design)
        act.controller.step("tpm")
        assert held(act, *["tpm"] * stop)
        began = time.monotonic()
        act.close()
        assert time.monotonic() - began < 5
        assert act.controller.state == "ended"
        with pytest.raises(CloudClosedError, match=r"was ended early|is closed"):
            act.wait(0)
        assert act.outcome is None
        assert threading.active_count() == threads, threading.enumerate()
        assert set(tpms()) == before


def test_the_trace_is_live_while_the_act_is_held_and_what_is_held_is_not_on_the_wire():
    with plain_tls(None) as act:
        act.controller.break_on("ServerHello")
        assert held(act) == ("teller-bank-1", "ServerHello")
        names = {e.name for e in act.trace.select("tls.message", connection="teller-bank-1")}
        assert names == {"ClientHello"}
        act.controller.play()
        assert act.wait(PATIENCE).outcome == "completed"


def test_what_is_asked_of_a_held_act_is_refused_at_once():
    with trusted_passage(None) as act:
        act.controller.break_on("SupplementalData")
        held(act)
        began = time.monotonic()
        with pytest.raises(HeldError, match="held at SupplementalData on teller-bank-1: play, step or close it first"):
            act._cloud.call(lambda: None)
        bank, teller = act._cloud.machines
        for machine, verb in ((bank, "open_account"), (teller, "pay")):
            with pytest.raises(HeldError):
                machine.control(verb)
        assert time.monotonic() - began < 2
        with pytest.raises(TimeoutError, match=r"did not end within 0\.01 s: the run is held at SupplementalData"):
            act.wait(0.01)


def test_a_call_that_waits_already_is_refused_when_the_run_is_held():
    with plain_tls(None) as act:
        act.controller.break_on("ServerHello")
        told, asked = [], threading.Event()

        def ask():
            asked.set()
            try:
                act._cloud.call(lambda: None)
            except HeldError as error:
                told.append(error)

        thread = threading.Thread(target=ask, daemon=True)

        def watch(event):  # on the run's thread: the call waits behind what moves the octets
            if event.name == "ClientHello" and not asked.is_set():
                thread.start()
                asked.wait(5)
                time.sleep(0.05)

        act.trace.subscribe(watch)
        held(act)
        thread.join(10)
        assert not thread.is_alive()
        assert told


def test_an_edit_of_a_random_is_refused_by_its_check_and_the_pin_never_sent():
    with trusted_passage(None) as act:
        act.controller.break_on("ServerHello")
        held(act)
        random = act.controller.held.field("random").octets
        act.controller.tamper("ServerHello", "random", bytes([random[5] ^ 1]), octet=5)
        act.controller.play()
        outcome = act.wait(PATIENCE)
    assert (outcome.outcome, outcome.refused_by) == ("refused", "extraData")
    assert outcome.sentence.endswith("The PIN was never sent.")
    (note,) = act.trace.select("note", name="edited in flight")
    assert note.data["sentence"] == "ServerHello.random was edited in flight."


def test_an_edit_before_the_act_begins_holds_for_run_too():
    with trusted_passage(None) as act:
        act.controller.tamper("ServerHello", "random", bytes(32))
        assert act.run().refused_by == "extraData"
        assert act.controller.state == "ended"


def test_an_edit_that_does_not_fit_is_what_the_act_raises():
    with plain_tls(None) as act:
        act.controller.tamper("ServerHello", "random", bytes(31))
        act.start()
        with pytest.raises(ValueError, match=r"ServerHello\.random has 32 octets, and the new value has 31 octets"):
            act.wait(PATIENCE)
        assert act.controller.state == "ended"


def test_a_dropped_message_is_missed():
    with rung("tls13-early") as act:
        act.controller.drop("CertificateVerify")
        act.start()
        assert act.wait(PATIENCE).outcome == "failed"
    alerts = [e for e in act.trace.select("tls.message", name="Alert", party="teller") if e.sent]
    assert alerts[0].data["sentence"] == "The sender says: bad_record_mac (0x14)."
    assert [e.data["fate"] for e in act.trace.select("frame") if "fate" in e.data] == ["dropped"]


def test_between_openssl_ends_the_writers_row_shows_what_it_wrote():
    with plain_tls(None) as act:
        act.controller.tamper("ServerHello", "random", bytes(32))
        act.start()
        assert act.wait(PATIENCE).outcome == "failed"
    sent, read = (
        next(e for e in act.trace.select("tls.message", name="ServerHello") if e.sent is sent) for sent in (True, False)
    )
    assert read.raw[6:38] == bytes(32)
    assert sent.raw[6:38] != bytes(32)
    assert sent.raw[:6] + sent.raw[38:] == read.raw[:6] + read.raw[38:]


def test_an_act_that_nobody_holds_any_more_ends():
    act = rung("plain-tls")
    act.controller.break_on("ServerHello")
    held(act)
    life, thread = act._life, act._life.thread
    act = rung("plain-tls")  # as the same cell does when it runs again
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
    assert life.cloud._worker.thread.is_alive() is False
    assert isinstance(life.error, CloudClosedError)
    act.close()


def test_an_interpreter_that_ends_while_an_act_is_held_leaves_nothing(tmp_path):
    program = (
        "from trustlab.scenarios import rung\n"
        "act = rung('trusted-passage')\n"
        "act.controller.break_on('SupplementalData')\n"
        "act.start()\n"
        "print(act.controller.wait(30), flush=True)\n"
        "act.trace.subscribe(lambda event: event.name == 'power off' and print('off', flush=True))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == ["('teller-bank-1', 'SupplementalData')", "off", "off"]
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_an_act_begins_once():
    with plain_tls(None) as act:
        act.start()
        with pytest.raises(CloudError, match="begun before: make a new one"):
            act.start()
        assert act.run() is act.wait()
    with plain_tls(None) as act, pytest.raises(CloudError, match="was not started"):
        act.wait()
    with plain_tls(None) as act:
        act.run()
        assert act.controller.state == "ended"


def test_a_second_thread_closes_a_held_act_while_the_first_waits():
    act = plain_tls(None)
    act.controller.break_on("ServerHello")
    act.start()
    act.controller.wait(PATIENCE)
    closing = threading.Timer(0.1, act.close)
    closing.start()
    with pytest.raises(CloudClosedError):
        act.wait(PATIENCE)
    closing.join()


@pytest.mark.parametrize("design", ["plain-tls", "tls13-early", "session-hash"])
def test_at_every_stop_what_is_held_is_not_on_the_wire_and_all_before_it_is_read(design):
    with rung(design) as act:
        stages, writers = Stages(), []
        act.controller.pause()
        act.start()
        told = 0
        while (at := act.controller.wait(PATIENCE)) is not None:
            held = act.controller.held
            for event in act.trace[told:]:
                stages.feed(event)
                if event.kind == "tls.message" and event.sent:
                    writers.append(event)
            told = len(act.trace)
            for event in writers:
                if (event.connection, event.direction) == (at[0], held.direction):
                    assert stages.of(event) == ("read" if event.offset < held.offset else "written"), (at, event)
                assert stages.of(event) != "on the wire"  # in memory what has left is read at once
            act.controller.step()
        assert act.wait(PATIENCE).outcome == "completed"
        for event in act.trace[told:]:
            stages.feed(event)
        assert len(writers) > 10
        assert {stages.of(event) for event in writers[:-2]} == {"read"}


def test_a_started_act_that_is_closed_ends_at_its_next_message():
    act = rung("plain-tls")
    there = threading.Event()

    def watch(event):
        if event.kind == "frame" and event.connection == "teller-bank-1" and event.data["payload_length"]:
            there.set()
            until = time.monotonic() + 10
            while not act.controller.cancelled and time.monotonic() < until:
                time.sleep(0.01)

    act.trace.subscribe(watch)
    act.start()
    assert there.wait(PATIENCE)
    act.close()
    with pytest.raises(CloudClosedError):
        act.wait(0)
    assert act.trace.select("app", name="payment") == []
