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

Outcome = Literal["succeeded", "refused", "failed", "broke", "senseless", "unplayed"]

SIGNS: dict[Outcome, tuple[str, str, str]] = {
    "succeeded": ("S", "win", "Alice wins"),
    "refused": ("×", "hold", "refused"),  # noqa: RUF001 - the sign is meant
    "failed": ("×", "hold", "came to nothing"),  # noqa: RUF001
    "broke": ("?", "idle", "nothing follows from this run"),
    "senseless": ("–", "none", "makes no sense here"),  # noqa: RUF001
    "unplayed": ("○", "idle", "not run in this substrate"),
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
    """A design or an attack: its name, a sentence (shown beside an attack's name), and more facts for its card.

    Headings of one `group`, which stand together, have a title above them; `tags` are short words beside a name.
    """

    name: str
    sentence: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    group: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatrixCell:
    """What became of one attack on one design, and what that rests on.

    `trace` and `page` are addresses relative to the HTML file, of the saved trace and of its inspector page.
    """

    design: str
    attack: str
    outcome: Outcome
    sentence: str
    as_expected: bool = True
    evidence: str = ""
    policy: str = ""
    leaks: tuple[str, ...] = ()
    refused_by: str | None = None
    trace: str = ""
    page: str = ""
    source: str = ""
    goal: str = ""
    stopped_by: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Odd:
    """What is said of a cell that is not as the signed table says: in short, and why."""

    words: str = "not as expected"
    why: str = "the signed table says otherwise"


def matrix_page(
    title: str,
    lead: str,
    designs: Sequence[Heading],
    attacks: Sequence[Heading],
    cells: Sequence[MatrixCell],
    *,
    without: str = "",
) -> str:
    """Return the page: a row for each attack, a column for each design. A place without a cell stays empty.

    `without` names what was left out of the runs: what is not as expected is changed by that.
    """
    odd = Odd("changed", f"by leaving out {without}") if without else Odd()
    places = {(cell.design, cell.attack): cell for cell in cells}
    cards = [_heading_card(f"d{n}", "design", design) for n, design in enumerate(designs)]
    cards += [_heading_card(f"a{n}", "attack", attack) for n, attack in enumerate(attacks)]
    for x, design in enumerate(designs):
        for y, attack in enumerate(attacks):
            if (cell := places.get((design.name, attack.name))) is not None:
                cards.append(_cell_card(f"c{x}-{y}", cell, odd))
    return PAGE.format(
        title=escape(title),
        lead=escape(lead),
        css=STYLE.read_text("utf-8"),
        tally=_tally(cells, odd),
        table=_table(designs, attacks, places, odd),
        cards="\n".join(cards),
    )


def _tally(cells: Sequence[MatrixCell], odd: Odd) -> str:
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
    broke = sum(cell.outcome == "broke" for cell in cells)
    if broke:
        items.append(
            f'<li><span class="tile idle" aria-hidden="true">{SIGNS["broke"][0]}</span> <span><b>{broke}</b> broke'
            "<small>an honest run fails, or the run ended with an error</small></span></li>"
        )
    idle = sum(cell.outcome == "unplayed" for cell in cells)
    if idle:
        items.append(
            f'<li><span class="tile idle" aria-hidden="true">{SIGNS["unplayed"][0]}</span> <span><b>{idle}</b> not run'
            "<small>not in this substrate</small></span></li>"
        )
    others = sum(not cell.as_expected for cell in cells)
    if others:
        items.append(
            f'<li class="odd"><span class="tile odd" aria-hidden="true">!</span> <span><b>{others}</b> {odd.words}'
            f"<small>{escape(odd.why)}</small></span></li>"
        )
    return f'<ul class="tally">{"".join(items)}</ul>'


def _table(
    designs: Sequence[Heading], attacks: Sequence[Heading], places: dict[tuple[str, str], MatrixCell], odd: Odd
) -> str:
    begins = _begins(designs)
    heads = [
        f'<th scope="col"{_edge(here=n in begins)}><button popovertarget="d{n}">'
        f"<span>{escape(design.name)}</span></button></th>"
        for n, design in enumerate(designs)
    ]
    corner = '<td class="corner"></td>'
    lines = ["<thead>", *_groups(designs, begins), f"<tr>{corner}{''.join(heads)}</tr></thead>", "<tbody>"]
    for y, attack in enumerate(attacks):
        if y in _begins(attacks) and attack.group:
            span = len(designs) + 1
            lines.append(f'<tr class="family"><th scope="rowgroup" colspan="{span}">{escape(attack.group)}</th></tr>')
        tiles = [
            _tile(f"c{x}-{y}", places.get((design.name, attack.name)), odd, edge=x in begins)
            for x, design in enumerate(designs)
        ]
        lines.append(f"<tr>{_attack_head(y, attack)}{''.join(tiles)}</tr>")
    return "\n".join(["<table>", *lines, "</tbody></table>"])


def _begins(headings: Sequence[Heading]) -> set[int]:
    return {n for n, heading in enumerate(headings) if not n or headings[n - 1].group != heading.group}


def _groups(designs: Sequence[Heading], begins: set[int]) -> list[str]:
    """Return the line of the groups' titles above the designs, where there are any."""
    if not any(design.group for design in designs):
        return []
    starts = sorted(begins)
    spans = [end - start for start, end in zip(starts, [*starts[1:], len(designs)], strict=True)]
    titles = [
        f'<th scope="colgroup" colspan="{span}"{_edge(here=True)}>{escape(designs[start].group)}</th>'
        for start, span in zip(starts, spans, strict=True)
    ]
    return [f'<tr class="versions"><td class="corner"></td>{"".join(titles)}</tr>']


def _edge(*, here: bool) -> str:
    return ' class="edge"' if here else ""


def _attack_head(y: int, attack: Heading) -> str:
    sentence = f"<small>{escape(attack.sentence)}</small>" if attack.sentence else ""
    tags = "".join(f"<em>{escape(tag)}</em>" for tag in attack.tags)
    return f'<th scope="row"><button popovertarget="a{y}">{escape(attack.name)}</button>{tags}{sentence}</th>'


def _tile(name: str, cell: MatrixCell | None, odd: Odd, *, edge: bool) -> str:
    if cell is None:
        return f"<td{_edge(here=edge)}></td>"
    sign, kind, words = SIGNS[cell.outcome]
    more, says = ("", "") if cell.as_expected else (" odd", f", {odd.words}")
    mark = "" if cell.as_expected else "<i>!</i>"
    label = escape(f"{cell.design} against {cell.attack}: {words}{says}")
    button = f'<button class="tile {kind}{more}" popovertarget="{name}" aria-label="{label}">{sign}{mark}</button>'
    return f"<td{_edge(here=edge)}>{button}</td>"


def _cell_card(name: str, cell: MatrixCell, odd: Odd) -> str:
    sign, kind, words = SIGNS[cell.outcome]
    by = f" by “{cell.refused_by}”" if cell.refused_by and cell.outcome == "refused" else ""
    facts = [
        (odd.words, "" if cell.as_expected else odd.why),
        ("why", cell.why),
        ("the mark is about", cell.goal),
        ("stopped by", ", ".join(cell.stopped_by)),
        ("evidence", cell.evidence),
        ("policy", cell.policy),
        ("the lab gives her", ", ".join(cell.leaks)),
        ("source", cell.source),
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
    return _card(name, f"{escape(cell.design)} <span>against</span> {escape(cell.attack)}", body)


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
