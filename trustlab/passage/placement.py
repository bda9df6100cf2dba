"""Where a design places attestation: before, in or after the handshake, inside the channel, or nowhere.

`Design.when` is the placement's name in a file. Code asks `placement_of(design)` for an object. It answers questions
about the placement, and wraps an application in the exchange that must be finished before the application may speak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from trustlab import tls
from trustlab.passage.exchange import Answering
from trustlab.passage.exported import Exported
from trustlab.passage.guard import CMW_CBOR
from trustlab.passage.sealed import SealedClient, SealedServer

if TYPE_CHECKING:
    from trustlab.passage.application import Application
    from trustlab.passage.components import Components
    from trustlab.passage.designs import Design
    from trustlab.passage.guard import Guard, Role

VERSIONS = {"1.2": tls.Version.TLS12, "1.3": tls.Version.TLS13}


class Placement:
    """One place for attestation. This base class wraps nothing: the application speaks once the handshake is over."""

    attests: ClassVar[bool] = True
    """Whether anybody attests anything."""
    our_engine: ClassVar[bool] = True
    """Whether our TLS engine makes the channels; if not, OpenSSL does, without attestation."""
    one_channel: ClassVar[bool] = True
    """Whether the evidence travels on the connection that the application uses."""
    in_handshake: ClassVar[bool] = False
    """Whether evidence is part of the handshake, in the `attestation` extension."""
    asks_before: ClassVar[bool] = False
    """Whether the client asks on a first connection, before it opens TLS on a second one."""
    asks_inside: ClassVar[bool] = False
    """Whether the client alone asks, inside the finished channel."""
    mutual: ClassVar[bool] = False
    """Whether both ends ask, inside the finished channel."""
    seals: ClassVar[bool] = False
    """Whether the ends seal what they say to a key that the evidence names."""
    frames: ClassVar[int] = 0
    """How many frames of an exchange each end sends inside the channel before the application speaks."""

    def wrap(
        self,
        application: Application,
        guard: Guard,  # noqa: ARG002 - nothing is wrapped, so nobody asks
        engine: tls.Client | tls.Server,  # noqa: ARG002
        components: Components,  # noqa: ARG002
    ) -> Application:
        """Return what runs in the channel of `engine`: the exchange of this placement, then the application."""
        return application


class Never(Placement):
    """Nobody attests: ordinary TLS."""

    attests = our_engine = one_channel = False


class Before(Placement):
    """The client asks on a first connection, without TLS, and connects on a second one."""

    one_channel = False
    asks_before = True


class Inside(Placement):
    """The client asks inside the finished channel, and the server answers."""

    asks_inside = True
    frames = 1

    def wrap(
        self, application: Application, guard: Guard, engine: tls.Client | tls.Server, components: Components
    ) -> Application:
        """Let the client ask, and the server answer."""
        if guard.role == "client":
            return components.asking(application, guard, random=components.random)
        return Answering(application, guard, abort=engine.abort)


class SealedInside(Inside):
    """The same, and what the application says afterwards is sealed to a key that the Evidence names."""

    seals = True

    def wrap(
        self, application: Application, guard: Guard, engine: tls.Client | tls.Server, components: Components
    ) -> Application:
        """Let the client ask, and both ends seal."""
        if guard.role == "client":
            return SealedClient(application, guard, engine.abort, random=components.random)
        return SealedServer(application, guard, engine.abort)


class InHandshake(Placement):
    """Evidence is a message of the handshake (TLS 1.2), or an extension beside a certificate (TLS 1.3)."""

    in_handshake = True


class AfterFinished(Placement):
    """Both ends ask and answer as their first application data, over the session hash (TLS 1.2, RFC 7627)."""

    mutual = True
    frames = 2

    def wrap(
        self, application: Application, guard: Guard, engine: tls.Client | tls.Server, components: Components
    ) -> Application:
        """Let both ends ask and answer in frames."""
        return components.mutual(application, guard, lambda: engine.facts, abort=engine.abort, random=components.random)


class InAuthenticators(AfterFinished):
    """The same in exported authenticators (TLS 1.3, RFC 9261), over the exporter of the channel."""

    def wrap(
        self,
        application: Application,
        guard: Guard,
        engine: tls.Client | tls.Server,
        components: Components,  # noqa: ARG002 - no component changes how authenticators are exchanged
    ) -> Application:
        """Let both ends ask for authenticators and give them."""
        return Exported(application, guard, engine)


PLACEMENTS = {
    "never": Never(),
    "before": Before(),
    "inside": Inside(),
    "sealed": SealedInside(),
    "handshake": InHandshake(),
    "after-finished": AfterFinished(),
}
IN_AUTHENTICATORS = InAuthenticators()


def placement_of(design: Design) -> Placement:
    """Return where a design places attestation."""
    return IN_AUTHENTICATORS if (design.when, design.tls) == ("after-finished", "1.3") else PLACEMENTS[design.when]


def engine_settings(design: Design, role: Role) -> dict[str, Any]:
    """Return the fields of a TLS configuration that follow from a design, for one role."""
    return {
        "versions": (VERSIONS[design.tls],),
        "cipher_suites": (tls.CipherSuite[design.suite],),
        "groups": (tls.Group[design.group],),
        "extended_master_secret": design.extended_master_secret,
        "attestation": offer(design, role),
    }


def offer(design: Design, role: Role) -> tls.AttestationOffer | None:
    """Return what this role offers and demands in the `attestation` extension; None if the design has none."""
    if not placement_of(design).in_handshake:
        return None
    server, client = tls.ROLE_S if design.server else 0, tls.ROLE_C if design.client else 0
    offered, demanded = (client, server) if role == "client" else (server, client)
    return tls.AttestationOffer(offered=offered, demanded=demanded, formats=(CMW_CBOR,))
