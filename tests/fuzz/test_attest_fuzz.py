"""Every fuzz target of the attestation room, for a bounded and repeatable while."""

from __future__ import annotations

import random
import time
import tracemalloc

import pytest
from attest_mutation import inputs
from attest_targets import TARGETS

COUNT = 3000
SLOWEST = 5.0
"""Seconds that one input may take, on a busy machine."""
BOUND = 32 << 20
"""Octets that reading one hostile input may allocate."""

BOMBS = [
    b"\x9b" + b"\xff" * 8,
    b"\xbb" + b"\xff" * 8,
    b"\x5b" + b"\x7f" * 8,
    b"\x81" * 65_000,
    b"\xa1\x00" * 30_000,
    b"[" * 100_000,
    b"a=" + b"[" * 5000 + b"]" * 5000,
    b"a." * 30_000 + b"b=1",
    b"version=" + b"9" * 100_000,
    b"\xff" * 60_000,
    b"." * 60_000,
    b"e30." * 1000,
]


@pytest.mark.parametrize("name", TARGETS)
def test_no_mutation_of_good_input_is_a_finding(name):
    target, seeds = TARGETS[name]
    slowest = 0.0
    for octets in inputs(seeds, COUNT, random.Random(name)):  # noqa: S311 - repeatable, not secret
        began = time.perf_counter()
        target(octets)
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < SLOWEST


@pytest.mark.parametrize("name", TARGETS)
def test_bombs_and_noise_are_refused_quickly_and_in_little_memory(name):
    target, seeds = TARGETS[name]
    chance = random.Random(name)  # noqa: S311 - repeatable, not secret
    noise = [chance.randbytes(size) for size in (1, 10, 100, 1000, 60_000)]
    began = time.perf_counter()
    tracemalloc.start()
    try:
        for octets in [*BOMBS, *noise, *(seed * 20 for seed in seeds)]:
            target(octets)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < BOUND
    assert time.perf_counter() - began < 60


def test_the_mutator_gives_the_same_inputs_for_the_same_seed():
    first, second = (list(inputs([b"seed"], 50, random.Random(1))) for _ in range(2))  # noqa: S311
    assert first == second
    assert len(set(first)) > 25
