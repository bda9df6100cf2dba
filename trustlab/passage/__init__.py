"""Passages: TLS channels bound to attestation.

A `Design` says how (which binder, whose key, who attests, when), a `Guard` carries it out for one connection, and an
endpoint joins engine, keys, guard and application into something a wire can drive. Nothing here knows machines: an
`Attester` may be a hypervisor, a VM or a test.
"""

from trustlab.attest import H
from trustlab.passage.ablation import (
    NOT_LEFT_OUT,
    PARTS,
    RULES,
    BleichenbacherOracle,
    Part,
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
from trustlab.passage.binders import KEY_PROOF, Binder, BinderError, BinderField, Bound, ChannelFacts
from trustlab.passage.catalogue import (
    DESIGNS,
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
from trustlab.passage.openssl import OpenSslEndpoint
from trustlab.passage.pace import Pace, Paced
from trustlab.passage.placement import Placement, offer, placement_of
from trustlab.passage.serving import PassageServer, serve
from trustlab.passage.source import SourceError, source_of
from trustlab.passage.streams import PassageError, PassageStream, connect

__all__ = [
    "BARE_EXPORTER",
    "BARE_EXPORTER_WITH_ROLE",
    "DESIGNS",
    "KEY_PROOF",
    "LADDER",
    "LADDER13",
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
    "BinderField",
    "BleichenbacherOracle",
    "Bound",
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
    "Pace",
    "Paced",
    "Part",
    "PassageError",
    "PassageServer",
    "PassageStream",
    "Placement",
    "PlainEndpoint",
    "Rule",
    "RuleError",
    "SeedError",
    "SourceError",
    "TlsEndpoint",
    "check_settings",
    "components",
    "connect",
    "design_of",
    "design_without",
    "known_rules",
    "offer",
    "placement_of",
    "seed_setting",
    "seeded",
    "serve",
    "setting_of",
    "source_of",
    "with_ephemeral_keys",
    "with_resumption",
    "with_usable_key",
]
