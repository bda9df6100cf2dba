"""What `trustlab serve` and `trustlab connect` demand of the other side, from files of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trustlab.attest import Memory, ReferenceValues
from trustlab.cli.failure import Failure

if TYPE_CHECKING:
    from trustlab.cloud import Image, World

PolicyFile = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        help="Appraisal Policy (TOML) for the other side; what it leaves out stays as this command demands it. With "
        'reattest = "1s" and freshness = "60s" the other side attests again while the passage stands.',
    ),
]
ReferencesFile = Annotated[
    Path | None,
    typer.Option("--references", help="Reference Values (TOML) for the other side, in place of the lab's."),
]
MemoryFile = Annotated[
    Path | None,
    typer.Option(
        "--memory",
        help="File that remembers the last accepted version of the Reference Values and each machine's last boot: "
        "neither may go back.",
    ),
]
LogJson = Annotated[
    bool, typer.Option("--log-json", help="Write a JSON line for each event to standard error, not the ladder.")
]


@dataclass(frozen=True)
class Demands:
    """The files of one side."""

    policy: Path | None = None
    references: Path | None = None
    memory: Path | None = None

    @property
    def any(self) -> bool:
        return any(path is not None for path in (self.policy, self.references, self.memory))

    def values(self, world: World, *images: Image) -> ReferenceValues:
        """Return the Reference Values: the file's, or the lab's for these images."""
        if self.references is None:
            return world.references(*images)
        return ReferenceValues.from_toml(self.references)

    @property
    def remembering(self) -> Memory | None:
        return None if self.memory is None else Memory(self.memory)

    def check_alone(self) -> None:
        """Failure if something is given, for virtual machines are measured with what they demand."""
        if self.any:
            raise Failure(
                "a virtual machine's demands are part of its measured image: do not give --policy, --references or "
                "--memory with --in-vm"
            )
