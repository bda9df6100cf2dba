"""Both acts between real virtual machines, judged as in memory: by what Alice holds and by who refused."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from trustlab.attacks import Attack
from trustlab.scenarios import plain_tls, rung, trusted_passage

pytestmark = pytest.mark.machines


def played(act):
    with act:
        act.run()
    return act


def messages(act, connection: str) -> list[tuple[str, str]]:
    """Who wrote what on a connection, in an order in which nothing is received before it was sent."""
    events = [e for e in act.trace.ordered() if e.kind == "tls.message" and e.connection == connection and e.sent]
    return [(e.party, e.name) for e in events]


def followed(capture, stream: int) -> str:
    """One TCP stream of a capture as tshark shows it decrypted."""
    line = ["tshark", "-r", str(capture), "-q", "-z", f"follow,tls,ascii,{stream}"]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def passage():
    return played(trusted_passage(substrate="uml"))


def test_plain_tls_falls_to_alice_between_real_machines():
    act = played(plain_tls(substrate="uml"))
    assert (act.outcome.outcome, act.outcome.alice_knows, act.outcome.as_told) == ("succeeded", ("pin",), True)
    truth = act.trace.select("ground-truth", connection="teller-bank-1")[0]
    assert (truth.data["addressed"], truth.data["server"]) == ("bank", "alice")


def test_a_passage_completes_and_alice_reads_nothing(passage):
    assert (passage.outcome.outcome, passage.outcome.alice_knows) == ("completed", ())
    assert passage.trace.substrate == "uml"


def test_the_same_messages_in_the_same_order_as_in_memory(passage):
    in_memory = played(trusted_passage())
    assert messages(passage, "teller-bank-1") == messages(in_memory, "teller-bank-1")


def test_frames_are_the_kernels_own_and_join_the_messages_by_their_offsets(passage):
    frames = [e for e in passage.trace.select("frame") if e.connection == "teller-bank-1"]
    assert frames
    assert not any(frame.data.get("reconstructed") for frame in frames)
    covered = {
        (frame.direction, frame.offset + n)
        for frame in frames
        if frame.offset is not None
        for n in range(frame.data["payload_length"])
    }
    written = [e for e in passage.trace.select("tls.message", connection="teller-bank-1") if e.sent]
    assert written
    assert all((e.direction, e.offset) in covered for e in written)


def test_the_guests_links_lead_to_the_right_events(passage):
    secrets = [e for e in passage.trace.select("secret", party="teller", name="application data") if e.links]
    assert secrets
    for secret in secrets:
        assert passage.trace.find("teller", secret.links[0].seq).name == "ApplicationData"


def test_a_passage_refuses_alice_between_real_machines():
    act = played(trusted_passage("rogue-certificate", substrate="uml"))
    assert (act.outcome.outcome, act.outcome.alice_knows, act.outcome.as_told) == ("refused", (), True)


def test_alice_finds_a_private_key_in_an_ordinary_vms_memory_and_reads_the_recording():
    act = played(rung("plain-tls", "memory-scrape", substrate="uml"))
    assert (act.outcome.outcome, act.outcome.alice_knows) == ("succeeded", ("pin",))
    assert act.trace.select("secret", party="alice", name="private_key")


def test_hypersafe_shows_alice_no_memory_and_says_what_is_emulated():
    act = played(rung("trusted-passage", "memory-scrape", substrate="uml"))
    assert (act.outcome.outcome, act.outcome.alice_knows) == ("failed", ())
    refused = next(e for e in act.trace.select("attack") if e.data["step"] == "refused")
    assert "emulated" in refused.data["sentence"]


def test_in_memory_there_is_no_ram_to_scrape():
    act = played(rung("plain-tls", "memory-scrape"))
    assert act.outcome.outcome == "failed"
    assert "rent them in 'uml'" in act.trace.select("attack")[-1].data["sentence"]


def test_from_her_vm_alice_has_the_banks_tpm_open_the_recording_through_the_root_vm():
    act = played(rung("machine-linked-key", "key-abuse", substrate="uml"))
    assert (act.outcome.outcome, act.outcome.alice_knows) == ("succeeded", ("pin",))
    decrypted = act.trace.select("tpm.command", party="bank", name="TPM2_RSA_Decrypt")
    assert [(e.data["client"], e.data["locality"]) for e in decrypted] == [("HyperSafe", 2), ("root VM", 0)]


def test_the_banks_tpm_refuses_alices_vm_a_key_of_the_tcb():
    act = played(rung("tcb-key", "key-abuse", substrate="uml"))
    assert (act.outcome.outcome, act.outcome.alice_knows) == ("failed", ())
    assert "TPM_RC_LOCALITY" in act.trace.select("attack")[-1].data["sentence"]


def test_the_root_vm_keeps_a_standing_order_of_alices_and_meddles_between_two_commands():
    act = played(rung("trusted-passage", "tpm-nuisance", substrate="uml"))
    quotes = [e.data["rc"] for e in act.trace.select("tpm.response", party="bank", name="TPM2_Quote")]
    assert (act.outcome.outcome, quotes) == ("failed", [0x128] * 4 + [0])
    assert act.trace.select("app", party="bank", name="payment")


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_the_capture_opens_decrypted_with_the_tpms_commands_beside_it(passage, tmp_path):
    capture = passage.save(tmp_path).capture
    shown = subprocess.run(["tshark", "-r", str(capture)], capture_output=True, text=True, check=True).stdout
    assert "Application Data" in shown
    assert "TPM2" in shown or "Quote" in shown
    assert any("PAY 120.00 TO carol" in followed(capture, stream) for stream in range(8))


def test_an_attack_and_a_check_of_ones_own_travel_into_the_machines_and_a_seed_too():
    program = """
from trustlab.attacks.alice.ends import intercept
from trustlab.attacks.alice.tools import Alice

def start(guest):
    alice = Alice(guest)
    identity = alice.rogue_identity()
    alice.take_place(lambda connection: intercept(alice, identity, connection))
"""
    kind = {"extraData": "def judge(case):\n    return None"}
    mine = Attack.from_source("mine", program)
    act = played(rung("key-in-quote", mine, checks=kind, seed=7, substrate="uml"))
    assert (act.outcome.outcome, act.outcome.alice_knows) == ("succeeded", ("pin",))
    judged = act.trace.select("verdict", party="teller", name="extraData")[0]
    assert judged.data["sentence"].startswith("This check, which is not one of the Verifier's own")
    in_memory = played(rung("key-in-quote", mine, checks=kind, seed=7))
    hellos = [
        [e.raw[6:38] for e in each.trace.select("tls.message", party="teller", name="ClientHello") if e.sent]
        for each in (act, in_memory)
    ]
    assert hellos[0] == hellos[1] != []
