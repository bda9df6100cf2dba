"""The agent proper: gets the image, runs its program, answers the lab's control line, sends the trace home."""

from __future__ import annotations

import collections
import itertools
import os
import time
import traceback
from typing import TYPE_CHECKING, Any

from trustlab.cloud.agent import interface
from trustlab.cloud.agent.hypercalls import RemoteHypervisor
from trustlab.cloud.agent.lines import HungUpError, SerialLine
from trustlab.cloud.agent.remote_provider import RemoteProvider
from trustlab.cloud.agent.remote_services import Disk, RemoteFabric
from trustlab.cloud.agent.streams import Streams
from trustlab.cloud.errors import CloudError
from trustlab.cloud.guest import Guest
from trustlab.cloud.image import Image
from trustlab.cloud.uml.messages import Answer, Call, Failed, Hyperanswer, Patience, Ready, ToGuest, Told
from trustlab.trace import Trace

if TYPE_CHECKING:
    from trustlab.trace import TraceEvent

HYPERCALLS, CONTROL = "/dev/ttyS0", "/dev/ttyS1"
TIMEOUT = 60.0
ERRORS = {error.__name__: error for error in CloudError.__subclasses__()}


class Agent:
    """One guest's agent. `began` is the time (monotonic, seconds) at which its program was started by the kernel."""

    def __init__(self, began: float) -> None:
        self._began = began
        self._until = 0.0
        self._numbers = itertools.count(1)
        self._streams = Streams()
        self._answers: dict[int, Answer | Failed] = {}
        self._calls: collections.deque[Call] = collections.deque()
        self._guest: Guest | None = None
        interface.bring_up(os.environ["TRUSTLAB_ADDRESS"])
        self._hypervisor = RemoteHypervisor(SerialLine(HYPERCALLS, Hyperanswer))
        self._line = SerialLine(CONTROL, ToGuest)
        boot = self._hypervisor.boot()
        self._name = boot.name
        self._image = Image(boot.image, boot.program, boot.configuration, boot.files)
        self._trace = Trace(boot.name, "uml")
        self._trace.subscribe(self._tell)
        self._program = self._image.load()
        self._streams.watch(self._line, self._hear)

    def run(self) -> None:
        """Serve until the line is hung up or says to switch off."""
        self._line.send(Ready(self._program.verbs, time.monotonic() - self._began))
        try:
            while True:
                if not self._calls:
                    self._streams.turn(None)
                while self._calls:
                    call = self._calls.popleft()
                    if call.verb == "power off":
                        return
                    self._obey(call)
        except HungUpError:
            return

    def ask(self, verb: str, *, serving: bool = False, **arguments: Any) -> Any:  # noqa: ANN401 - the verb's own result
        """Call a verb of the provider's and return its result; with `serving` the network is served meanwhile."""
        number = next(self._numbers)
        self._line.send(Call(number, verb, arguments))
        self._until = time.monotonic() + TIMEOUT
        while number not in self._answers:
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no answer to {verb!r} within {TIMEOUT:g} s")
            if serving:
                self._streams.turn(left)
            else:
                self._sort(self._line.wait(left))
        answer = self._answers.pop(number)
        if isinstance(answer, Failed):
            raise ERRORS.get(answer.error, CloudError)(answer.sentence)
        return answer.value

    def _tell(self, event: TraceEvent) -> None:
        self._line.send(Told(event))

    def _hear(self) -> None:
        self._sort(self._line.receive())

    def _sort(self, messages: list[Any]) -> None:
        for message in messages:
            if isinstance(message, Patience):
                self._until = time.monotonic() + TIMEOUT
            elif isinstance(message, Call):
                self._calls.append(message)
            else:
                self._answers[message.id] = message

    def _obey(self, call: Call) -> None:
        """Do what the lab says, and answer; nothing that a program raises may end the machine."""
        try:
            value = self._verb(call.verb, call.arguments)
        except HungUpError:
            raise
        except Exception as error:  # noqa: BLE001 - it is raised again where the answer is awaited
            traceback.print_exc()
            self._line.send(Failed(call.id, type(error).__name__, str(error)))
            return
        try:
            self._line.send(Answer(call.id, value))
        except TypeError as error:
            self._line.send(Failed(call.id, "CloudError", f"the result cannot cross the control line: {error}"))

    def _verb(self, verb: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - the verb's own result
        match verb:
            case "start":
                self._start(**arguments)
                return None
            case "control":
                function = self._program.function(arguments["function"])
                return function(self._guest, **arguments["arguments"])
            case "state":
                failures, self._streams.failures = self._streams.failures, []
                while self._streams.turn(0) and not self._calls:
                    pass
                moved, waiting = self._streams.moved, self._streams.waiting
                return {"open": self._streams.open, "moved": moved, "failures": failures, "waiting": waiting}
            case _:
                raise CloudError(f"the control line has no verb {verb!r}")

    def _start(self, *, references: str | None, pinned: list[bytes], provider: bool, **_more: object) -> None:
        fabric = RemoteFabric(self._streams, self.ask)
        party = self._trace.party(self._name)
        powers = RemoteProvider(party, fabric.network, fabric.web_ca, self.ask) if provider else None
        self._guest = Guest(
            self._name,
            dict(self._image.configuration),
            party=party,
            hypervisor=self._hypervisor,
            fabric=fabric,
            references=references,
            pinned=tuple(pinned),
            provider=powers,
            disk=Disk(self.ask),
            files=self._image.files,
        )
        self._program.function("start")(self._guest)
