"""Peers of one kind: both machines would accept a machine like themselves, which is what a reflection lives on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.attacks import CATALOGUE
from trustlab.scenarios.stage import Act

if TYPE_CHECKING:
    from trustlab.passage import Design


class Peers(Act):
    """The payment between two machines that each accept either image, and pin both machines."""

    def __init__(
        self, design: Design, attack: str | None, *, without: tuple[str, ...] = (), substrate: str = "memory"
    ) -> None:
        super().__init__(
            design,
            attack,
            expected=("completed",) if attack is None else ("succeeded", "refused"),
            title=f"peers over {design.name} against {attack}" if attack else f"peers over {design.name}",
            sentence="Either image is good enough for either end. "
            + design.sentence
            + (f" {CATALOGUE[attack].why}" if attack in CATALOGUE else ""),
            without=without,
            substrate=substrate,
        )

    def _settings(self, name: str) -> dict[str, str]:  # noqa: ARG002 - both images are told the same
        return {"peer_image": f"bank,{self.customer}"}
