"""Write the figures of docs/classes.md again, from the kept measurement: benchmarks/results/class.json."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import a_class  # noqa: E402 - it stands beside docs, and is not installed

PAGE = ROOT / "docs" / "classes.md"
CLASS = 30


def measured() -> dict[str, float]:
    kept = json.loads((ROOT / "benchmarks" / "results" / "class.json").read_text("utf-8"))
    ratios: dict[str, float] = kept["ratios"]
    return ratios


def page(text: str, ratios: dict[str, float]) -> str:
    """Return the page with these figures."""
    rows = [
        f"| `{name}` | {value:.3g} | {a_class.GOALS.get(name, '')} | {a_class.NOTES[name]} |"
        for name, value in ratios.items()
    ]
    text = re.sub(r"(?<=\|---\|---\|---\|---\|\n)(\| `.*\n)+", lambda _: "\n".join(rows) + "\n", text)
    one, two = (
        f"{(CLASS * ratios[key] + ratios['hub_memory_mb']) / 1000:.1f} GB"
        for key in ("memory_per_student_mb", "two_notebooks_memory_per_student_mb")
    )
    text = re.sub(
        r"For thirty [\d.]+ GB; with two notebooks open each, [\d.]+ GB",
        f"For thirty {one}; with two notebooks open each, {two}",
        text,
    )
    return re.sub(
        r"Thirty students need \d+ CPU seconds",
        f"Thirty students need {CLASS * ratios['cpu_s_per_student']:.0f} CPU seconds",
        text,
    )


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8"), measured()), "utf-8")
