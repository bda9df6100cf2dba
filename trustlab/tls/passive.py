"""What a listener can do with a connection's octets, given its secrets: for `capture` and for Alice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.tls.describe import context_for
from trustlab.tls.messages import pull_any
from trustlab.tls.protection import Aead13, Protection, protection12
from trustlab.tls.reading import MessageReader
from trustlab.tls.registry import Version
from trustlab.tls.schedule12 import key_block
from trustlab.tls.schedule13 import TrafficSecret
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from trustlab.tls.messages import AnyMessage
    from trustlab.tls.records import RawRecord


def parse_message(
    content_type: int, raw: bytes, suite: int | None = None, version: Version = Version.TLS12
) -> AnyMessage:
    """Parse a handshake message with its header, a ChangeCipherSpec or an alert; raises the alert it deserves.

    The form of ServerKeyExchange and ClientKeyExchange depends on `suite`; without one RSA key exchange is assumed. A
    message in a form that this engine does not speak (a version before TLS 1.2, the key exchange of another suite) is
    a `ForeignMessage`.
    """
    return pull_any(content_type, MessageReader(raw), context_for(suite, version))


class PassiveDecryptor:
    """Takes the protection off single records of a TLS 1.2 connection whose master secret is known.

    Sequence numbers count from 0 at each direction's ChangeCipherSpec: Finished has 0.
    """

    def __init__(self, master_secret: bytes, client_random: bytes, server_random: bytes, suite: int) -> None:
        keys = key_block(master_secret, client_random, server_random, suite)
        self._sides: dict[str, Protection] = {
            side: protection12(suite, *keys.of(side)) for side in ("client", "server")
        }

    def decrypt(self, direction: str, sequence: int, record: RawRecord) -> bytes:
        """Return a record's plaintext; BadRecordMac if keys or number are not the right ones."""
        protection = self._sides[direction]
        protection.sequence = sequence
        return protection.unprotect(record.content_type, record.version, record.fragment)[1]

    def encrypt(self, direction: str, sequence: int, content_type: int, version: int, content: bytes) -> bytes:
        """Return the fragment that `decrypt` opens as `content`: what somebody can put in a record's place."""
        protection = self._sides[direction]
        protection.sequence = sequence
        return protection.protect(content_type, version, content)

    def __repr__(self) -> str:
        return "<PassiveDecryptor>"


class PassiveDecryptor13:
    """Takes the protection off single records of one direction of a TLS 1.3 connection, given its traffic secret.

    Sequence numbers count from 0 with each traffic secret.
    """

    def __init__(self, traffic_secret: bytes, suite: int) -> None:
        parameters = SUITES[suite]
        key, iv = TrafficSecret(traffic_secret, parameters.hash_name).keys(parameters.key_length)
        self._protection = Aead13(parameters.cipher, key, iv)

    def decrypt(self, sequence: int, record: RawRecord) -> tuple[int, bytes]:
        """Return content type and plaintext; BadRecordMac if secret or number are not the right ones."""
        self._protection.sequence = sequence
        return self._protection.unprotect(record.content_type, record.version, record.fragment)

    def __repr__(self) -> str:
        return "<PassiveDecryptor13>"
