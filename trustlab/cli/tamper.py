"""`trustlab tamper`: every field of a design changed in flight, once, and what caught it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from trustlab.passage import DESIGNS
from trustlab.scenarios import KINDS, TamperMaps

if TYPE_CHECKING:
    from rich.progress import TaskID

    from trustlab.scenarios import TamperRow


def tamper(
    designs: Annotated[list[str], typer.Argument(help="Which designs, or all.", metavar="DESIGN...")],
    *,
    keys: Annotated[
        bool, typer.Option("--keys", help="Change what is encrypted under its protection, as its keys' owner could.")
    ] = False,
    every: Annotated[
        bool, typer.Option("--every", help="Change every field of what is encrypted, not only a sample.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON.")] = False,
) -> None:
    """Change one byte of one field in flight, once for each field, and say what caught it.

    The teller pays again for each field. Without --keys this is Alice, who owns the network: what is encrypted breaks
    at its record's tag, and a sample of it is changed. With --keys the record is opened, changed and sealed again, and
    the map shows what protects the content beside the record.

    Exits with 0 only if every field that nothing catches has been judged, with the clause that says why.
    """
    names = list(DESIGNS) if designs == ["all"] else designs
    for name in names:
        if name not in DESIGNS:
            raise typer.BadParameter(f"no design {name!r}; there are: {', '.join(DESIGNS)}, or all")
    names = list(dict.fromkeys(names))
    console = Console(stderr=as_json, highlight=False)
    rows: dict[str, list[TamperRow]] = {name: [] for name in names}
    with Progress(console=console, transient=True) as bar, TamperMaps(names, every=every, keys=keys) as maps:
        tasks: dict[str, TaskID] = {}
        for row in maps:
            if row.design not in tasks:
                tasks[row.design] = bar.add_task(row.design, total=maps.totals[row.design])
            rows[row.design].append(row)
            bar.update(tasks[row.design], advance=1, visible=len(rows[row.design]) < maps.totals[row.design])
    _tell(console, names, [row for name in names for row in rows[name]], as_json=as_json)


def _tell(console: Console, names: list[str], rows: list[TamperRow], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(rows)))
    else:
        _show(console, names, rows)
    if not all(row.judged for row in rows):
        raise typer.Exit(1)


def _show(console: Console, names: list[str], rows: list[TamperRow]) -> None:
    """Print how often each kind caught a change, and every field that nothing caught."""
    counts = {name: Counter(row.kind for row in rows if row.design == name) for name in names}
    kinds = [kind for kind in KINDS if any(count[kind] for count in counts.values())]
    table = Table(box=SIMPLE_HEAD, title="What caught a changed byte")
    table.add_column("design")
    for kind in ("fields", *kinds):
        table.add_column(kind, justify="right")
    for name, count in counts.items():
        table.add_row(name, str(count.total()), *(str(count[kind] or "") for kind in kinds))
    console.print(table)
    free = [row for row in rows if row.kind == "nothing"]
    if free:
        table = Table(box=SIMPLE_HEAD, title="What nothing caught, and why")
        for heading in ("design", "field", "why", "clause"):
            table.add_column(heading, overflow="fold")
        for row in free:
            why = Text(row.why) if row.judged else Text("not judged yet", style="bold red")
            table.add_row(row.design, f"{row.message}.{row.field}", why, row.clause)
        console.print(table)
