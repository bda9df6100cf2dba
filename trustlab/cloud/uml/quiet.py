"""When everybody has said what there is to say: real machines have no common clock, so they are asked."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from trustlab.wire import Cancelled, EndpointError, QuietError, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustlab.cloud.uml.machine import UmlMachine
    from trustlab.wire import Steering

PAUSE = 0.02
ROUNDS = 2
ROUNDS_OPEN = 20
"""How many rounds in a row must find nothing new: more while connections are open, for somebody may be thinking."""


def run_until_quiet(
    machines: Sequence[UmlMachine],
    events: Callable[[], int],
    timeout: float,
    *,
    gate: Steering | None = None,
    busy: Callable[[], bool] = lambda: False,
) -> None:
    """Return when no machine moves octets any more and nothing new is in the trace; `events` counts what is there.

    Quiet with connections still open is fine: somebody waits for somebody, or Alice holds a frame. EndpointError if an
    endpoint failed meanwhile; QuietError after `timeout` seconds. While a `gate` holds something, or `busy` says so, it
    is not quiet; the clock of the gate stands still.
    """
    clock = time.monotonic if gate is None else gate.now
    until = clock() + timeout
    last: object = None
    same = 0
    while True:
        if gate is not None and gate.cancelled:
            raise Cancelled
        states = [(machine, machine.state()) for machine in machines]
        for machine, state in states:
            if state["failures"]:
                connection, _, what = state["failures"][0].partition(": ")
                raise EndpointError(connection, machine.name, f"{connection}: {machine.name} failed: {what}")
        found = events(), [(state["open"], state["moved"]) for _, state in states]
        same = same + 1 if found == last else 0
        if busy():
            same = 0
        if same >= (ROUNDS_OPEN if any(state["open"] for _, state in states) else ROUNDS):
            return
        if clock() > until:
            waiting = [str(Waiting(machine.name, *each)) for machine, state in states for each in state["waiting"]]
            raise QuietError(
                " ".join([f"not quiet within {timeout:g} s.", *(waiting or ["Nobody is waiting for anything."])])
            )
        last = found
        time.sleep(PAUSE)
