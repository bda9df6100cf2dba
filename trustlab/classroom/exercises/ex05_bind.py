"""05-bind: a value that tells the two channels of a relay apart."""

from __future__ import annotations

from typing import Any

from trustlab.classroom.exercise import Exercise, Ruling, Student, right, told, wrong
from trustlab.classroom.material import played
from trustlab.passage import DESIGNS, Binder, Design

NAMES = {
    "client_random": "ClientHello.random",
    "server_random": "ServerHello.random",
    "pre_master_secret": "pre_master_secret",
    "master_secret": "master_secret",
    "key_block": "key_block",
    "certificate": "Certificate",
    "encrypted secret": "ClientKeyExchange",
    "Finished": "Finished",
}
"""What a student may say, and what `Trace.legs` calls it."""
SESSION_HASH, KEY = "session hash", "server's key"


def value() -> str:
    """Return the name of a value that is fit to tie a quote to one channel.

    Choose from "client_random", "server_random", "pre_master_secret", "master_secret", "key_block", "certificate",
    "encrypted secret", "Finished", "server's key" and "session hash" (the hash of all messages up to the encrypted secret).
    """
    return "session hash"


def _repair(name: str) -> tuple[str | Design, str]:
    """Return a design with this value in the quote, and what is in it."""
    if name in {KEY, "certificate"}:
        return "key-in-quote", "the server's key"
    design = Design.custom(
        "connect, attest, bind",
        like=DESIGNS["session-hash"],
        key_origin="deployed",
        server=Binder(("nonce_C", "session_hash")),
        client=Binder(("nonce_S",)),
    )
    return design, "the session hash"


def _judge(answer: Any, student: Student) -> Ruling:  # noqa: ARG001 - a fresh run each time
    name = answer()
    known = [*NAMES, KEY, SESSION_HASH]
    if name not in known:
        return wrong(f"{told(name)} is not one of the names. Choose from: {', '.join(known)}.")
    relayed = played("connect-then-attest", "tunnel-relay")
    legs = relayed.trace.legs()
    left, far = legs[NAMES[{KEY: "certificate", SESSION_HASH: "encrypted secret"}.get(name, name)]]
    if left == far:
        return wrong(
            f"{name} is {left.hex()[:12]}... on the teller's leg, and {far.hex()[:12]}... on the bank's. Alice made them equal. A "
            "quote over it fits both channels.",
            look="both legs, field by field",
            trace=relayed.trace,
        )
    if name == "Finished":
        return wrong(
            "It differs, and it would do here. But it has only 12 bytes, cut from a hash over all messages. Take the hash itself.",
            trace=relayed.trace,
        )
    design, what = _repair(name)
    act = played(design, "tunnel-relay")
    if act.outcome is None or act.outcome.outcome == "succeeded":
        return wrong(f"{name} differs; but with {what} in the quote the relay still succeeds.", trace=act.trace)
    return right(
        f"{name} differs, and Alice cannot make it equal. Played with {what} in the quote: {act.outcome.sentence}",
        look="the equation in the red row",
        trace=act.trace,
    )


EXERCISE = Exercise(
    id="05-bind",
    task="Which value ties a quote to one channel?",
    hints=(
        "Look at the table: which values are different on the two legs?",
        "Alice is an end of both channels. What both channels can be made to share is of no use.",
        "The server's key, the encrypted secret, or a hash of all messages: the session hash.",
    ),
    judge=_judge,
    solution=value,
    wrong={
        "the client's random": (lambda: "client_random", "Alice made them equal"),
        "the master secret": (lambda: "master_secret", "Alice made them equal"),
        "the pre-master secret": (lambda: "pre_master_secret", "Alice made them equal"),
        "the keys": (lambda: "key_block", "Alice made them equal"),
        "Finished": (lambda: "Finished", "only 12 bytes"),
        "a nonce": (lambda: "nonce", "is not one of the names"),
    },
    varies="the run",
)
