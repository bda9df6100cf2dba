"""Alice as her own programs see her: her machine, her powers as the provider, and a way to write into the trace."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric import ec

from trustlab.cloud import Identity
from trustlab.passage import placement_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustlab.attacks.attack import Attack
    from trustlab.cloud import Guest, Provider
    from trustlab.wire import Endpoint, WireConnection

HTTPS, QUESTIONS = 443, 4433


class Alice:
    """Every program of hers begins with this.

    `guest` is her own machine, `design` the design that teller and bank use, `placement` where it attests, `victim` the
    name of the server. Her entries in the trace are named after `attack`, or after the attack that is played.
    """

    def __init__(self, guest: Guest, attack: Attack | None = None) -> None:
        self.guest = guest
        self.design = guest.design
        self.placement = placement_of(self.design)
        self.victim = guest.setting("victim")
        self._telling = attack.name if attack else self.playing

    @property
    def playing(self) -> str:
        """The name of the attack that is played; a program may play several."""
        return self.guest.setting("attack")

    @property
    def powers(self) -> Provider:
        """The provider's powers; PermissionError on a machine that is not Alice's."""
        if self.guest.provider is None:
            raise PermissionError("this program needs the provider's powers: start it on Alice's machine")
        return self.guest.provider

    def tell(self, step: str, sentence: str, *, who: str = "Alice") -> None:
        """Write into the trace what she does: the name of the step, and a sentence."""
        self.guest.party.emit("attack", self._telling, step=step, sentence=f"{who} {sentence}")

    def rogue_identity(self) -> Identity:
        """Get a certificate for the victim's name from the public CA, by answering the CA's connection herself.

        Her key is RSA if the design encrypts to the server's key; else it only signs, and is on P-256.
        """
        name = self.guest.setting("server_name")
        certify = partial(self.powers.obtain_certificate, name, self.victim)
        if self.design.transports_key:
            identity = self.guest.make_identity(certify)
        else:
            key = ec.generate_private_key(ec.SECP256R1())
            identity = Identity(certify(key.public_key()), key)
        self.tell("certificate", f"answers the CA's connection to {name} and gets a certificate for a key of her own.")
        return identity

    def take_place(self, accept: Callable[[WireConnection], Endpoint], port: int = HTTPS) -> None:
        """Answer connections to the victim's port herself, each with the endpoint that `accept` makes."""
        self.powers.redirect(self.victim, port)
        self.guest.listen(port, accept)

    def connect(self, make_end: Callable[[str], Endpoint], *, port: int = HTTPS, to: str = "") -> None:
        """Open a connection to the victim, or to another machine; `make_end` makes her end, given its name."""
        self.guest.connect(to or self.victim, port, make_end)

    def only_listen(self) -> None:
        """Write that she only listens; her network is recorded in any case."""
        self.tell("wait", "only listens: she records what crosses her network.")

    def leaked_secret(self, client_random: bytes) -> bytes | None:
        """Return the secret of a key agreement that the lab leaked to her, by client_random; None if there is none."""
        for event in self.powers.own_secrets("shared_secret"):
            if event.data.get("leaked") and event.data.get("client_random") == client_random.hex():
                return event.raw
        return None
