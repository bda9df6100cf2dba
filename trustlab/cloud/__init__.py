"""The cloud: images, hypervisors, machines with real TPMs, and the provider's network between them.

Theory of operation
-------------------

`Cloud.rent` boots a machine: a `tpm.Platform`, a hypervisor on it, and one guest program with its configuration (an
`Image`). The hypervisor is `HyperSafe`, which is launched by DRTM, measures the image, makes the guest's TLS key in
the TPM and attests for it; or `Ordinary`, which measures nothing.

The same guest program runs on two substrates, and cannot tell which:

========================  =======================================  ==============================================
what                      `memory`                                 `uml`
========================  =======================================  ==============================================
a machine                 a Python object in this process          a User Mode Linux kernel with an agent in it
the guest's hypervisor    the object itself                        messages on a serial line (hypercalls)
the network               `wire.MemoryNetwork`                     `wire.Switch`: Ethernet frames on sockets
frames in the trace       reconstructed from the streams           those that crossed the switch
========================  =======================================  ==============================================

Rule 1: a guest meets everything outside through the Protocols in `ports`. In `memory` the objects stand behind them;
inside a VM, `agent` carries each call over a line. Code that asks for the substrate anywhere else is wrong.

Rule 2: Alice's powers as the provider (redirect a connection, read a disk or an ordinary machine's memory, use a
machine's TPM at locality 0) are given to her own machine only. HyperSafe refuses what it is there to refuse.

Rule 3: the cloud owns whatever must end with it: TPM processes, kernels, sockets, threads. `Cloud.close` ends them at
any moment, from any thread; a janitor process ends them if this process is killed.

With `uml`, one thread with an asyncio loop (`Worker`) moves the frames and the lines of all machines. It must never
wait for a machine: while it waits, no frame moves.

`World` and `Station` are a smaller thing: one machine for `trustlab serve` and `trustlab connect`, whose passage runs
over the user's own TCP.
"""

from trustlab.cloud.authority import Authority
from trustlab.cloud.cloud import Cloud, choose
from trustlab.cloud.errors import (
    CloudClosedError,
    CloudError,
    HypercallRefusedError,
    ImageError,
    NameNotValidatedError,
)
from trustlab.cloud.guest import Guest
from trustlab.cloud.hypersafe import HyperSafe
from trustlab.cloud.identity import Identity
from trustlab.cloud.image import Image
from trustlab.cloud.makers import Endorsers
from trustlab.cloud.ordinary import Ordinary
from trustlab.cloud.pki import WebCa
from trustlab.cloud.ports import Fabric, Hypervisor, Machine, Provider
from trustlab.cloud.station import Station, kind_of
from trustlab.cloud.world import SERVER_NAME, TpmKind, World, references_of

__all__ = [
    "SERVER_NAME",
    "Authority",
    "Cloud",
    "CloudClosedError",
    "CloudError",
    "Endorsers",
    "Fabric",
    "Guest",
    "HyperSafe",
    "HypercallRefusedError",
    "Hypervisor",
    "Identity",
    "Image",
    "ImageError",
    "Machine",
    "NameNotValidatedError",
    "Ordinary",
    "Provider",
    "Station",
    "TpmKind",
    "WebCa",
    "World",
    "choose",
    "kind_of",
    "references_of",
]
