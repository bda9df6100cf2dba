"""All designs by name, and a design as a setting of a measured configuration."""

from __future__ import annotations

import msgspec

from trustlab.passage.designs import LADDER, Design, DesignError
from trustlab.passage.designs13 import LADDER13
from trustlab.passage.published import BESIDE, BESIDE12

DESIGNS = {design.name: design for design in (*LADDER, *LADDER13, *BESIDE12, *BESIDE)}
"""The designs that run, by name: the rungs on TLS 1.2, those on TLS 1.3, then what is published beside them."""


def design_named(name: str) -> Design:
    """Return a design by its name; DesignError, with all names, if there is none."""
    if name not in DESIGNS:
        raise DesignError(f"there is no design {name!r}; choose from: {', '.join(DESIGNS)}")
    return DESIGNS[name]


def setting_of(design: Design) -> str:
    """Return how a configuration spells a design: the name of a known one, JSON for any other."""
    return design.name if DESIGNS.get(design.name) == design else msgspec.json.encode(design).decode()


def design_of(setting: str) -> Design:
    """Return the design that a configuration names or spells out; DesignError if it does neither."""
    if not setting.startswith("{"):
        return design_named(setting)
    try:
        return msgspec.json.decode(setting, type=Design)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DesignError(f"this design cannot be read: {error}") from error


def with_usable_key(design: Design) -> Design:
    """Return the design with a server's key that Alice can use: a password opens it, and no check asks about that.

    A key that came with the image needs no change: whoever deployed it can use it.
    """
    if design.key_origin == "deployed":
        return design
    unasked = tuple(dict.fromkeys((*design.not_demanded, "key provenance", "key policy")))
    return msgspec.structs.replace(design, key_origin="machine", not_demanded=unasked)


def with_ephemeral_keys(design: Design) -> Design:
    """Return a design on TLS 1.2 with an ephemeral key agreement in place of RSA key exchange."""
    if not design.transports_key:
        return design
    return msgspec.structs.replace(design, suite="TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", group="SECP256R1")


def with_resumption(design: Design) -> Design:
    """Return the design with both ends resuming TLS 1.2 sessions, as no rung does."""
    return msgspec.structs.replace(design, resumes=True)
