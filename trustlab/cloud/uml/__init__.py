"""The `uml` substrate: real VMs with real kernels (User Mode Linux), real TPMs and real frames on Alice's switch."""

from trustlab.cloud.uml.fabric import UmlFabric
from trustlab.cloud.uml.kernel import why_not
from trustlab.cloud.uml.machine import UmlMachine

__all__ = ["UmlFabric", "UmlMachine", "why_not"]
