"""The bank and the teller over HTTP: what the measured programs answer, and between virtual machines at Alice's desk."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from trustlab.cli import in_vm
from trustlab.cloud import Cloud, CloudError, HyperSafe, Image, references_of
from trustlab.passage import PLAIN_TLS, TRUSTED_PASSAGE
from trustlab.scenarios import bank, http_teller
from trustlab.scenarios.http_bank import MAX_HEAD, Bank, HttpCustomer
from trustlab.scenarios.rental_service import RentalAnswer, RentalOrder, RentalService, order
from trustlab.trace import Trace

COMMAND = [sys.executable, "-m", "trustlab"]


def ask(bank: Bank, head: bytes) -> tuple[str, dict[str, str]]:
    status, _, rest = bank.answer(head).decode().partition("\r\n")
    return status.removeprefix("HTTP/1.1 "), json.loads(rest.partition("\r\n\r\n")[2])


def get(bank: Bank, path: str) -> tuple[str, dict[str, str]]:
    return ask(bank, f"GET {path} HTTP/1.1\r\nHost: bank.example\r\n\r\n".encode())


def test_what_is_paid_leaves_the_account():
    bank = Bank()
    assert get(bank, "/balance") == ("200 OK", {"balance": "1000.00"})
    assert get(bank, "/pay?amount=0.05&to=carol") == ("200 OK", {"paid": "0.05", "to": "carol"})
    assert get(bank, "/balance") == ("200 OK", {"balance": "999.95"})
    assert get(bank, "/pay?amount=999.96&to=carol")[0] == "409 Conflict"


@pytest.mark.parametrize(
    "path", ["/pay", "/pay?amount=1.00", "/pay?amount=-1.00&to=me", "/pay?amount=1&to=me", "/pay?amount=1.00&to="]
)
def test_an_order_that_says_too_little_pays_nothing(path):
    bank = Bank()
    assert get(bank, path)[0] == "400 Bad Request"
    assert get(bank, "/balance")[1] == {"balance": "1000.00"}


@pytest.mark.parametrize("amount", ["", "5000", "1e2", "0", "0.00", "-1.00", "1.000", "1234567890.00", "\u0661.00"])
def test_an_amount_that_is_none_is_told_what_one_is(amount):
    status, page = Bank()._page(f"/pay?amount={amount}&to=carol")
    assert status == "400 Bad Request"
    assert "is not an amount: give one above zero, with at most nine digits and two decimals" in page["error"]


def test_a_payment_to_nobody_is_not_blamed_on_the_amount():
    said = get(Bank(), "/pay?amount=1.00")[1]["error"]
    assert "who gets the money" in said
    assert "not an amount" not in said


@pytest.mark.parametrize(
    "head",
    [b"\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n", b"GET / HTTP/2\r\n\r\n", b"GET /\xff HTTP/1.1\r\n\r\n", b"GET\r\n\r\n"],
)
def test_what_is_no_request_is_a_bad_request(head):
    assert ask(Bank(), head)[0] == "400 Bad Request"


class Guest:
    """What a program asks of its machine, as far as these do."""

    name = "teller"

    def __init__(self):
        self.memory, self.logged = {}, []

    def log(self, name, sentence):
        self.logged.append((name, sentence))


def test_a_head_may_be_as_long_as_the_bound_and_no_longer():
    line, end = b"GET / HTTP/1.1\r\nX: ", b"\r\n\r\n"
    longest = line + b"x" * (MAX_HEAD - len(line + end)) + end
    assert len(longest) == MAX_HEAD
    assert ask(Bank(), longest)[0] == "200 OK"
    status, page = ask(Bank(), longest[:-4] + b"x" + end)
    said = {"error": f"the request's head has more than {MAX_HEAD} octets"}
    assert (status, page) == ("431 Request Header Fields Too Large", said)
    guest = Guest()
    counter = HttpCustomer(guest, Bank())
    assert counter.received(bytes(MAX_HEAD)) == b""
    assert not counter.finished
    assert counter.received(b"x").startswith(b"HTTP/1.1 431 ")
    assert guest.logged == [("http", "The bank answers HTTP/1.1 431 Request Header Fields Too Large.")]


def test_an_order_may_have_as_many_octets_as_the_bound_before_its_line_ends_and_no_more():
    counter = bank.BankCustomer(Guest())
    assert counter.received(b"x" * bank.MAX_LINE) == b""
    assert not counter.finished
    assert counter.received(b"x") == b"REFUSED an order has at most 200 octets\n"
    assert counter.finished


def test_an_answer_is_collected_up_to_the_bound():
    question = http_teller.Question(Guest(), b"")
    question.received(bytes(http_teller.MAX_ANSWER))
    assert not question.finished
    question.received(b"x")
    assert question.finished


def test_a_head_without_an_end_is_answered_once_it_is_too_long():
    counter = HttpCustomer(Guest(), Bank())
    assert counter.received(b"GET / HTTP/1.1\r\n") == b""
    assert counter.received(bytes(MAX_HEAD)).startswith(b"HTTP/1.1 431 ")
    assert counter.finished


def settings(cloud: Cloud, peer: str) -> dict[str, str]:
    return {
        "design": "trusted-passage",
        "server_name": "bank.example",
        "peer_image": peer,
        "web_root": cloud.web_root_pem,
        "privacy_root": cloud.endorsers.privacy_ca.root_pem,
    }


def test_the_programs_speak_in_memory_too():
    with Cloud("memory") as cloud:
        images = {
            name: Image.of(name, f"trustlab.scenarios.http_{name}", settings(cloud, peer))
            for name, peer in (("bank", "teller"), ("teller", "bank"))
        }
        machines = {name: cloud.rent(name, image, HyperSafe) for name, image in images.items()}
        for machine in machines.values():
            machine.start(references=references_of(*images.values()))
        for path, told in (("/balance", '{"balance": "1000.00"}'), ("/moon", "no page /moon")):
            machines["teller"].control("ask", path=path)
            cloud.run()
            answer, problem = machines["teller"].control("answer")
            assert told in answer
            assert not problem


def test_nobody_at_the_desk_is_said(tmp_path):
    with pytest.raises(CloudError, match=r"no cloud is running .*; start one with `trustlab serve --in-vm`"):
        order(tmp_path, RentalOrder("/", "trusted-passage"))
    with pytest.raises(CloudError, match=r"nowhere; start one with `trustlab serve --in-vm`"):
        order(tmp_path / "nowhere", RentalOrder("/", "trusted-passage"))


def test_only_an_order_that_was_taken_is_said_to_be(tmp_path, capsys):
    with pytest.raises(CloudError, match="no cloud is running"):
        in_vm.ask(tmp_path / "nowhere", TRUSTED_PASSAGE, "bank", "/", quiet=True)
    assert capsys.readouterr().err == ""

    def desk() -> None:
        customer, _ = line.accept()
        with customer:
            assert customer.recv(1000).endswith(b"\n")
            customer.sendall(b'{"answer": "HTTP/1.1 200 OK"}')

    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(tmp_path / "cloud.sock"))
        line.listen()
        thread = threading.Thread(target=desk)
        thread.start()
        assert in_vm.ask(tmp_path, TRUSTED_PASSAGE, "bank", "/", quiet=True) == "HTTP/1.1 200 OK"
        thread.join()
    assert "The cloud has the order" in capsys.readouterr().err


def test_a_design_that_attests_nothing_has_no_desk(tmp_path):
    with pytest.raises(CloudError, match="plain-tls does not attest anything"):
        RentalService(tmp_path, PLAIN_TLS, Trace())


@pytest.mark.machines
def test_a_customer_rents_a_machine_at_the_desk_and_it_asks_the_bank(tmp_path):
    folder = tmp_path / ("a long way down " * 6)  # beyond what the name of a socket may have

    def customer() -> None:
        with socket.socket(socket.AF_UNIX) as line:
            os.chdir(folder)
            line.connect("cloud.sock")
            line.sendall(b"good morning\n")
            got.append(line.recv(10_000).decode())
        with pytest.raises(CloudError, match="a cloud is already running"):
            RentalService(folder, TRUSTED_PASSAGE, Trace()).__enter__()
        got.append(order(folder, RentalOrder("/balance", "session-hash")).problem)
        got.append(order(folder, RentalOrder("/balance", "trusted-passage")))
        got.append(order(folder, RentalOrder("/pay?amount=1.00&to=carol", "trusted-passage")).answer)

    got = []
    trace, here = Trace("desk", "uml"), Path.cwd()
    with RentalService(folder, TRUSTED_PASSAGE, trace) as desk:
        orders = threading.Thread(target=customer)
        orders.start()
        for _ in range(5):  # the one who only looks whether a cloud runs is one of them
            desk.serve()
        orders.join()
    os.chdir(here)
    assert "cannot read the order" in got[0]
    assert "uses the design trusted-passage" in got[1]
    first = got[2]
    assert isinstance(first, RentalAnswer)
    assert first.answer.endswith('{"balance": "1000.00"}\n')
    assert any(e.kind == "appraisal" and e.party == "teller" and e.name == "accepted" for e in first.events)
    assert not any(e.party == "bank" or e.secret for e in first.events)
    assert got[3].endswith('{"paid": "1.00", "to": "carol"}\n')
    kernels = trace.select("machine", name="guest kernel")
    assert [event.party for event in kernels] == ["bank", "teller"]
    assert not list(folder.iterdir())


@pytest.mark.machines
def test_two_shells_and_two_virtual_machines(tmp_path):
    lab = ("--lab", str(tmp_path), "--in-vm")
    bank = subprocess.Popen(
        [*COMMAND, "serve", *lab, "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert bank.stdout.readline() == "serving in a virtual machine: bank\n"
        done = subprocess.run(
            [*COMMAND, "connect", *lab, "bank", "/balance"], capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout) == {"balance": "1000.00"}
        assert "teller accepts" in done.stderr
        assert "ClientKeyExchange" in done.stderr
        bank.send_signal(signal.SIGINT)
        _, said = bank.communicate(timeout=60)
    finally:
        bank.kill()
        bank.communicate()
    assert bank.returncode == 130
    assert "Traceback" not in said
    again = subprocess.run([*COMMAND, "connect", *lab, "bank"], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "no cloud is running" in again.stderr
