"""A cloud that stays: Bob's two machines are rented and started once, and the teller pays as often as you like."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from trustlab.attacks import Assumptions, judge
from trustlab.capture import PassiveDecoder
from trustlab.cloud import CloudError
from trustlab.passage import design_named, placement_of
from trustlab.scenarios.setup import attack_named, plan
from trustlab.scenarios.stage import Act

if TYPE_CHECKING:
    from trustlab.attacks import Judgement
    from trustlab.cloud import Cloud, Machine


class LiveCloud(Act):
    """Bank and teller in Alice's cloud, over one design. You decide what happens next, step by step.

    DesignError for an unknown design, CloudError if the substrate does not work here.
    """

    def __init__(self, design: str = "trusted-passage", *, substrate: str = "memory") -> None:
        chosen = design_named(design)
        super().__init__(
            plan(chosen),
            expected=("completed",),
            title=f"a cloud with {design}",
            sentence=chosen.sentence,
            substrate=substrate,
        )
        self._open = contextlib.ExitStack()
        self._machines: dict[str, Machine] = {}

    def __enter__(self) -> Self:
        return self

    @property
    def cloud(self) -> Cloud:
        """The cloud; CloudError before `open`."""
        if self._cloud is None:
            raise CloudError("this cloud is not open: call `open` first")
        return self._cloud

    def open(self) -> None:
        """Rent and start the two machines; CloudClosedError if `close` comes first."""
        with contextlib.ExitStack() as stack:
            cloud = stack.enter_context(self._new_cloud())
            if not placement_of(self.design).our_engine:
                stack.enter_context(PassiveDecoder(self.trace))
            setup = self._setup(cloud)
            for rental in (setup.bank, setup.customer):
                self._machines[rental.name] = rental.rent(cloud)
            self._start(setup, self._machines)
            self._open = stack.pop_all()

    def pay(self) -> list[str]:
        """Have the teller pay once; return a sentence for each thing that happened."""
        before, cloud = len(self.trace), self.cloud
        self._pay(cloud, self._machines[self.customer])
        told = [e for e in self.trace[before:] if e.kind in ("app", "appraisal", "attack") and "sentence" in e.data]
        said = [f"{e.party}: {e.data['sentence']}" for e in told]
        return said if any(e.name == "answer" for e in told) else said + [str(waiting) for waiting in cloud.waiting()]

    def let_alice(self, attack: str) -> None:
        """Rent Alice's machine and start her program for one attack; a cloud takes only one."""
        try:
            chosen = attack_named(attack, self.design)
        except ValueError as error:
            raise CloudError(str(error)) from error
        if chosen.assumes != Assumptions():
            raise CloudError(
                f"{attack} needs a cloud that is prepared for it: play it with `trustlab matrix --design "
                f"{self.design.name} --attack {attack}`"
            )
        if self.attack is not None:
            raise CloudError(
                f"Alice already plays {self.attack.name}, and a cloud takes one attack: start another cloud"
            )
        self.plan = replace(self.plan, attack=chosen)
        setup = self._setup(self.cloud)
        if setup.alice is not None:
            self._machines["alice"] = setup.alice.rent(self.cloud)
            self._start_alice(self.cloud, self._machines["alice"])

    def afterwards(self) -> None:
        """Let Alice work on her recording, if her attack has such a part."""
        alice = self._machines.get("alice")
        if alice is not None and alice.understands("afterwards"):
            alice.control("afterwards")

    def judged(self) -> Judgement:
        """Return the judgement of what has happened so far."""
        return judge(self.trace, {name: value.encode() for name, value in self._canaries.items()})

    def close(self) -> None:
        """Switch everything off; can be called at any time, from any thread."""
        super().close()
        with self._life.lock:
            self._open, ends = contextlib.ExitStack(), self._open
        ends.close()
