"""A cloud that stays: Bob's two machines are rented and started once, and paid through as often as one likes."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from trustlab.attacks import CATALOGUE, Assumptions, judge
from trustlab.capture import PassiveDecoder
from trustlab.cloud import CloudError
from trustlab.passage import DESIGNS, placement_of
from trustlab.scenarios.setup import plan
from trustlab.scenarios.stage import Act

if TYPE_CHECKING:
    from trustlab.attacks import Judgement
    from trustlab.cloud import Cloud, Machine


class LiveCloud(Act):
    """Bank and teller in Alice's cloud, over one design; what an act plays in one go, here it happens by hand.

    ValueError where there is no such design, CloudError where the substrate does not work here.
    """

    def __init__(self, design: str = "trusted-passage", *, substrate: str = "memory") -> None:
        if design not in DESIGNS:
            raise ValueError(f"no design {design!r}; there are: {', '.join(DESIGNS)}")
        super().__init__(
            plan(DESIGNS[design]),
            expected=("completed",),
            title=f"a cloud with {design}",
            sentence=DESIGNS[design].sentence,
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
            raise CloudError("this cloud has not been opened: call `open` first")
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
        """Have the teller pay once; return what was said about it, a sentence each."""
        before, cloud = len(self.trace), self.cloud
        self._pay(cloud, self._machines[self.customer])
        told = [e for e in self.trace[before:] if e.kind in ("app", "appraisal", "attack") and "sentence" in e.data]
        said = [f"{e.party}: {e.data['sentence']}" for e in told]
        return said if any(e.name == "answer" for e in told) else said + [str(waiting) for waiting in cloud.waiting()]

    def let_alice(self, attack: str) -> None:
        """Rent Alice's machine and start her tools for one attack on it; one attack a cloud."""
        if attack not in CATALOGUE:
            raise CloudError(f"no attack {attack!r}; there are: {', '.join(CATALOGUE)}")
        chosen = CATALOGUE[attack]
        if chosen.tls not in {"any", self.design.tls}:
            raise CloudError(f"{attack} is an attack on TLS {chosen.tls}, and this cloud runs {self.design.name}")
        if chosen.assumes != Assumptions():
            raise CloudError(f"{attack} needs a cloud prepared for it: play it as an act")
        if self.attack is not None:
            raise CloudError(f"Alice is at {self.attack.name} already: one attack a cloud")
        self.plan = replace(self.plan, attack=chosen)
        setup = self._setup(self.cloud)
        if setup.alice is not None:
            self._machines["alice"] = setup.alice.rent(self.cloud)
            self._start_alice(self.cloud, self._machines["alice"])

    def afterwards(self) -> None:
        """Let Alice do what she does with her recording, if her attack has such a part."""
        alice = self._machines.get("alice")
        if alice is not None and alice.understands("afterwards"):
            alice.control("afterwards")

    def judged(self) -> Judgement:
        """Return what Alice knows by now."""
        return judge(self.trace, {name: value.encode() for name, value in self._canaries.items()})

    def close(self) -> None:
        """Switch everything off; harmless at any time, from any thread."""
        super().close()
        with self._life.lock:
            self._open, ends = contextlib.ExitStack(), self._open
        ends.close()
