"""docs/classes.md says what is so: its figures, its packages, its variables and its files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from benchmarks import a_class
from docs import classes_page

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "classes.md").read_text("utf-8")
CONFIG = (ROOT / "docker" / "jupyterhub_config.py").read_text("utf-8")
LOGIN = (ROOT / "docker" / "class_login.py").read_text("utf-8")
MEASURED = classes_page.measured()
COMMANDS = [line for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_the_figures_are_those_of_the_kept_measurement() -> None:
    assert set(MEASURED) == set(a_class.NOTES)
    assert classes_page.page(PAGE, MEASURED) == PAGE, "run docs/classes_page.py"
    changed = {name: value + 1 for name, value in MEASURED.items()}
    differs = [
        one
        for one, other in zip(PAGE.splitlines(), classes_page.page(PAGE, changed).splitlines(), strict=True)
        if one != other
    ]
    assert len(differs) == len(MEASURED) + 2, "each row of the table, and two sentences"


def test_the_class_was_one_of_thirty_and_nobody_failed() -> None:
    assert MEASURED["students"] == 30
    assert MEASURED["failed"] == MEASURED["two_notebooks_failed"] == 0
    assert MEASURED["memory_per_student_mb"] <= a_class.GOALS["memory_per_student_mb"]


def test_what_a_hub_needs_is_the_extra() -> None:
    line = next(line for line in COMMANDS if "pip install" in line)
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["class"]
    assert line.split("pip install ")[1].split() == [re.split(r"[<>=]", one)[0] for one in extra]


def test_every_variable_is_read_and_every_default_is_said() -> None:
    told = set(re.findall(r"`(TRUSTLAB_[A-Z_]+)", PAGE))
    read = {f"TRUSTLAB_{name}" for name in re.findall(r'^    "([A-Z_]+)": "', CONFIG, re.MULTILINE)}
    read |= set(re.findall(r'environ.get\("(TRUSTLAB_[A-Z_]+)"', LOGIN))
    assert told == read
    for default in re.findall(r'^    "[A-Z_]+": "([^"]+)"', CONFIG, re.MULTILINE):
        assert f"`{default}`" in PAGE


def test_every_file_that_a_command_names_is_there() -> None:
    named = {name for line in COMMANDS for name in re.findall(r"(?<![\w/])(?:\.\./)?(docker/[\w.-]+)", line)}
    assert named == {"docker/jupyterhub_config.py", "docker/values.yaml", "docker/class_login.py"}
    assert all((ROOT / name).is_file() for name in named)


def test_kubernetes_gets_the_same_login_and_limits() -> None:
    values = (ROOT / "docker" / "values.yaml").read_text("utf-8")
    assert "defaultUrl: /lab/tree/labs/00-start-here.ipynb" in values
    assert re.search(r'"MEMORY": "(\w+)"', CONFIG)[1] == re.search(r"memory:\n.*\n\s+limit: (\w+)", values)[1]
    assert re.search(r'"CPUS": "(\d+)"', CONFIG)[1] == re.search(r"cpu:\n.*\n\s+limit: (\d+)", values)[1]
    for variable in re.findall(r"(TRUSTLAB_\w+):", values):
        assert variable in LOGIN
