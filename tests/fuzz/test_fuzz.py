"""Any octets give events or a typed alert: never another exception, never a hang, never more memory than the limits.

The bounded run here is guided by coverage and repeats itself exactly; TRUSTLAB_SOAK=1 fuzzes each target for half a minute
from a new seed. Inputs that found a fault stand in `corpus` from then on.
"""

from __future__ import annotations

import os
import time
import tracemalloc
from pathlib import Path

import pytest
from fuzz_engine import Coverage, Mutator, attempt, corpus, fuzz
from fuzz_targets import BY_NAME, LIMITS, SEALED, TARGETS, Target, drain, run

from trustlab import tls

SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
ROUNDS = 800
VECTORS = Path(os.environ.get("TRUSTLAB_VECTORS") or Path(__file__).parents[2].parent / "shared" / "vectors")
OTHERS = VECTORS / "fuzz-corpus"
FLOOR = 800
"""Lines of the engine that the corpus must reach at least, for each target."""


def seeds_of(target: Target) -> list[bytes]:
    if not target.sealed:
        return corpus(target)
    return corpus(BY_NAME[f"{target.role}12"]) + corpus(BY_NAME[f"{target.role}13"])


@pytest.mark.parametrize("target", TARGETS + SEALED, ids=str)
def test_no_mutated_stream_breaks_a_promise(target: Target) -> None:
    if SOAK:
        fuzz(target, seed=time.time_ns(), seconds=30, seeds=seeds_of(target))
    else:
        fuzz(target, seed=1, rounds=ROUNDS, seeds=seeds_of(target))


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_the_corpus_reaches_connected_and_most_of_the_engine(target: Target) -> None:
    coverage = Coverage()
    states = set()
    with coverage.watching():
        for data in corpus(target):
            states |= {e.new for e in run(target, data) if isinstance(e, tls.StateChanged)}
    assert "Connected" in states
    assert len(coverage.seen) > FLOOR


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_a_stream_means_the_same_however_it_is_cut(target: Target) -> None:
    for data in corpus(target):
        whole = [type(e).__name__ for e in run(target, data)]
        assert [type(e).__name__ for e in run(target, data, chunk=1 if len(data) < 2000 else 7)] == whole


@pytest.mark.parametrize("target", TARGETS + SEALED, ids=str)
def test_streams_found_by_fuzzing_another_implementation_break_no_promise(target: Target) -> None:
    if not OTHERS.is_dir():
        pytest.skip(f"{OTHERS} is not here: the streams of another implementation's fuzzer stay outside the project")
    for file in sorted((OTHERS / target.role).iterdir()):
        attempt(target, file.read_bytes())


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_a_peer_that_never_finishes_a_message_cannot_make_an_end_hold_more_than_the_limits(target: Target) -> None:
    """Records of one endless handshake message, of the type expected first."""
    connection = target.connection()
    drain(connection)
    first = b"\x01" if target.role == "server" else b"\x02"
    body = first + LIMITS.message.to_bytes(3, "big")
    tracemalloc.start()
    try:
        for _ in range(64):
            body, piece = bytes(2**14), body.ljust(2**14, b"\0")
            connection.receive(b"\x16\x03\x03\x40\x00" + piece)
            drain(connection)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert connection.closed
    assert peak < 8 * (LIMITS.message + 2**14)


@pytest.mark.parametrize("target", TARGETS, ids=str)
def test_no_input_costs_more_memory_than_a_small_multiple_of_its_length(target: Target) -> None:
    run(target, corpus(target)[0])  # what is cached once is no input's cost
    tracemalloc.start()
    try:
        for data in corpus(target):
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            run(target, data)
            peak = tracemalloc.get_traced_memory()[1] - before
            assert peak < 400_000 + 64 * len(data), (len(data), peak)
    finally:
        tracemalloc.stop()


def test_more_octets_than_the_limit_are_refused_before_they_are_kept() -> None:
    connection = TARGETS[0].connection()
    with pytest.raises(tls.LocalProtocolError, match="wait to be processed"):
        connection.receive(bytes(LIMITS.buffered + 1))
    assert not connection.records.input


def test_the_mutator_repeats_itself() -> None:
    data = corpus(TARGETS[0])[0]
    runs = [[Mutator(7).mutate(data, data) for _ in range(5)] for _ in range(2)]
    assert runs[0] == runs[1]
