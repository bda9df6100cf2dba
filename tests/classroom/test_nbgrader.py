"""Right, wrong and empty submissions validate and autograde with nbgrader as they should, within its own time limit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from course_sources import asked_in, release

from trustlab.classroom import EXERCISES

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]
PROGRAM = Path(__file__).with_name("nbgrader_run.py")
SAMPLE = ("01-verify-data", "02-relay", "03-replay")
WRONG = "def {name}(*_):\n    return b'this is wrong'\n"


def course(folder: Path, source: Path, students: dict[str, dict[str, bool]]) -> str:
    """Lay out a course with one assignment, and submissions of it; return the assignment's name.

    A student has answers to some exercises, right or wrong; the others stay as they were handed out.
    """
    name = source.stem
    write(folder / "source" / name / f"{name}.ipynb", json.loads(release.notebook(source, teacher=True)))
    for student, answers in students.items():
        notebook = answered(json.loads(release.notebook(source)), answers)
        write(folder / "submitted" / student / name / f"{name}.ipynb", notebook)
    return name


def write(path: Path, notebook: dict[str, object]) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(notebook), "utf-8")


def answered(notebook: dict[str, object], answers: dict[str, bool]) -> dict[str, object]:
    """Return a notebook with answers in the student's cells."""
    for cell in notebook["cells"]:
        exercise = EXERCISES.get(cell["id"])
        if exercise is not None and exercise.id in answers:
            wrong = WRONG if callable(exercise.solution) else "{name} = 'this is wrong'\n"
            right = f"{exercise.given}\n\n{exercise.source()}"
            cell["source"] = textwrap.dedent(right if answers[exercise.id] else wrong.format(name=exercise.name))
    return notebook


def graded(folder: Path, source: Path, students: dict[str, dict[str, bool]]) -> dict[str, object]:
    name = course(folder, source, students)
    places = ("HOME", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
    environment = os.environ | dict.fromkeys(places, str(folder / "home"))
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # nbgrader calls alembic by its name
    (folder / "home").mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", PROGRAM, folder, name, *students],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """Return a source with three exercises."""
    path = tmp_path_factory.mktemp("source") / "01-sample.md"
    blocks = "\n\n".join(f"```exercise {name}\n```" for name in SAMPLE)
    path.write_text(f"# A sample\n\n```python\nfrom trustlab.classroom import check\n```\n\n{blocks}\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def sample(tmp_path_factory, source):
    """Grade one student: the first exercise is right, the second wrong, the third as it was handed out."""
    answers = {SAMPLE[0]: True, SAMPLE[1]: False}
    return graded(tmp_path_factory.mktemp("nbgrader"), source, {"ada": answers})


def test_each_exercise_gets_its_point_or_none(sample):
    assert sample["ada"]["grades"] == {f"{name}-check": float(name == SAMPLE[0]) for name in SAMPLE}
    assert (sample["ada"]["score"], sample["ada"]["max"]) == (1, 3)


def test_the_validator_names_what_is_not_right_yet(sample):
    told = " ".join(sample["ada"]["validated"].split())
    assert "VALIDATION FAILED ON 2 CELL(S)" in told
    assert "NotRightYetError" in told
    assert "still empty" in told


def test_what_nbgrader_releases_is_what_make_release_makes(sample, source):
    ours = ["".join(cell["source"]) for cell in json.loads(release.notebook(source))["cells"]]
    assert [text.rstrip() for text in sample["release"]] == ours
    assert "SOLUTION" not in "".join(ours)


if "TRUSTLAB_SOAK" in os.environ:  # minutes
    NOTEBOOKS = [path for path in release.sources() if asked_in(path.read_text("utf-8"))]

    @pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
    def test_right_wrong_and_empty_submissions_of_every_notebook(path, tmp_path):
        exercises = asked_in(path.read_text("utf-8"))
        students = {"right": dict.fromkeys(exercises, True), "wrong": dict.fromkeys(exercises, False), "empty": {}}
        told = graded(tmp_path, path, students)
        assert told["right"]["score"] == told["right"]["max"] == len(exercises), told["right"]
        assert "Success" in told["right"]["validated"]
        for student in ("wrong", "empty"):
            assert (told[student]["score"], told[student]["max"]) == (0, len(exercises)), told[student]
            assert f"VALIDATION FAILED ON {len(exercises)} CELL(S)" in told[student]["validated"]
