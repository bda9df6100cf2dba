"""The matrix's results as a page and as a picture: `trustlab matrix --html FILE --png FILE`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from trustlab.attacks import families, known
from trustlab.cli.failure import Failure
from trustlab.inspector.export import save_page
from trustlab.inspector.matrix_html import SIGNS, Heading, MatrixCell, matrix_page
from trustlab.inspector.screenshot import NoPictureError, screenshot
from trustlab.passage import DESIGNS, LADDER, LADDER13
from trustlab.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustlab.scenarios import CellResult

TITLE = "Every design, every attack"
LEAD = (
    "Alice owns the data centre. Each row is something she tries, each column a way to bind a TLS handshake to TPM "
    "attestation. Every mark comes from a real run with real TPMs, judged by the facts of its trace."
)
GROUPS = {"1.2": "TLS 1.2, as in 2011", "1.3": "TLS 1.3"}
BESIDE_THEM = "beside the ladders"


def page_of(
    results: Sequence[CellResult], folder: Path | None = None, *, tls: str = "all", without: Sequence[str] = ()
) -> str:
    """Return the page. With `folder`, where it will be saved, its cells link to their traces and inspector pages.

    `without` are the names that were left out; they explain any difference from the table of expectations.
    """
    designs = [
        Heading(name, DESIGNS[name].sentence, _design_facts(name), _group(name))
        for name in dict.fromkeys(result.design for result in results)
    ]
    wanted = dict.fromkeys(result.attack for result in results)
    versions: set[str] = {DESIGNS[result.design].tls for result in results}
    attacks = [
        _attack(name, family.title, versions) for family in families() for name in family.attacks if name in wanted
    ]
    cells = [_cell(result, folder) for result in results]
    title = TITLE if tls == "all" else f"{TITLE}: TLS {tls}"
    lead = f"{LEAD} Here {' and '.join(without)} was left out." if without else LEAD
    return matrix_page(title, lead, designs, attacks, cells, without=" and ".join(without))


def _group(name: str) -> str:
    design = DESIGNS[name]
    return GROUPS[design.tls] if design in (*LADDER, *LADDER13) else BESIDE_THEM


def _design_facts(name: str) -> tuple[tuple[str, str], ...]:
    return ("not enough", DESIGNS[name].not_enough), ("source", DESIGNS[name].source)


def save_html(
    path: Path,
    results: Sequence[CellResult],
    *,
    tls: str,
    without: Sequence[str] = (),
    progress: Callable[[CellResult], None] = lambda _result: None,
) -> None:
    """Write the page, and an inspector page beside each trace that was kept; `progress` is called for each cell."""
    for result in results:
        if result.trace:
            save_page(_page_beside(result.trace), Trace.load(result.trace))
        progress(result)
    path.write_text(page_of(results, path.parent, tls=tls, without=without), "utf-8")


def save_png(path: Path, results: Sequence[CellResult], *, tls: str, without: Sequence[str] = ()) -> None:
    """Draw the page; Failure says what is missing if there is no browser."""
    try:
        screenshot(page_of(results, tls=tls, without=without), path)
    except NoPictureError as error:
        raise Failure(str(error)) from error


def _attack(name: str, family: str, versions: set[str]) -> Heading:
    """Return an attack's heading; if it takes other steps on TLS 1.3, those on 1.2 are shown."""
    attack = known(name, min(versions))
    facts = (
        ("needs", "; ".join(attack.needs)),
        ("steps", "; ".join(attack.steps)),
        ("the lab gives her", ", ".join(attack.assumes.leaks)),
        ("stopped by", attack.stopped_by),
        ("source", attack.source),
    )
    tags = [f"assumed: {leak}" for leak in attack.assumes.leaks]
    tags += ["lax client"] if attack.assumes.lax_client else ["no machine is pinned"] if attack.assumes.unpinned else []
    return Heading(name, attack.why, facts, family, tuple(tags))


def _cell(result: CellResult, folder: Path | None) -> MatrixCell:
    outcome = next(name for name in SIGNS if name == result.outcome)
    linked = folder if result.trace else None
    return MatrixCell(
        result.design,
        result.attack,
        outcome,
        result.sentence,
        as_expected=result.as_expected,
        evidence=result.evidence,
        policy="" if result.outcome == "senseless" else result.policy,
        leaks=result.leaks,
        refused_by=result.refused_by,
        source=result.source,
        goal="" if result.outcome == "senseless" else result.goal,
        stopped_by=result.stopped_by,
        why="" if result.outcome in {"senseless", "unplayed"} else result.why,
        trace=_address(Path(result.trace), linked) if linked is not None else "",
        page=_address(_page_beside(result.trace), linked) if linked is not None else "",
    )


def _page_beside(trace: str) -> Path:
    return Path(trace).with_suffix(".html")


def _address(path: Path, folder: Path) -> str:
    return quote(os.path.relpath(path.resolve(), folder.resolve()))
