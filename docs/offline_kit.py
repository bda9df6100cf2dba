"""Make a teacher's offline kit: the runs of each notebook, played now, as pages, captures and traces in a folder.

    python docs/offline_kit.py kit            all notebooks
    python docs/offline_kit.py kit 02 05      these two

A page opens in any browser, without Python and without a network. The files hold the secrets of their runs, which were
made up for them.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from trustlab.inspector import recorded
from trustlab.inspector.export import save_page
from trustlab.scenarios import record, rung, third_party
from trustlab.tls import back_to_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustlab.trace import Trace

PAIR = "back to back"
CAROL = "carol"
RECORDED = "recorded"
RUNS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "00": (("plain-tls", "rogue-certificate"), ("trusted-passage", None), ("trusted-passage", "rogue-certificate")),
    "01": ((PAIR, "1.2"), ("plain-tls", None)),
    "02": (("plain-tls", "rogue-certificate"),),
    "03": (("attest-then-connect", "toctou-redirect"),),
    "04": (("attest-then-connect", None), ("attest-then-connect", "toctou-redirect"), (CAROL, "posture-drift")),
    "05": (("connect-then-attest", None), ("connect-then-attest", "tunnel-relay"), ("key-in-quote", "tunnel-relay")),
    "06": (("key-in-quote", "deployed-key"), ("machine-linked-key", "key-abuse"), ("tcb-key", "key-abuse")),
    "07": (
        ("client-quote", "client-impersonation"),
        ("pms-in-quote", "same-pms-reencryption"),
        ("trusted-passage", "same-pms-reencryption"),
    ),
    "08": ((RECORDED, None), ("trusted-passage", "memory-scrape")),
    "09": (("trusted-passage", "own-genuine-machine"), (CAROL, None), (CAROL, "lying-agent")),
    "10": ((PAIR, "1.3"), ("tls13-early", "known-dh-secret-and-key"), ("tls13-exporter", "known-dh-secret-and-key")),
    "11": (("trusted-passage", "same-pms-reencryption"), ("tls13-exporter", "known-dh-secret")),
}
"""For each notebook the runs that a teacher wants to show: a design and an attack."""


def traced(design: str, attack: str | None) -> tuple[Trace, str]:
    """Play one run; return its trace, and in a sentence how it ended."""
    if design == PAIR:
        return back_to_back(attack or "1.2").trace, f"TLS {attack}, back to back."
    if design == RECORDED:
        trace = recorded()
        return trace, f"{trace.title}."
    with third_party(attack) if design == CAROL else rung(design, attack) as act:
        outcome = act.run()
    return act.trace, outcome.sentence


def kit(folder: Path, notebooks: list[str], tell: Callable[[str], object] = print) -> Iterator[Path]:
    """Write the kit of these notebooks and yield its files, the list of all pages last."""
    lines = []
    for notebook in notebooks:
        place = folder / notebook
        place.mkdir(parents=True, exist_ok=True)
        for design, attack in RUNS[notebook]:
            trace, sentence = traced(design, attack)
            name = "-".join(filter(None, (design, attack))).replace(" ", "-").replace(".", "-")
            if trace.select("frame"):
                yield from record(trace, place, name)
            yield save_page(place / f"{name}.html", trace, secrets=True)
            told = f"{notebook}: {design} / {attack or 'without Alice'}. {sentence}"
            lines.append(f'<li><a href="{notebook}/{name}.html">{escape(told)}</a></li>')
            tell(told)
    page = folder / "index.html"
    page.write_text(
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>trustlab, offline</title>'
        f"<h1>trustlab, offline</h1><ul>{''.join(lines)}</ul></html>\n",
        "utf-8",
    )
    yield page


def main(words: list[str]) -> None:
    """Make the kit that the command line asks for."""
    chosen = words[1:] or list(RUNS)
    if not words or (unknown := sorted(set(chosen) - RUNS.keys())):
        what = f"there is no notebook {unknown[0]}" if words else "no folder was named"
        sys.exit(f"{what}: say python docs/offline_kit.py FOLDER [{' '.join(RUNS)}]")
    try:
        files = list(kit(Path(words[0]), chosen))
    except OSError as error:
        sys.exit(
            f"cannot write the kit into {words[0]} ({(error.strerror or 'no reason is known').lower()}): name another folder"
        )
    size = sum(path.stat().st_size for path in files) / 1e6
    sys.stdout.write(f"{len(files)} files, {size:.1f} MB. Open {files[-1]} in a browser.\n")


if __name__ == "__main__":
    main(sys.argv[1:])
