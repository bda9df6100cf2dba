"""Count how many small faults of a room's code its tests find: `python -m tests.mutants`."""

from __future__ import annotations

import argparse
import random
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from .mutator import Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .runner import FileReach, Plan

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "trustlab"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
ROOMS = {
    "octets": ("tests/octets",),
    "x509": ("tests/x509",),
    "trace": ("tests/trace",),
    "wire": ("tests/wire",),
    "tls": ("tests/tls", "tests/conformance"),
    "attest": ("tests/attest",),
    "tpm": ("tests/tpm",),
    "passage": ("tests/passage",),
    "explain": ("tests/explain",),
}
"""The rooms, and the folders of the tests that have to find their faults."""

HELP = """\
A mutant is a module with one small fault: a comparison turned round, `and` for `or`, a condition that always or never
holds, an integer one larger, a `raise` left out. A test that fails kills it. A mutant that survives shows what no
test looks at: write that test, or, if nobody could ever see the fault, list it in tests/mutants/equivalent.toml and say
why. Nothing in the tree is changed; only tests that reach the mutated line are run.

  python -m tests.mutants                           100 mutants, over all rooms
  python -m tests.mutants --room wire --count 50    50 of one room
  python -m tests.mutants --module wire/pcapng.py --count 0    all of one module
  python -m tests.mutants --seed 7                  another 100
"""


def listed() -> dict[tuple[str, str, str, str], str]:
    """Read the mutants that are the same program, each with the reason."""
    rows = tomllib.loads(EQUIVALENT.read_text())["equivalent"]
    return {(r["module"], r["function"], r["before"], r["after"]): r["reason"] for r in rows}


def of_room(room: str) -> list[Mutant]:
    """List a room's mutants, without those that are the same program."""
    known = listed()
    paths = sorted((PACKAGE / room).rglob("*.py"))
    return [m for p in paths for m in mutants(p, p.relative_to(PACKAGE).as_posix()) if m.key not in known]


def sample(rooms: Sequence[str], count: int, seed: int, modules: Sequence[str] = ()) -> dict[str, list[Mutant]]:
    """Draw mutants of these rooms, as many of each as its share of all; a count of 0 is all."""
    found = {room: [m for m in of_room(room) if not modules or m.module in modules] for room in rooms}
    total = sum(map(len, found.values()))
    if not 0 < count < total:
        return found
    drawn, share = {}, 0.0
    for room in rooms:
        before, share = round(share), share + count * len(found[room]) / total
        chosen = random.Random(f"{seed} {room}").sample(found[room], round(share) - before)  # noqa: S311  a repeatable sample
        drawn[room] = sorted(chosen, key=lambda m: (m.module, m.number))
    return drawn


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--room", action="append", choices=ROOMS, help="a room, or several (default: all)")
    parser.add_argument("--module", action="append", default=[], help="only this module, as wire/pcapng.py, or several")
    parser.add_argument(
        "--count", type=int, default=100, metavar="N", help="how many mutants; 0: all there are (default: 100)"
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which ones (default: 1)")
    parser.add_argument("--processes", type=int, default=2, metavar="N", help="how many at once (default: 2)")
    parser.add_argument(
        "--at-least", type=float, default=0.0, metavar="PERCENT", help="exit with 1 if fewer are killed"
    )
    parser.add_argument("--list", action="store_true", help="only show the mutants, run nothing")
    parser.add_argument("--killers", action="store_true", help="also show the test that killed each mutant")
    chosen = parser.parse_args(arguments)
    if chosen.count < 0 or chosen.processes < 1:
        parser.error("--count wants 0 or more, --processes 1 or more")
    for module in chosen.module:
        if module.partition("/")[0] not in ROOMS or not (PACKAGE / module).is_file():
            parser.error(f"--module {module}: no such module in {', '.join(ROOMS)} (write it as wire/pcapng.py)")
    if chosen.module:
        chosen.room = list(dict.fromkeys(module.partition("/")[0] for module in chosen.module))
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 if enough mutants were killed, 1 if not."""
    options = parse(arguments)
    drawn = sample(options.room or tuple(ROOMS), options.count, options.seed, options.module)
    if options.list:
        say("\n".join(str(m) for found in drawn.values() for m in found))
        return 0
    from . import runner  # noqa: PLC0415  slow to import: the help and the list do without

    begun = time.monotonic()
    runner.preload()
    killed = total = 0
    for room, found in drawn.items():
        reached = runner.reach(ROOMS[room], options.processes) if found else {}
        warn_of_failures(reached)
        survivors = 0
        plans = [runner.plan(m, reached) for m in found]
        for mutant, killer in results(plans, reached, options.processes):
            survivors += killer is None
            if killer is None:
                say(f"survived  {mutant}")
            elif options.killers:
                say(f"killed    {mutant}  by {killer}")
        killed, total = killed + len(found) - survivors, total + len(found)
        say(f"{room}: {rate(len(found) - survivors, len(found))}")
    say(f"all: {rate(killed, total)}, in {time.monotonic() - begun:.0f} seconds")
    return int(100 * killed < options.at_least * total)


def results(plans: list[Plan], reached: dict[Path, FileReach], processes: int):
    """Yield each mutant with what killed it; None for a survivor."""
    from . import runner  # noqa: PLC0415  see main

    run = [p for p in plans if p.files]
    yield from ((p.mutant, None) for p in plans if not p.files)  # no test comes by
    for n, answer in runner.in_children(lambda n: [runner.play(run[n], reached)], [p.limit for p in run], processes):
        yield run[n].mutant, answer[0] if answer else "its limit of time or memory"


def warn_of_failures(reached: dict[Path, FileReach]) -> None:
    """Name the tests that cannot kill, since they fail anyway."""
    for found in reached.values():
        for name in found.failed:
            say(f"left out, since it fails without a mutant: {name}")


def rate(killed: int, total: int) -> str:
    """Write a rate."""
    return f"{killed} of {total} mutants killed ({100 * killed / total:.1f} %)" if total else "no mutants"


def say(text: str) -> None:
    """Write a line at once: a run takes minutes."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
