"""Peers of one kind: each machine would accept a machine like itself, and a reflection makes use of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.scenarios.setup import BANK, TELLER, plan
from trustlab.scenarios.stage import Act

if TYPE_CHECKING:
    from trustlab.passage import Design


class Peers(Act):
    """The payment between two machines that each accept either image, and pin both machines."""

    def __init__(
        self, design: Design, attack: str | None, *, without: tuple[str, ...] = (), substrate: str = "memory"
    ) -> None:
        both = {"peer_image": f"{BANK},{TELLER}"}
        wanted = plan(design, attack, without=without, settings={BANK: both, TELLER: both})
        super().__init__(
            wanted,
            expected=("completed",) if attack is None else ("succeeded", "refused"),
            title=f"peers over {design.name} against {attack}" if attack else f"peers over {design.name}",
            sentence="Each end accepts either image. "
            + design.sentence
            + (f" {wanted.attack.why}" if wanted.attack else ""),
            substrate=substrate,
        )
