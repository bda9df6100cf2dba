"""The matrix: every attack against every design on which it makes sense, from real runs with real TPMs."""

from __future__ import annotations

import os
import queue
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from trustlab.attacks.expectations import table
from trustlab.cloud import CloudError, choose
from trustlab.passage import DESIGNS
from trustlab.scenarios.cell import run_cell
from trustlab.scenarios.matrixworker import CellJob, MatrixWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from trustlab.attacks.expectations import Cell, Table
    from trustlab.scenarios.cell import CellResult

VERSIONS = ("all", "1.2", "1.3")
"""The parts of the table: all of it, or the designs on one version of TLS."""
AT_MOST = 4
"""Cells played at once, even on more processors."""
MANY = 24
"""From so many cells on they are played by processes of their own, which take a second to start."""


def table_of(tls: str) -> Table:
    """Return the table for `all` versions or for one version of TLS: (design, attack) to the cell."""
    return {place: cell for place, cell in table().items() if tls in ("all", DESIGNS[place[0]].tls)}


def cells(
    designs: Collection[str] = (), attacks: Collection[str] = (), *, tls: str = "all"
) -> list[tuple[str, str, Cell]]:
    """Return the cells of the chosen designs and attacks (all, if none are named), design by design."""
    return [
        (design, attack, cell)
        for (design, attack), cell in table_of(tls).items()
        if (not designs or design in designs) and (not attacks or attack in attacks)
    ]


def run_matrix(
    designs: Collection[str] = (),
    attacks: Collection[str] = (),
    *,
    tls: str = "all",
    without: tuple[str, ...] = (),
    keep: Path | None = None,
    substrate: str = "memory",
    progress: Callable[[CellResult], None] = lambda _result: None,
) -> list[CellResult]:
    """Run every chosen cell; `progress` is called after each. `without` is as in `rung`.

    CloudError if the `substrate` does not work here. In memory several cells run at once, each in its own cloud, and
    many cells in several processes. The results come in the table's order.
    """
    substrate = choose(substrate)
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
    chosen = cells(designs, attacks, tls=tls)
    played = sum(cell.mark != "-" for _, _, cell in chosen)
    results = []
    if substrate == "memory" and played >= MANY and (os.cpu_count() or 1) > 1:
        found = _in_processes(chosen, without, keep)
    else:
        run = partial(run_cell, without=without, keep=keep, substrate=substrate)
        found = _each(run, chosen, side_by_side=substrate != "uml")
    for result in found:
        results.append(result)
        progress(result)
    return results


def _in_processes(
    chosen: list[tuple[str, str, Cell]], without: tuple[str, ...], keep: Path | None
) -> Iterator[CellResult]:
    """Yield the results in order, played by processes of their own: one Python keeps only one processor busy.

    There is one process more than there are processors, because each waits for its TPMs now and then.
    """
    idle: queue.SimpleQueue[MatrixWorker] = queue.SimpleQueue()
    over = threading.Event()

    def column(places: list[tuple[str, str, Cell]], results: list[Future[CellResult]]) -> None:
        """Play a design's cells in one process, which plays the honest run of each variant once."""
        worker = idle.get()
        try:
            for (design, attack, _), result in zip(places, results, strict=True):
                if over.is_set():
                    return
                job = CellJob(design, attack, without, str(keep) if keep else None)
                try:
                    result.set_result(worker.play(job))
                except CloudError as error:
                    result.set_exception(error)
        finally:
            idle.put(worker)

    columns = [list(places) for _, places in groupby(chosen, key=itemgetter(0))]
    waiting: list[list[Future[CellResult]]] = [[Future() for _ in places] for places in columns]
    workers = min(AT_MOST, (os.cpu_count() or 1) + 1, len(columns))
    with ExitStack() as stack:
        for _ in range(workers):
            idle.put(stack.enter_context(MatrixWorker()))
        pool = stack.enter_context(ThreadPoolExecutor(workers, "matrix"))
        stack.callback(pool.shutdown, cancel_futures=True)
        stack.callback(over.set)
        for places, results in zip(columns, waiting, strict=True):
            pool.submit(column, places, results)
        yield from (result.result() for results in waiting for result in results)


def _each(
    run: Callable[[str, str, Cell], CellResult],
    chosen: list[tuple[str, str, Cell]],
    *,
    side_by_side: bool,
) -> Iterator[CellResult]:
    """Yield the results in order. Virtual machines need the processors themselves, so their cells run one by one."""
    if not side_by_side:
        yield from (run(*place) for place in chosen)
        return
    with ThreadPoolExecutor(min(AT_MOST, os.cpu_count() or 1), "matrix") as pool:
        waiting = [pool.submit(run, *place) for place in chosen]
        try:
            yield from (done.result() for done in waiting)
        finally:
            pool.shutdown(cancel_futures=True)
