"""`python -m benchmarks [SUITE ...] [--json]`: run suites, show a table, keep the ratios in benchmarks/results/."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
from pathlib import Path

SUITES = {
    "tls": ("benchmarks.tls",),
    "tpm": ("benchmarks.tpm", "benchmarks.attest"),
    "wire": ("benchmarks.wire",),
    "cloud": ("benchmarks.cloud",),
    "passage": ("benchmarks.passage",),
    "inspector": ("benchmarks.inspector", "benchmarks.painted"),
    "finder": ("benchmarks.finder",),
    "class": ("benchmarks.a_class",),
}
"""Each module of a suite has `run() -> dict[str, float]`, `GOALS: dict[str, float]` and `NOTES: dict[str, str]`.

Where it has `OPTIONS`, `run` takes these options of the command line.

A goal is the largest ratio that is good enough, or the smallest value where the name ends as one of `MORE_IS_BETTER`.
"""
MORE_IS_BETTER = ("_per_s", "_fps", "_explained")
RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"which: {', '.join(SUITES)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print only a flat JSON object of name to ratio")
    parser.add_argument("--students", type=int, default=30, metavar="N", help="class: how many (default: 30)")
    parser.add_argument(
        "--stagger", type=float, default=0, metavar="SECONDS", help="class: between arrivals (default: all at once)"
    )
    chosen = parser.parse_args()
    unknown = [suite for suite in chosen.suites if suite not in SUITES]
    if unknown:
        parser.error(f"there is no suite {unknown[0]!r}; choose from: {', '.join(SUITES)}")
    everything: dict[str, float] = {}
    for suite in chosen.suites or SUITES:
        ratios: dict[str, float] = {}
        for name in SUITES[suite]:
            module = importlib.import_module(name)
            measured = module.run(**{option: getattr(chosen, option) for option in chosen_by((name,))})
            ratios |= measured
            if measured and not chosen.json:
                _show(suite, measured, module.GOALS, module.NOTES)
        everything |= ratios
        changed = [
            option for option in chosen_by(SUITES[suite]) if getattr(chosen, option) != parser.get_default(option)
        ]
        if changed:  # what is kept is comparable
            continue
        RESULTS.mkdir(exist_ok=True)
        kept = {"python": platform.python_version(), "machine": platform.machine(), "ratios": ratios}
        (RESULTS / f"{suite}.json").write_text(json.dumps(kept, indent=1) + "\n")
    if chosen.json:
        print(json.dumps(everything))


def chosen_by(modules: tuple[str, ...]) -> list[str]:
    """Return the options of the command line that these modules take."""
    return [option for name in modules for option in getattr(importlib.import_module(name), "OPTIONS", ())]


def _show(suite: str, measured: dict[str, float], goals: dict[str, float], notes: dict[str, str]) -> None:
    width = max(map(len, measured))
    for name, value in measured.items():
        goal = goals.get(name)
        met = (
            ""
            if goal is None
            else ("met" if (value >= goal if name.endswith(MORE_IS_BETTER) else value <= goal) else "MISSED")
        )
        aim = "" if goal is None else f"goal {goal:g} {met}"
        print(f"{suite}  {name:<{width}}  {value:8.3f}  {aim:<16} {notes.get(name, '')}")


if __name__ == "__main__":
    main()
