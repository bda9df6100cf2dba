"""Check a built site: every link leads somewhere, nothing is fetched from another host, and it is small enough."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MOST = 30_000_000
"""Bytes of the whole site."""
FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
}
FROM_STYLES = re.compile(r"(?:@import\s+|url\()\s*[\"']?(https?:)?//[^\s\"')]+", re.IGNORECASE)


class PageReader(HTMLParser):
    """What a page links to, what it fetches, and the places in it that can be linked to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.fetched: set[str] = set()
        self.places: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.places |= {told[name] for name in ("id", "name") if name in told}
        if tag == "a" and "href" in told:
            self.links.add(told["href"])
        if FETCHED.get(tag) in told and told.get("rel") not in ("next", "prev", "index", "search", "canonical"):
            self.fetched.add(told[FETCHED[tag]])


def faults(site: Path, most: int = MOST) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with a site."""
    pages = {path: PageReader(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        where = path.relative_to(site)
        for link in sorted(page.links | page.fetched):
            parts = urlsplit(link)
            if parts.scheme == "data" or (
                link in page.links - page.fetched and parts.scheme in ("http", "https", "mailto")
            ):
                continue
            if parts.scheme or parts.netloc:
                yield f"{where} fetches {link} from another host"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                yield f"{where} links to {link}, which is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].places:
                yield f"{where} links to {link}: that page has no such place"
    for path in sorted(site.rglob("*.css")):
        for found in FROM_STYLES.finditer(path.read_text("utf-8")):
            yield f"{path.relative_to(site)} fetches {found[0]} from another host"
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    if size > most:
        yield f"the site has {size / 1e6:.1f} MB; it should have {most / 1e6:.0f} MB at most"


def missing(site: Path, names: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each public name that the API reference does not have."""
    pages = [path.read_text("utf-8") for path in sorted((site / "api").glob("*.html"))]
    for name in names:
        if not any(f'id="{name}"' in page for page in pages):
            yield f"the API reference lacks {name}"
