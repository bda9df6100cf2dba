"""06-oracle: use a key that cannot be copied."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from trustlab.attacks import Attack, kit
from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong
from trustlab.scenarios import rung
from trustlab.tpm import TpmClient, TpmError, load_key, read_key, rsa_decrypt

if TYPE_CHECKING:
    from trustlab.cloud import Guest
    from trustlab.scenarios import Act

SECRET = 48
"""Bytes of a pre-master secret."""


def oracle(tpm: TpmClient, key_blob: bytes, ciphertext: bytes) -> bytes:
    """Return the secret that this ciphertext hides.

    `tpm` is the bank's own TPM, as Alice's root VM reaches it. `key_blob` lay on the bank's disk. `ciphertext` is what she
    recorded, the encrypted pre-master secret. `read_key(key_blob)` gives a key that is not loaded, `load_key(tpm, key)` one
    that is; `rsa_decrypt(tpm, key, ciphertext)` has the TPM decrypt.
    """
    return rsa_decrypt(tpm, load_key(tpm, read_key(key_blob)), ciphertext)


def _played(design: str, answer: Any, notes: list[object]) -> Act:
    """Play a rung with the student's function as Alice's last step; `notes` gets what it returned, or the TPM's refusal."""

    def start(guest: Guest) -> None:
        kit.Alice(guest).only_listen()

    def afterwards(guest: Guest) -> None:
        alice = kit.Alice(guest)
        blob = alice.powers.disk_of("bank").get("tls-key.tpm")
        tpm = alice.powers.root_tpm("bank")
        for seen in kit.recorded(guest):
            try:
                secret = answer(tpm, blob, seen.encrypted_secret)
            except TpmError as error:
                notes.append(error)
                return
            notes.append(secret)
            if not isinstance(secret, bytes):
                return
            guest.party.secret(
                "pre_master_secret", secret, connection=seen.connection, client_random=seen.client_random.hex()
            )

    with rung(design, Attack.from_function("my-oracle", start, afterwards)) as act:
        act.run()
    return act


def _judge(answer: Any, student: Student) -> Ruling:  # noqa: ARG001 - a fresh TPM each time
    notes: list[object] = []
    act = _played("machine-linked-key", answer, notes)
    got = notes[-1] if notes else None
    if act.outcome is not None and act.outcome.outcome == "succeeded":
        refusals: list[object] = []
        strong = _played("tcb-key", answer, refusals)
        said = str(refusals[-1]) if refusals else "no blob was found"
        return right(
            f"You used a key that you never held, and read the PIN. On the next rung the same code gets: {said}.",
            look="the command RSA_Decrypt of Alice's root VM, and its answer",
            trace=strong.trace,
        )
    if isinstance(got, TpmError):
        return wrong(f"The TPM refused: {got}.", look="Alice's commands to the bank's TPM", trace=act.trace)
    if not isinstance(got, bytes):
        return wrong(f"Return the secret, {SECRET} bytes. You returned {told(got)}.")
    return wrong(
        f"You returned {len(got)} bytes, and they open nothing. A pre-master secret has {SECRET} bytes and begins with 0303. "
        "You need not compute anything: who can decrypt?",
        trace=act.trace,
    )


EXERCISE = Exercise(
    id="06-oracle",
    task="Decrypt the recorded secret, with a key that cannot leave its TPM.",
    hints=(
        "The key cannot leave the TPM. Does it have to?",
        "Load the blob into the TPM that made it, then ask that TPM to decrypt.",
        "return rsa_decrypt(tpm, load_key(tpm, read_key(key_blob)), ciphertext)",
    ),
    judge=_judge,
    solution=oracle,
    given="from trustlab.tpm import TpmClient, load_key, read_key, rsa_decrypt",
    wrong={
        "zeros": (lambda tpm, key_blob, ciphertext: bytes(48), "begins with 0303"),
        "a hash": (lambda tpm, key_blob, ciphertext: hashlib.sha256(ciphertext).digest(), "You returned 32 bytes"),
        "the ciphertext": (lambda tpm, key_blob, ciphertext: ciphertext, "You returned 256 bytes"),
        "not loaded": (
            lambda tpm, key_blob, ciphertext: rsa_decrypt(tpm, read_key(key_blob), ciphertext),
            "The TPM refused",
        ),
        "the key itself": (lambda tpm, key_blob, ciphertext: read_key(key_blob), "Return the secret"),
    },
    varies="TPM, key and secret, in each run",
)
