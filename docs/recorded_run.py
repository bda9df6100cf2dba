"""Record Act I between virtual machines, for whoever opens the first notebook: the trace, and its still picture."""

from __future__ import annotations

import gzip
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from trustlab.inspector import recorded
from trustlab.inspector.export import page
from trustlab.inspector.recording import RECORDED
from trustlab.inspector.screenshot import screenshot
from trustlab.scenarios import plain_tls

PICTURE = Path(__file__).parents[1] / "labs" / "recorded-run.png"


def record() -> None:
    """Play the act and keep its trace, with the secrets that make it worth looking at: they were made for this run."""
    with plain_tls(substrate="uml") as act, tempfile.TemporaryDirectory() as folder:
        day = datetime.fromtimestamp(act.trace.began_at, UTC)
        act.trace.title = f"Act I, recorded {day:%Y-%m-%d}"
        outcome = act.run()
        assert outcome.outcome == "succeeded", outcome.sentence
        act.trace.substrate = "replay"
        kept = act.trace.save(Path(folder) / "trace.jsonl", secrets=True).read_bytes()
    RECORDED.write_bytes(gzip.compress(kept, mtime=0))


if __name__ == "__main__":
    if sys.argv[1:] != ["--draw"]:
        record()
    screenshot(page(recorded(), secrets=True), PICTURE, width=1180, scale=1)
