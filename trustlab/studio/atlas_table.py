"""The precomputed atlas of the studio's page: `python -m trustlab.studio.atlas_table` writes `static/atlas.json.gz`.

A page has no Python behind it, so it can only look up: every named design with each power, and `REGIONS` around them.
"""

from __future__ import annotations

import gzip
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.finder import ATLAS_FIELDS, DEFAULT, GOALS, POWERS
from trustlab.finder.proposal import OFFERS, Proposal, presets, proposal_of
from trustlab.passage.designs import KeyOrigin, Version, When  # noqa: TC001 - msgspec reads them
from trustlab.studio.answer import StudioAnswer, answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = Path(__file__).parent / "static" / "atlas.json.gz"
LABELS = frozenset({"L", "S", "C"})
SINGLE = (
    *((power,) for power in POWERS if power not in DEFAULT),
    ("own-machine", "unpinned"),
    ("evil-image", "unpinned"),
    ("dh-known", "key-usable"),
)
"""The powers beside `network` and `ca` with which the named designs are searched."""
MATTER = ((), ("lax-peer",), ("copy",), ("root-tpm",), ("key-usable",))


class Region(msgspec.Struct, frozen=True):
    """Proposals that are all in the page: every subset of these fields, with each key, each power and each goal.

    `client` is None if the client does not attest. Labels and roles are in every binder.
    """

    tls: Version
    when: When
    server: tuple[str, ...]
    client: tuple[str, ...] | None = None
    origins: tuple[KeyOrigin, ...] = ("tcb",)
    powers: tuple[tuple[str, ...], ...] = MATTER
    goals: tuple[str, ...] = ("pin",)
    servers: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    """Fields that are in every binder of the server, and of the client, beside the labels."""

    def __iter__(self) -> Iterator[Proposal]:
        offer = OFFERS[self.tls][self.when]
        for server in subsets(self.server):
            for client in subsets(self.client or ()):
                for origin in self.origins:
                    for powers in self.powers:
                        for goal in self.goals:
                            yield Proposal(
                                tls=self.tls,
                                when=self.when,
                                key_origin=origin,
                                client_key=self.client is not None and offer.client_key == "always",
                                server=ordered(offer.server, {*server, *self.servers}),
                                client=None if self.client is None else ordered(offer.client, {*client, *self.clients}),
                                powers=tuple(name for name in POWERS if name in {*DEFAULT, *powers}),
                                goal=goal,
                            )


HELLO = ("nonce_C", "client_random", "server_random", "H(SPKI_S)")
SESSION = ("session_hash", "H(SPKI_S)", "H(SPKI_C)?")
PASSAGE = ("nonce_S", "client_random", "server_random", "HMAC(PMS)", "H(EPMS)")
REGIONS = (
    Region(
        "1.2", "handshake", (), ATLAS_FIELDS, ("deployed", "machine", "tcb"), goals=("pin", "balance"), servers=HELLO
    ),
    Region("1.2", "handshake", HELLO, (), ("deployed", "machine", "tcb"), goals=("pin", "balance"), clients=PASSAGE),
    Region("1.2", "handshake", HELLO, None, ("deployed", "machine", "tcb"), goals=("pin", "balance")),
    Region("1.2", "before", ("nonce_C",), None, ("deployed", "machine", "tcb")),
    Region("1.2", "inside", ("nonce_C",), None, ("deployed", "machine", "tcb")),
    Region("1.2", "after-finished", ("nonce_C", *SESSION), ("nonce_S", *SESSION)),
    Region("1.3", "before", ("nonce_C",), None, ("machine", "tcb")),
    Region("1.3", "inside", ("nonce_C",), None, ("machine", "tcb")),
    Region("1.3", "handshake", (*HELLO, "attest_secret"), None, ("machine", "tcb")),
)
"""The first is the atlas: the client's side of `trusted-passage`, with every kind of key."""


def ordered(offered: tuple[str, ...], chosen: set[str]) -> tuple[str, ...]:
    """Return the chosen fields and the labels, as they stand in a binder."""
    return tuple(name for name in offered if name in chosen | LABELS)


def subsets(fields: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return all subsets, the smallest first."""
    return [chosen for size in range(len(fields) + 1) for chosen in combinations(fields, size)]


def proposals() -> Iterator[Proposal]:
    """Yield every proposal that the page can look up, each once."""
    seen = set()
    for proposal in chain(_named(), *REGIONS):
        if proposal.key not in seen:
            seen.add(proposal.key)
            yield proposal


def _named() -> Iterator[Proposal]:
    for design in presets():
        for powers in ((), *SINGLE):
            for goal in GOALS:
                yield proposal_of(design, (*DEFAULT, *powers), goal)


def packed(answers: list[StudioAnswer]) -> dict[str, Any]:
    """Return answers as the page keeps them: texts and steps once each, and an answer as numbers into them."""
    pool: dict[str, int] = {}

    def number(value: Any) -> int:  # noqa: ANN401 - JSON values
        return pool.setdefault(msgspec.json.encode(value).decode(), len(pool))

    table = {
        answer.key: [
            *(number(text) for text in (answer.name, answer.verdict, answer.bounds)),
            answer.states,
            [number(msgspec.to_builtins(step)) for step in answer.steps],
            [number(line) for line in answer.python.split("\n")],
        ]
        for answer in answers
    }
    return {"pool": [msgspec.json.decode(text) for text in pool], "table": table}


def main() -> None:
    """Search everything, and write the table."""
    TABLE.parent.mkdir(exist_ok=True)
    answers = [answer_of(proposal, proposal.search()) for proposal in proposals()]
    TABLE.write_bytes(gzip.compress(msgspec.json.encode(packed(answers)), 9, mtime=0))


if __name__ == "__main__":
    main()
