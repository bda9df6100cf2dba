"""Which PCRs, of which bank, and which locality the keys of a machine are bound to."""

from __future__ import annotations

from dataclasses import dataclass

from trustlab.attest import AK_PCRS, FIRMWARE_PCRS, LOCALITY, TLS_KEY_PCRS


@dataclass(frozen=True)
class KeyProfile:
    """What the keys of a machine are bound to, and what it quotes; without a locality the AK is a quote oracle."""

    name: str
    ak_pcrs: tuple[int, ...]
    key_pcrs: tuple[int, ...]
    locality: int | None
    quote_pcrs: tuple[int, ...]
    bank: str = "sha256"


DRTM = KeyProfile("DRTM", AK_PCRS, TLS_KEY_PCRS, LOCALITY, (17, 18, 19, 20))
"""HyperSafe launched by DRTM, at locality 2: the lab's machines."""
DEVICE = KeyProfile("firmware", FIRMWARE_PCRS, FIRMWARE_PCRS, None, FIRMWARE_PCRS)
"""A real TPM through the kernel: firmware, option ROMs, boot loader and secure-boot state, at any locality."""
