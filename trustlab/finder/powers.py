"""Powers: what Alice can do beyond what anybody can, and the goals that she may have.

She always owns the network. Each other power is a rule of her deduction, a change of the design, or a third session.
"""

from __future__ import annotations

from trustlab.finder.terms import FinderError
from trustlab.passage import Design, with_ephemeral_keys, with_usable_key

POWERS = {
    "network": "owns the network: every message passes through her hands",
    "ca": "gets a certificate for any name and any key, because a CA's question crosses her network",
    "copy": "has a copy of the bank's TLS key, if it was deployed with the image",
    "root-tpm": "uses the bank's TPM at locality 0, with every password that she deployed",
    "key-usable": "can have the bank's TLS key sign and decrypt, and no check asks about that",
    "dh-known": "knows the secret of the key agreement of the bank's connections",
    "own-machine": "has a genuine machine of her own that runs the bank's image",
    "evil-image": "has a genuine machine of her own that runs an image as she likes",
    "ak-leaked": "has the attestation keys of the bank's and the teller's machine",
    "lax-peer": "meets a teller that judges no evidence",
    "unpinned": "meets ends that do not ask which machine it is",
}
"""Every power by name, with the words that follow "Alice"."""
DEFAULT = ("network", "ca")

GOALS = {
    "pin": "Alice reads the PIN that the teller sends to the bank",
    "balance": "Alice reads the balance that the bank sends to the teller",
    "agree": "the teller is connected, Alice has its traffic keys, and the bank does not share them",
    "peer": "the teller is connected to a genuine machine that is not the bank's",
}
"""Every goal by name, with what it means to reach it."""


def powers_of(names: tuple[str, ...] | list[str] | frozenset[str]) -> frozenset[str]:
    """Return the powers by these names, with `network`; FinderError if one is unknown."""
    for name in names:
        if name not in POWERS:
            raise FinderError(f"there is no power {name!r}; choose from: {', '.join(POWERS)}")
    return frozenset({"network", *names})


def goal_named(name: str) -> str:
    """Return the goal; FinderError if it is unknown."""
    if name not in GOALS:
        raise FinderError(f"there is no goal {name!r}; choose from: {', '.join(GOALS)}")
    return name


def assumed(design: Design, powers: frozenset[str]) -> Design:
    """Return the design with what the powers change about it, as the lab changes it when an attack is played.

    FinderError for a design that the finder has no terms for.
    """
    if design.when == "sealed":
        raise FinderError(
            f"the finder has no terms for messages that are sealed inside a channel, as in {design.name}: "
            f"see its runs instead (trustlab matrix --design {design.name})"
        )
    if "key-usable" in powers:
        design = with_usable_key(design)
    if "dh-known" in powers and design.tls == "1.2" and agrees_on_key(design):
        design = with_ephemeral_keys(design)
    return design


def agrees_on_key(design: Design) -> bool:
    """Return whether a design can have a key agreement, whose secret somebody may know.

    A deployed RSA key decrypts the secret that the client chose, and a binder with H(EPMS) needs that too.
    """
    if design.tls == "1.3":
        return True
    covered = design.client.fields if design.client else ()
    return design.key_origin != "deployed" and "H(EPMS)" not in covered


def uses_key(design: Design, powers: frozenset[str]) -> bool:
    """Return whether Alice can have the bank's TLS key work for her, where it is."""
    return "key-usable" in powers or ("root-tpm" in powers and design.key_origin == "machine")
