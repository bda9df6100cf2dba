"""A whole trace in one capture: frames, TPM traffic, keys and comments, as tshark reads it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from openssl_ends import Identity, pay

from trustlab.capture import PRIVATE_KEY, PassiveDecoder, write_trace
from trustlab.tpm import Platform, create_ak, quote
from trustlab.trace import Trace
from trustlab.wire import Host, TcpConversation

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def trace() -> Trace:
    trace = Trace()
    with PassiveDecoder(trace), Platform("bank", trace.party("bank")) as platform:
        platform.launch(b"HyperSafe")
        hypersafe = platform.client("HyperSafe", locality=2)
        ak = create_ak(hypersafe)
        quote(hypersafe, ak, bytes(32), pcrs=(17,))
        pay(trace, Identity())
        platform.client("root VM", locality=0).pcr_read((17,))
    return trace


def tshark(path: Path, *options: str) -> list[str]:
    command = ["tshark", "-r", str(path), *options]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def test_tshark_names_every_tpm_command_as_the_trace_does(trace: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "run.pcapng", trace)
    summary = tshark(path, "-Y", "tpm.req.cc", "-T", "fields", "-e", "_ws.col.Info")
    commands = [e.name for e in trace.select("tpm.command")]
    assert len(summary) == len(commands)
    for line, name in zip(summary, commands, strict=True):
        assert name.replace("TPM2_", "TPM2_CC_") in line
    assert "TPM2_Quote" in commands


def test_tshark_dissects_responses_and_complains_of_nothing(trace: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "run.pcapng", trace)
    assert len(tshark(path, "-Y", "tpm.resp.rc")) == len(trace.select("tpm.response"))
    assert tshark(path, "-Y", "_ws.malformed || tcp.analysis.lost_segment || tcp.analysis.retransmission") == []


def test_both_kinds_of_traffic_stand_in_the_order_of_the_trace(trace: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "run.pcapng", trace)
    kinds = ["tpm" if "TPM" in line else "frame" for line in tshark(path, "-T", "fields", "-e", "frame.interface_name")]
    wanted = [e.kind.partition(".")[0] for e in trace.ordered() if e.kind in {"frame", "tpm.command", "tpm.response"}]
    assert kinds == wanted


def test_each_machines_tpm_is_an_interface(trace: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "run.pcapng", trace)
    assert set(tshark(path, "-T", "fields", "-e", "frame.interface_name")) == {"Alice's switch", "TPM of bank"}


def test_the_tls_traffic_beside_it_opens_decrypted(trace: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "run.pcapng", trace)
    decode = ("-d", "tcp.port==443,tls")
    assert len(tshark(path, *decode, "-Y", "tls.handshake.type == 20")) == 2
    sealed = write_trace(tmp_path / "sealed.pcapng", trace, secrets=False)
    assert tshark(sealed, *decode, "-Y", "tls.handshake.type == 20") == []


def test_comments_name_the_messages_that_begin_in_a_frame(trace: Trace, tmp_path: Path) -> None:
    path = write_trace(tmp_path / "run.pcapng", trace)
    comments = tshark(path, "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment")
    assert "teller writes ClientHello" in comments
    assert "bank writes ServerHello, Certificate, ServerHelloDone" in comments
    assert "HyperSafe at locality 2: TPM2_Quote" in comments


def test_a_comment_of_the_callers_replaces_the_derived_one(trace: Trace, tmp_path: Path) -> None:
    command = trace.select("tpm.command", name="TPM2_Quote")[0]
    path = write_trace(tmp_path / "run.pcapng", trace, comments={(command.party, command.seq): "here it signs"})
    fields = ("-Y", 'frame.comment == "here it signs"', "-T", "fields", "-e", "_ws.col.Info")
    assert "TPM2_CC_Quote" in tshark(path, *fields)[0]


def test_a_refusal_stands_in_the_comment_of_the_frame_that_carries_it(tmp_path: Path) -> None:
    trace = Trace()
    teller, bank = (Host(n, f"02:00:00:00:00:0{i}", f"10.0.0.{i}") for i, n in enumerate(("teller", "bank"), start=2))
    conversation = TcpConversation(trace.party("network"), "teller-bank-1", teller, bank, 50000, 443)
    conversation.open()
    conversation.data("client", b"evidence")
    trace.party("bank").emit("appraisal", "refused", connection="teller-bank-1", refused_by="extraData", about="teller")
    conversation.data("server", b"alert")
    conversation.data("server", b"more")
    path = write_trace(tmp_path / "run.pcapng", trace)
    comments = tshark(path, "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment")
    assert comments == ["bank appraised teller: refused, refused by the check extraData"]


def test_a_damaged_secret_is_noted_while_the_network_runs_on() -> None:
    trace = Trace()
    with PassiveDecoder(trace):
        trace.party("alice").secret(PRIVATE_KEY, b"not a key")
        pay(trace, Identity())
    notes = trace.select("note", name="not decoded")
    assert any("not a private key" in str(n.data["sentence"]) for n in notes)
    assert len(trace.select("tls.message", name="Finished")) == 4
