"""Where a passive decoder gets its secrets from: a key log, or the secrets somebody holds in a trace."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_der_private_key

from trustlab import tls
from trustlab.capture.errors import CaptureError
from trustlab.capture.labels import APPLICATION13, EARLY13, HANDSHAKE13, MASTER
from trustlab.octets import LONGEST_RECORDING, read_file
from trustlab.tls.keylog import LABELS
from trustlab.tls.registry import label
from trustlab.tls.suites import SUITES, Cipher

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from trustlab.trace import Trace, TraceEvent

PRIVATE_KEY = "private_key"
"""Name of a `secret` event that holds an RSA private key, PKCS#8 in DER, unencrypted."""
DRAFTS13 = 0x7F
"""First octet of the version numbers that drafts of TLS 1.3 had."""
_LENGTHS = {MASTER: {48}} | {label: {32, 48} for label in (EARLY13, *HANDSHAKE13.values(), *APPLICATION13.values())}
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(slots=True)
class Handshake:
    """What a handshake showed on the wire of all that goes into its keys; fields are empty until seen."""

    client_random: bytes = b""
    server_random: bytes = b""
    suite: int = 0
    version: int = 0
    """The number the server selected, whether anybody here knows it or not."""
    compression: int = 0
    encrypt_then_mac: bool = False
    truncated_hmac: bool = False
    extended_master_secret: bool = False
    epms: bytes = b""
    transcript: bytearray = field(default_factory=bytearray)
    """The handshake messages through ClientKeyExchange, whose hash is RFC 7627's session_hash."""
    exchanged: bool = False
    """Whether ClientKeyExchange was seen."""

    @property
    def keyed(self) -> bool:
        """Whether enough was seen to derive keys from a master secret."""
        return bool(self.client_random and self.server_random and self.suite in SUITES)

    @property
    def undecoded(self) -> str:
        """What was negotiated that this lab does not decode; empty if it decodes it all, or nothing is agreed yet."""
        if self.version not in {0, tls.Version.TLS12, tls.Version.TLS13}:
            return version_title(self.version)
        parameters = SUITES.get(self.suite)
        if self.version and (
            parameters is None
            or (parameters.key_exchange is tls.KeyExchange.TLS13) != (self.version == tls.Version.TLS13)
        ):
            return f"the cipher suite {label(tls.CipherSuite, self.suite)}"
        if self.compression:
            return f"record compression (method {self.compression})"
        return self._mac if parameters and parameters.cipher is Cipher.AES_CBC else ""

    @property
    def _mac(self) -> str:
        """What was negotiated about CBC that this lab does not do; empty if nothing."""
        if self.encrypt_then_mac:
            return "encrypt_then_mac (RFC 7366)"
        return "truncated_hmac (RFC 6066 7)" if self.truncated_hmac else ""

    def copy(self) -> Handshake:
        """Return an independent copy."""
        return replace(self, transcript=self.transcript[:])

    def master_secret(self, pre_master_secret: bytes) -> bytes:
        """Derive the master secret as the ends did (RFC 5246 8.1 or RFC 7627 4)."""
        if self.extended_master_secret:
            session_hash = hashlib.new(SUITES[self.suite].hash_name, self.transcript).digest()
            return tls.extended_master_secret(pre_master_secret, session_hash, self.suite)
        return tls.master_secret(pre_master_secret, self.client_random, self.server_random, self.suite)


def version_title(number: int) -> str:
    """Name a version for people: `TLS 1.0`, `TLS 1.3 draft 28 (0x7f1c)`, `version 0x0305`."""
    if number in set(tls.Version):
        return tls.Version(number).title
    draft = f"TLS 1.3 draft {number & 0xFF} (0x{number:04x})"
    return draft if number >> 8 == DRAFTS13 else f"version 0x{number:04x}"


KeySource = Callable[[Handshake, str], Iterable[bytes]]
"""Given a handshake and a key-log label, the secrets worth trying; asked again whenever new ones may have come."""

_Secrets = dict[tuple[str, bytes], list[bytes]]


class KeyLog:
    """Secrets from NSS key-log text: a text, or a file or a callable, which are read again since they may grow.

    `blocks` are the key logs that a capture brought along, each numbered from its own first line. A damaged line opens
    nothing and does not spoil the others; `problems` says what was wrong, each once. The last line may lack its
    newline; while the source can still grow, such a line is not called damaged.
    """

    def __init__(self, source: str | Path | Callable[[], str], blocks: Iterable[str] = ()) -> None:
        self._source = source
        self._text = ""
        self._logged: _Secrets = {}
        self._inside: _Secrets = {}
        self.problems: list[CaptureError] = []
        for number, block in enumerate(blocks, start=1):
            secrets, problems = parse_keylog(block, f"secrets block {number}")
            for key, values in secrets.items():
                self._inside.setdefault(key, []).extend(values)
            self.problems += problems
        if isinstance(source, str):
            self._logged, problems = parse_keylog(source)
            self.problems += problems

    def __call__(self, handshake: Handshake, label: str) -> list[bytes]:
        """Return the secrets logged under this label for the handshake's client_random."""
        if not isinstance(self._source, str):
            self._read_again()
        key = label, handshake.client_random
        return [*self._inside.get(key, []), *self._logged.get(key, [])]

    def _read_again(self) -> None:
        text = self._read()
        if text == self._text:
            return
        self._text = text
        self._logged, problems = parse_keylog(text, complete=False)
        known = {str(problem) for problem in self.problems}
        self.problems += [problem for problem in problems if str(problem) not in known]

    def _read(self) -> str:
        if isinstance(self._source, Path):
            try:
                return read_file(self._source, LONGEST_RECORDING).decode("utf-8", "replace")
            except OSError:  # there is none yet, or no longer
                return ""
        return self._source() if callable(self._source) else self._source


def parse_keylog(text: str, called: str = "key log", *, complete: bool = True) -> tuple[_Secrets, list[CaptureError]]:
    """Return the secrets of a key log by label and client_random, and what is wrong with its damaged lines.

    Comments and lines of other labels are passed over, and a last line without a newline that is not `complete` yet.
    Each problem names the line by its number in `called`.
    """
    secrets: _Secrets = defaultdict(list)
    problems = []
    lines = _LINE_END.split(text.removeprefix("\ufeff"))
    for number, line in enumerate(lines, start=1):
        label, *values = line.split() or ("#",)
        if label not in _LENGTHS:
            continue
        try:
            client_random, secret = _values(label, values)
        except ValueError as error:
            if complete or number < len(lines):
                problems.append(CaptureError(f"{called}, line {number}: {error}"))
            continue
        secrets[label, client_random].append(secret)
    return dict(secrets), problems


def _values(label: str, values: list[str]) -> tuple[bytes, bytes]:
    """Return client_random and secret of one line; ValueError says why they are none."""
    try:
        client_random, secret = map(bytes.fromhex, values)
    except ValueError:
        raise ValueError(f"not {label} and two hexadecimal values") from None
    if len(client_random) != 32 or len(secret) not in _LENGTHS[label]:
        wanted = " or ".join(map(str, sorted(_LENGTHS[label])))
        given = f"client_random and secret of {label} have lengths {len(client_random)} and {len(secret)}"
        raise ValueError(f"{given}; they need 32 and {wanted}")
    return client_random, secret


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

    def _learn(self, event: TraceEvent) -> None:
        client_random = event.data.get("client_random")
        if event.name in LABELS and isinstance(client_random, str):
            self._secrets[LABELS[event.name], _octets(client_random, event)].append(event.raw)
        elif event.name == "pre_master_secret":
            self._pre_masters.append(event.raw)
        elif event.name == PRIVATE_KEY:
            self._private_keys.append(_private_key(event))

    def _opened(self, handshake: Handshake) -> Iterator[bytes]:
        """Decrypt the EPMS with each private key; a key of another size fails, a wrong one gives random octets."""
        for key in self._private_keys:
            if len(handshake.epms) * 8 == key.key_size:
                try:
                    yield key.decrypt(handshake.epms, PKCS1v15())
                except ValueError:
                    continue


def _octets(text: str, event: TraceEvent) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        raise CaptureError(f"the client_random of secret {event.party}#{event.seq} is not hexadecimal") from error


def _private_key(event: TraceEvent) -> RSAPrivateKey:
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
