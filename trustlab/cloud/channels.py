"""The ends of channels: what a design makes of an application, an identity and a hypervisor.

Every rung of the ladder is built here from the same parts; what differs is said by the `Design`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec
from cryptography import x509

from trustlab import tls
from trustlab.attest import FIRMWARE, NOTHING, AppraisalPolicy
from trustlab.passage import (
    Answering,
    Asking,
    OpenSslEndpoint,
    PlainEndpoint,
    RateLimiter,
    Renewal,
    Schedule,
    ablation,
    check_schedule,
    engine_settings,
    placement_of,
)
from trustlab.passage.renewal import exchange_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from trustlab.attest import Memory, ReferenceValues, Revocations, Verifier
    from trustlab.cloud.identity import Identity
    from trustlab.passage import Application, Attester, Design, Guard, TlsEndpoint
    from trustlab.passage.guard import Role
    from trustlab.trace import Emitter
    from trustlab.wire import Endpoint


@dataclass(frozen=True)
class RelyingParty:
    """What a party demands beside its measured configuration.

    What the file of a `policy` leaves out stays as the configuration says; an AppraisalPolicy takes its place.
    """

    policy: AppraisalPolicy | Path | None = None
    memory: Memory | None = None
    revocations: Revocations = NOTHING


class Channels:
    """Makes the ends of one machine's channels, as its design and its measured configuration say."""

    def __init__(
        self,
        design: Design,
        settings: Mapping[str, str],
        *,
        party: Emitter,
        attester: Attester,
        references: ReferenceValues | None,
        pinned: tuple[bytes, ...],
        own: RelyingParty | None = None,
    ) -> None:
        self.design = design
        self._settings = settings
        self._party = party
        self._attester = attester
        self._references = references
        self._pinned = pinned
        self._own = own or RelyingParty()
        self._serving: tuple[Identity, tls.ServerConfig] | None = None
        self._calling: dict[str, tuple[Identity | None, tls.ClientConfig]] = {}
        self._limiter = RateLimiter(int(settings["quote_burst"])) if "quote_burst" in settings else None
        self._placement = placement_of(design)
        self._components = ablation.components(settings, design, party)

    def server(
        self,
        identity: Identity,
        application: Application,
        connection: str,
        peer: str,
        *,
        limiter: RateLimiter | None = None,
    ) -> Endpoint:
        """Make the server's end of a channel; `limiter` limits the peer's quotes where the configuration does not."""
        if not self._placement.our_engine:
            return OpenSslEndpoint.server(
                application,
                party=self._party,
                connection=connection,
                chain_pem=[identity.certificate_pem],
                key_pem=identity.key_pem,
            )
        if self._serving is None or self._serving[0] is not identity:
            self._serving = identity, self._server_config(identity)
        engine = self._components.server(self._serving[1])
        guard = self.guard("server", connection, peer, limiter)
        return self._end(engine, "server", application, guard, connection)

    def _server_config(self, identity: Identity) -> tls.ServerConfig:
        return tls.ServerConfig(
            certificates=(identity.certificate_der,),
            key=identity.key,
            random=self.random,
            require_extended_master_secret=self.design.extended_master_secret,
            **engine_settings(self.design, "server"),
            client_certificate="require" if self.design.client_key else "none",
            trust=[self._web_root] if self.design.client_key else None,
        )

    def client(
        self, server_name: str, identity: Identity | None, application: Application, connection: str, peer: str
    ) -> Endpoint:
        """Make the client's end of a channel to a server that must be called `server_name`."""
        if not self._placement.our_engine:
            return OpenSslEndpoint.client(
                application,
                party=self._party,
                connection=connection,
                server_name=server_name,
                roots_pem=self._settings["web_root"],
            )
        known = self._calling.get(server_name)
        if known is None or known[0] is not identity:
            known = self._calling[server_name] = identity, self._client_config(server_name, identity)
        engine = self._components.client(known[1])
        guard = self.guard("client", connection, peer)
        return self._end(engine, "client", application, guard, connection)

    def _client_config(self, server_name: str, identity: Identity | None) -> tls.ClientConfig:
        return tls.ClientConfig(
            server_name=server_name,
            trust=[self._web_root],
            certificates=(identity.certificate_der,) if identity else (),
            key=identity.key if identity else None,
            random=self.random,
            require_extended_master_secret=self.design.extended_master_secret,
            **engine_settings(self.design, "client"),
        )

    def answerer(self, application: Application, connection: str, peer: str) -> Endpoint:
        """Make the end that answers attestation questions outside TLS (`attest-then-connect`)."""
        return PlainEndpoint(Answering(application, self.guard("server", connection, peer)))

    def asker(self, application: Application, connection: str, peer: str) -> Endpoint:
        """Make the end that asks them; `application` is connected when the answer was accepted."""
        return PlainEndpoint(Asking(application, self.guard("client", connection, peer), random=self.random))

    def guard(self, role: Role, connection: str, peer: str, limiter: RateLimiter | None = None) -> Guard:
        """Make the guard of one connection."""
        return self._components.guard(
            self.design,
            role,
            party=self._party,
            connection=connection,
            attester=self._for_peer(peer, self._limiter or limiter) if role == "server" else self._attester,
            verifier=self._verifier,
            peer=peer,
        )

    def _end(
        self,
        engine: tls.Client | tls.Server,
        role: Role,
        application: Application,
        guard: Guard,
        connection: str,
    ) -> TlsEndpoint:
        renewal = self._renewal(application, guard, engine) if self._settings.get("stream") == "frames" else None
        inner = self._placement.wrap(renewal or application, guard, engine, self._components)
        observer = tls.TraceObserver(self._party, connection, role=role)
        kind = self._components.server_end if role == "server" else self._components.client_end
        return kind(engine, inner, observer=observer, guard=guard, renewal=renewal)

    @property
    def _schedule(self) -> Schedule:
        return Schedule(self.policy.seconds("reattest"), self.policy.seconds("freshness"))

    def check(self, role: Role) -> None:
        """RenewalError if an end of this role cannot ask again as its policy says."""
        check_schedule(self.design, role, self._schedule)

    def _renewal(self, application: Application, guard: Guard, engine: tls.Client | tls.Server) -> Renewal:
        """Make the stream of frames in which either end can ask again."""
        self.check(guard.role)
        exchange = exchange_of(engine, guard, self.random)
        return Renewal(application, guard, exchange, engine.abort, schedule=self._schedule)

    def _for_peer(self, peer: str, limiter: RateLimiter | None) -> Attester:
        """Return the attester, behind the limiter if there is one."""
        return self._attester if limiter is None else self._components.limited(self._attester, limiter, peer)

    @property
    def random(self) -> Callable[[int], bytes]:
        """What this machine draws its octets from."""
        return self._components.random

    @cached_property
    def _web_root(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self._settings["web_root"].encode())

    @cached_property
    def _verifier(self) -> Verifier | None:
        """Bob's verifier: his reference values, and the privacy CA that the measured configuration names."""
        if self._references is None:
            return None
        anchor = x509.load_pem_x509_certificate(self._settings["privacy_root"].encode())
        seen = int(self._settings.get("references_seen", "0"))
        return self._components.verifier(
            [anchor],
            self._references,
            self.policy,
            last_reference_version=seen,
            without=self.design.not_demanded,
            memory=self._own.memory,
            revocations=self._own.revocations,
        )

    @cached_property
    def policy(self) -> AppraisalPolicy:
        """What is demanded of the peer; a policy that pins no machine pins those that Bob rented."""
        own = self._own.policy
        if isinstance(own, AppraisalPolicy):
            return own
        configured = self._configured_policy()
        return configured if own is None else AppraisalPolicy.from_toml(own, configured)

    def _configured_policy(self) -> AppraisalPolicy:
        if self._settings.get("peer_tpm") == "device":
            bank = "sha256" if self._references is None else self._references.bank
            return msgspec.structs.replace(FIRMWARE, bank=bank)
        if "appraisal policy" in self._settings:
            policy = AppraisalPolicy.from_toml(self._settings["appraisal policy"])
            return policy if policy.ek_keys else msgspec.structs.replace(policy, ek_keys=self._pinned)
        return AppraisalPolicy(
            allowed_images=tuple(self._settings["peer_image"].split(",")),
            ek_keys=self._pinned,
            claims=tuple(filter(None, self._settings.get("claims", "").split(";"))),
        )
