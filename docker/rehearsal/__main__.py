"""Build the image of trustlab on Debian, and run everything in it, locked down as a pod of Binder is, and further.

For each Debian: make a base by debootstrap, build binder/Dockerfile on it, change a notebook and build again, then run
in containers of their own (user 1000, no capabilities, no-new-privileges, default seccomp filter, 2 GB, 1 CPU, no
network, read-only root): the server, the demo, the demo between virtual machines, every notebook of labs/, and the
check of every exercise. Notebooks and exercises are found by name.

Needs root on Linux, podman with crun or runc, and debootstrap; as root on Debian or Ubuntu it installs what is missing.
Nothing is left behind, after Ctrl-C too, unless --keep is given.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import bills
import host
from children import CannotRehearseError, RehearsalError
from images import SUITES, Podman, copy_sources

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
LARGEST_MB = 700
REBUILD = "rebuild after a changed notebook"
REBUILD_SECONDS = 30
BUSY = 2
"""Processes that want to run, for each processor, from which on seconds mean nothing."""
TOOLS = Path(sys.executable).parent
CHECK_SECONDS = 600
EXAMPLES = """examples:
  docker/rehearse                                   both Debians, everything
  docker/rehearse --debian 12 --only demo notebook  what begins with one of these names, on Debian 12
  docker/rehearse --keep --work /var/tmp/rehearsal  keep bases and images; the next time only what changed is built
  docker/rehearse --debian 12 --only none --sbom build/sbom --tools .venv/bin
                                                    only build, and list what the image ships (what make sbom does)

exit status: 0 all is well, 1 something failed, 2 wrong arguments, 3 cannot be rehearsed here, 130 interrupted"""


class Report:
    """What was found, printed as it is found, and kept for --json."""

    def __init__(self) -> None:
        self.results: list[dict[str, object]] = []

    def say(self, text: str, end: str = "\n") -> None:
        print(text, end=end, file=sys.stderr, flush=True)

    def step(self, debian: str, name: str, do: Callable[[], dict[str, object] | None], wrong: str = "") -> bool:
        """Do one step, say how long it took, and return whether it came out well.

        `wrong` in the findings says what is not as it should be.
        """
        began = time.monotonic()
        over = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(f"Debian {debian}  {name:<44}", over), daemon=True)
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
        self.results.append({"debian": debian, "name": name, "ok": not wrong, "took_s": seconds, **found})
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

    if not report.step(debian, "base", make_base) or not report.step(debian, "build", build):
        return
    if wanted.sbom:
        report.step(debian, "bills of materials", lambda: bills.write(podman, image, wanted.sbom, wanted.tools))
    if chosen(REBUILD, wanted.only):
        report.step(debian, REBUILD, rebuild)
    for name in checks(podman, image, wanted.only):
        report.step(debian, name, partial(podman.inside, image, *name.split(), seconds=CHECK_SECONDS))


def checks(podman: Podman, image: str, only: list[str]) -> list[str]:
    """Name what is run inside: notebooks and exercises are those that the image has."""
    if only == ["none"]:
        return []
    found = podman.inside(image, "list", seconds=CHECK_SECONDS)
    names = ["confined", "server", "demo memory", *(["demo uml"] if found["machines"] else [])]
    names += [f"notebook {name}" for name in found["notebooks"]]
    names += [f"exercise {name}" for name in found["exercises"]]
    return [name for name in names if chosen(name, only)]


def chosen(name: str, only: list[str]) -> bool:
    return not only or name.startswith(tuple(only))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "docker/rehearse", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--debian", nargs="+", choices=SUITES, default=list(SUITES), help="which Debians (both)")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="run only what begins so; none: only build"
    )
    parser.add_argument("--keep", action="store_true", help="keep bases and images, and say how to reach them")
    parser.add_argument("--work", type=Path, help="folder to work in, 5 GB (a new one, by default)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what was found and measured to this file")
    parser.add_argument(
        "--sbom", type=Path, metavar="DIR", help="write what the images ship to this folder (CycloneDX)"
    )
    parser.add_argument(
        "--tools",
        type=Path,
        metavar="DIR",
        default=TOOLS,
        help="where cyclonedx-py and debsbom are",
    )
    return parser.parse_args()


def interrupted(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> int:
    wanted = arguments()
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGHUP, interrupted)
    report = Report()
    folder = wanted.work or Path(tempfile.mkdtemp(prefix="trustlab-rehearsal-", dir="/var/tmp"))
    folder.mkdir(parents=True, exist_ok=True)
    folder = folder.resolve()
    log = folder / "log"
    podman = None
    try:
        host.prepare(log)
        podman = Podman(folder, log)
        report.say(f"The log: {log}")
        for debian in wanted.debian:
            rehearse(debian, podman, report, wanted)
    except CannotRehearseError as error:
        report.say(f"This cannot be rehearsed here. {error}")
        return 3
    except RehearsalError as error:
        report.say(f"FAILED: {error}")
        return 1
    except KeyboardInterrupt:
        report.say("\nInterrupted. Cleaning up.")
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        return 130
    finally:
        clean(folder, podman, report, wanted)
    if wanted.json:
        wanted.json.write_text(json.dumps(report.results, indent=1) + "\n", "utf-8")
    wrong = [f"Debian {one['debian']}: {one['name']}" for one in report.results if not one["ok"]]
    report.say(f"FAILED: {', '.join(wrong)}" if wrong else "All is well.")
    return int(bool(wrong))


def clean(folder: Path, podman: Podman | None, report: Report, wanted: argparse.Namespace) -> None:
    """Remove what was made; with --keep, say where it is."""
    if wanted.keep:
        if podman:
            report.say(f"Kept: {' '.join(podman.argv('images'))}")
        return
    if podman:
        podman.remove()
    if all(one["ok"] for one in report.results) and not wanted.work:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.glob("*"):
        if path.name != "log":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    sys.exit(main())
