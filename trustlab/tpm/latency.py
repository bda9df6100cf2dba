"""How slow a real TPM is, imposed on a fast emulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class LatencyProfile:
    """Milliseconds that each command (by its name, `TPM2_Quote`) takes at the least; `other` for those not named."""

    name: str
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    other: float = 0.0

    def wanted(self, command: str) -> float:
        """Return the milliseconds that `command` takes at the least."""
        return self.milliseconds.get(command, self.other)


_ECDSA, _RSA_PRIVATE, _ECC_KEY, _RSA_KEY = 68.9, 163.2, 231.4, 2196.2
SLB9670 = LatencyProfile(
    "Infineon SLB9670",
    {
        "TPM2_Quote": _ECDSA,
        "TPM2_Certify": _ECDSA,
        "TPM2_CertifyCreation": _ECDSA,
        "TPM2_Sign": _ECDSA,
        "TPM2_RSA_Decrypt": _RSA_PRIVATE,
        "TPM2_CreatePrimary": _ECC_KEY,
        "TPM2_Create": _RSA_KEY,
        "TPM2_ActivateCredential": _ECC_KEY,
    },
)
"""The averages that wolfTPM's README gives for this chip: ECDSA P-256 sign, RSA-2048 private.

ECC and RSA key generation.

Taken as if every attestation were ECDSA, every Create an RSA key. Commands without a public-key operation are not in
that table and stay as fast as the emulator.
"""
