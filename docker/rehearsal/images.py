"""Bases, images and containers of one rehearsal, in a storage of its own that can be thrown away whole."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import host
from children import CannotRehearseError, RehearsalError, pipe, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SUITES = {"12": "bookworm", "13": "trixie"}
LEFT_OUT = (
    *(
        "./proc/*",
        "./sys/*",
        "./dev/*",
        "./var/cache/apt/*.bin",
        "./var/cache/apt/archives/*.deb",
        "./var/lib/apt/lists/*",
    ),
    *("./usr/share/man/*", "./usr/share/locale/*", "./usr/share/doc/*/changelog*", "./usr/share/doc/*/NEWS*"),
)
LIMITS = (
    *("--network", "none", "--memory", "2g", "--memory-swap", "2g", "--cpus", "1", "--pids-limit", "1024"),
    *("--cap-drop", "all", "--security-opt", "no-new-privileges", "--read-only", "--user", "1000:1000"),
    *("--tmpfs", "/tmp:rw,exec,nosuid,nodev,mode=1777,size=512m,notmpcopyup"),  # noqa: S108 - the container's
)
"""What a container may: as much as a pod of Binder, with neither a network nor a root file system it can write to."""

JUPYTER = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
"""What Jupyter wants to write, and cannot in a home folder that is read-only."""

CONTAINERS = """[containers]
default_ulimits = []
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "{runtime}"
"""
TREE = "/opt/trustlab-sources"
LONGEST_RUNROOT = 50
PATIENCE = 300
"""Seconds for what takes one, on a machine that does much else."""

INSIDE = Path(__file__).with_name("inside.py")


@dataclass(frozen=True)
class Root:
    """What a container has as its root: an image, or the files of this system; and the Python that runs in it."""

    name: str
    python: str = "python"
    script: str = "/rehearsal.py"
    options: tuple[str, ...] = ()

    @property
    def is_image(self) -> bool:
        return not self.options

    @classmethod
    def here(cls, sources: Path) -> Root:
        """Return this system's own root under an overlay, with the working tree and its .venv in it."""
        return cls(
            "/:O",
            f"{TREE}/.venv/bin/python",
            "/opt/rehearsal.py",
            (
                *(
                    "--volume",
                    f"{sources}:{TREE}:ro",
                    "--env",
                    f"PYTHONPATH={TREE}",
                    "--env",
                    f"TRUSTLAB_SOURCES={TREE}",
                ),
                *("--env", "HOME=/tmp", "--read-only-tmpfs=false", "--rootfs"),
            ),
        )


class Podman:
    """podman with images, containers and settings of its own under `folder`; `remove` leaves nothing of them."""

    def __init__(self, folder: Path, log: Path) -> None:
        self.folder = folder
        self.log = log
        runtime = next(name for name in host.RUNTIMES if shutil.which(name))
        settings = folder / "containers.conf"
        settings.write_text(CONTAINERS.format(runtime=runtime), "utf-8")
        self.environment = {**os.environ, "CONTAINERS_CONF": str(settings)}
        # podman takes no longer path than this for what it keeps while it runs.
        short = len(str(folder / "run")) <= LONGEST_RUNROOT
        self.runroot = folder / "run" if short else Path(tempfile.mkdtemp(prefix="trustlab-", dir="/run"))
        self.driver = "overlay"
        self.driver = next((driver for driver in ("overlay", "vfs") if self._stores(driver)), "")
        if not self.driver:
            raise CannotRehearseError(f"podman cannot store images in {folder}: see {log}")

    def _stores(self, driver: str) -> bool:
        with contextlib.suppress(RehearsalError):
            self("info", driver=driver, seconds=PATIENCE)
            return True
        return False

    def try_out(self) -> None:
        """CannotRehearseError says why no container starts here: in many containers, none does."""
        try:
            self(
                "run",
                "--rm",
                "--pull",
                "never",
                *LIMITS,
                "--read-only-tmpfs=false",
                "--rootfs",
                "/:O",
                "true",
                seconds=PATIENCE,
            )
        except RehearsalError as error:
            raise CannotRehearseError(f"podman cannot start a container. {error}") from error

    def argv(self, *arguments: str, driver: str = "") -> list[str]:
        """Return the command line with which one could go on by hand."""
        return [
            *("podman", "--root", str(self.folder / "storage"), "--runroot", str(self.runroot)),
            *("--tmpdir", str(self.folder / "tmp"), "--storage-driver", driver or self.driver, *arguments),
        ]

    def __call__(self, *arguments: str, driver: str = "", seconds: float | None = None, only_log: bool = False) -> str:
        argv = self.argv(*arguments, driver=driver)
        return run(argv, self.log, environment=self.environment, seconds=seconds, only_log=only_log)

    def make_base(self, debian: str, name: str) -> None:
        """Make a base by debootstrap, as the official slim image is made, and import it."""
        root = self.folder / f"debian-{debian}"
        found = host.mirrors()
        suite = SUITES[debian]
        run(
            ["debootstrap", "--variant=minbase", suite, str(root), *filter(None, [found.main])], self.log, only_log=True
        )
        if listed := host.sources(suite, found):
            (root / "etc/apt/sources.list").write_text(listed, "utf-8")
        leave_out = [f"--exclude={pattern}" for pattern in LEFT_OUT]
        pipe(
            ["tar", "-C", str(root), "--one-file-system", *leave_out, "-c", "."],
            self.argv("import", "--quiet", "-", name),
            self.log,
            self.environment,
        )
        shutil.rmtree(root)

    def build(self, context: Path, base: str, name: str) -> None:
        """Build the image of the sources in `context`."""
        self(
            *("build", "--isolation", "oci", "--network", "host", "--layers", "--pull-never"),
            *("--build-arg", f"BASE={base}", *host.build_mounts(self.folder)),
            *("--file", str(context / "binder/Dockerfile"), "--tag", name, str(context)),
            only_log=True,
        )

    def megabytes(self, name: str) -> float:
        """Return the size of an image."""
        return int(json.loads(self("image", "inspect", name))[0]["Size"]) / 1e6

    def inside(self, root: Root, *arguments: str, seconds: float) -> dict[str, Any]:
        """Run `inside.py` in a locked-down container; return what it found.

        RehearsalError says what went wrong in there.
        """
        environment = [f"--env={name}=/tmp/{name.lower()}" for name in JUPYTER]
        output = self(
            *("run", "--rm", "--pull", "never", *LIMITS, *environment),
            *("--volume", f"{INSIDE}:{root.script}:ro", *root.options, root.name, root.python, root.script, *arguments),
            seconds=seconds,
        )
        found: dict[str, Any] = json.loads(output.splitlines()[-1])
        return found

    @contextlib.contextmanager
    def mounted(self, image: str) -> Iterator[Path]:
        """Mount an image's file system, to be read."""
        path = Path(self("image", "mount", image).strip())
        try:
            yield path
        finally:
            self("image", "unmount", image)

    def remove(self) -> None:
        """End the containers, and remove mounts, images and folders, whatever state they are in."""
        for arguments in (("rm", "--all", "--force", "--time", "0"), ("image", "unmount", "--all", "--force")):
            with contextlib.suppress(RehearsalError):
                self(*arguments, seconds=60)
        for mount in reversed(_mounts_under(self.folder) + _mounts_under(self.runroot)):
            subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
        shutil.rmtree(self.runroot, ignore_errors=True)
        for name in ("storage", "tmp", *(f"debian-{debian}" for debian in SUITES)):
            shutil.rmtree(self.folder / name, ignore_errors=True)


def _mounts_under(folder: Path) -> list[str]:
    lines = Path("/proc/self/mounts").read_text("utf-8").splitlines()
    places = [line.split()[1].encode().decode("unicode_escape") for line in lines]
    return [place for place in places if Path(place).is_relative_to(folder.resolve())]


def copy_sources(root: Path, target: Path) -> None:
    """Copy what git would keep of the working tree; without git, all of it but what is made."""
    listed: Sequence[str] | None = None
    if shutil.which("git"):
        done = subprocess.run(
            ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-coz", "--exclude-standard"],
            capture_output=True,
            text=True,
            check=False,
        )
        listed = [name for name in done.stdout.split("\0") if name] if done.returncode == 0 else None
    if listed is None:
        made = shutil.ignore_patterns(".git", ".venv", "__pycache__", "build", "dist", "trustlab-out", "*.egg-info")
        shutil.copytree(root, target, symlinks=True, ignore=made)
        return
    for name in listed:
        source = root / name
        if source.is_symlink() or source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
