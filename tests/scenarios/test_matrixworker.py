"""Many cells are played by processes of their own: the same results in the same order, and nothing stays behind."""

from __future__ import annotations

import os
import signal

import pytest

from trustlab.cloud import CloudError
from trustlab.scenarios import matrix, run_matrix
from trustlab.scenarios.matrixworker import CellJob, MatrixWorker

CHOSEN = {"designs": ["key-in-quote", "tls13-key"], "attacks": ["deployed-key", "stranger", "reflection"]}


def test_cells_in_processes_come_in_the_tables_order_with_their_traces(monkeypatch, tmp_path):
    monkeypatch.setattr(matrix, "MANY", 1)
    monkeypatch.setattr(matrix.os, "cpu_count", lambda: 2)
    seen = []
    results = run_matrix(**CHOSEN, keep=tmp_path, progress=seen.append)
    assert [(r.design, r.attack) for r in results] == [(d, a) for d, a, _ in matrix.cells(**CHOSEN)]
    assert seen == results
    assert all(result.as_expected for result in results)
    kept = {f"{r.design}-{r.attack}.jsonl" for r in results if r.outcome != "senseless"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_worker_says_what_is_wrong_and_goes_on_and_a_dead_one_is_an_error():
    with MatrixWorker() as worker:
        with pytest.raises(
            CloudError, match="tls13-key / tunnel-relay: there is no check, rule or binder field 'moon'"
        ):
            worker.play(CellJob("tls13-key", "tunnel-relay", ("moon",), None))
        assert worker.play(CellJob("tls13-key", "reflection", (), None)).outcome == "senseless"
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(CloudError, match="the process that plays tls13-key / reflection has ended"):
            worker.play(CellJob("tls13-key", "reflection", (), None))
