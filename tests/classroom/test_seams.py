"""What students' code may hold on to: Alice's line, the switch, both legs, evidence, and two ends without a network."""

from __future__ import annotations

import pytest

from trustlab.attacks import Attack, kit
from trustlab.classroom import ClassroomError, close, play
from trustlab.classroom.fixtures import HONEST, NAMES, evidence
from trustlab.classroom.material import fields, notes, played, remembering
from trustlab.cloud import CloudError
from trustlab.scenarios import rung
from trustlab.tpm import load_key, read_key, rsa_decrypt
from trustlab.wire import EndpointError


def passes_on(heard_from, data):
    return {"bank": data} if heard_from == "teller" else {"teller": data}


@pytest.mark.parametrize("design", ["plain-tls", "connect-then-attest"])
def test_a_relay_of_ones_own_reads_the_pin_and_nobody_misses_anything(design):
    heard: list[kit.Heard] = []
    attack = Attack.from_function("mine", lambda guest: kit.relay(guest, passes_on, heard))
    with rung(design, attack) as act:
        outcome = act.run()
    assert (outcome.outcome, outcome.alice_knows) == ("succeeded", ("pin",))
    assert {one.heard_from for one in heard} == {"teller", "bank"}
    assert act.trace.select("app", party="teller", name="answer")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (lambda who, data: {"carol": data}, "there is nobody called 'carol': say 'bank' or 'teller'"),
        (lambda who, data: data, "a relay returns a dict"),
        (lambda who, data: {"bank": "text"}, "what is said to bank must be bytes, not str"),
    ],
)
def test_what_a_relay_cannot_do_is_said(line, sentence):
    attack = Attack.from_function("mine", lambda guest: kit.relay(guest, line))
    with rung("plain-tls", attack) as act, pytest.raises(EndpointError) as caught:
        act.run()
    assert sentence in str(caught.value.__cause__)


def test_the_switch_asks_for_each_connection_when_it_comes():
    asked = []

    def where(number, port):
        asked.append((number, port))
        return "bank" if port == kit.QUESTIONS else "alice"

    attack = Attack.from_function("mine", lambda guest: kit.redirect(guest, where))
    with rung("attest-then-connect", attack) as act:
        assert act.run().outcome == "succeeded"
    assert asked == [(1, kit.QUESTIONS), (2, kit.HTTPS)]
    truth = [event.data["server"] for event in act.trace.select("ground-truth", name="connection")]
    assert truth[-2:] == ["bank", "alice"]


def test_a_direction_that_is_none_is_said():
    attack = Attack.from_function("mine", lambda guest: kit.redirect(guest, lambda number, port: "mars"))
    with (
        rung("attest-then-connect", attack) as act,
        pytest.raises(kit.KitError, match="there is nowhere called 'mars'"),
    ):
        act.run()


def test_the_order_to_be_asked_can_be_taken_back():
    asked = []

    def start(guest):
        undo = kit.Alice(guest).powers.on_connection("bank", lambda *connection: asked.append(connection) or "")
        undo()
        undo()

    with rung("plain-tls", Attack.from_function("mine", start)) as act:
        act.run()
    assert asked == []


def oracle(guest):
    alice = kit.Alice(guest)
    blob, tpm = alice.powers.disk_of("bank")["tls-key.tpm"], alice.powers.root_tpm("bank")
    for connection, client_random, sealed in kit.recorded(guest):
        secret = rsa_decrypt(tpm, load_key(tpm, read_key(blob)), sealed)
        guest.party.secret("pre_master_secret", secret, connection=connection, client_random=client_random.hex())


def test_what_she_recorded_can_be_opened_afterwards():
    attack = Attack.from_function("mine", lambda guest: kit.Alice(guest).only_listen(), oracle)
    with rung("machine-linked-key", attack) as act:
        assert act.run().alice_knows


def test_a_function_of_this_process_is_not_played_between_machines(monkeypatch):
    monkeypatch.setattr("trustlab.scenarios.stage.choose", lambda substrate: "uml")
    attack = Attack.from_function("mine", oracle)
    with pytest.raises(ValueError, match=r"cannot be played in uml: make it with Attack\.from_source"):
        rung("plain-tls", attack, substrate="uml")


def test_between_machines_the_switch_does_not_ask():
    from trustlab.cloud.agent.remote_provider import RemoteProvider  # noqa: PLC0415 - a VM's own half

    with pytest.raises(CloudError, match="the switch cannot ask about each connection to bank between VMs"):
        RemoteProvider.on_connection(object(), "bank", lambda *_: "")


def test_both_legs_are_laid_side_by_side():
    act = played("connect-then-attest", "tunnel-relay")
    legs = act.trace.legs()
    equal = {name for name, (left, right) in legs.items() if left == right}
    assert {"ClientHello.random", "ServerHello.random", "master_secret", "pre_master_secret"} <= equal
    assert {"Certificate", "ClientKeyExchange", "client_verify_data"} <= legs.keys() - equal
    honest = played("connect-then-attest").trace.legs(fields=("random", "msg_type"))
    assert all(left == right for left, right in honest.values())
    assert "Certificate.msg_type" in honest


def test_evidence_good_and_bad():
    good = evidence()
    assert good.appraise().accepted
    bad = evidence("narrow-selection")
    assert not bad.appraise().accepted
    assert HONEST in NAMES
    with pytest.raises(ClassroomError, match="there is no evidence called 'none'; choose from: honest, "):
        evidence("none")


def test_notes_and_fields_are_those_of_each_end():
    act = played("plain-tls", "rogue-certificate")
    client, server = notes(act)
    assert [name for name, _ in client][:3] == ["ClientHello", "ServerHello", "Certificate"]
    assert dict(client)["Certificate"] != dict(server)["Certificate"]
    names = [(message, field) for message, field, _ in fields(act, "teller")]
    assert ("ClientHello", "random") in names
    assert not any(field.endswith("tbsCertificate") for _, field in names), "only what is innermost"


def test_runs_are_fresh_unless_they_are_remembered():
    with remembering():
        assert played("plain-tls") is played("plain-tls")
    assert played("plain-tls") is not played("plain-tls")


def test_play_says_how_it_ended_and_close_ends_all(capsys):
    act = rung("plain-tls", "rogue-certificate")
    outcome = play(act, show=False)
    assert outcome.outcome == "succeeded"
    assert capsys.readouterr().out == f"{outcome.sentence}\n"
    assert close() == "1 run closed."
    assert close() == "0 runs closed."
