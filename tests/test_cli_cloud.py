"""`trustlab cloud`: a small cloud in the shell, in memory and between virtual machines."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from trustlab.cli.cloud import cloud as command
from trustlab.cloud import CloudError
from trustlab.passage import DesignError
from trustlab.scenarios.live_cloud import LiveCloud

WALK = "machines; pcrs bank; pay; alice rogue-certificate; pay; knows"


def run(*arguments: str):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(command)
    return CliRunner().invoke(app, arguments)


def test_a_first_walk_in_memory_ends_with_the_pin_in_alices_hands():
    done = run("--substrate", "memory", "--run", WALK)
    assert done.exit_code == 0, done.output
    assert "ordinary hypervisor" in done.output
    assert "f" * 64 in done.output
    assert done.output.count("The bank pays 120.00 to carol.") == 2
    assert "Alice knows: pin" in done.output


def test_over_a_trusted_passage_the_same_walk_is_refused():
    done = run("--substrate", "memory", "--design", "trusted-passage", "--run", WALK)
    assert "Alice knows: nothing" in done.output
    assert "refused by the check 'extraData'" in done.output


@pytest.mark.machines
def test_the_same_walk_between_virtual_machines_shows_the_kernels_frames():
    done = run("--frames", "--run", "machines; drop; pay; hold; release; console bank; frames off")
    assert done.exit_code == 0, done.output
    assert "process " in done.output
    assert "teller-bank-1" in done.output
    assert "SYN|ACK" in done.output
    assert "The bank pays 120.00 to carol." in done.output


def test_what_fails_is_one_sentence_and_the_shell_goes_on():
    done = run(
        "--substrate",
        "memory",
        "--run",
        "nonsense; hold; alice nobody; alice fail-open; console x; ; release; machines",
    )
    assert done.exit_code == 1
    assert "there is no command 'nonsense'" in done.output
    assert "does not have a switch" in done.output
    assert "there is no attack 'nobody'" in done.output
    assert "play it with `trustlab matrix" in " ".join(done.output.split())
    assert "there is no virtual machine 'x'" in done.output
    assert "image digest" in done.output


def test_an_unknown_design_is_named():
    done = run("--design", "nonsense", "--substrate", "memory")
    assert isinstance(done.exception, DesignError)
    assert "there is no design 'nonsense'" in str(done.exception)


def test_a_cloud_that_was_not_opened_says_so_and_one_alice_is_enough():
    with LiveCloud("plain-tls") as town:
        with pytest.raises(CloudError, match="is not open: call `open` first"):
            town.pay()
        town.open()
        town.let_alice("rogue-certificate")
        with pytest.raises(CloudError, match="a cloud takes one attack"):
            town.let_alice("tunnel-relay")
    with LiveCloud("plain-tls") as town:
        town.open()
        for attack, said in (
            ("evil-workload", "a cloud that is prepared for it"),
            ("known-dh-secret", "an attack on TLS 1.3"),
        ):
            with pytest.raises(CloudError, match=said):
                town.let_alice(attack)
