"""Where a passive decoder gets its secrets from: a key log, or the secrets somebody holds in a trace."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from trustlab import tls
from trustlab.capture.errors import CaptureError
from trustlab.capture.openers import APPLICATION13, HANDSHAKE13, MASTER
from trustlab.tls.keylog import LABELS
from trustlab.tls.suites import SUITES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from trustlab.trace import Event, Trace

PRIVATE_KEY = "private_key"
"""Name of a `secret` event that holds an RSA private key, PKCS#8 in DER, unencrypted."""
_LENGTHS = {MASTER: {48}} | {label: {32, 48} for table in (HANDSHAKE13, APPLICATION13) for label in table.values()}


@dataclass(slots=True)
class Handshake:
    """What a handshake showed on the wire of all that goes into its keys; fields are empty until seen."""

    client_random: bytes = b""
    server_random: bytes = b""
    suite: int = 0
    extended_master_secret: bool = False
    epms: bytes = b""
    transcript: bytearray = field(default_factory=bytearray)
    """The handshake messages through ClientKeyExchange, whose hash is RFC 7627's session_hash."""
    exchanged: bool = False
    """Whether ClientKeyExchange was seen."""

    @property
    def keyed(self) -> bool:
        """Whether enough was seen to derive keys from a master secret."""
        return bool(self.client_random and self.server_random and self.suite)

    def master_secret(self, pre_master_secret: bytes) -> bytes:
        """Derive the master secret as the ends did (RFC 5246 8.1 or RFC 7627 4)."""
        if self.extended_master_secret:
            session_hash = hashlib.new(SUITES[self.suite].hash_name, self.transcript).digest()
            return tls.extended_master_secret(pre_master_secret, session_hash, self.suite)
        return tls.master_secret(pre_master_secret, self.client_random, self.server_random, self.suite)


KeySource = Callable[[Handshake, str], Iterable[bytes]]
"""Given a handshake and a key-log label, the secrets worth trying; asked again whenever new ones may have come."""

_Secrets = dict[tuple[str, bytes], list[bytes]]


class KeyLog:
    """Secrets from NSS key-log text: a text, a file or a callable, read again when it may have grown.

    What cannot be read opens nothing; `problems` says what was wrong.
    """

    def __init__(self, source: str | Path | Callable[[], str]) -> None:
        self._source = source
        self._text = ""
        self._secrets: _Secrets = {}
        self.problems: list[CaptureError] = []

    def __call__(self, handshake: Handshake, label: str) -> Iterable[bytes]:
        """Return the secrets logged under this label for the handshake's client_random."""
        text = self._read()
        if text != self._text:
            self._text = text
            try:
                self._secrets = parse_keylog(text)
            except CaptureError as error:
                self.problems.append(error)
        return self._secrets.get((label, handshake.client_random), [])

    def _read(self) -> str:
        if isinstance(self._source, str):
            return self._source
        if not isinstance(self._source, Path):
            return self._source()
        return self._source.read_text("ascii", "replace") if self._source.exists() else ""


def parse_keylog(text: str) -> _Secrets:
    """Return the secrets of a key log by label and client_random.

    Lines of other labels, comments and an unfinished last line are passed over; CaptureError names a bad line.
    """
    secrets: _Secrets = defaultdict(list)
    complete, _, _ = text.rpartition("\n")
    for number, line in enumerate(complete.splitlines(), start=1):
        label, *values = line.split()[:3] or ("#",)
        if label not in _LENGTHS:
            continue
        try:
            client_random, secret = map(bytes.fromhex, values)
        except ValueError as error:
            raise CaptureError(f"key log, line {number}: not {label} and two hexadecimal values") from error
        if len(client_random) != 32 or len(secret) not in _LENGTHS[label]:
            lengths = f"{len(client_random)} and {len(secret)} octets"
            raise CaptureError(f"key log, line {number}: {lengths} are no client_random and no {label}")
        secrets[label, client_random].append(secret)
    return dict(secrets)


class TraceKeys:
    """The keys in the `secret` events of one party (or of all): what it can open, no more.

    Used are master secrets and TLS 1.3 traffic secrets (`client_random` in their data), pre-master secrets, and RSA
    private keys (`PRIVATE_KEY`), which open the EPMS of an RSA key exchange. Which connection a secret says it belongs
    to is not believed: it opens what it opens. A malformed secret opens nothing; `problems` says which.
    """

    def __init__(self, trace: Trace, party: str | None = None) -> None:
        self._trace = trace
        self._party = party
        self._read = 0
        self._secrets: _Secrets = defaultdict(list)
        self._pre_masters: list[bytes] = []
        self._private_keys: list[RSAPrivateKey] = []
        self.problems: list[CaptureError] = []

    def __call__(self, handshake: Handshake, label: str) -> Iterator[bytes]:
        """Yield the secrets of this label that these keys give for a handshake."""
        self._catch_up()
        yield from self._secrets.get((label, handshake.client_random), [])
        if label != MASTER:
            return
        for pre_master in [*self._pre_masters, *self._opened(handshake)]:
            yield handshake.master_secret(pre_master)

    def _catch_up(self) -> None:
        fresh = self._trace[self._read :]
        self._read += len(fresh)
        for event in fresh:
            if event.secret and self._party in {None, event.party}:
                try:
                    self._learn(event)
                except CaptureError as error:
                    self.problems.append(error)

    def _learn(self, event: Event) -> None:
        client_random = event.data.get("client_random")
        if event.name in LABELS and isinstance(client_random, str):
            self._secrets[LABELS[event.name], _octets(client_random, event)].append(event.raw)
        elif event.name == "pre_master_secret":
            self._pre_masters.append(event.raw)
        elif event.name == PRIVATE_KEY:
            self._private_keys.append(_private_key(event))

    def _opened(self, handshake: Handshake) -> Iterator[bytes]:
        """Decrypt the EPMS with each private key: one of another size refuses, a wrong one gives noise."""
        for key in self._private_keys:
            if len(handshake.epms) * 8 == key.key_size:
                try:
                    yield key.decrypt(handshake.epms, PKCS1v15())
                except ValueError:
                    continue


def _octets(text: str, event: Event) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise CaptureError(f"the client_random of secret {event.party}#{event.seq} is not hexadecimal") from error


def _private_key(event: Event) -> RSAPrivateKey:
    try:
        key = load_der_private_key(event.raw, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise CaptureError(f"secret {event.party}#{event.seq} is not a private key in PKCS#8 DER") from error
    if not isinstance(key, RSAPrivateKey):
        raise CaptureError(f"secret {event.party}#{event.seq} is not an RSA key: it opens no key exchange")
    return key


def keylog(trace: Trace, parties: Collection[str] | None = None) -> str:
    """Return the NSS key log of the secrets that `parties` (or all) hold in this trace, each line once."""
    lines = {
        f"{LABELS[event.name]} {event.data['client_random']} {event.raw.hex()}\n": None
        for event in trace.select("secret")
        if event.name in LABELS and "client_random" in event.data and (parties is None or event.party in parties)
    }
    return "".join(lines)
