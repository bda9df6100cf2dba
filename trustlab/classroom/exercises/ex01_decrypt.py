"""01-decrypt: open one record of a capture, and see what the tag covers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.tls import back_to_back

if TYPE_CHECKING:
    from collections.abc import Callable

    Decrypt = Callable[[bytes, bytes, int, bytes], bytes]


def decrypt(key: bytes, iv: bytes, sequence: int, record: bytes) -> bytes:
    """Return the plaintext of one record of TLS 1.2 with AES-128-GCM (RFC 5288, 3; RFC 5246, 6.2.3.3).

    `record` is all of it: 5 bytes of header, 8 bytes of explicit nonce, ciphertext, 16 bytes of tag.
    `iv` are the 4 bytes of the nonce that are not sent. `sequence` is the record's number under this key.
    """
    header, explicit, sealed = record[:5], record[5:13], record[13:]
    covered = sequence.to_bytes(8, "big") + header[:3] + (len(sealed) - 16).to_bytes(2, "big")
    return AESGCM(key).decrypt(iv + explicit, sealed, covered)


def _judge(answer: Decrypt, student: Student) -> Ruling:
    text = f"PIN {student.number('pin', 10**6):06d}".encode()
    pair = back_to_back("1.2")
    block = pair.trace.select("secret", party="teller", name="key_block")[0].raw
    key, iv = block[:16], block[32:36]
    pair.client.send(text)
    record = pair.client.data_to_send()
    try:
        got = answer(key, iv, 1, record)
    except InvalidTag:
        return wrong(
            "The tag did not fit: AES-GCM refuses to show a plaintext whose tag is wrong. The tag covers more than the "
            "ciphertext: the sequence number, and the header's type, version and length of the plaintext.",
            look="the teller's record of application data",
            trace=pair.trace,
        )
    if not isinstance(got, bytes):
        return wrong(f"The function returned {type(got).__name__}, not bytes.")
    if got != text:
        return wrong(
            f"That is not the plaintext: your {len(got)} bytes begin with {got[:4].hex() or 'nothing'}, and it has "
            f"{len(text)} bytes of text. Did you cut off header, explicit nonce or tag at the wrong place?",
            trace=pair.trace,
        )
    try:
        again = answer(key, iv, 2, record)
    except InvalidTag:
        again = b""
    if again != text:
        return right(
            f"It says {text.decode()!r}. The sequence number is sent nowhere, and is authenticated all the same.",
            look="the teller's record of application data",
            trace=pair.trace,
        )
    return wrong(
        "It also decrypts as record number 2. Then Alice may reorder and repeat records: the sequence number must be "
        "in what is authenticated. (Finished was record 0 under this key, so this one is number 1.)",
        trace=pair.trace,
    )


EXERCISE = Exercise(
    id="01-decrypt",
    task="Decrypt one record of a capture.",
    hints=(
        "A GCM record of TLS 1.2 has 5 bytes of header, 8 bytes of explicit nonce, the ciphertext, 16 bytes of tag.",
        "The nonce is iv (4 bytes) + the 8 explicit bytes. AESGCM(key).decrypt(nonce, ciphertext_and_tag, covered).",
        "covered = sequence (8 bytes) + type (1) + version (2) + length of the plaintext (2).",
    ),
    judge=_judge,
    solution=decrypt,
    given="from cryptography.hazmat.primitives.ciphers.aead import AESGCM",
    varies="the plaintext",
    wrong={
        "nothing covered": (
            lambda key, iv, sequence, record: AESGCM(key).decrypt(iv + record[5:13], record[13:], None),
            "The tag covers more than the ciphertext",
        ),
        "the header as it was sent": (
            lambda key, iv, sequence, record: AESGCM(key).decrypt(
                iv + record[5:13], record[13:], sequence.to_bytes(8, "big") + record[:5]
            ),
            "length of the plaintext",
        ),
        "without the sequence": (
            lambda key, iv, sequence, record: decrypt(key, iv, 1, record),
            "It also decrypts as record number 2",
        ),
        "not decrypted": (lambda key, iv, sequence, record: record[13:-16], "That is not the plaintext"),
        "as text": (lambda key, iv, sequence, record: decrypt(key, iv, sequence, record).decode(), "not bytes"),
    },
)
