"""Passages: TLS channels bound to attestation.

A `Design` says how (which binder, whose key, who attests, when), a `Guard` carries it out for one connection, and an
endpoint joins engine, keys, guard and application into something a wire can drive. Nothing here knows machines: an
`Attester` may be a hypervisor, a VM or a test.
"""

from trustlab.passage.application import Application
from trustlab.passage.binders import KEY_PROOF, Binder, BinderError, BinderField, Bound, Facts, H
from trustlab.passage.designs import DESIGNS, LADDER, PLAIN_TLS, TRUSTED_PASSAGE, Design, DesignError
from trustlab.passage.endpoint import KeyHolder, TlsEndpoint
from trustlab.passage.exchange import Answering, Asking, ExchangeError, Mutual, PlainEndpoint
from trustlab.passage.guard import AttestationFailure, Attester, Guard, offer
from trustlab.passage.openssl import OpenSslEndpoint

__all__ = [
    "DESIGNS",
    "KEY_PROOF",
    "LADDER",
    "PLAIN_TLS",
    "TRUSTED_PASSAGE",
    "Answering",
    "Application",
    "Asking",
    "AttestationFailure",
    "Attester",
    "Binder",
    "BinderError",
    "BinderField",
    "Bound",
    "Design",
    "DesignError",
    "ExchangeError",
    "Facts",
    "Guard",
    "H",
    "KeyHolder",
    "Mutual",
    "OpenSslEndpoint",
    "PlainEndpoint",
    "TlsEndpoint",
    "offer",
]
