"""Endorsers: the TPM maker and the privacy CA, who are neither Alice nor Bob (RFC 9334: Endorser)."""

from __future__ import annotations

from trustlab.attest import AK_PCRS, LOCALITY, key_policy
from trustlab.cloud import hypersafe
from trustlab.tpm import PrivacyCa, TpmMaker, launch_pcr


class Endorsers:
    """The maker signs EK certificates; the privacy CA certifies AKs that only a known HyperSafe can use.

    The device CA certifies AKs of device TPMs, which any program there can use: a CA of its own, so that nobody takes
    the one for the other.
    """

    def __init__(
        self, *, maker: bytes | None = None, privacy_ca: bytes | None = None, device_ca: bytes | None = None
    ) -> None:
        """Mint them, or go on with what their `keep` returned in another process."""
        self.maker = TpmMaker(kept=maker)
        policy = key_policy(AK_PCRS, {17: launch_pcr(hypersafe.CODE)}, locality=LOCALITY)
        self.privacy_ca = PrivacyCa([self.maker.root], ak_policies={policy}, kept=privacy_ca)
        self.device_ca = PrivacyCa([self.maker.root], ak_policies=None, name="Device CA (simulated)", kept=device_ca)
