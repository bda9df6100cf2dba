"""Models: a design as a process of the applied pi calculus, for ProVerif, which decides for any number of sessions.

The search looks at one session of each end; ProVerif at all. What it can say beside `proved` and `attack` is that it
did not finish. ProVerif is not part of trustlab, nor in a package registry: if `proverif` is on the PATH it is run, and
a result is kept with the hash of the model's text. It counts only while that hash fits.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

import msgspec

from trustlab.finder.powers import GOALS, powers_of
from trustlab.finder.processes import model_of
from trustlab.finder.terms import FinderError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustlab.passage import Design

TOOL, AT_MOST = "proverif", 120.0
"""The program, and how many seconds it gets for one model."""
Proved = Literal["proved", "attack", "unfinished"]


class Proof(msgspec.Struct, frozen=True):
    """What a prover said about one model."""

    tool: str
    version: str
    verdict: Proved
    seconds: float


class ModelResult(msgspec.Struct, frozen=True):
    """One line of results.json: the hash of the model's text, and what a prover said; empty if there was none."""

    sha256: str
    tool: str = ""
    version: str = ""
    verdict: str = ""
    seconds: float = 0.0


def prove(design: Design, powers: Iterable[str], goal: str, *, at_most: float = AT_MOST) -> Proof | None:
    """Have ProVerif decide about a design; None if it is not on the PATH."""
    program = shutil.which(TOOL)
    return None if program is None else _run(program, model_of(design, powers_of(tuple(powers)), goal), at_most)


def _run(program: str, text: str, at_most: float) -> Proof:
    version = re.search(r"\d+(\.\d+)+\w*", _output([program, "--help"], 10.0))
    began = time.perf_counter()
    with TemporaryDirectory(prefix="trustlab-model-") as folder:
        file = Path(folder, "model.pv")  # its ending says in which language it is
        file.write_text(text, "utf-8")
        said = _output([program, str(file)], at_most)
    answers = re.findall(r"^RESULT .* (is true|is false|cannot be proved)\.", said, re.MULTILINE)
    verdict: Proved = "unfinished"
    if "is false" in answers:
        verdict = "attack"
    elif answers and set(answers) == {"is true"}:
        verdict = "proved"
    return Proof(TOOL, version.group() if version else "", verdict, round(time.perf_counter() - began, 2))


def _output(command: list[str], at_most: float) -> str:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=at_most, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def write_models(design: Design, powers: Iterable[str], out: Path) -> dict[str, ModelResult]:
    """Write a model for each goal into a folder, with `results.json`; return the results by the model's file.

    A result that is there is kept if its hash fits; else ProVerif is run, if it is on the PATH.
    """
    asked = powers_of(tuple(powers))
    out.mkdir(parents=True, exist_ok=True)
    file = out / "results.json"
    known = read_results(file)
    results: dict[str, ModelResult] = {}
    for goal in GOALS:
        text = model_of(design, asked, goal)
        name = f"{re.sub('[^A-Za-z0-9._-]', '-', design.name)}-{goal}.pv"
        (out / name).write_text(text, "utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        result = known.get(name, ModelResult(""))
        if result.sha256 != digest or not result.verdict:
            proof = prove(design, asked, goal)
            said = msgspec.structs.asdict(proof) if proof else {}
            result = ModelResult(digest, **said)
        results[name] = result
    file.write_bytes(msgspec.json.format(msgspec.json.encode({**known, **results}), indent=1) + b"\n")
    return results


def read_results(file: Path) -> dict[str, ModelResult]:
    """Return the results in a file; none if there is no file. FinderError if it cannot be read."""
    if not file.exists():
        return {}
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, ModelResult])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise FinderError(f"{file} is not a list of results: remove it, and it is written anew") from None
