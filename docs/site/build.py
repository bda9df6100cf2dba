"""Make the site: the executed labs, the pages, the API reference, the inspector and the studio, for a disk or a server.

    python docs/site/build.py [--out build/site] [--labs 02,05] [--rooms trace,tls]

`make site` calls it. The labs that are not named in `--labs` are shown without outputs; by default all are executed.
It ends with an error if a word, a link or a reference is wrong, if a page fetches something from another host, or if
the site is too large.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

sys.path.append(str(Path(__file__).parent))

import api
from checks import faults, missing
from executed import SiteError, executed, framed

from trustlab.inspector import recorded
from trustlab.inspector.export import save_page
from trustlab.studio import save_studio_page

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TOP = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
LINK = re.compile(r"\]\(((?!https?:|#|mailto:)[^)#\s]+)")
REMOTE_IMAGE = re.compile(r"\[!\[[^\]]*\]\(https?:[^)]*\)\]\([^)]*\)\n*|!\[[^\]]*\]\(https?:[^)]*\)")
MERMAID = re.compile(r"^```mermaid\n.*?^```\n+(?:<details>)", re.DOTALL | re.MULTILINE)

MENDED = (
    ('<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="The site">'),
    ('<aside class="toc-drawer', '<aside aria-label="This page" class="toc-drawer'),
    ('<th class="head"><p></p></th>', "<td></td>"),
    ("<pre>", '<pre tabindex="0">'),
    ('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
)
"""What axe finds in the theme's pages, and what it should be."""


def laid_out(source: Path, live: Path, labs: list[str], rooms: list[str]) -> None:
    """Write the sources of the site as the repository has them, so that links between them stay right."""
    for name in TOP:
        copied(ROOT / name, source)
    for path in sorted((ROOT / "docs").rglob("*.md")):
        if ".template" not in path.name and not path.is_relative_to(HERE):
            copied(path, source)
    for path in sorted((ROOT / "labs").glob("*.ipynb")):
        target = copied(path, source)
        if path.stem.partition("-")[0] in labs:
            tell(f"running {path.name}")
            made = executed(path, live / "runs" / path.stem, f"../live/runs/{path.stem}")
            target.write_text(nbformat.writes(made), "utf-8")
    (source / "api").mkdir()
    seen: dict[int, str] = {}
    held = {room: holds for room, holds in api.rooms().items() if room in rooms}
    for room, holds in held.items():
        (source / "api" / f"{room}.rst").write_text(api.page(room, holds, seen), "utf-8")
    save_page(live / "inspector.html", recorded(), secrets=True).chmod(0o644)  # a recorded run's, made for it
    save_studio_page(live / "studio.html")
    for path in sorted(HERE.glob("pages/*.md")):
        text = path.read_text("utf-8")
        for name, title in (("inspector", "The inspector, on a recorded run"), ("studio", "The studio")):
            text = text.replace(f"<!-- {name} -->", framed(f"live/{name}.html", title))
        (source / path.name).write_text(text, "utf-8")


def copied(path: Path, source: Path) -> Path:
    """Copy a page, and what it links to that is not a page of the site, to the same place below `source`."""
    target = source / path.relative_to(ROOT)
    target.parent.mkdir(parents=True, exist_ok=True)
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        text = text.replace("```hex", "```text hex")
        target.write_text(MERMAID.sub("<details open>", REMOTE_IMAGE.sub("", text)), "utf-8")
    else:
        shutil.copy(path, target)
    for link in LINK.findall(text):
        linked = (path.parent / link).resolve()
        if linked.is_file() and linked.is_relative_to(ROOT) and linked.suffix not in (".md", ".ipynb"):
            there = source / linked.relative_to(ROOT)
            there.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(linked, there)
    return target


def mended(html: Path) -> None:
    """Give the theme's pages what a screen reader and a keyboard need, and the theme leaves out."""
    for path in sorted(html.rglob("*.html")):
        if path.is_relative_to(html / "live"):
            continue
        text = path.read_text("utf-8")
        for before, after in MENDED:
            text = text.replace(before, after)
        path.write_text(text, "utf-8")


def tell(what: str) -> None:
    print(f"trustlab: {what}", flush=True)


def build(out: Path, labs: list[str], rooms: list[str]) -> Path:
    """Build the site into `out/html`, and return that folder. SiteError says what is wrong."""
    shutil.rmtree(out, ignore_errors=True)
    source, extra, html = out / "source", out / "extra", out / "html"
    (extra / "live").mkdir(parents=True)
    source.mkdir()
    laid_out(source, extra / "live", labs, rooms)
    tell("building the pages")
    options = ["-q", "-W", "--keep-going", "-n", "-c", str(HERE), "-d", str(out / "doctrees"), "-b", "html"]
    extras = ["-D", f"html_extra_path={extra.resolve()}"]
    if build_main([*options, *extras, str(source), str(html)]):
        raise SiteError("Sphinx found what is listed above")
    mended(html)
    wrong = [*faults(html), *missing(html, api.names(rooms))]
    if wrong:
        raise SiteError("\n  ".join(("these links or files are wrong:", *wrong)))
    return html


def main() -> int:
    """Do what the command line says."""
    numbers = sorted(path.stem.partition("-")[0] for path in (ROOT / "labs").glob("*.ipynb"))
    asked = argparse.ArgumentParser(description="Make the site of trustlab.")
    asked.add_argument("--out", type=Path, default=Path("build/site"), help="the folder to write (default: build/site)")
    asked.add_argument("--labs", default=",".join(numbers), help="which to execute (default: all), as in 00,05,tour")
    asked.add_argument(
        "--rooms", default=",".join(api.rooms()), help="which rooms the API reference has (default: all)"
    )
    told = asked.parse_args()
    labs, rooms = [list(filter(None, one.split(","))) for one in (told.labs, told.rooms)]
    for what, there, chosen in (("lab", numbers, labs), ("room", list(api.rooms()), rooms)):
        if unknown := sorted(set(chosen) - set(there)):
            asked.error(f"there is no {what} {unknown[0]!r}; there are: {', '.join(there)}")
    try:
        html = build(told.out, labs, rooms)
    except SiteError as error:
        print(f"trustlab: the site is not made: {error}", file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in html.rglob("*") if path.is_file())
    tell(f"the site is {html / 'index.html'} ({size / 1e6:.1f} MB); open it in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
