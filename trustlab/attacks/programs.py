"""What Alice's programs have in common: speaking of themselves, and getting a certificate for her victim's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.attack import Attack
    from trustlab.cloud import Guest, Identity, Provider


def powers(guest: Guest) -> Provider:
    """Return the provider's powers; PermissionError on a machine that is not Alice's."""
    if guest.provider is None:
        raise PermissionError("this program needs the provider's powers: start it on a machine of Alice's")
    return guest.provider


def teller_of(guest: Guest, attack: Attack) -> Callable[[str, str], None]:
    """Return a function that tells the trace, in a step and a sentence, what Alice does."""

    def tell(step: str, sentence: str) -> None:
        guest.party.emit("attack", attack.name, step=step, sentence=f"Alice {sentence}")

    return tell


def rogue_identity(guest: Guest, tell: Callable[[str, str], None]) -> Identity:
    """Get a certificate for the victim's name from the public CA, by answering its connection herself."""
    provider, name = powers(guest), guest.setting("server_name")
    identity = guest.make_identity(lambda key: provider.obtain_certificate(name, guest.setting("victim"), key))
    tell("certificate", f"answers the CA's connection to {name} and gets a certificate for a key of her own.")
    return identity
