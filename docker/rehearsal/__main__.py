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
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

import host
from children import CannotRehearseError, RehearsalError
from images import SUITES, Podman
from steps import Report, rehearse, rehearse_here

TOOLS = Path(sys.executable).parent
EXAMPLES = """examples:
  docker/rehearse                                   both Debians, everything
  docker/rehearse --debian 12 --only demo notebook  what begins with one of these names, on Debian 12
  docker/rehearse --here                            build nothing; lock in what is installed here (a minute)
  docker/rehearse --keep --work /var/tmp/rehearsal  keep bases and images; the next time only what changed is built
  docker/rehearse --debian 12 --only none --sbom build/sbom --tools .venv/bin
                                                    only build, and list what the image ships (what make sbom does)

exit status: 0 all is well, 1 something failed, 2 wrong arguments, 3 cannot be rehearsed here, 130 interrupted"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "docker/rehearse", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--debian", nargs="+", choices=SUITES, default=list(SUITES), help="which Debians (both)")
    parser.add_argument(
        "--here",
        action="store_true",
        help="build nothing: run everything but the server on this system's own files, with the .venv of the sources",
    )
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
        host.prepare(log, ("podman",) if wanted.here else host.PROGRAMS)
        podman = Podman(folder, log)
        podman.try_out()
        report.say(f"The log: {log}")
        if wanted.here:
            rehearse_here(podman, report, wanted.only)
        for debian in () if wanted.here else wanted.debian:
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
    wrong = [f"{one['where']}: {one['name']}" for one in report.results if not one["ok"]]
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
