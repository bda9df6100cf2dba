"""TLS 1.2 and 1.3 as a sans-IO engine: octets in, events out, every octet named and every secret accounted for.

Theory of operation
-------------------

Nothing here reads a socket. A program makes a `Client` or a `Server`, feeds it octets and takes events; both are a
`Connection` and are used alike::

    server = Server(config)
    server.receive(octets)              # from the socket; this only buffers
    for event in pump(server): ...      # the work is done here, a step at a time
    socket.send(server.data_to_send())

This is the way of a ClientHello from the socket to a state, by files and names:

- `connection.py`: `receive` keeps the octets. `next_event` (which `pump` calls in a loop) takes one step: it runs the
  next entry of the plan, or reads one message.
- `records.py`: `RecordLayer.next_record` cuts a record off the octets and has `protection.py` take its protection off.
  `HandshakeJoiner` puts the handshake message together, which may lie in several records.
- `connection.py`: `_read_message` refuses a message that has no place now (`check_expected`) or is too long
  (`limits.py`), as soon as its four octets of header are there.
- `messages/`: `ClientHello.pull` reads the fields with a cursor (`reading.py`); `extensions.py` reads each extension
  when somebody asks for its value. The event `MessageReceived` tells the program.
- `server.py`: `ServerStart.receive_client_hello` chooses the version, makes a `Server13` or `Server12`, and hands over.
- `server13.py`: `Server13.receive_client_hello` chooses suite, group, signature scheme and protocol, puts
  `send_server_hello` on the plan, and returns the state it wants: `SEND_SERVER_HELLO`.
- `states.py`: the table `SERVER13` has this edge, so the connection enters the state and says so (`StateChanged`).
- The next step runs `Server13.send_server_hello`. `Connection.write` encodes the message, adds it to the `Transcript`,
  writes records and follows the table again. `after_server_hello` derives the keys (`schedule13.py`).

A handshake's methods are named after messages: `send_x` makes one, `sent_x` notes what was really written, `receive_x`
judges one, `after_x` plans what follows. `handshake.py` has what all four handshakes share, `handshake12.py` and
`handshake13.py` what both roles of a version share, `roles.py` what both versions of a role share.

What is wrong with the peer's octets is raised as an `Alert`, which the connection sends and tells. What only the
program can do is a `Request`: Evidence, appraisal, a private key elsewhere. The engine stands still until `answer`.

Listeners (`capture`) use parts of it: `split_records`, `HandshakeJoiner`, `parse_message`, `describe`, which names each
octet, and `PassiveDecryptor`. `authenticators` are those of RFC 9261. Two modules are not imported here, because their
ends check less than the engine: `resumption12` and `unchecked`.
"""

from trustlab.tls import alerts, authenticators, events, messages
from trustlab.tls.alerts import *  # noqa: F403 - each of the three modules lists its own names
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
from trustlab.tls.pair import BackToBack, back_to_back
from trustlab.tls.passive import PassiveDecryptor, PassiveDecryptor13, parse_message
from trustlab.tls.records import (
    HandshakeJoiner,
    RawRecord,
    missing,
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
from trustlab.tls.schedule12 import KeyBlock, extended_master_secret, key_block, master_secret, pms_commitment, prf
from trustlab.tls.schedule13 import hkdf_expand_label
from trustlab.tls.server import Server

__all__ = [
    "ROLE_C",
    "ROLE_S",
    "AttestationExtension",
    "AttestationOffer",
    "BackToBack",
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
    "KeyBlock",
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
    "back_to_back",
    "describe",
    "describe_record",
    "extended_master_secret",
    "hkdf_expand_label",
    "key_block",
    "keylog_line",
    "master_secret",
    "missing",
    "parse_message",
    "perform",
    "pms_commitment",
    "prf",
    "pump",
    "sentence",
    "split_records",
    "unfinished_record",
]
__all__ += alerts.__all__
__all__ += events.__all__
__all__ += messages.__all__
