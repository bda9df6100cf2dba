"""What a rehearsal does, step by step, and what it reports."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import bills
from children import CannotRehearseError, RehearsalError
from images import Podman, Root, copy_sources

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
LARGEST_MB = 700
REBUILD = "rebuild after a changed notebook"
REBUILD_SECONDS = 30
BUSY = 2
"""Processes that want to run, for each processor, from which on seconds mean nothing."""
CHECK_SECONDS = 600


class Report:
    """What was found, printed as it is found, and kept for --json."""

    def __init__(self) -> None:
        self.results: list[dict[str, object]] = []

    def say(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=sys.stderr, flush=True)

    def step(self, where: str, name: str, do: Callable[[], dict[str, object] | None], wrong: str = "") -> bool:
        """Do one step, say how long it took, and return whether it came out well.

        `wrong` in the findings says what is not as it should be.
        """
        began = time.monotonic()
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(f"{where}  {name:<44}", over), daemon=True)
        ticker.start()
        try:
            found = do() or {}
            wrong = str(found.pop("wrong", ""))
        except CannotRehearseError:
            raise
        except RehearsalError as error:
            found, wrong = {}, str(error)
        finally:
            over.set()
            ticker.join()
        seconds = round(time.monotonic() - began, 1)
        told = ", ".join(f"{key} {value}" for key, value in found.items() if key not in ("seconds", "notebooks"))
        self.say(f"{seconds:6.1f} s  {'FAILED' if wrong else 'ok'}  {told}")
        if wrong:
            self.say(wrong)
        self.results.append({"where": where, "name": name, "ok": not wrong, "took_s": seconds, **found})
        return not wrong

    def _tick(self, line: str, over: threading.Event) -> None:
        """Say what is being done; on a terminal, also for how long."""
        began = time.monotonic()
        self.say(line, end="")
        while sys.stderr.isatty() and not over.wait(1):
            self.say(f"\r{line}{time.monotonic() - began:6.0f} s", end="")
        if sys.stderr.isatty():
            self.say(f"\r{line}", end="")


def rehearse(debian: str, podman: Podman, report: Report, wanted: argparse.Namespace) -> None:
    """Build on one Debian, and run everything there."""
    base, image = f"localhost/trustlab-base:{debian}", f"localhost/trustlab:debian{debian}"
    context = podman.folder / f"sources-{debian}"
    shutil.rmtree(context, ignore_errors=True)
    copy_sources(ROOT, context)

    place = f"Debian {debian}"

    def make_base() -> dict[str, object]:
        if base not in podman("image", "list", "--format", "{{.Repository}}:{{.Tag}}").split():
            podman.make_base(debian, base)
        return {"mb": round(podman.megabytes(base))}

    def build() -> dict[str, object]:
        podman.build(context, base, image)
        size = podman.megabytes(image)
        return {"mb": round(size), "wrong": f"The image is larger than {LARGEST_MB} MB." if size > LARGEST_MB else ""}

    def rebuild() -> dict[str, object]:
        first = next((context / "labs").glob("*.ipynb"))
        notebook = json.loads(first.read_text("utf-8"))
        notebook["metadata"]["rehearsed"] = time.time()
        first.write_text(json.dumps(notebook), "utf-8")
        began = time.monotonic()
        podman.build(context, base, image)
        late = time.monotonic() - began > REBUILD_SECONDS
        # Others at work make every figure a matter of luck: then it is said, and no verdict.
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        found: dict[str, object] = {"load_per_cpu": round(load, 1)} if load > BUSY else {}
        return {**found, "wrong": f"More than {REBUILD_SECONDS} s for one notebook." if late and not found else ""}

    if not report.step(place, "base", make_base) or not report.step(place, "build", build):
        return
    if wanted.sbom:
        report.step(place, "bills of materials", lambda: bills.write(podman, image, wanted.sbom, wanted.tools))
    if chosen(REBUILD, wanted.only):
        report.step(place, REBUILD, rebuild)
    if wanted.only != ["none"]:
        run_all(podman, Root(image), f"Debian {debian}", report, wanted.only)


def rehearse_here(podman: Podman, report: Report, only: list[str]) -> None:
    """Run everything on this system's own files; nothing is built, so it takes seconds."""
    run_all(podman, Root.here(ROOT), "here", report, only)


def run_all(podman: Podman, root: Root, where: str, report: Report, only: list[str]) -> None:
    """Run whatever there is, each in a container of its own: notebooks and exercises are those that are found."""
    found = podman.inside(root, "list", seconds=CHECK_SECONDS)
    names = ["confined", *(("shipped", "server") if root.is_image else ()), "demo memory"]
    names += ["demo uml"] if found["machines"] else []
    names += [f"notebook {name}" for name in found["notebooks"]]
    names += [f"exercise {name}" for name in found["exercises"]]
    for name in (name for name in names if chosen(name, only)):
        report.step(where, name, partial(podman.inside, root, *name.split(), seconds=CHECK_SECONDS))


def chosen(name: str, only: list[str]) -> bool:
    return not only or name.startswith(tuple(only))
