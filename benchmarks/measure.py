"""Measuring side by side: absolute times move from run to run, ratios of interleaved rounds hold."""

from __future__ import annotations

import gc
import statistics
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def side_by_side(
    candidates: Mapping[str, Callable[[], object]],
    *,
    rounds: int = 30,
    calls: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, float]:
    """Time each candidate in turn, `rounds` times over, and return the median seconds a call, by name.

    A warm-up round is thrown away; the garbage collector rests while the clock runs. For what runs in
    this process alone `clock=time.process_time` leaves out what else the machine has to do.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    for candidate in candidates.values():
        candidate()
    enabled = gc.isenabled()
    gc.disable()
    try:
        for _ in range(rounds):
            for name, candidate in candidates.items():
                began = clock()
                for _ in range(calls):
                    candidate()
                times[name].append((clock() - began) / calls)
            gc.collect()
    finally:
        if enabled:
            gc.enable()
    return {name: statistics.median(values) for name, values in times.items()}
