"""Alice's rental service: a cloud with Bob's bank in a virtual machine, and a socket on which a customer rents another.

`trustlab serve --in-vm` runs the service, with the cloud, its switch and all its machines. `trustlab connect --in-vm`,
in another shell, rents the teller's machine and lets it ask the bank. The passage is between the two machines. The
socket, with one line of JSON each way, is the lab's control line, a back door that a real cloud must not have.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import TYPE_CHECKING, Self

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trustlab.attest import AttestError, publish
from trustlab.cloud import SERVER_NAME, Cloud, CloudError, HyperSafe, Image, references_of
from trustlab.cloud.published import PUBLISHER, publisher_setting
from trustlab.passage import placement_of
from trustlab.tpm import TpmError
from trustlab.trace import TraceEvent  # noqa: TC001 - msgspec reads the annotation at run time
from trustlab.wire import WireError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trustlab.cloud import Machine
    from trustlab.passage import Design
    from trustlab.trace import Trace

SOCKET = "cloud.sock"
PATIENCE = 5.0
"""How long a customer may take to send an order, in seconds."""
LONGEST = 180.0
"""How long a customer waits for the answer, in seconds: the machine may have to boot first."""
MAX_ORDER = 16_384


class RentalOrder(msgspec.Struct, frozen=True):
    """A customer's order: the path to ask the bank for, and the design, which must be the service's."""

    path: str
    design: str


class RentalAnswer(msgspec.Struct, frozen=True):
    """The answer to an order: the bank's HTTP answer, or a sentence that says why there is none; and the events."""

    answer: str = ""
    problem: str = ""
    events: tuple[TraceEvent, ...] = ()


class RentalService:
    """A context manager: the bank's machine is up inside it, and everything is off outside."""

    def __init__(self, folder: Path, design: Design, trace: Trace) -> None:
        if not placement_of(design).attests:
            raise CloudError(f"the design {design.name} does not attest anything: choose another with --design")
        self._folder = folder
        self._design = design
        self._trace = trace
        self._open = contextlib.ExitStack()
        self._publisher = Ed25519PrivateKey.generate()
        self._images: dict[str, Image] = {}
        self._machines: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._socket = stack.enter_context(_listening(self._folder))
            self._cloud = stack.enter_context(Cloud("uml", trace=self._trace))
            for name, peer in (("bank", "teller"), ("teller", "bank")):
                self._images[name] = Image.of(name, f"trustlab.scenarios.http_{name}", self._settings(peer))
            self._boot("bank")
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def serve(self) -> RentalAnswer:
        """Wait for one customer and carry out the order; return the answer."""
        customer, _ = self._socket.accept()
        with customer:
            customer.settimeout(PATIENCE)
            delivery = self._serve(customer)
            with contextlib.suppress(OSError):  # the customer has left
                customer.sendall(msgspec.json.encode(delivery))
            return delivery

    def _serve(self, customer: socket.socket) -> RentalAnswer:
        try:
            with customer.makefile("rb") as lines:
                order = msgspec.json.decode(lines.readline(MAX_ORDER), type=RentalOrder)
        except (OSError, msgspec.MsgspecError) as error:
            return RentalAnswer(problem=f"the rental service cannot read the order: {error}")
        if order.design != self._design.name:
            return RentalAnswer(
                problem=f"this cloud uses the design {self._design.name}, not {order.design}: give "
                f"--design {self._design.name}"
            )
        before = len(self._trace)
        try:
            answer, problem = self._ask(order.path)
        except (CloudError, TpmError, AttestError, WireError) as error:
            answer, problem = "", str(error)
        seen = [
            e for e in self._trace[before:] if e.party == "teller" or e.kind in ("connection", "frame", "ground-truth")
        ]
        return RentalAnswer(answer, problem, tuple(event for event in seen if not event.secret))

    def _ask(self, path: str) -> tuple[str, str]:
        if "teller" not in self._machines:
            self._boot("teller")
        teller = self._machines["teller"]
        teller.control("ask", path=path)
        self._cloud.run()
        answer, problem = teller.control("answer")
        if not answer and not problem:
            problem = " ".join(["nobody answered.", *map(str, self._cloud.waiting())])
        return answer, problem

    def _boot(self, name: str) -> None:
        machine = self._cloud.rent(name, self._images[name], HyperSafe)
        machine.start(references=publish(references_of(*self._images.values()), self._publisher))
        self._machines[name] = machine

    def _settings(self, peer: str) -> dict[str, str]:
        return {
            "design": self._design.name,
            "server_name": SERVER_NAME,
            "peer_image": peer,
            "web_root": self._cloud.web_root_pem,
            "privacy_root": self._cloud.endorsers.privacy_ca.root_pem,
            PUBLISHER: publisher_setting(self._publisher.public_key()),
        }


def order(folder: Path, wanted: RentalOrder, *, taken: Callable[[], None] = lambda: None) -> RentalAnswer:
    """Send an order to the service of this folder and return the answer; `taken` is called once the order is sent.

    CloudError if no service runs, or if it ends before it answers.
    """
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(LONGEST)
        try:
            with _short(folder) as path:
                line.connect(path)
        except OSError as error:
            raise CloudError(
                f"no cloud is running for the lab in {folder}; start one with `trustlab serve --in-vm`"
            ) from error
        try:
            line.sendall(msgspec.json.encode(wanted) + b"\n")
            taken()
            with line.makefile("rb") as answer:
                return msgspec.json.decode(answer.read(), type=RentalAnswer)
        except (OSError, msgspec.MsgspecError) as error:
            raise CloudError("the cloud ended before it answered: look into its shell, and start it again") from error


@contextlib.contextmanager
def _listening(folder: Path) -> Iterator[socket.socket]:
    """Listen in a folder; CloudError if another service does. The socket of a killed service is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as line, _short(folder) as path:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(path) == 0:
                raise CloudError(f"a cloud is already running for the lab in {folder}: end it, or give another --lab")
        (folder / SOCKET).unlink(missing_ok=True)
        line.bind(path)
        try:
            (folder / SOCKET).chmod(0o600)
            line.listen(8)
            yield line
        finally:
            (folder / SOCKET).unlink(missing_ok=True)


@contextlib.contextmanager
def _short(folder: Path) -> Iterator[str]:
    """Give the socket's path through a file descriptor: a socket's path has at most 107 octets (Linux unix(7))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)
