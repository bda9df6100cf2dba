"""The matrix of designs and attacks as one HTML page: no scripts, nothing from outside; it opens, and prints, anywhere.

Plain data in: who ran what is not known here. Every cell, design and attack opens its card (an HTML popover, which
needs no script; on paper, and in a browser without popovers, the cards stand below the table).
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

Outcome = Literal["succeeded", "refused", "failed", "senseless", "unplayed"]

SIGNS: dict[Outcome, tuple[str, str, str]] = {
    "succeeded": ("S", "win", "Alice wins"),
    "refused": ("×", "hold", "refused"),  # noqa: RUF001 - the sign is meant
    "failed": ("×", "hold", "came to nothing"),  # noqa: RUF001
    "senseless": ("–", "none", "makes no sense here"),  # noqa: RUF001
    "unplayed": ("○", "none", "not between virtual machines"),
}
"""Of each outcome: its sign, its class, its words. The shape of the tile differs too: no colour says anything alone."""

STYLE = Path(__file__).parent / "static" / "matrix.css"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{css}</style>
</head>
<body>
<main>
<header>
<h1>{title}</h1>
<p class="lead">{lead}</p>
{tally}
</header>
<div class="scroll" role="region" aria-label="The table" tabindex="0">
{table}
</div>
<p class="print">Card by card</p>
<div class="cards">
{cards}
</div>
</main>
</body>
</html>
"""


@dataclass(frozen=True)
class Heading:
    """A row or a column: its name, a sentence (shown beside a row's name), and more facts for its card."""

    name: str
    sentence: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class MatrixCell:
    """What became of one attack (`column`) on one design (`row`), and what that rests on.

    `trace` and `page` are addresses relative to the HTML file, of the saved trace and of its inspector page.
    """

    row: str
    column: str
    outcome: Outcome
    sentence: str
    as_expected: bool = True
    evidence: str = ""
    policy: str = ""
    leaks: tuple[str, ...] = ()
    refused_by: str | None = None
    trace: str = ""
    page: str = ""


def matrix_page(
    title: str, lead: str, rows: Sequence[Heading], columns: Sequence[Heading], cells: Sequence[MatrixCell]
) -> str:
    """Return the page. A place of the table without a cell stays empty."""
    places = {(cell.row, cell.column): cell for cell in cells}
    cards = [_heading_card(f"d{n}", "design", row) for n, row in enumerate(rows)]
    cards += [_heading_card(f"a{n}", "attack", column) for n, column in enumerate(columns)]
    for y, row in enumerate(rows):
        for x, column in enumerate(columns):
            if (cell := places.get((row.name, column.name))) is not None:
                cards.append(_cell_card(f"c{y}-{x}", cell))
    return PAGE.format(
        title=escape(title),
        lead=escape(lead),
        css=STYLE.read_text("utf-8"),
        tally=_tally(cells),
        table=_table(rows, columns, places),
        cards="\n".join(cards),
    )


def _tally(cells: Sequence[MatrixCell]) -> str:
    """Return the legend, which counts: the sign of each kind, its words, and how often it stands in the table."""
    kinds = (
        ("win", "S", "Alice wins", "she holds the secret, or is trusted"),
        ("hold", SIGNS["refused"][0], "she does not", "refused, or it came to nothing"),
        ("none", SIGNS["senseless"][0], "no sense", "the card says why"),
    )
    items = [
        f'<li><span class="tile {kind}" aria-hidden="true">{sign}</span> '
        f"<span><b>{sum(SIGNS[cell.outcome][1] == kind for cell in cells)}</b> {words}<small>{note}</small></span></li>"
        for kind, sign, words, note in kinds
    ]
    odd = sum(not cell.as_expected for cell in cells)
    if odd:
        items.append(
            f'<li class="odd"><span class="tile odd" aria-hidden="true">!</span> <span><b>{odd}</b> not as expected'
            "<small>the signed table says otherwise</small></span></li>"
        )
    return f'<ul class="tally">{"".join(items)}</ul>'


def _table(rows: Sequence[Heading], columns: Sequence[Heading], places: dict[tuple[str, str], MatrixCell]) -> str:
    heads = [
        f'<th scope="col"><button popovertarget="a{n}">{_breaking(column.name)}</button></th>'
        for n, column in enumerate(columns)
    ]
    lines = [f'<thead><tr><td class="corner"></td>{"".join(heads)}</tr></thead>', "<tbody>"]
    for y, row in enumerate(rows):
        sentence = f"<small>{escape(row.sentence)}</small>" if row.sentence else ""
        head = f'<th scope="row"><button popovertarget="d{y}">{escape(row.name)}</button>{sentence}</th>'
        tiles = [_tile(f"c{y}-{x}", places.get((row.name, column.name))) for x, column in enumerate(columns)]
        lines.append(f"<tr>{head}{''.join(tiles)}</tr>")
    return "\n".join(["<table>", *lines, "</tbody></table>"])


def _tile(name: str, cell: MatrixCell | None) -> str:
    if cell is None:
        return "<td></td>"
    sign, kind, words = SIGNS[cell.outcome]
    odd, says = ("", "") if cell.as_expected else (" odd", ", not as expected")
    mark = "" if cell.as_expected else "<i>!</i>"
    label = escape(f"{cell.row} against {cell.column}: {words}{says}")
    return (
        f'<td><button class="tile {kind}{odd}" popovertarget="{name}" aria-label="{label}">{sign}{mark}</button></td>'
    )


def _cell_card(name: str, cell: MatrixCell) -> str:
    sign, kind, words = SIGNS[cell.outcome]
    by = f" by “{cell.refused_by}”" if cell.refused_by and cell.outcome == "refused" else ""
    facts = [
        ("not as expected", "" if cell.as_expected else "the signed table says otherwise"),
        ("evidence", cell.evidence),
        ("policy", cell.policy),
        ("the lab gives her", ", ".join(cell.leaks)),
    ]
    links = [
        f'<a href="{escape(address)}">{words}</a>'
        for address, words in ((cell.page, "open in the inspector"), (cell.trace, "trace file"))
        if address
    ]
    body = (
        f'<p class="outcome {kind}"><span class="tile {kind}" aria-hidden="true">{sign}</span> {words}{escape(by)}</p>'
    )
    body += f"<p>{escape(cell.sentence)}</p>{_facts(facts)}"
    body += f'<p class="links">{" ".join(links)}</p>' if links else ""
    return _card(name, f"{escape(cell.row)} <span>against</span> {escape(cell.column)}", body)


def _heading_card(name: str, what: str, heading: Heading) -> str:
    return _card(
        name, f"<span>{what}</span> {escape(heading.name)}", f"<p>{escape(heading.sentence)}</p>{_facts(heading.facts)}"
    )


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    items = [f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in facts if text]
    return f"<dl>{''.join(items)}</dl>" if items else ""


def _card(name: str, title: str, body: str) -> str:
    close = f'<button class="close" popovertarget="{name}" popovertargetaction="hide" aria-label="Close">×</button>'  # noqa: RUF001
    return (
        f'<article id="{name}" popover aria-labelledby="{name}-t"><h2 id="{name}-t">{title}</h2>{close}{body}</article>'
    )


def _breaking(name: str) -> str:
    """Let a name break after its hyphens."""
    return escape(name).replace("-", "-<wbr>")
