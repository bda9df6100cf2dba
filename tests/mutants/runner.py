"""Find out which tests reach which lines, and whether one of them fails with a mutant.

All happens in children that are forked from one process: it has imported pytest and the libraries, but nothing of ours.
So a mutant costs what the import of our rooms and the first failing test cost, and never touches the tree: the child's import
hook compiles another source for one module. What runs on in a child ends by its limits of time and memory, and a guard keeps
it from ending or removing what is not its own.

Programs that a test starts (`python -m trustlab`) do not see the mutant; only what runs in the test's own process does.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import json
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from dataclasses import asdict, dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .guard import Guard
from .mutator import Mutant, mutated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CodeType, FrameType

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "trustlab"
CACHE = ROOT / ".pytest_cache" / "mutants"
LIBRARIES = ("cbor2", "cryptography.x509", "hypothesis.strategies", "idna", "msgspec", "scapy.all", "tpm2_pytss")
PLUGINS = ("pytest_timeout", "xdist.plugin", "_hypothesis_pytestplugin")
"""All that these tests use; to find and load every plugin there is costs more than most mutants."""
MEMORY = 4 << 30
OPTIONS = (
    *("-x", "-q", "--tb=no", "-p", "no:cacheprovider", "-m", "not browser and not machines"),
    *(word for name in PLUGINS for word in ("-p", name)),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # hypothesis is there already: see preload
)
PATIENCE = 15.0
"""A test is ended after so many seconds, or five times what it takes without a mutant."""


def preload() -> None:
    """Import what every child needs; a test that fails is not made smaller, and leaves no examples behind."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("TRUSTLAB_SOAK", None)  # a sample shows what there is to see
    sys.dont_write_bytecode, sys.pycache_prefix = False, str(CACHE / "__pycache__")  # to compile costs most of a mutant
    for name in (*LIBRARIES, *PLUGINS):
        importlib.import_module(name)
    from hypothesis import Phase, settings  # noqa: PLC0415  a child's business; the command's help does not need it

    settings.register_profile(
        "mutants", database=None, derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate)
    )
    settings.load_profile("mutants")
    gc.freeze()  # a child collects only what it made itself


# Children


@dataclass
class Child:
    """A forked process that makes one result: until when, where it writes it, and its temporary folder."""

    job: int
    until: float
    answer: Any
    scratch: Path


def in_children(work: Callable[[int], Any], limits: list[float], processes: int) -> Iterator[tuple[int, Any]]:
    """Do `work(n)` for each limit of time, each in a child; yield number and result (None: it came to a limit)."""
    waiting = list(range(len(limits)))[::-1]
    running: dict[int, Child] = {}
    with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as scratch:
        try:
            while waiting or running:
                while waiting and len(running) < processes:
                    job = waiting.pop()
                    answer = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as its child
                    child = Child(job, time.monotonic() + limits[job], answer, Path(scratch) / str(job))
                    running[_fork(work, child)] = child
                time.sleep(0.01)
                for pid in list(running):
                    if _ended(pid, running[pid].until):
                        child = running.pop(pid)
                        yield child.job, _answer(child)
        finally:
            for pid in running:
                _ended(pid, 0)


def _answer(child: Child) -> Any:
    shutil.rmtree(child.scratch, ignore_errors=True)
    with child.answer as answer:
        answer.seek(0)
        octets = answer.read()
    result, fault = pickle.loads(octets) if octets else (None, "")  # noqa: S301  our own child's
    if fault:
        raise RuntimeError(f"a child of {__name__} failed:\n{fault}")
    return result


def _fork(work: Callable[[int], Any], child: Child) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        silent = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(silent, descriptor)
        child.scratch.mkdir()
        Guard(child.scratch).install()
        child.answer.write(pickle.dumps((work(child.job), "")))
        code = 0
    except MemoryError:
        child.answer.seek(0)
    except BaseException:  # noqa: BLE001  told by the parent: a fault of the runner must not look like a killed mutant
        child.answer.write(pickle.dumps((None, traceback.format_exc())))
    finally:
        child.answer.flush()
        os._exit(code)  # what threads or buffers are left is nobody's business


def _ended(pid: int, until: float) -> bool:
    """Reap a child that has ended, or whose time is over, with all of its group."""
    late = time.monotonic() > until
    if late:
        _kill_group(pid)
    if os.waitpid(pid, 0 if late else os.WNOHANG)[0] == 0:
        return False
    _kill_group(pid)
    return True


def _kill_group(pid: int) -> None:
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


# Which tests reach a line


@dataclass
class FileReach:
    """What the tests of one file reach: lines of modules, as `tls/records.py:17`.

    What runs outside a test's own call (imports, fixtures) counts for every test of the file. `files` are all that it
    imports of ours, each with its hash.
    """

    always: set[str] = field(default_factory=set)
    tests: dict[str, tuple[float, set[str]]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)


class Tracer:
    """A pytest plugin that writes down which lines of the package run during which test."""

    def __init__(self) -> None:
        self.reach = FileReach()
        self._lines: set[tuple[str, int]] = set()
        self._always = self._lines
        self._ours: dict[CodeType, bool] = {}
        self._prefix = f"{PACKAGE}{os.sep}"

    def start(self) -> None:
        threading.settrace(self._called)
        sys.settrace(self._called)

    def stop(self) -> None:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        self.reach.always = self._named(self._always)

    def _called(self, frame: FrameType, event: str, arg: object) -> Any:
        code = frame.f_code
        ours = self._ours.get(code)
        if ours is None:
            ours = self._ours[code] = code.co_filename.startswith(self._prefix)
        return self._line if ours else None

    def _line(self, frame: FrameType, event: str, arg: object) -> Any:
        self._lines.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line

    def _named(self, lines: set[tuple[str, int]]) -> set[str]:
        return {f"{name.removeprefix(self._prefix)}:{line}" for name, line in lines}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        self._lines, begun = set(), time.perf_counter()
        try:
            return (yield)
        finally:
            self.reach.tests[item.nodeid] = time.perf_counter() - begun, self._named(self._lines)
            self._lines = self._always

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.reach.failed.append(report.nodeid)


def _reach_of(path: Path) -> FileReach:
    tracer = Tracer()
    os.chdir(ROOT)
    tracer.start()
    pytest.main([str(path), *OPTIONS[1:], "--timeout", "0"], plugins=[tracer])
    tracer.stop()
    tracer.reach.files = _state(_imported())
    return tracer.reach


def _state(paths: Iterable[Path]) -> dict[str, str]:
    """Name the state of files, each by its hash; of one that is gone, by nothing."""
    return {
        p.relative_to(ROOT).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() if p.exists() else "" for p in paths
    }


def _imported() -> list[Path]:
    """List the files of ours that this process has imported, without the mutator's."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    known = {Path(f) for f in files if f and f.endswith(".py")}
    ours = [p for p in known if p.is_relative_to(PACKAGE) or p.is_relative_to(ROOT / "tests")]
    return sorted(p for p in ours if p.parent != Path(__file__).parent)


def reach(folders: tuple[str, ...], processes: int) -> dict[Path, FileReach]:
    """Run every test file of these folders once, without a mutant; remember it until a file that it imports changes.

    A soak is left out: it does again and again, and in other programs, what other tests do once.
    """
    found = [p for folder in folders for p in sorted((ROOT / folder).rglob("test_*.py"))]
    files = [p for p in found if not p.stem.endswith("_soak")]
    known = {p: kept for p in files if (kept := _load(p))}
    todo = [p for p in files if p not in known]
    for n, result in in_children(lambda n: _reach_of(todo[n]), [900.0] * len(todo), processes):
        if result is None:
            raise RuntimeError(
                f"{todo[n].relative_to(ROOT)} does not run to its end without a mutant: run it with pytest"
            )
        known[todo[n]] = result
        _save(todo[n], result)
    return {p: known[p] for p in files}


def _kept(path: Path) -> Path:
    return CACHE / f"{path.stem}.json"


def _save(path: Path, found: FileReach) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    _kept(path).write_text(json.dumps(asdict(found), default=sorted))


def _load(path: Path) -> FileReach | None:
    if not _kept(path).exists():
        return None
    data = json.loads(_kept(path).read_text())
    if _state(ROOT / name for name in data["files"]) != data["files"]:
        return None
    tests = {name: (seconds, set(lines)) for name, (seconds, lines) in data["tests"].items()}
    return FileReach(set(data["always"]), tests, data["failed"], data["files"])


# One mutant


@dataclass(frozen=True)
class Plan:
    """The tests that reach a mutant, by file, the quickest first."""

    mutant: Mutant
    files: tuple[tuple[Path, tuple[str, ...]], ...]
    seconds: float
    slowest: float

    @property
    def patience(self) -> float:
        """Say how long one test may take."""
        return max(PATIENCE, 5 * self.slowest)

    @property
    def limit(self) -> float:
        """Say how long all of them may take."""
        return 2 * PATIENCE + self.patience + 5 * self.seconds


def plan(mutant: Mutant, reached: dict[Path, FileReach]) -> Plan:
    """Choose the tests for a mutant, and their order."""
    lines = {f"{mutant.module}:{n}" for n in range(mutant.line, mutant.last + 1)}
    chosen = []
    for path, found in reached.items():
        everywhere = not lines.isdisjoint(found.always)
        tests = [
            (seconds, name)
            for name, (seconds, its_lines) in found.tests.items()
            if name not in found.failed and (everywhere or not lines.isdisjoint(its_lines))
        ]
        if tests:
            direct = sum(not lines.isdisjoint(found.tests[name][1]) for _, name in tests)
            chosen.append((not direct, sum(t for t, _ in tests) / len(tests), path, tuple(n for _, n in sorted(tests))))
    times = [found.tests[name][0] for _, _, path, names in chosen for found in [reached[path]] for name in names]
    return Plan(mutant, tuple((path, names) for *_, path, names in sorted(chosen)), sum(times), max(times, default=0.0))


class Chosen:
    """A pytest plugin that keeps the tests that reach the mutant, and tells which one failed."""

    def __init__(self, names: tuple[str, ...], known: set[str]) -> None:
        self._rank = {name: n for n, name in enumerate(names)}
        self._known = known
        self.failed = ""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep a test that nobody knows, too: the mutant may have changed its parameters."""
        items[:] = [i for i in items if i.nodeid in self._rank or i.nodeid not in self._known]
        items.sort(key=lambda i: self._rank.get(i.nodeid, -1))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid


class MutantFinder:
    """An import hook that gives one module another source."""

    def __init__(self, mutant: Mutant) -> None:
        self._path = PACKAGE / mutant.module
        self._number = mutant.number
        parts = ("trustlab", *Path(mutant.module).with_suffix("").parts)
        self._name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != self._name:
            return None
        loader = MutantLoader(name, str(self._path))
        loader.number = self._number
        return spec_from_file_location(name, self._path, loader=loader)


class MutantLoader(SourceFileLoader):
    """Compile the mutant in place of the file."""

    number: int

    def get_code(self, fullname: str) -> CodeType:
        return compile(mutated(Path(self.path), self.number), self.path, "exec", dont_inherit=True)


def play(one: Plan, reached: dict[Path, FileReach]) -> str | None:
    """Run the tests that reach a mutant until one fails; return its name, None if all pass. Only ever in a child."""
    os.chdir(ROOT)
    sys.meta_path.insert(0, MutantFinder(one.mutant))  # type: ignore[arg-type]
    for path, names in one.files:
        chosen = Chosen(names, set(reached[path].tests))
        try:
            code = pytest.main([str(path), *OPTIONS, "--timeout", f"{one.patience:.0f}"], plugins=[chosen])
        except Warning as warning:  # at its very end, about what was never closed; for us a warning is an error
            return f"{path.relative_to(ROOT)} ({type(warning).__name__})"
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return chosen.failed or f"{path.relative_to(ROOT)} (does not load)"
    return None
