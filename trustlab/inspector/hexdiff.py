"""Expected against found octets, one under the other, the differing ones marked by a sign and not by colour alone."""

from __future__ import annotations

from rich.text import Text

from trustlab.inspector.rows import difference

PER_LINE = 16


def aligned(expected: str, found: str, *, per_line: int = PER_LINE, limit: int = 64) -> list[Text]:
    """Return lines of hex for two octet strings (hex); more than `limit` octets are cut, and the cut is said."""
    differing = set(difference(expected, found).octets)
    total = max(len(expected), len(found)) // 2
    lines: list[Text] = []
    for start in range(0, min(total, limit), per_line):
        places = range(start, min(start + per_line, total))
        lines.append(_line("expected ", expected, places, differing, "green"))
        lines.append(_line("found    ", found, places, differing, "red"))
        marks = " ".join("▲▲" if n in differing else "  " for n in places).rstrip()
        if marks:
            lines.append(Text(f"{' ' * 16}{marks}", style="bold red"))
    if total > limit:
        lines.append(Text(f"… {total - limit} more", style="dim"))
    return lines


def _line(label: str, value: str, places: range, differing: set[int], style: str) -> Text:
    line = Text.assemble((label, "bold"), (f"{places.start:>5}  ", "dim"))
    for n in places:
        octet = value[2 * n : 2 * n + 2] or "  "
        line.append(octet, f"bold {style}" if n in differing else "")
        line.append(" ")
    line.rstrip()
    return line
