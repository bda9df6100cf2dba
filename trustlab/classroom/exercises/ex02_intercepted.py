"""02-intercepted: from what both ends saw, say whether somebody sat between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong
from trustlab.classroom.material import Saw, notes, played

if TYPE_CHECKING:
    from collections.abc import Callable

CASES = (
    ("connect-then-attest", None, "nobody was there"),
    ("plain-tls", "rogue-certificate", "an Alice who makes everything anew"),
    ("connect-then-attest", "tunnel-relay", "an Alice who copies randoms, nonces and even the pre-master secret"),
)
"""Design, attack, and who was in the middle."""
RANDOM = slice(6, 38)
"""Where the random lies in a ClientHello, after 4 bytes of header and 2 of version."""


def intercepted(client_saw: list[tuple[str, bytes]], server_saw: list[tuple[str, bytes]]) -> bool:
    """Return True if somebody sat in the middle.

    The teller and the bank meet afterwards and lay their notes side by side: every handshake message that crossed
    their own end of the wire, in order, as (name, bytes).
    """
    mine = [raw for name, raw in client_saw if name == "Certificate"]
    theirs = [raw for name, raw in server_saw if name == "Certificate"]
    return mine != theirs


def _judge(answer: Callable[[Saw, Saw], bool], student: Student) -> Ruling:
    for design, attack, who in student.shuffled("order", CASES):
        act = played(design, attack)
        client, server = notes(act)
        got = answer([*client], [*server])
        if not isinstance(got, bool):
            return wrong(f"Return True or False; you returned {told(got)}.")
        if got is (attack is not None):
            continue
        if attack is None:
            return wrong(
                "You cried wolf: in this run nobody was in the middle, and your function says that somebody was.",
                trace=act.trace,
            )
        copied = client[0][1][RANDOM] == server[0][1][RANDOM]
        reason = "Both ClientHellos have the same random, because Alice copied it: what is in clear she can repeat. "
        return wrong(
            f"You missed {who}. {reason if copied else ''}Ask what she cannot repeat.",
            look="the second leg's fields marked '≠ other leg'",
            trace=act.trace,
        )
    return right(
        "All three told apart. You needed the notes of both ends. The teller alone sees one perfect handshake: that is "
        "why it cannot notice."
    )


def _subject(saw: Saw) -> x509.Name:
    raw = next(raw for name, raw in saw if name == "Certificate")
    return x509.load_der_x509_certificate(raw[10:]).subject


EXERCISE = Exercise(
    id="02-intercepted",
    task="From what both ends saw, was somebody in between?",
    hints=(
        "Run act I and compare both ClientHellos. Then do the same for connect-then-attest under tunnel-relay.",
        "What can Alice copy from one leg to the other? Randoms: yes. Names: yes. What can she not copy?",
        "Without the bank's private key she must show a key of her own. Compare the Certificate messages byte by byte.",
    ),
    judge=_judge,
    solution=intercepted,
    varies="the order of three runs",
    wrong={
        "randoms": (lambda c, s: c[0][1][RANDOM] != s[0][1][RANDOM], "Alice copied it"),
        "names in the certificates": (lambda c, s: _subject(c) != _subject(s), "You missed an Alice who"),
        "number of messages": (lambda c, s: len(c) != len(s), "You missed an Alice who"),
        "everything": (lambda c, s: c[:2] != s[:2], "You missed an Alice who copies"),
        "always True": (lambda c, s: True, "You cried wolf"),
        "the messages": (lambda c, s: [*c, *s], "Return True or False"),
    },
)
