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

import msgspec

from trustlab.attacks.expectations import known, table
from trustlab.cloud import CloudError, choose
from trustlab.passage import DESIGNS
from trustlab.passage.designs import SLIDES
from trustlab.scenarios.experiments import play

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from trustlab.attacks import Attack
    from trustlab.attacks.expectations import Cell, Table

VERSIONS = ("all", "1.2", "1.3")
"""The parts of the table: all of it, or the designs on one version of TLS."""
SHORT = "Trusted Passages (2011)"
"""The slides' name in the attacks; the designs name them with their authors."""
MARKS = {"succeeded": "S", "refused": "x", "failed": "x", "senseless": "-"}
"""The mark of each outcome; a run that broke has none."""
AT_MOST = 4
"""Cells played at once, even on more processors."""
MANY = 24
"""From so many cells on they are played by processes of their own, which take a second to start."""


class CellResult(msgspec.Struct, frozen=True):
    """One cell: what was expected, what happened in a run, and the facts that decide it.

    `outcome` is `succeeded`, `refused`, `failed` or `broke` (see `Outcome`), `senseless` if the attack makes no sense
    there, or `unplayed` if the substrate cannot play it. `sentence` says what happened in the run, or why there was
    none; `why` is the table's own sentence about the cell. `goal` is what the mark is about. `stopped_by` is what
    stopped her in this run, `must_stop` what the table expects; `reached` are all goals that the run reached.
    `evidence` says in words which facts of the trace decide it; `trace` is the trace's file, if it was kept. `policy`
    is the relying parties', `leaks` what the lab assumes to have leaked. `failed` are all checks that failed when it
    was first refused, and `refused_by` is the first of them.
    """

    design: str
    attack: str
    expected: str
    outcome: str
    sentence: str
    policy: str
    evidence: str = ""
    refused_by: str | None = None
    trace: str = ""
    leaks: tuple[str, ...] = ()
    source: str = ""
    substrate: str = "memory"
    failed: tuple[str, ...] = ()
    goal: str = ""
    why: str = ""
    stopped_by: tuple[str, ...] = ()
    must_stop: tuple[str, ...] = ()
    reached: tuple[str, ...] = ()

    @property
    def as_expected(self) -> bool:
        """Whether the run agrees with the table, in its mark and in what stopped her.

        A cell that was not played counts as agreeing, and a run that broke never does.
        """
        if self.outcome == "unplayed":
            return True
        return MARKS.get(self.outcome) == self.expected and self.stopped_by == self.must_stop


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


def run_cell(
    design: str,
    attack: str,
    cell: Cell,
    *,
    without: tuple[str, ...] = (),
    keep: Path | None = None,
    substrate: str = "memory",
) -> CellResult:
    """Run one cell, in a cloud of its own. With `keep`, a folder, its trace is written there."""
    chosen, substrate = DESIGNS[design], choose(substrate)
    played_as = known(attack, chosen.tls)
    result = partial(
        CellResult,
        design,
        attack,
        cell.mark,
        policy=policy_of(played_as),
        source=said_once(cell.source),
        leaks=played_as.assumes.leaks,
        substrate=substrate,
        goal=played_as.goal,
        why=cell.sentence,
    )
    if cell.mark == "-":
        return result(outcome="senseless", sentence=cell.sentence)
    if cell.only and substrate != cell.only:
        return result(outcome="unplayed", sentence=cell.elsewhere)
    file = keep / f"{design}-{attack}.jsonl" if keep else None
    played = play(played_as.name, chosen, without=without, substrate=substrate, keep=file)
    return result(
        outcome=played.outcome,
        sentence=played.sentence,
        evidence=played.evidence,
        refused_by=played.refused_by,
        trace=played.trace,
        failed=played.failed,
        stopped_by=played.stopped_by,
        must_stop=played.stopped_by if without else cell.stopped_by,  # less is in place, so something else may
        reached=played.reached,
    )


def said_once(sources: str) -> str:
    """Return a cell's sources without repetitions; a work is left out if a place in it is named too."""
    named = dict.fromkeys(sources.replace(SHORT, SLIDES).split("; "))
    return "; ".join(one for one in named if not any(other.startswith(f"{one}, ") for other in named))


def policy_of(attack: Attack) -> str:
    """Return the relying parties' policy for an attack, in words."""
    if attack.assumes.lax_client:
        return "lax client"
    if attack.assumes.peers:
        return "strict; either end would accept a machine like itself"
    return "strict; no machine is pinned" if attack.assumes.unpinned else "strict"


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
    from trustlab.scenarios.matrixworker import CellJob, MatrixWorker  # noqa: PLC0415 - it plays what is in this file

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
