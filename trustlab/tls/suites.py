"""What each cipher suite means: key exchange, authentication, cipher and hash."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from trustlab.tls.messages.base import KeyExchange
from trustlab.tls.registry import CipherSuite


class Cipher(Enum):
    """How records are protected."""

    AES_GCM = "AES-GCM"
    CHACHA20_POLY1305 = "ChaCha20-Poly1305"
    AES_CBC = "AES-CBC with HMAC"


@dataclass(frozen=True, slots=True)
class SuiteParameters:
    """The parts of a cipher suite; lengths in octets, `authentication` RSA, ECDSA or empty (TLS 1.3)."""

    key_exchange: KeyExchange
    authentication: str
    cipher: Cipher
    key_length: int
    fixed_iv_length: int
    hash_name: str
    mac_length: int = 0

    @property
    def hash_length(self) -> int:
        """Octets of the hash of PRF, transcript and HKDF."""
        return 48 if self.hash_name == "sha384" else 32


def _aead(key_exchange: KeyExchange, authentication: str, name: str) -> SuiteParameters:
    tls13 = key_exchange is KeyExchange.TLS13
    if "CHACHA20" in name:
        return SuiteParameters(key_exchange, authentication, Cipher.CHACHA20_POLY1305, 32, 12, "sha256")
    if "CBC" in name:
        key_length, mac_length = 32 if "256_CBC" in name else 16, 32 if name.endswith("SHA256") else 20
        return SuiteParameters(key_exchange, authentication, Cipher.AES_CBC, key_length, 0, "sha256", mac_length)
    strong = "256_GCM" in name
    return SuiteParameters(
        key_exchange,
        authentication,
        Cipher.AES_GCM,
        32 if strong else 16,
        12 if tls13 else 4,
        "sha384" if strong else "sha256",
    )


def _parse(suite: CipherSuite) -> SuiteParameters:
    """Read the parameters off the suite's systematic name."""
    name = suite.name
    if "_WITH_" not in name:
        return _aead(KeyExchange.TLS13, "", name)
    exchange = KeyExchange.ECDHE if "ECDHE" in name else KeyExchange.RSA
    return _aead(exchange, "ECDSA" if "ECDSA" in name else "RSA", name)


SUITES: dict[int, SuiteParameters] = {s: _parse(s) for s in CipherSuite if not s.name.endswith("SCSV")}
"""Every cipher suite this engine can run."""

TLS13_SUITES: tuple[CipherSuite, ...] = (
    CipherSuite.TLS_AES_128_GCM_SHA256,
    CipherSuite.TLS_AES_256_GCM_SHA384,
    CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
)
ECDHE_SUITES: tuple[CipherSuite, ...] = (
    CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    CipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    CipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    CipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    CipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
)
RSA_SUITES: tuple[CipherSuite, ...] = (
    CipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite.TLS_RSA_WITH_AES_256_GCM_SHA384,
)
DEFAULT_SUITES = TLS13_SUITES + ECDHE_SUITES + RSA_SUITES
"""What a configuration offers by default; AES-CBC only on demand, to show what TLS was like in 2011."""
