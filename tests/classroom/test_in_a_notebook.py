"""The classroom in a real kernel: beside open runs and pictures, in the C locale, without powers, in odd folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from trustlab.classroom.progress import FILE

pytestmark = [pytest.mark.long, pytest.mark.timeout(240)]
CELLS = {
    "restore": (
        "from trustlab.classroom import check, close, disagree, hint, play, predict, progress, restore\n"
        "from trustlab.scenarios import rung\nimport os\nrestore(student='käthe')"
    ),
    "play": "outcome = play(rung('plain-tls', 'rogue-certificate'))",
    "predict": "predict('02-relay', 'she reads it')",
    "empty": "def relay(heard_from, data):\n    ...  # your lines",
    "check-empty": "verdict = check('02-relay', relay)\nverdict",
    "helper": "def to(name, data):\n    print('to', name)\n    return {name: data}",
    "raises": "def relay(heard_from, data):\n    return to(nobody, data)",
    "check-raises": "verdict = check('02-relay', relay)\nverdict",
    "kills": "def relay(heard_from, data):\n    os.kill(os.getppid(), 0)",
    "check-kills": "verdict = check('02-relay', relay)\nverdict",
    "right": "def relay(heard_from, data):\n    return to('bank' if heard_from == 'teller' else 'teller', data)",
    "check-right": "verdict = check('02-relay', relay)\nverdict",
    "show": "verdict.show()",
    "hint": "hint('02-relay')",
    "disagree": "try:\n    print(disagree('02-relay', 'it is easy'))\nexcept ValueError as error:\n    print(error)",
    "progress": "progress()",
    "close": "close()",
}
PROGRAM = (
    "import sys, nbformat, nbclient; notebook = nbformat.read(sys.argv[1], 4);"
    "nbclient.NotebookClient(notebook, timeout=30, resources={'metadata': {'path': sys.argv[2]}}).execute();"
    "nbformat.write(notebook, sys.argv[3])"
)


def ran(folder: Path, scratch: Path) -> dict[str, list[dict[str, str]]]:
    """Run the notebook in a folder, without powers; return what each cell put out, by media type."""
    notebook = new_notebook(cells=[new_code_cell(source, id=name) for name, source in CELLS.items()])
    nbformat.write(notebook, scratch / "a.ipynb")
    places = ("HOME", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "TMPDIR")
    environment = os.environ | dict.fromkeys(places, str(scratch)) | {"LANG": "C", "LC_ALL": "C"}
    powerless = ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all")
    command = (*(powerless if os.geteuid() == 0 else ()), sys.executable, "-c", PROGRAM)
    done = subprocess.run(
        [*command, scratch / "a.ipynb", folder, scratch / "b.ipynb"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, list[dict[str, str]]] = {}
    for cell in nbformat.read(scratch / "b.ipynb", 4).cells:
        told[cell.id] = [dict(one["data"]) if "data" in one else {one.name: one.text} for one in cell.outputs]
    return told


@pytest.fixture(scope="module")
def scratch():
    """A place that everybody may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="trustlab-test-") as name:
        Path(name).chmod(0o1777)
        yield Path(name)


@pytest.fixture(scope="module")
def writable(scratch):
    folder = scratch / "labs"
    folder.mkdir()
    return folder, ran(folder, scratch)


def verdict(told, name):
    """Return a verdict's text, which its HTML must say too."""
    (output,) = told[name]
    assert "tl-verdict" in output["text/html"]
    return output["text/plain"]


def test_each_answer_gets_its_sentence_and_the_kernel_lives(writable):
    _, told = writable
    assert "is still empty" in verdict(told, "check-empty")
    raised = verdict(told, "check-raises")
    assert "NameError: name 'nobody' is not defined. It was your line 2: return to(nobody, data)" in raised
    assert "may not send a signal" in verdict(told, "check-kills")
    right = verdict(told, "check-right")
    assert right.startswith("✔ Right. You read 'PAY ")
    assert "You predicted: she reads it" in right
    assert "to bank" in right
    assert not any("stderr" in output for outputs in told.values() for output in outputs)


def test_the_run_of_a_verdict_is_shown_and_all_is_closed(writable):
    _, told = writable
    assert any("text/html" in output for output in told["show"])
    assert "1 run closed." in told["close"][0]["text/plain"]
    assert "käthe: 1 of" in told["progress"][0]["text/plain"]
    assert "Hint 1 of 3." in told["hint"][0]["text/plain"]


def test_what_is_kept_lies_beside_the_notebook(writable):
    folder, _ = writable
    assert sorted(path.name for path in folder.iterdir()) == ["trustlab-disagreements", FILE]
    kept = json.loads((folder / FILE).read_text("utf-8"))
    assert kept["student"] == "käthe"
    answer = kept["exercises"]["02-relay"]["answer"]
    assert "def to(name, data):" in answer
    assert kept["exercises"]["02-relay"]["attempts"] == 4


def test_nothing_is_left(writable, scratch):
    left = [path.name for path in scratch.iterdir() if path.name.startswith(("trustlab-", "tmp"))]
    assert left == []


if "TRUSTLAB_SOAK" in os.environ:  # a second kernel

    def test_a_folder_that_cannot_be_written_to_costs_the_file_only(scratch):
        folder = scratch / "unwritable"
        folder.mkdir(mode=0o555)
        told = ran(folder, scratch)
        assert "Your progress is not kept" in verdict(told, "check-empty")
        assert "✔ Right" in verdict(told, "check-right")
        assert "nothing can be written to" in told["disagree"][0]["stdout"]
        assert list(folder.iterdir()) == []
