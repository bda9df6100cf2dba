"""All designs by name, and a design as a setting of a measured configuration."""

from __future__ import annotations

import msgspec

from trustlab.passage.designs import LADDER, Design, DesignError
from trustlab.passage.designs13 import LADDER13

DESIGNS = {design.name: design for design in (*LADDER, *LADDER13)}
"""The designs that run, by name: the rungs on TLS 1.2, then those on TLS 1.3."""


def setting_of(design: Design) -> str:
    """Return what a configuration says of a design: the name of a known one, JSON of any other."""
    return design.name if DESIGNS.get(design.name) == design else msgspec.json.encode(design).decode()


def design_of(setting: str) -> Design:
    """Return the design that a configuration names or spells out; DesignError where it is none."""
    if setting in DESIGNS:
        return DESIGNS[setting]
    if not setting.startswith("{"):
        raise DesignError(f"no design {setting!r}; there are: {', '.join(DESIGNS)}")
    try:
        return msgspec.json.decode(setting, type=Design)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DesignError(f"a design that cannot be read: {error}") from error


def with_usable_key(design: Design) -> Design:
    """Return the design with a server's key that a password opens, and checks that do not mind: a leak, assumed.

    A key that came with the image is usable as it is, by whoever deployed it.
    """
    if design.key_origin == "deployed":
        return design
    unasked = tuple(dict.fromkeys((*design.not_demanded, "key provenance", "key policy")))
    return msgspec.structs.replace(design, key_origin="machine", not_demanded=unasked)


def with_ephemeral_keys(design: Design) -> Design:
    """Return a design of TLS 1.2 with an ephemeral key agreement, where it has RSA key exchange."""
    if not design.transports_key:
        return design
    return msgspec.structs.replace(design, suite="TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", group="SECP256R1")


def with_resumption(design: Design) -> Design:
    """Return the design with both ends resuming TLS 1.2 sessions: a switch of the lab's, which no rung has on."""
    return msgspec.structs.replace(design, resumes=True)
