"""02-first-field: name the first field that Alice had to make anew, and not only one that differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, wrong
from trustlab.classroom.material import Fields, fields, played

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "subjectPublicKey"


def first_field(client_saw: list[tuple[str, str, bytes]], server_saw: list[tuple[str, str, bytes]]) -> tuple[str, str]:
    """Return the first field that Alice could not have made equal on both legs: (message, field).

    Both lists hold every field of the handshake messages that one end saw, in order: (message, field, bytes). A field's
    name is its path; whatever ends it is enough, such as ("ClientHello", "random").
    """
    theirs = {(message, field): value for message, field, value in server_saw}
    differing = [(message, field) for message, field, value in client_saw if theirs.get((message, field)) != value]
    return next((message, field) for message, field in differing if "subjectPublicKey." in field)


def _judge(answer: Callable[[Fields, Fields], tuple[str, str]], student: Student) -> Ruling:
    attack = student.choose("attack", ("tunnel-relay", "rogue-certificate"))
    act = played("connect-then-attest", attack)
    client, server = fields(act, "teller"), fields(act, "bank")
    got = answer([*client], [*server])
    if not (isinstance(got, tuple) and len(got) == 2 and all(isinstance(word, str) for word in got)):
        return wrong('Return two words: the name of the message and the field, such as ("ClientHello", "random").')
    message, field = got
    path = f".{field}."
    there = [(one, name, value) for one, name, value in client if one == message and path in f".{name}."]
    if there and message == "Certificate" and all(KEY in name.split(".") for _, name, _ in there):
        return right(
            f"{message}, {KEY}. Everything before it she copied, or could have. She does not have the bank's private "
            "key, so she must show a key of her own; all that differs later follows from it.",
            look="the Certificate of both legs, side by side",
            trace=act.trace,
        )
    if not there:
        return wrong(f"The teller saw no field {field!r} in a message {message!r}. Take the names from the lists.")
    return wrong(*_said(message, field, there, server), trace=act.trace)


def _said(message: str, field: str, there: Fields, server: Fields) -> tuple[str, str]:
    """Say what is wrong with a field, and where to look."""
    theirs = {(one, name): value for one, name, value in server}
    look = f"the {message} of both legs"
    if all(theirs.get((one, name)) == value for one, name, value in there):
        return (
            f"{field} of {message} is equal on both legs: Alice copied it. What is sent in clear she can repeat.",
            look,
        )
    if "serialNumber" in field:
        return (
            "The serial numbers differ, for the CA gives a new one to each certificate. But they are only numbers: "
            "with another CA they could be equal, and nothing would change. Which field could not?",
            look,
        )
    if "length" in field:
        return "Lengths differ by accident; in your neighbour's run they do not.", look
    return f"True, {field} of {message} differs. But it follows from another field, which stands before it.", look


EXERCISE = Exercise(
    id="02-first-field",
    task="Name the first field that Alice had to make anew.",
    hints=(
        "Print the fields that differ, in order. In the inspector they are marked '≠ other leg'.",
        "Some differ by accident. Skip lengths and numbers that somebody only counted.",
        "Which field is a key? Alice does not have the private half of the bank's.",
    ),
    judge=_judge,
    solution=first_field,
    varies="the attack",
    wrong={
        "the serial number": (
            lambda c, s: next(a[:2] for a in c if "serialNumber" in a[1]),
            "The serial numbers differ",
        ),
        "the random": (lambda c, s: ("ClientHello", "random"), "Alice copied it"),
        "the signature": (lambda c, s: ("Certificate", "signatureValue.r"), "it follows from another field"),
        "Finished": (lambda c, s: ("Finished", "verify_data"), "it follows from another field"),
        "the key's algorithm": (
            lambda c, s: next(a[:2] for a in c if a[1].endswith("subjectPublicKeyInfo.algorithm.algorithm")),
            "is equal on both legs",
        ),
        "a made-up name": (lambda c, s: ("Certificate", "privateKey"), "saw no field"),
        "one word": (lambda c, s: "Certificate", "Return two words"),
    },
)
