"""06-policy: write the policy of a key; a real TPM makes the key, and Alice tries to use it from three places."""

from __future__ import annotations

import hashlib
from itertools import combinations
from typing import TYPE_CHECKING, Any

from trustlab.attacks.verifier import VerifierTestbed
from trustlab.attacks.verifier.testbed import EVIL
from trustlab.attest import key_policy, pcr_selection, policy_locality, policy_pcr
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.tpm import CreatedKey, KeyPolicy, TpmClient, TpmError, load_key, sign

if TYPE_CHECKING:
    from collections.abc import Mapping

MEASURED = (17, 18, 19, 20)
SIZE = 32


def policy(pcr_values: dict[int, bytes]) -> bytes:
    """Return the policy digest (32 bytes) of a key that only this software may use, and only through HyperSafe.

    `pcr_values` has the values of PCR 17, 18, 19 and 20 of the bank's machine. HyperSafe works at locality 2, and asserts
    first the PCRs and then the locality. `key_policy`, `policy_pcr` and `policy_locality` compute digests.
    """
    return key_policy((17, 18, 19), pcr_values)


def _terms(digest: bytes, values: Mapping[int, bytes]) -> KeyPolicy | None:
    """Return the assertions that fulfil this policy: PCRs, then perhaps a locality. None if there are none."""
    for count in range(1, len(MEASURED) + 1):
        for pcrs in combinations(MEASURED, count):
            for locality in (None, 0, 1, 2, 3, 4):
                if key_policy(pcrs, values, locality=locality) == digest:
                    return KeyPolicy(pcrs, locality, digest, pcr_selection(pcrs))
    return None


def _works(client: TpmClient, key: CreatedKey) -> bool:
    """Whether the TPM lets this client use the key."""
    try:
        sign(client, load_key(client, key), hashlib.sha256(b"a handshake").digest())
    except TpmError:
        return False
    return True


def _not_fulfilled(digest: bytes, values: dict[int, bytes]) -> Ruling:
    if digest == policy_pcr((17, 18, 19), values, start=policy_locality(2)):
        return wrong(
            "HyperSafe cannot use its own key: the TPM refuses. You asserted the locality first and the PCRs then. The "
            "order is part of the digest, and HyperSafe begins with the PCRs."
        )
    if digest == policy_locality(2):
        return wrong(
            "A policy with the locality alone, and HyperSafe asserts PCRs too: the TPM refuses it its own key."
        )
    return wrong(
        f"HyperSafe cannot use its own key: no order of assertions leads to your digest, {digest.hex()[:16]}.... "
        "The bank would never answer anybody."
    )


def _judge(answer: Any, student: Student) -> Ruling:
    with VerifierTestbed() as bed:
        machine = bed.machine().boot(signatures=f"2026-11-{student.number('day', 28) + 1:02d}")
        values = machine.hypersafe.pcr_read(MEASURED)
        digest = answer(dict(values))
        if not isinstance(digest, bytes) or len(digest) != SIZE:
            return wrong(f"Return the digest, {SIZE} bytes. You returned {digest!r}."[:200])
        terms = _terms(digest, values)
        if terms is None:
            return _not_fulfilled(digest, values)
        key = machine.tls_key(terms)
        if _works(machine.root, key):
            return wrong(
                "Alice used the key from her root VM, at locality 0, while the bank was running. The PCRs are as they "
                "should be: they say what runs, not who asks. Your policy must say from where.",
                look="the command Sign of the root VM",
                trace=bed.trace,
            )
        if not _works(machine.hypersafe, key):
            return wrong(f"HyperSafe cannot use the key: your policy wants locality {terms.locality}.", trace=bed.trace)
        machine.boot(EVIL)
        if _works(machine.hypersafe, key):
            named = " and ".join(f"PCR {pcr}" for pcr in terms.pcrs)
            return wrong(
                f"Alice booted an image of her own under the same HyperSafe, and the TPM let it use the key: your policy "
                f"looks at {named} only. Those know the hypervisor, not its guest.",
                look="the second measurement into PCR 19",
                trace=bed.trace,
            )
        machine.boot(signatures="2026-11-30")
        if not _works(machine.hypersafe, key):
            return wrong(
                "The bank rebooted, with the same image, and cannot use its key any more: your policy names PCR 20, which "
                "also holds claims and the nonce of each launch.",
                trace=bed.trace,
            )
    return right(
        "HyperSafe can use the key, also after a reboot. Alice cannot: not from her root VM, and not from an image of "
        "hers under the same hypervisor. The TPM itself refused her.",
        trace=bed.trace,
    )


EXERCISE = Exercise(
    id="06-policy",
    task="Write the policy of a key that only this software may use.",
    hints=(
        "Two questions: what must run, and where must the command come from?",
        "PCR 17 is HyperSafe, 18 its launch policy, 19 the image. PCR 20 changes at every launch.",
        "key_policy((17, 18, 19), pcr_values) asserts these PCRs, and then locality 2.",
    ),
    judge=_judge,
    solution=policy,
    given="from trustlab.attest import key_policy, policy_locality, policy_pcr",
    wrong={
        "the hypervisor only": (lambda pcr_values: key_policy((17,), pcr_values), "under the same HyperSafe"),
        "no locality": (lambda pcr_values: policy_pcr((17, 18, 19), pcr_values), "at locality 0"),
        "the locality first": (
            lambda pcr_values: policy_pcr((17, 18, 19), pcr_values, start=policy_locality(2)),
            "The order is part of the digest",
        ),
        "the locality alone": (lambda pcr_values: policy_locality(2), "asserts PCRs too"),
        "claims too": (lambda pcr_values: key_policy((17, 18, 19, 20), pcr_values), "names PCR 20"),
        "Alice's locality": (lambda pcr_values: key_policy((17, 18, 19), pcr_values, locality=0), "at locality 0"),
        "a hash": (
            lambda pcr_values: hashlib.sha256(b"".join(pcr_values[p] for p in (17, 18, 19))).digest(),
            "no order of assertions",
        ),
        "text": (lambda pcr_values: "17,18,19", "Return the digest"),
    },
    varies="the claim in PCR 20, and the launch nonce",
)
