"""The precomputed atlas of the studio's page: `python -m trustlab.studio.atlas_table` writes `static/atlas.json.gz`.

A page has no Python behind it, so it can only look up. It holds every client binder over the six fields of
`trustlab atlas`, for each kind of key, with no power or one of those that matter there, and every named design with
each power.
"""

from __future__ import annotations

import gzip
from itertools import chain, combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from trustlab.finder import ATLAS_FIELDS, DEFAULT, GOALS, POWERS
from trustlab.finder.proposal import Proposal, proposal_of
from trustlab.passage import DESIGNS, TRUSTED_PASSAGE
from trustlab.studio.answer import Answer, answer_of

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = Path(__file__).parent / "static" / "atlas.json.gz"
MATTER = ((), ("lax-peer",), ("copy",), ("root-tpm",), ("key-usable",))
"""The powers beside `network` and `ca` with which all 64 client binders are searched."""
SINGLE = (
    *((power,) for power in POWERS if power not in DEFAULT),
    ("own-machine", "unpinned"),
    ("evil-image", "unpinned"),
    ("dh-known", "key-usable"),
)
"""The powers beside those two with which the named designs are searched."""


def proposals() -> Iterator[Proposal]:
    """Yield every proposal that the page can look up, each once."""
    seen = set()
    for proposal in chain(_named(), _binders()):
        if proposal.key not in seen:
            seen.add(proposal.key)
            yield proposal


def _named() -> Iterator[Proposal]:
    for design in DESIGNS.values():
        for powers in ((), *SINGLE):
            for goal in GOALS:
                yield proposal_of(design, (*DEFAULT, *powers), goal)


def _binders() -> Iterator[Proposal]:
    subsets = [set(chosen) for size in range(len(ATLAS_FIELDS) + 1) for chosen in combinations(ATLAS_FIELDS, size)]
    for powers in MATTER:
        for goal in ("pin", "balance"):
            base = proposal_of(TRUSTED_PASSAGE, (*DEFAULT, *powers), goal)
            for chosen in subsets:
                client = tuple(name for name in base.offer.client if name in chosen | {"L", "C"})
                for origin in base.offer.origins:
                    yield msgspec.structs.replace(base, client=client, key_origin=origin)


def packed(answers: list[Answer]) -> dict[str, Any]:
    """Return answers as the page keeps them: texts and steps once each, and an answer as numbers into them."""
    pool: dict[str, int] = {}

    def number(value: Any) -> int:  # noqa: ANN401 - JSON values
        return pool.setdefault(msgspec.json.encode(value).decode(), len(pool))

    table = {
        answer.key: [
            *(number(text) for text in (answer.name, answer.sentence, answer.verdict, answer.bounds)),
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
