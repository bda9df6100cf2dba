"""The policy of a key - which software, and from where - and the session that fulfils it, marshalled by hand."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from trustlab.attest import LOCALITY, key_policy, pcr_selection
from trustlab.attest.constants import HASH_IDS
from trustlab.octets import sized, u16, u32
from trustlab.tpm.commands import command_of
from trustlab.tpm.errors import TpmResponseError
from trustlab.tpm.framing import PASSWORD, RH_NULL, authorization, parameters_of
from trustlab.tpm.ports import Commander
from trustlab.tpm.responses import RC_OBJECT_MEMORY, RC_PCR_CHANGED, RC_RETRY, RC_SESSION_MEMORY

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Mapping, Sequence

    from trustlab.tpm.framing import TpmReader

ALG_NULL = 0x0010
ALG_SHA256 = 0x000B
SE_POLICY = 0x01
ATTEMPTS = 64
"""How often a command is tried when someone (Alice can) extends a PCR between PolicyPCR and its use: 0x128."""
SECONDS = 2.0
"""For how long, at most: a chip needs some 100 ms for an attempt, and a handshake waits meanwhile."""
_ONE_BY_ONE = {RC_RETRY, RC_OBJECT_MEMORY, RC_SESSION_MEMORY}
"""What a TPM says that wants a command again or a slot free, for which there is no time between queued commands."""


@dataclass(frozen=True)
class KeyPolicy:
    """PolicyPCR over `pcrs` of one bank, then PolicyLocality, in this order; `locality` None leaves the second out.

    `digest` is the authPolicy of a key that obeys it. A policy holds the digest of the PCR values, not the values.
    """

    pcrs: tuple[int, ...]
    locality: int | None
    digest: bytes
    selection: bytes = field(repr=False, default=b"")

    @classmethod
    def expected(
        cls,
        pcrs: Sequence[int],
        values: Mapping[int, bytes],
        *,
        locality: int | None = LOCALITY,
        bank: str = "sha256",
    ) -> Self:
        """Compute the policy for the PCR `values` that one expects; no TPM is asked."""
        chosen, number = tuple(sorted(pcrs)), HASH_IDS[bank]
        digest = key_policy(chosen, values, locality=locality, bank=number)
        return cls(chosen, locality, digest, pcr_selection(chosen, number))

    @classmethod
    def present(
        cls, client: Commander, pcrs: Sequence[int], *, locality: int | None = LOCALITY, bank: str = "sha256"
    ) -> Self:
        """Read the PCRs and compute the policy that their present values fulfil."""
        return cls.expected(pcrs, client.pcr_read(pcrs, bank), locality=locality, bank=bank)

    @classmethod
    def for_ak(cls, client: Commander) -> Self:
        """Return the policy of an AK on this machine: this HyperSafe (PCR 17), at its locality."""
        profile = client.platform.profile
        return cls.present(client, profile.ak_pcrs, locality=profile.locality, bank=profile.bank)

    @classmethod
    def for_tls_key(cls, client: Commander) -> Self:
        """Return the policy of a TLS key: this HyperSafe, its launch policy, this VM image (PCR 17, 18, 19).

        Its locality.
        """
        profile = client.platform.profile
        return cls.present(client, profile.key_pcrs, locality=profile.locality, bank=profile.bank)


class PolicySession:
    """One policy session for many commands: its assertions are made again before each, as the TPM demands."""

    def __init__(self, client: Commander) -> None:
        self.client = client
        nonce = sized(os.urandom(32))
        parameters = nonce + sized(b"") + bytes((SE_POLICY,)) + u16(ALG_NULL) + u16(ALG_SHA256)
        self.handle, _ = client.load("StartAuthSession", (RH_NULL, RH_NULL), (), parameters)
        self.authorization = authorization(self.handle)
        self._fresh = True
        self._assertions: dict[tuple[bytes, int | None], list[bytes]] = {}

    def assertions(self, policy: KeyPolicy) -> list[bytes]:
        """Return the commands that assert a policy: PolicyPCR over the present values (checked at use), PolicyLocality.

        Before them PolicyRestart, where the session is not at its beginning.
        """
        terms = policy.selection, policy.locality
        commands = self._assertions.get(terms)
        if commands is None:
            commands = [command_of("PolicyPCR", (self.handle,), (), sized(b"") + policy.selection)]
            if policy.locality is not None:
                commands.append(command_of("PolicyLocality", (self.handle,), (), bytes((1 << policy.locality,))))
            self._assertions[terms] = commands
        if self._fresh:
            self._fresh = False
            return commands
        return [command_of("PolicyRestart", (self.handle,)), *commands]

    def assert_policy(self, policy: KeyPolicy) -> None:
        self.client.run_together(self.assertions(policy))

    def used(self) -> None:
        """Note that a command succeeded with it: the TPM has taken the session back to its beginning (Part 3, 11.1)."""
        self._fresh = True

    def close(self) -> None:
        """End the session; by hand, as it began: ESAPI has never met it."""
        self.client.run("FlushContext", parameters=u32(self.handle))


class SessionHolder(Commander, Protocol):
    """A client that keeps one policy session for all its keys."""

    @property
    def session_lock(self) -> threading.RLock:
        """Held while the session is used."""

    def policy_session(self) -> PolicySession:
        """Return the session, opened if there is none."""


def authorized(
    client: SessionHolder,
    policy: KeyPolicy | None,
    name: str,
    handles: Iterable[int],
    parameters: bytes,
    before: tuple[bytes, ...] = (),
) -> TpmReader:
    """Send a command with an authorisation that fulfils `policy` (None: the empty password), behind those `before` it.

    A PCR that anybody extended between PolicyPCR and the command voids the assertion (TPM_RC_PCR_CHANGED): it is tried
    again, and each retry is in the trace; after `ATTEMPTS`, or `SECONDS`, the TPM's answer is raised.
    """
    if policy is None:
        return client.ask(name, handles, (*before, PASSWORD), parameters)
    with client.session_lock:
        session = client.policy_session()
        wanted = command_of(name, handles, (*before, session.authorization), parameters)
        return parameters_of(_with_session(client, session, policy, wanted))


def _with_session(client: Commander, session: PolicySession, policy: KeyPolicy, wanted: bytes) -> bytes:
    attempt, queued, until = 1, True, time.monotonic() + SECONDS
    while True:
        try:
            response = client.run_together([*session.assertions(policy), wanted], queued=queued)
        except TpmResponseError as error:
            if queued and error.rc in _ONE_BY_ONE:
                queued = False
                continue
            if error.rc != RC_PCR_CHANGED or attempt >= ATTEMPTS or time.monotonic() >= until:
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
            return response
