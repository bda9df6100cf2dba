"""The Appraisal Policy: what this Relying Party demands (RFC 9334, 8.5).

A file in TOML. Every line but one may be left out, and then has the value shown; a file without any line is an error,
for nobody writes an empty policy on purpose:

    pcrs = [17, 18, 19, 20]      # the quote's selection, exactly
    ek-keys = []                 # SHA-256 of EKs' SubjectPublicKeyInfo: the machines that may attest; empty: any
    ak-policy = true             # the AK must be one that only HyperSafe can use; false leaves the quote oracle open
    key-attestation = true       # where the passage names a key, prove that HyperSafe made it for itself
    key-pcrs = [17, 18, 19]      # the PCRs that key's policy must name
    locality = 2                 # the locality both policies must name; "any": no PolicyLocality in them
    allowed-images = []          # names of images in the Reference Values; empty: all of them
    claims = []                  # such as "antivirus.signatures >= 2026-11-01"
    bank = "sha256"              # the bank of the quoted PCRs: sha256, sha384 or sha512; the lab's own are SHA-256
    ak-parent = "endorsement"    # where the AK must live; "any": not known, then the counters may be obfuscated
    reattest = "1s"              # on a passage: how often the peer attests again (ms, s, min, h); left out: never
    freshness = "60s"            # on a passage: the greatest age of its last accepted evidence; left out: 30 s more
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from trustlab.attest import tables
from trustlab.attest.claims import Condition
from trustlab.attest.constants import HASH_IDS
from trustlab.attest.digests import FIRMWARE_PCRS, LOCALITY, PCR_COUNT, TLS_KEY_PCRS
from trustlab.attest.errors import PolicyError

DIGEST_SIZE = 32
DEFAULT_PCRS = (17, 18, 19, 20)
EMPTY = "a policy file without any key: write down what you demand, such as 'pcrs = [17, 18, 19, 20]'"
INSTEAD = (
    "ek-digests: a machine is no longer named by the digest of its EK certificate, which can be changed "
    "by writing the certificate's signature in another way. Write ek-keys = [...]: the SHA-256 of the EK's "
    "SubjectPublicKeyInfo (openssl x509 -in ek.der -pubkey -noout | openssl pkey -pubin -outform DER | sha256sum)"
)
DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(ms|s|min|h)")
UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
SHORTEST, LONGEST = 0.1, 86_400.0
BANKS = ("sha256", "sha384", "sha512")
AK_PARENTS = ("endorsement", "any")


class _PolicyFile(msgspec.Struct, forbid_unknown_fields=True, rename="kebab"):
    pcrs: tuple[int, ...] = DEFAULT_PCRS
    ek_keys: tuple[str, ...] = ()
    ak_policy: bool = True
    key_attestation: bool = True
    key_pcrs: tuple[int, ...] = TLS_KEY_PCRS
    locality: int | Literal["any"] = LOCALITY
    allowed_images: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    ek_digests: object = None
    bank: Literal["sha256", "sha384", "sha512"] = "sha256"
    ak_parent: Literal["endorsement", "any"] = "endorsement"
    reattest: str | None = None
    freshness: str | None = None


class AppraisalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """See the module; `ek_keys` are octets here. `locality` None is for TPMs in which HyperSafe has none of its own.

    PolicyError for PCRs that do not exist, for digests of another size, and for claims that are no conditions.
    """

    pcrs: tuple[int, ...] = DEFAULT_PCRS
    ek_keys: tuple[bytes, ...] = ()
    ak_policy: bool = True
    key_attestation: bool = True
    key_pcrs: tuple[int, ...] = TLS_KEY_PCRS
    locality: int | None = LOCALITY
    allowed_images: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    bank: str = "sha256"
    ak_parent: str = "endorsement"
    reattest: str | None = None
    freshness: str | None = None

    def __post_init__(self) -> None:
        for field, pcrs in (("pcrs", self.pcrs), ("key-pcrs", self.key_pcrs)):
            if not pcrs or not all(0 <= pcr < PCR_COUNT for pcr in pcrs) or list(pcrs) != sorted(set(pcrs)):
                raise PolicyError(f"{field}: {list(pcrs)} are not PCRs (0 to {PCR_COUNT - 1}) in ascending order")
        if not set(self.key_pcrs) <= set(self.pcrs):
            raise PolicyError(f"key-pcrs: {list(self.key_pcrs)} are not all among the quoted PCRs {list(self.pcrs)}")
        if self.locality is not None and not 0 <= self.locality <= 4:
            raise PolicyError(f"locality: {self.locality}; there are localities 0 to 4")
        if any(len(digest) != DIGEST_SIZE for digest in self.ek_keys):
            raise PolicyError("ek-keys: a SHA-256 digest has 32 octets")
        if self.bank not in BANKS:
            raise PolicyError(f"bank: {self.bank!r}; choose from: {', '.join(BANKS)}")
        if self.ak_parent not in AK_PARENTS:
            raise PolicyError(f"ak-parent: {self.ak_parent!r}; choose from: {', '.join(AK_PARENTS)}")
        if self.bank != "sha256" and (measured := sorted(set(self.pcrs) & set(DEFAULT_PCRS))):
            listed = ", ".join(map(str, measured))
            raise PolicyError(f"bank: HyperSafe measures in SHA-256 alone, so PCR {listed} cannot be of {self.bank}")
        _conditions(self.claims)
        every, greatest = self.seconds("reattest"), self.seconds("freshness")
        if every is not None and greatest is not None and greatest <= every:
            raise PolicyError(f"freshness: {self.freshness!r} must be more than reattest, which is {self.reattest!r}")

    def seconds(self, field: Literal["reattest", "freshness"]) -> float | None:
        """Return a duration in seconds, None if it is left out; PolicyError if it is not one."""
        written: str | None = getattr(self, field)
        if written is None:
            return None
        found = DURATION.fullmatch(written)
        seconds = float(found[1]) * UNITS[found[2]] if found else 0.0
        if not SHORTEST <= seconds <= LONGEST:
            raise PolicyError(f"{field}: {written!r} is not a time from 100ms to 24h, such as '1s', '500ms' or '10min'")
        return seconds

    @property
    def bank_id(self) -> int:
        """The bank's TPM_ALG_ID."""
        return HASH_IDS[self.bank]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The claims that are demanded, read."""
        return _conditions(self.claims)

    @classmethod
    def from_toml(cls, source: str | bytes | Path, base: AppraisalPolicy | None = None) -> AppraisalPolicy:
        """Read text, octets or a file; PolicyError names the line or the field that is wrong.

        What the file leaves out has the default, or with `base` what that says.
        """
        file = tables.load(source, _PolicyFile, PolicyError, empty=EMPTY)
        fields = msgspec.structs.asdict(file)
        if fields.pop("ek_digests") is not None:
            raise PolicyError(f"{source}: {INSTEAD}" if isinstance(source, Path) else INSTEAD)
        digests = tuple(tables.digest(text, "ek-keys", PolicyError) for text in file.ek_keys)
        locality = None if file.locality == "any" else file.locality
        if base is not None:
            written = {name.replace("-", "_") for name in tables.keys_of(source)}
            fields |= {name: getattr(base, name) for name in fields if name not in written}
            digests = digests if "ek_keys" in written else base.ek_keys
            locality = locality if "locality" in written else base.locality
            if "key_pcrs" not in written:
                fields["key_pcrs"] = tuple(pcr for pcr in base.key_pcrs if pcr in fields["pcrs"]) or fields["pcrs"]
        return cls(**{**fields, "ek_keys": digests, "locality": locality})

    def to_toml(self) -> str:
        """Return the file that `from_toml` reads."""
        fields = msgspec.structs.asdict(self)
        fields["locality"] = "any" if self.locality is None else self.locality
        written = {name: value for name, value in fields.items() if value is not None}
        return "".join(f"{name.replace('_', '-')} = {_toml(value)}\n" for name, value in written.items())


@lru_cache(maxsize=256)
def _conditions(claims: tuple[str, ...]) -> tuple[Condition, ...]:
    return tuple(Condition.parse(claim) for claim in claims)


def _toml(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(v) for v in value)}]"
    if isinstance(value, bytes):
        return tables.quote(value.hex())
    if isinstance(value, str):
        return tables.quote(value)
    return str(value).lower()


FIRMWARE = AppraisalPolicy(pcrs=FIRMWARE_PCRS, key_pcrs=FIRMWARE_PCRS, ak_policy=False, locality=None)
"""What a Relying Party can demand of a machine that has a TPM and no DRTM launch."""
OTHER_AK = AppraisalPolicy(pcrs=FIRMWARE_PCRS, key_pcrs=FIRMWARE_PCRS, ak_policy=False, locality=None, ak_parent="any")
"""What it can demand where the AK was made by other software (tpm2_createak, Keylime, go-attestation).

What is then not known: who can use the AK; in which hierarchy it lives, and so what ends it; and the true
resetCount, restartCount and firmwareVersion, which a TPM obfuscates for a key that is neither in the endorsement nor
in the platform hierarchy (Part 3, 18.1). Equal counters of one AK still mean one boot.
"""
PROFILES = {"hypersafe": AppraisalPolicy(), "firmware": FIRMWARE, "other-ak": OTHER_AK}
"""Policies by name, to begin with."""
