"""How each secret is made: the steps of both key schedules as data, each of which can be computed, or copied as Python.

A step names its inputs. `compute` makes the value by the engine's own functions; `call` is the same as a Python
expression that takes nothing but the standard library, for a reader to run. The two know nothing of each other, so a
test that runs the calls of a real connection holds each against the other.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from trustlab.tls.schedule12 import prf
from trustlab.tls.schedule13 import empty_hash, hkdf_expand_label, hkdf_extract

if TYPE_CHECKING:
    from collections.abc import Mapping

PRF = """import hashlib, hmac

def prf(secret, label, seed, length):  # RFC 5246, 5
    seed, out, a = label + seed, b"", label + seed
    while len(out) < length:
        a = hmac.digest(secret, a, HASH)
        out += hmac.digest(secret, a + seed, HASH)
    return out[:length]
"""
HKDF = """import hashlib, hmac

def expand_label(secret, label, context, length):  # HKDF-Expand-Label, RFC 9846, 7.1
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + bytes([len(context)]) + context
    return hmac.digest(secret, info + bytes([1]), HASH)[:length]  # one block: no key is longer than the hash
"""
PLAIN = "import hashlib, hmac\n"


class Step(Protocol):
    """One step of a key schedule."""

    code: ClassVar[str]
    """Lines of Python that the call needs, after `HASH = "sha256"`."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the values that go in."""

    @property
    def call(self) -> str:
        """The step as a Python expression over the names of its inputs and `HASH`."""

    def compute(self, values: Mapping[str, bytes], hash_name: str) -> bytes:
        """Return the value."""


@dataclass(frozen=True)
class Prf:
    """PRF(secret, label, seeds) of TLS 1.2, `length` octets of it."""

    secret: str
    label: str
    seeds: tuple[str, ...]
    length: int
    code: ClassVar[str] = PRF

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.secret, *self.seeds)

    @property
    def call(self) -> str:
        return f'prf({self.secret}, b"{self.label}", {" + ".join(self.seeds)}, {self.length})'

    def compute(self, values: Mapping[str, bytes], hash_name: str) -> bytes:
        seed = b"".join(values[name] for name in self.seeds)
        return prf(values[self.secret], self.label.encode(), seed, self.length, hash_name)


@dataclass(frozen=True)
class Cut:
    """Octets `start` to `end` of the key block."""

    start: int
    end: int
    code: ClassVar[str] = PLAIN
    inputs: ClassVar[tuple[str, ...]] = ("key_block",)

    @property
    def call(self) -> str:
        return f"key_block[{self.start}:{self.end}]"

    def compute(self, values: Mapping[str, bytes], hash_name: str) -> bytes:  # noqa: ARG002 - a step's signature
        return values["key_block"][self.start : self.end]


@dataclass(frozen=True)
class Mac:
    """HMAC(key, prefix + messages), by the suite's hash or by `fixed`."""

    key: str
    messages: tuple[str, ...]
    prefix: str = ""
    fixed: str = ""
    code: ClassVar[str] = PLAIN

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.key, *self.messages)

    @property
    def call(self) -> str:
        parts = " + ".join(([f'b"{self.prefix}"'] if self.prefix else []) + list(self.messages))
        return f"hmac.digest({self.key}, {parts}, {repr(self.fixed) if self.fixed else 'HASH'})"

    def compute(self, values: Mapping[str, bytes], hash_name: str) -> bytes:
        message = self.prefix.encode() + b"".join(values[name] for name in self.messages)
        return hmac.digest(values[self.key], message, self.fixed or hash_name)


@dataclass(frozen=True)
class Extract:
    """HKDF-Extract(salt, material) of TLS 1.3; an empty name stands for as many zeros as the hash has octets."""

    salt: str
    material: str
    code: ClassVar[str] = PLAIN

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name for name in (self.salt, self.material) if name)

    @property
    def call(self) -> str:
        zeros = "bytes(hashlib.new(HASH).digest_size)"
        return f"hmac.digest({self.salt or zeros}, {self.material or zeros}, HASH)"

    def compute(self, values: Mapping[str, bytes], hash_name: str) -> bytes:
        zeros = bytes(len(empty_hash(hash_name)))
        salt, material = (values[name] if name else zeros for name in (self.salt, self.material))
        return hkdf_extract(salt, material, hash_name)


NOTHING = "nothing"
"""As a context: the hash of nothing (RFC 9846, 7.1, Derive-Secret of no messages)."""


@dataclass(frozen=True)
class Expand:
    """HKDF-Expand-Label(secret, label, context) of TLS 1.3; `length` 0 is that of the hash, no secret is zeros."""

    secret: str
    label: str
    context: str = ""
    length: int = 0
    code: ClassVar[str] = HKDF

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(name for name in (self.secret, self.context) if name and name != NOTHING)

    @property
    def call(self) -> str:
        size = "hashlib.new(HASH).digest_size"
        context = {"": 'b""', NOTHING: 'hashlib.new(HASH, b"").digest()'}.get(self.context, self.context)
        secret = self.secret or f"bytes({size})"
        return f'expand_label({secret}, b"{self.label}", {context}, {self.length or size})'

    def compute(self, values: Mapping[str, bytes], hash_name: str) -> bytes:
        nothing = empty_hash(hash_name)
        context = {"": b"", NOTHING: nothing}.get(self.context)
        secret = values[self.secret] if self.secret else bytes(len(nothing))
        given = values[self.context] if context is None else context
        return hkdf_expand_label(secret, self.label.encode(), given, self.length or len(nothing), hash_name)


@dataclass(frozen=True)
class Exporter:
    """An exporter of TLS 1.3 for a design's label, over the context of one request (RFC 9846, 7.5); 32 octets."""

    label: str
    context: bytes
    code: ClassVar[str] = HKDF
    inputs: ClassVar[tuple[str, ...]] = ("exporter_master_secret",)

    @property
    def call(self) -> str:
        nothing, size = 'hashlib.new(HASH, b"").digest()', "hashlib.new(HASH).digest_size"
        inner = f'expand_label(exporter_master_secret, b"{self.label}", {nothing}, {size})'
        return (
            f'expand_label({inner}, b"exporter", hashlib.new(HASH, bytes.fromhex("{self.context.hex()}")).digest(), 32)'
        )

    def compute(self, values: Mapping[str, bytes], hash_name: str) -> bytes:
        outer = Expand("exporter_master_secret", self.label, NOTHING).compute(values, hash_name)
        return hkdf_expand_label(outer, b"exporter", hashlib.new(hash_name, self.context).digest(), 32, hash_name)


@dataclass(frozen=True)
class Seen:
    """What everybody saw: the hash over handshake messages or, with `random`, the random in one hello.

    `octets` are the messages'; `said` says which they are. A random stands behind a header of 4 octets and a version.
    """

    octets: bytes
    said: str
    random: bool = False
    code: ClassVar[str] = PLAIN
    inputs: ClassVar[tuple[str, ...]] = ()

    @property
    def call(self) -> str:
        octets = f'bytes.fromhex("{self.octets.hex()}")'
        return f"{octets}[6:38]" if self.random else f"hashlib.new(HASH, {octets}).digest()"

    def compute(self, values: Mapping[str, bytes], hash_name: str) -> bytes:  # noqa: ARG002 - a step's signature
        return self.octets[6:38] if self.random else hashlib.new(hash_name, self.octets).digest()
