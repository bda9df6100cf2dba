"""The policy of a key - which software, and from where - and the session that fulfils it, marshalled by hand."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self, TypeVar

from trustlab.attest import AK_PCRS, FIRMWARE_PCRS, LOCALITY, TLS_KEY_PCRS, key_policy, pcr_selection
from trustlab.tpm.errors import TpmResponseError
from trustlab.tpm.marshal import PASSWORD, RH_NULL, authorization, sized, u16, u32
from trustlab.tpm.responses import RC_PCR_CHANGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from trustlab.tpm.client import TpmClient

T = TypeVar("T")
ALG_NULL = 0x0010
ALG_SHA256 = 0x000B
SE_POLICY = 0x01
ATTEMPTS = 5
"""How often a command is tried when someone (Alice can) extends a PCR between PolicyPCR and its use: 0x128."""


@dataclass(frozen=True)
class KeyProfile:
    """What the keys of a machine are bound to, and what it quotes; without a locality the AK is a quote oracle."""

    name: str
    ak_pcrs: tuple[int, ...]
    key_pcrs: tuple[int, ...]
    locality: int | None
    quote_pcrs: tuple[int, ...]


DRTM = KeyProfile("DRTM", AK_PCRS, TLS_KEY_PCRS, LOCALITY, (17, 18, 19, 20))
"""HyperSafe launched by DRTM, at locality 2: the lab's machines."""
DEVICE = KeyProfile("firmware", FIRMWARE_PCRS, FIRMWARE_PCRS, None, FIRMWARE_PCRS)
"""A real TPM through the kernel: firmware, option ROMs, boot loader and secure-boot state, at any locality."""


@dataclass(frozen=True)
class KeyPolicy:
    """PolicyPCR over SHA-256 `pcrs`, then PolicyLocality, in this order; `locality` None leaves the second out.

    `digest` is the authPolicy of a key that obeys it. A policy holds the digest of the PCR values, not the values.
    """

    pcrs: tuple[int, ...]
    locality: int | None
    digest: bytes
    selection: bytes = field(repr=False, default=b"")

    @classmethod
    def expected(cls, pcrs: Sequence[int], values: Mapping[int, bytes], *, locality: int | None = LOCALITY) -> Self:
        """Compute the policy for the PCR `values` that one expects; no TPM is asked."""
        chosen = tuple(sorted(pcrs))
        return cls(chosen, locality, key_policy(chosen, values, locality=locality), pcr_selection(chosen))

    @classmethod
    def present(cls, client: TpmClient, pcrs: Sequence[int], *, locality: int | None = LOCALITY) -> Self:
        """Read the PCRs and compute the policy that their present values fulfil."""
        return cls.expected(pcrs, client.pcr_read(pcrs), locality=locality)

    @classmethod
    def for_ak(cls, client: TpmClient) -> Self:
        """Return the policy of an AK on this machine: this HyperSafe (PCR 17), at its locality."""
        profile = client.platform.profile
        return cls.present(client, profile.ak_pcrs, locality=profile.locality)

    @classmethod
    def for_tls_key(cls, client: TpmClient) -> Self:
        """Return the policy of a TLS key: this HyperSafe, its launch policy, this VM image (PCR 17, 18, 19).

        Its locality.
        """
        profile = client.platform.profile
        return cls.present(client, profile.key_pcrs, locality=profile.locality)


class PolicySession:
    """One policy session for many commands: its assertions are made again before each, as the TPM demands."""

    def __init__(self, client: TpmClient) -> None:
        self.client = client
        nonce = sized(os.urandom(32))
        parameters = nonce + sized(b"") + bytes((SE_POLICY,)) + u16(ALG_NULL) + u16(ALG_SHA256)
        self.handle, _ = client.load("StartAuthSession", (RH_NULL, RH_NULL), (), parameters)
        self.authorization = authorization(self.handle)
        self._fresh = True

    def assert_policy(self, policy: KeyPolicy) -> None:
        """Make the policy's assertions: PolicyPCR over the present values (they are checked at use), PolicyLocality."""
        self.restart()
        self.client.run("PolicyPCR", (self.handle,), (), sized(b"") + policy.selection)
        if policy.locality is not None:
            self.client.run("PolicyLocality", (self.handle,), (), bytes((1 << policy.locality,)))

    def restart(self) -> None:
        """Take the session back to its beginning, where it is not there yet; assertions may follow."""
        if not self._fresh:
            self.client.run("PolicyRestart", (self.handle,))
        self._fresh = False

    def used(self) -> None:
        """Note that a command succeeded with it: the TPM has taken the session back to its beginning (Part 3, 11.1)."""
        self._fresh = True

    def close(self) -> None:
        """End the session; by hand, as it began: ESAPI has never met it."""
        self.client.run("FlushContext", parameters=u32(self.handle))


def authorized(client: TpmClient, policy: KeyPolicy | None, work: Callable[[bytes], T]) -> T:
    """Call `work` with an authorisation that fulfils `policy` (None: the empty password), retrying on a changed PCR.

    A PCR that anybody extended between PolicyPCR and the command voids the assertion (TPM_RC_PCR_CHANGED). Each
    retry is in the trace; after `ATTEMPTS` the TPM's answer is raised.
    """
    if policy is None:
        return work(PASSWORD)
    with client.session_lock:
        return _with_session(client, policy, work)


def _with_session(client: TpmClient, policy: KeyPolicy, work: Callable[[bytes], T]) -> T:
    session = client.policy_session()
    attempt = 1
    while True:
        try:
            session.assert_policy(policy)
            result = work(session.authorization)
        except TpmResponseError as error:
            if error.rc != RC_PCR_CHANGED or attempt == ATTEMPTS:
                raise
            attempt += 1
            client.platform.party.emit(
                "note",
                "PCR changed, trying again",
                sentence=f"A PCR was extended after {client.name}'s PolicyPCR ({error.rc_name}): attempt {attempt}.",
                client=client.name,
                attempt=attempt,
            )
        else:
            session.used()
            return result
