"""06-three-checks: judge a key attestation: whether TLS uses the key, who made it, and who can use it."""

from __future__ import annotations

from typing import Any

from trustlab.attacks.verifier import ATTACKS_ON_VERIFIER, Presented, VerifierTestbed
from trustlab.attest import CreationInfo, ObjectAttributes, key_policy
from trustlab.attest.appraisal import KeyProof, open_appraisal
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong

BAD = {
    "decoy-key": "TLS runs on a key that Alice deployed; the evidence is about a good key that nobody uses.",
    "software-key-certified": "Alice made the key in software, kept a copy, and loaded it into the TPM.",
    "userwithauth-key": "The key's policy is right, but userWithAuth is set: an empty password opens it, too.",
    "password-policy-key": "The key was made in the TPM and cannot leave, but its policy asks for a password, which Alice has.",
    "other-image-same-hypersafe": "The key opens for any image under this HyperSafe, also for one of Alice's.",
}
SENTENCE = 10
"""Characters that a reason needs at least."""
PCRS = (17, 18, 19)


def judge_key(key: KeyProof, tls_spki: bytes, pcr_values: dict[int, bytes]) -> str | None:
    """Return None if this key may be trusted with the PIN, or a sentence that says why not.

    `key.attest.attested`: what the TPM signed; a `CreationInfo`, with `.object_name`, if it says that it made the key.
    `key.public`: the key's public area, with `.name`, `.spki`, `.attributes`, `.auth_policy`; the attribute
    `ObjectAttributes.USER_WITH_AUTH` means that a password opens the key. `tls_spki`: the key that TLS uses.
    `pcr_values`: what was quoted. `key_policy((17, 18, 19), pcr_values)`: the policy of a key for this software alone.
    """
    made = key.attest.attested
    if key.public.spki != tls_spki:
        return "TLS uses another key than the one that was attested"
    if not isinstance(made, CreationInfo) or made.object_name != key.public.name:
        return "the TPM does not say that it made this key"
    if key.public.attributes & ObjectAttributes.USER_WITH_AUTH:
        return "a password opens the key, whatever its policy says"
    if key.public.auth_policy != key_policy((17, 18, 19), pcr_values):
        return "the key opens for other software than was quoted"
    return None


def _asked(answer: Any, shown: Presented) -> Any:
    read = open_appraisal(shown.evidence, shown.expected, shown.references, shown.policy, shown.last_reference_version)
    return answer(read.key, shown.expected.key_spki, read.values(PCRS))


def _judge(answer: Any, student: Student) -> Ruling:
    with VerifierTestbed() as bed:
        complaint = _asked(answer, bed.attested(bed.machine().boot()))
    if complaint is not None:
        return wrong(f"You refused an honest key: {complaint!r}. A check that refuses everybody only stops the bank.")
    for name in student.shuffled("order", list(BAD)):
        attack = ATTACKS_ON_VERIFIER[name]
        with VerifierTestbed() as bed:
            complaint = _asked(answer, attack.carry_out(bed))
        if complaint is None:
            return wrong(f"You trusted the key of the attack {name}. {BAD[name]}", trace=bed.trace)
        if not isinstance(complaint, str) or len(complaint) < SENTENCE:
            return wrong(
                f"You refused {name} with {complaint!r}. Say in a sentence what is wrong: somebody has to act on it."
            )
    return right(
        f"The honest key passes, and {len(BAD)} bad ones are refused, each with a reason. 'It cannot leave the TPM' was "
        "true of most of them."
    )


def _fixed_only(key: KeyProof, tls_spki: bytes, pcr_values: dict[int, bytes]) -> str | None:  # noqa: ARG001
    return None if key.public.attributes & ObjectAttributes.FIXED_TPM else "the key can be copied"


def _identity_only(key: KeyProof, tls_spki: bytes, pcr_values: dict[int, bytes]) -> str | None:  # noqa: ARG001
    return None if key.public.spki == tls_spki else "TLS uses another key"


def _no_policy(key: KeyProof, tls_spki: bytes, pcr_values: dict[int, bytes]) -> str | None:
    said = judge_key(key, tls_spki, pcr_values)
    return None if said and "software" in said else said


def _no_password(key: KeyProof, tls_spki: bytes, pcr_values: dict[int, bytes]) -> str | None:
    said = judge_key(key, tls_spki, pcr_values)
    return None if said and "password" in said else said


EXERCISE = Exercise(
    id="06-three-checks",
    task="May this key be trusted with the PIN?",
    hints=(
        "Three questions: Is it the key that TLS uses? Who made it? Who can use it?",
        "CertifyCreation says that this TPM made the key. Certify says only that the key is there.",
        "Compare key.public.spki with tls_spki, attested.object_name with key.public.name, auth_policy with "
        "key_policy((17, 18, 19), pcr_values); USER_WITH_AUTH must not be set.",
    ),
    judge=_judge,
    solution=judge_key,
    given=(
        "from trustlab.attest import CreationInfo, ObjectAttributes, key_policy\n"
        "from trustlab.attest.appraisal import KeyProof"
    ),
    wrong={
        "it cannot leave": (_fixed_only, "You trusted the key of the attack"),
        "it is the key": (_identity_only, "You trusted the key of the attack"),
        "no look at the policy": (_no_policy, "You trusted the key of the attack"),
        "no look at the password": (_no_password, "userWithAuth is set"),
        "refuses all": (lambda key, tls_spki, pcr_values: "no key is good enough", "You refused an honest key"),
        "no reason": (
            lambda key, tls_spki, pcr_values: judge_key(key, tls_spki, pcr_values) and "no",
            "Say in a sentence",
        ),
    },
    varies="the order of the keys",
)
