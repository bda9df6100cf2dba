"""TLS 1.2 and 1.3 as a sans-IO engine: octets in, events out, every octet named and every secret accounted for.

`Client` and `Server` are used alike: `receive`, `next_event`, `answer`, `data_to_send`, `send`, `close`; `pump` is
`next_event` in a loop with local keys answered. Events and requests are dataclasses; what goes wrong is an `Alert`.

For listeners (`capture`): `parse_record_header` and `split_records` cut a stream into `RawRecord`s, `HandshakeJoiner`
puts messages together, `parse_message` reads one, `describe` names its octets, `sentence` says what it is for;
`master_secret` and `extended_master_secret` derive, `PassiveDecryptor` and `PassiveDecryptor13` take the protection
off single records. `authenticators` are those of RFC 9261.
"""

from trustlab.tls import alerts, authenticators, events, messages
from trustlab.tls.alerts import *  # noqa: F403 - the list of alerts stands beside them
from trustlab.tls.client import Client
from trustlab.tls.config import AttestationOffer, ClientConfig, ServerConfig
from trustlab.tls.connection import Connection, pump
from trustlab.tls.describe import describe, describe_record, sentence
from trustlab.tls.events import *  # noqa: F403
from trustlab.tls.extensions import ROLE_C, ROLE_S, AttestationExtension, Extension
from trustlab.tls.facts import HandshakeFacts
from trustlab.tls.keylog import KeyLog, keylog_line
from trustlab.tls.keys import perform
from trustlab.tls.limits import Limits
from trustlab.tls.messages import *  # noqa: F403
from trustlab.tls.observe import TraceObserver
from trustlab.tls.passive import PassiveDecryptor, PassiveDecryptor13, parse_message
from trustlab.tls.records import (
    HandshakeJoiner,
    RawRecord,
    missing,
    parse_record_header,
    split_records,
    unfinished_record,
)
from trustlab.tls.registry import (
    CipherSuite,
    ContentType,
    EvidenceFormat,
    ExtensionType,
    Group,
    HandshakeType,
    SignatureScheme,
    Version,
)
from trustlab.tls.schedule12 import extended_master_secret, master_secret, pms_commitment
from trustlab.tls.schedule13 import hkdf_expand_label
from trustlab.tls.server import Server

__all__ = [
    "ROLE_C",
    "ROLE_S",
    "AttestationExtension",
    "AttestationOffer",
    "CipherSuite",
    "Client",
    "ClientConfig",
    "Connection",
    "ContentType",
    "EvidenceFormat",
    "Extension",
    "ExtensionType",
    "Group",
    "HandshakeFacts",
    "HandshakeJoiner",
    "HandshakeType",
    "KeyLog",
    "Limits",
    "PassiveDecryptor",
    "PassiveDecryptor13",
    "RawRecord",
    "Server",
    "ServerConfig",
    "SignatureScheme",
    "TraceObserver",
    "Version",
    "authenticators",
    "describe",
    "describe_record",
    "extended_master_secret",
    "hkdf_expand_label",
    "keylog_line",
    "master_secret",
    "missing",
    "parse_message",
    "parse_record_header",
    "perform",
    "pms_commitment",
    "pump",
    "sentence",
    "split_records",
    "unfinished_record",
]
__all__ += alerts.__all__
__all__ += events.__all__
__all__ += messages.__all__
