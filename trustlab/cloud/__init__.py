"""The cloud: images, the two hypervisors, machines with real TPMs, and the provider's network between them."""

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
