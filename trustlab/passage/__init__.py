"""Passages: TLS channels that are bound to attestation.

Theory of operation
-------------------

A passage is an attested TLS channel: an end goes on only after it has accepted Evidence about its peer. How tightly the
Evidence is bound to the channel, and who attests, depends on the design:

- A `Design` says which fields of the handshake each side's quote covers (a `Binder`), when the Evidence travels
  (`Placement`), who made the server's key, and which checks are not demanded. The ladder is a tuple of designs.
- A `Guard` does the attestation of one end. It computes the binder of this end and has the `Attester` quote it; it
  computes the binder that the peer must have quoted, and has the `Verifier` appraise the peer's Evidence.
- A `TlsEndpoint` is the pump. It joins a TLS engine, the keys, the guard and an application into something that takes
  and returns octets::

      socket or wire  <->  TlsEndpoint  <->  tls.Client or tls.Server   (octets in, events out)
                                |
                                |-- KeyOperationWanted  -> a private key, or a KeyHolder such as a TPM
                                |-- EvidenceWanted      -> Guard.evidence -> Binder.bind -> Attester.attest
                                |-- EvidenceReceived    -> Guard.appraise -> Binder.bind -> Verifier.appraise
                                |-- HandshakeCompleted  -> Application.connected
                                '-- ApplicationData     -> Application.received

Where Evidence does not travel in the handshake, the placement wraps the application instead: `exchange` asks and
answers in frames, `exported` in exported authenticators (RFC 9261). The inner application speaks once the peer's
Evidence was accepted.

Rule 1: fail closed. Whatever goes wrong in a guard, also an exception of the verifier, refuses the connection.

Rule 2: each end computes the binder from its own view of the handshake. It never takes a binder from the peer.

Rule 3: the honest code cannot be switched off. `ablation` replaces one part by another that lacks one rule; the
measured configuration of a machine must ask for it, so a relying party can tell, and the trace says so.

On a passage whose stream is made of frames (`renewal`), either end can ask for fresh evidence again.

`streams.connect` and `serving.serve` put the same ends on real TCP. `OpenSslEndpoint` is plain TLS as the world has it,
for the first rung. Nothing here knows machines: an `Attester` may be a hypervisor, a VM or a test.
"""

from trustlab.attest import H
from trustlab.passage.ablation import (
    NOT_LEFT_OUT,
    PARTS,
    RULES,
    BleichenbacherOracle,
    Rule,
    RuleError,
    SeedError,
    check_settings,
    components,
    design_without,
    known_rules,
    seed_setting,
    seeded,
)
from trustlab.passage.application import Application
from trustlab.passage.binders import KEY_PROOF, Binder, BinderError, ChannelFacts
from trustlab.passage.catalogue import (
    DESIGNS,
    design_named,
    design_of,
    setting_of,
    with_ephemeral_keys,
    with_resumption,
    with_usable_key,
)
from trustlab.passage.designs import LADDER, PLAIN_TLS, RESUMED, TRUSTED_PASSAGE, Design, DesignError
from trustlab.passage.designs13 import BARE_EXPORTER, BARE_EXPORTER_WITH_ROLE, LADDER13
from trustlab.passage.endpoint import KeyHolder, TlsEndpoint
from trustlab.passage.exchange import Answering, Asking, ExchangeError, Mutual, PlainEndpoint
from trustlab.passage.exported import Exported
from trustlab.passage.guard import AttestationFailure, Attester, Guard
from trustlab.passage.limits import RateLimitedAttester, RateLimiter
from trustlab.passage.openssl import OpenSslEndpoint
from trustlab.passage.placement import Placement, engine_settings, placement_of
from trustlab.passage.published import BESIDE, BESIDE12, EARLY_EXPORTER_ALONE, MECHANISMS
from trustlab.passage.renewal import Renewal, check_schedule, renewable
from trustlab.passage.schedule import NEVER, RenewalError, Schedule
from trustlab.passage.serving import PassageServer, serve
from trustlab.passage.source import SourceError
from trustlab.passage.streams import PassageError, PassageStream, connect

__all__ = [
    "BARE_EXPORTER",
    "BARE_EXPORTER_WITH_ROLE",
    "BESIDE",
    "BESIDE12",
    "DESIGNS",
    "EARLY_EXPORTER_ALONE",
    "KEY_PROOF",
    "LADDER",
    "LADDER13",
    "MECHANISMS",
    "NEVER",
    "NOT_LEFT_OUT",
    "PARTS",
    "PLAIN_TLS",
    "RESUMED",
    "RULES",
    "TRUSTED_PASSAGE",
    "Answering",
    "Application",
    "Asking",
    "AttestationFailure",
    "Attester",
    "Binder",
    "BinderError",
    "BleichenbacherOracle",
    "ChannelFacts",
    "Design",
    "DesignError",
    "ExchangeError",
    "Exported",
    "Guard",
    "H",
    "KeyHolder",
    "Mutual",
    "OpenSslEndpoint",
    "PassageError",
    "PassageServer",
    "PassageStream",
    "Placement",
    "PlainEndpoint",
    "RateLimitedAttester",
    "RateLimiter",
    "Renewal",
    "RenewalError",
    "Rule",
    "RuleError",
    "Schedule",
    "SeedError",
    "SourceError",
    "TlsEndpoint",
    "check_schedule",
    "check_settings",
    "components",
    "connect",
    "design_named",
    "design_of",
    "design_without",
    "engine_settings",
    "known_rules",
    "placement_of",
    "renewable",
    "seed_setting",
    "seeded",
    "serve",
    "setting_of",
    "with_ephemeral_keys",
    "with_resumption",
    "with_usable_key",
]
