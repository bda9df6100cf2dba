"""The mutator makes what it says, a mutant runs against the tests that reach it, and our tests kill nearly all of them.

TRUSTLAB_SOAK=1 runs sixty mutants of five rooms.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mutants.__main__ import PACKAGE, ROOMS, listed, main, sample
from mutants.mutator import mutants, mutated

ROOT = Path(__file__).parents[2]
SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
AT_LEAST = 60
"""Percent. The goal is 90. A sample of sixty may be some points below the true rate by chance.

Of 600 (seed 12) the first 526 were run: 451 were killed, 85.7 %; by room octets 14 of 18, trace 11 of 12, wire 83 of
100, tls 197 of 219, attest 89 of 106, tpm 57 of 71. Tests written since see some thirty-five of the survivors. Rooms have
grown since, and `passage` was not in those 526, so the floor stays low until a whole run is measured.
"""


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("x == 1", ["x != 1", "x == 2"]),
        ("a < b <= c", ["a <= b <= c", "a < b < c"]),
        ("a is None", ["a is not None"]),
        ("a not in b", ["a in b"]),
        ("a and b or c", ["(a and b) and c", "(a or b) or c"]),
        ("not a", ["a"]),
        ("x = True", ["x = False"]),
        ("a if b else c", ["a if True else c", "a if False else c"]),
        ("[a for a in b if c]", ["[a for a in b if True]"]),
        ("while a:\n    b()", ["while False:\n    b()"]),
        ("while True:\n    b()", ["while False:\n    b()"]),
        ("if a:\n    b()", ["if True:\n    b()", "if False:\n    b()"]),
        ("if a:\n    raise B", ["if True:\n    raise B", "if a:\n    pass"]),
        (
            "match a:\n    case b if c:\n        d()",
            [f"match a:\n    case b if {x}:\n        d()" for x in (True, False)],
        ),
        ("def f(x: Literal[1]=2) -> Literal[3]:\n    pass", ["def f(x: Literal[1]=3) -> Literal[3]:\n    pass"]),
        ("@made(frozen=True)\nclass A(B, gc=False):\n    pass", []),
        ("if TYPE_CHECKING:\n    import a", []),
        ("class A(Protocol):\n    def f(self, x=1):\n        ...", []),
        ("raise A(f'{b or c}', 1)", ["pass", "raise A(f'{b or c}', 2)"]),
        ("x = f'{b or c}'", ["x = f'{b and c}'"]),
        ("def __repr__(self):\n    return 1", []),
        ("x = field(default=1, repr=False)", ["x = field(default=2, repr=False)"]),
    ],
)
def test_every_mutation_of_a_text_is_made_once(tmp_path, source, changed):
    path = tmp_path / "module.py"
    path.write_text(source)
    found = [ast.unparse(mutated(path, m.number)) for m in mutants(path, "a/module.py")]
    assert sorted(found) == sorted(ast.unparse(ast.parse(text)) for text in changed)


def test_a_mutant_names_its_lines_its_function_and_the_text_before_and_after(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("class A:\n    def f(self, x):\n        if (x >\n                7):\n            self.g(x)\n")
    found = mutants(path, "a/module.py")
    assert {(m.line, m.last, m.function, m.before) for m in found} == {(3, 4, "A.f", "if x > 7:")}
    assert [m.after for m in found] == ["if True:", "if False:", "if x >= 7:", "if x > 8:"]
    assert str(found[2]) == "a/module.py:3  if x > 7:  ->  if x >= 7:"


def test_every_row_of_the_equivalent_ones_is_a_mutant_and_says_why():
    modules = {module for module, *_ in listed()}
    gone = [module for module in modules if not (PACKAGE / module).is_file()]
    assert not gone, f"tests/mutants/equivalent.toml names modules that are not there: {gone}"
    there = {m.key for module in modules for m in mutants(PACKAGE / module, module)}
    stale = [row for row in listed() if row not in there]
    assert not stale, (
        f"no mutant of today: take these rows out of tests/mutants/equivalent.toml, or renew them: {stale}"
    )
    assert all(len(reason) > 20 for reason in listed().values())


def test_a_sample_is_repeatable_and_every_room_has_its_share():
    first, again, other = (sample(tuple(ROOMS), 100, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert sum(map(len, first.values())) == 100
    assert min(map(len, first.values())) > 0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.mutants", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_what_a_test_kills_is_killed_and_the_program_itself_is_not(tmp_path):
    """In a process of its own: what is mutated must not have been imported."""
    script = """
from pathlib import Path
from tests.mutants import runner
from tests.mutants.mutator import Mutant, mutants

runner.preload()
runner.CACHE = Path(SCRATCH)
reached = runner.reach(("tests/trace",), 2)
path, name = runner.PACKAGE / "trace/trace.py", "trace/trace.py"
twice = next(m for m in mutants(path, name) if m.before.startswith("if (event.party, event.seq) in known"))
plan = runner.plan(twice, reached)
print(len(plan.files), len(plan.files[0][1]) < sum(len(r.tests) for r in reached.values()))
runner.mutated = lambda path, number: number(path)
for source in (Path.read_text, lambda p: p.read_text() + "raise ValueError", lambda p: p.read_text().replace("twice", "")):
    mutant = Mutant(name, source, *list(vars(twice).values())[2:])
    [(_, answer)] = runner.in_children(lambda n: [runner.play(runner.plan(mutant, reached), reached)], [99.0], 1)
    print(answer)
def endless(n):
    held = []
    while True: held.append(bytes(1 << 26))
print(list(runner.in_children(endless, [99.0], 1)))
print(list(runner.in_children(lambda n: __import__("time").sleep(99), [0.2], 1)))
""".replace("SCRATCH", repr(str(tmp_path)))
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False, timeout=100
    )
    assert done.stdout.splitlines() == [
        "1 True",
        "[None]",
        "['tests/trace/test_trace_file.py (does not load)']",
        "['tests/trace/test_trace_file.py::test_what_is_no_trace_is_refused_by_line[content-lab#0 occurs twice]']",
        "[(0, None)]",
        "[(0, None)]",
    ], done.stderr


def test_a_mutant_ends_and_removes_only_what_is_its_own(tmp_path):
    script = """
import os, shutil, subprocess, sys, tempfile
from pathlib import Path
from tests.mutants import runner
other = Path(OTHER)

def work(n):
    def refused(call, *arguments):
        try:
            call(*arguments)
        except PermissionError:
            return True
        return False
    ours = subprocess.Popen(["sleep", "99"], start_new_session=True)
    found = [refused(os.kill, ours.pid, 9), ours.wait()]
    found += [refused(os.kill, pid, 0) for pid in (-1, 1, os.getppid())] + [refused(os.killpg, os.getpgid(os.getppid()), 0)]
    found += [refused(call, other / "kept") for call in (os.remove, os.rmdir, shutil.rmtree)]
    found += [refused(os.rename, other / "kept", Path(tempfile.gettempdir()) / "taken")]
    shutil.rmtree(tempfile.mkdtemp())
    return found

print(*[answer for _, answer in runner.in_children(work, [30.0], 1)])
""".replace("OTHER", repr(str(tmp_path)))
    (tmp_path / "kept").mkdir()
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == f"{[False, -9] + [True] * 8}\n", done.stderr
    assert (tmp_path / "kept").is_dir()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--module", "wire/nothing.py"], "no such module"),
        (["--room", "cellar"], "cellar"),
        (["--count", "-1"], "--count wants 0 or more"),
        (["--processes", "0"], "--processes 1 or more"),
    ],
)
def test_a_wrong_argument_is_told(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert complaint in capsys.readouterr().err


def test_a_list_runs_nothing(capsys):
    assert main(["--room", "octets", "--count", "5", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert all(line.startswith("octets/") for line in lines)


SOAKED = ("trace", "wire", "tls", "tpm", "attest")
"""Rooms whose tests are quick enough for CI; what `passage` and `explain` reach takes too long to find out there."""


if SOAK:

    @pytest.mark.timeout(1200)
    def test_the_tests_of_the_rooms_kill_the_mutants_of_the_rooms(capsys):
        rooms = [word for room in SOAKED for word in ("--room", room)]
        done = run("--count", "60", "--at-least", str(AT_LEAST), *rooms)
        with capsys.disabled():
            sys.stdout.write(f"\n{done.stdout}")
        assert done.returncode == 0, done.stdout + done.stderr
