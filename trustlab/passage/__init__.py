"""Passages: TLS channels bound to attestation.

A `Design` says how (which binder, whose key, who attests), a `Guard` carries it out for one connection, and an
endpoint joins engine, keys, guard and application into something a wire can drive. Nothing here knows machines: an
`Attester` may be a hypervisor, a VM or a test.
"""

from trustlab.passage.application import Application
from trustlab.passage.binders import KEY_PROOF, Binder, BinderError, BinderField, Bound, Facts, H
from trustlab.passage.designs import DESIGNS, PLAIN_TLS, TRUSTED_PASSAGE, Design
from trustlab.passage.endpoint import KeyHolder, TlsEndpoint
from trustlab.passage.guard import AttestationFailure, Attester, Guard, offer
from trustlab.passage.openssl import OpenSslEndpoint

__all__ = [
    "DESIGNS",
    "KEY_PROOF",
    "PLAIN_TLS",
    "TRUSTED_PASSAGE",
    "Application",
    "AttestationFailure",
    "Attester",
    "Binder",
    "BinderError",
    "BinderField",
    "Bound",
    "Design",
    "Facts",
    "Guard",
    "H",
    "KeyHolder",
    "OpenSslEndpoint",
    "TlsEndpoint",
    "offer",
]
