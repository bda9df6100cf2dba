"""PCR arithmetic over time: what powering on, a DRTM launch and every extend make of a bank's PCRs.

One code for everybody who follows PCRs: the Verifier replays a log with it, the inspector a machine's trace.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from trustlab.attest.constants import HASH_IDS, HASH_SIZES

if TYPE_CHECKING:
    from collections.abc import Mapping

DYNAMIC = range(17, 23)
"""The PCRs that a DRTM launch sets to zeros (TCG PC Client Platform TPM Profile, 4.6.2)."""
LOCALITIES = range(5)


class PcrReplay:
    """The PCRs of one bank, of which `values` holds those that anything is known about; all others are zeros."""

    def __init__(self, bank: str = "sha256", initial: Mapping[int, bytes] | None = None) -> None:
        self.bank = bank
        self.values: dict[int, bytes] = dict(initial or {})
        self.zeros = bytes(HASH_SIZES[HASH_IDS[bank]])
        self._extended: set[int] = set()
        self._started = False

    def value(self, pcr: int) -> bytes:
        return self.values.get(pcr, self.zeros)

    def extend(self, pcr: int, digest: bytes) -> tuple[bytes, bytes]:
        """Extend a PCR; return its value before and after (TPM 2.0 Part 3, 22.2)."""
        before = self.value(pcr)
        after = self.values[pcr] = hashlib.new(self.bank, before + digest).digest()
        self._extended.add(pcr)
        return before, after

    def start(self, locality: int) -> tuple[bytes, bytes] | None:
        """Note from which locality TPM2_Startup came (4: after an H-CRTM): PCR 0 begins with that number.

        It counts once, before PCR 0 is extended; None if it does not count.
        """
        if self._started or 0 in self._extended or locality not in LOCALITIES:
            return None
        self._started = True
        before = self.value(0)
        after = self.values[0] = self.zeros[:-1] + bytes((locality,))
        return before, after

    def launch(self) -> None:
        """Do what a DRTM launch does first: set PCR 17 to 22 to zeros."""
        self.values.update(dict.fromkeys(DYNAMIC, self.zeros))
