"""A small deterministic mutator: the same seed gives the same inputs, on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

INTERESTING = [
    b"\0",
    b"\xff",
    b"\x7f",
    b"\x80",
    b"\0\0",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x1b",
    b"\xbf",
]


def mutate(octets: bytes, chance: random.Random) -> bytes:
    """Change a few places: flip, overwrite, insert, remove, repeat or cut."""
    work = bytearray(octets)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        place = chance.randrange(len(work) + 1)
        size = chance.choice((1, 1, 2, 4, 16))
        step = chance.randrange(6)
        if step == 0 and place < len(work):
            work[place] ^= 1 << chance.randrange(8)
        elif step == 1:
            piece = chance.choice(INTERESTING)
            work[place : place + len(piece)] = piece
        elif step == 2:
            work[place:place] = chance.randbytes(size)
        elif step == 3:
            del work[place : place + size]
        elif step == 4:
            work[place:place] = work[place : place + 4 * size]
        elif step == 5 and chance.randrange(8) == 0:
            del work[place:]
    return bytes(work)


def inputs(seeds: Sequence[bytes], count: int, chance: random.Random) -> Iterator[bytes]:
    """Yield the seeds, then `count` mutations of them, now and then of a mutation."""
    yield from seeds
    pool = list(seeds)
    for _ in range(count):
        made = mutate(chance.choice(pool), chance)
        if chance.randrange(20) == 0 and len(made) < 1 << 16:
            pool.append(made)
        yield made
