"""The ends of channels: what a design makes of an application, an identity and a hypervisor.

Every rung of the ladder is built here from the same parts; what differs is said by the `Design`.
"""

from __future__ import annotations

import dataclasses
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography import x509

from trustlab import tls
from trustlab.attest import FIRMWARE, AppraisalPolicy, Verifier
from trustlab.cloud.erring import FailingVerifier
from trustlab.passage import (
    RULES,
    Answering,
    Asking,
    Exported,
    Guard,
    Mutual,
    OpenSslEndpoint,
    Pace,
    Paced,
    PlainEndpoint,
    Talkative,
    TlsEndpoint,
    known_rules,
    offer,
)
from trustlab.passage.ablation import CredulousClient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustlab.attest import ReferenceValues
    from trustlab.cloud.identity import Identity
    from trustlab.passage import Application, Attester, Design
    from trustlab.passage.guard import Role
    from trustlab.trace import Pen
    from trustlab.wire import Endpoint

VERSIONS = {"1.2": (tls.Version.TLS12,), "1.3": (tls.Version.TLS13,)}


class Channels:
    """Makes the ends of one machine's channels, as its design and its measured configuration say."""

    def __init__(
        self,
        design: Design,
        settings: Mapping[str, str],
        *,
        party: Pen,
        attester: Attester,
        references: ReferenceValues | None,
        pinned: tuple[bytes, ...],
    ) -> None:
        self.design = design
        self._settings = settings
        self._party = party
        self._attester = attester
        self._references = references
        self._pinned = pinned
        self._sessions: dict[bytes, tls.Session] | None = {} if design.resumes else None
        self._last: tls.Client | None = None
        self._serving: tuple[Identity, tls.ServerConfig] | None = None
        self._calling: dict[str, tuple[Identity | None, tls.ClientConfig]] = {}
        self._pace = Pace(int(settings["quote_burst"])) if "quote_burst" in settings else None
        self._without_rules = known_rules(filter(None, settings.get("without_rules", "").split(",")))
        for name in sorted(self._without_rules):
            party.emit("note", f"rule left out: {name}", sentence=f"The {party.name} {RULES[name].without}.")

    def server(
        self, identity: Identity, application: Application, connection: str, peer: str, *, pace: Pace | None = None
    ) -> Endpoint:
        """Make the server's end of a channel; `pace` limits the peer's quotes where the configuration does not."""
        if self.design.when == "never":
            return OpenSslEndpoint.server(
                application,
                party=self._party,
                connection=connection,
                chain_pem=[identity.certificate_pem],
                key_pem=identity.key_pem,
            )
        if self._serving is None or self._serving[0] is not identity:
            self._serving = identity, self._server_config(identity)
        engine = tls.Server(self._serving[1])
        guard = self.guard("server", connection, peer, pace)
        return self._end(engine, "server", application, guard, connection)

    def _server_config(self, identity: Identity) -> tls.ServerConfig:
        return tls.ServerConfig(
            certificates=(identity.certificate_der,),
            key=identity.key,
            versions=VERSIONS[self.design.tls],
            cipher_suites=(tls.CipherSuite[self.design.suite],),
            groups=(tls.Group[self.design.group],),
            extended_master_secret=self.design.extended_master_secret,
            require_extended_master_secret=self.design.extended_master_secret,
            attestation=offer(self.design, "server"),
            sessions=self._sessions,
            client_certificate="require" if self.design.client_key else "none",
            trust=[self._web_root] if self.design.client_key else None,
        )

    def client(
        self, server_name: str, identity: Identity | None, application: Application, connection: str, peer: str
    ) -> Endpoint:
        """Make the client's end of a channel to a server that must be called `server_name`."""
        if self.design.when == "never":
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
        config = known[1]
        if self._last is not None and self.design.resumes:
            config = dataclasses.replace(config, session=self._last.session)
        engine = (CredulousClient if "offer answered" in self._without_rules else tls.Client)(config)
        guard = self.guard("client", connection, peer)
        self._last = engine
        return self._end(engine, "client", application, guard, connection)

    def _client_config(self, server_name: str, identity: Identity | None) -> tls.ClientConfig:
        return tls.ClientConfig(
            server_name=server_name,
            trust=[self._web_root],
            check_peer="CA identity" not in self._without_rules,
            certificates=(identity.certificate_der,) if identity else (),
            key=identity.key if identity else None,
            versions=VERSIONS[self.design.tls],
            cipher_suites=(tls.CipherSuite[self.design.suite],),
            groups=(tls.Group[self.design.group],),
            extended_master_secret=self.design.extended_master_secret,
            require_extended_master_secret=self.design.extended_master_secret,
            attestation=offer(self.design, "client"),
        )

    def answerer(self, application: Application, connection: str, peer: str) -> Endpoint:
        """Make the end that answers attestation questions outside TLS (`attest-then-connect`)."""
        return PlainEndpoint(Answering(application, self.guard("server", connection, peer)))

    def asker(self, application: Application, connection: str, peer: str) -> Endpoint:
        """Make the end that asks them; `application` is connected when the answer was accepted."""
        return PlainEndpoint(Asking(application, self.guard("client", connection, peer)))

    def guard(self, role: Role, connection: str, peer: str, pace: Pace | None = None) -> Guard:
        """Make the guard of one connection."""
        return Guard(
            self.design,
            role,
            party=self._party,
            connection=connection,
            attester=self._for_peer(peer, self._pace or pace) if role == "server" else self._attester,
            verifier=self._verifier,
            peer=peer,
            lax=self._settings.get("policy") == "lax",
            without_rules=self._without_rules,
        )

    def _end(
        self,
        engine: tls.Client | tls.Server,
        role: Role,
        application: Application,
        guard: Guard,
        connection: str,
    ) -> TlsEndpoint:
        wrap: dict[str, Callable[[], Application]] = {
            "inside": lambda: (
                Asking(application, guard, eager="evidence first" in self._without_rules)
                if role == "client"
                else Answering(application, guard, abort=engine.abort)
            ),
            "after-finished": lambda: (
                Exported(application, guard, engine)
                if self.design.tls == "1.3"
                else Mutual(
                    application,
                    guard,
                    lambda: engine.facts,
                    abort=engine.abort,
                    skip=lambda: self._unasked(engine),
                )
            ),
        }
        inner = wrap.get(self.design.when, lambda: application)()
        observer = tls.TraceObserver(self._party, connection, role=role)
        kind = Talkative if role == "server" and "one answer" in self._without_rules else TlsEndpoint
        return kind(engine, inner, observer=observer, guard=guard)

    def _for_peer(self, peer: str, pace: Pace | None) -> Attester:
        """Return the attester, at a peer's pace where there is one."""
        if pace is None or "paced quotes" in self._without_rules:
            return self._attester
        return Paced(self._attester, pace, peer)

    def _unasked(self, engine: tls.Client | tls.Server) -> bool:
        """Whether evidence is left out because the session is an old one; only without the rule."""
        return engine.facts.session_hash is None and "evidence anew" in self._without_rules

    @cached_property
    def _web_root(self) -> x509.Certificate:
        return x509.load_pem_x509_certificate(self._settings["web_root"].encode())

    @cached_property
    def _verifier(self) -> Verifier | None:
        """Bob's verifier: his reference values, and the privacy CA that the measured configuration names."""
        if self._references is None:
            return None
        policy = (
            FIRMWARE
            if self._settings.get("peer_tpm") == "device"
            else AppraisalPolicy(
                allowed_images=tuple(self._settings["peer_image"].split(",")),
                ek_digests=self._pinned,
                claims=tuple(filter(None, self._settings.get("claims", "").split(";"))),
            )
        )
        left_out = {*self.design.not_demanded, *filter(None, self._settings.get("without", "").split(","))}
        kind = FailingVerifier if self._settings.get("verifier") == "errs" else Verifier
        anchor = x509.load_pem_x509_certificate(self._settings["privacy_root"].encode())
        seen = int(self._settings.get("references_seen", "0"))
        return kind([anchor], self._references, policy, last_reference_version=seen, without=left_out)
