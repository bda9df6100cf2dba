"""Check the spelling of every page's prose, code left out.

The dictionary is pyspellchecker's, with American and British English. `words.txt` has what it does not know: names,
and the words of TLS, of TPMs and of this lab. A word that is in neither is a warning, and a warning ends the build.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from spellchecker import SpellChecker
from sphinx import addnodes
from sphinx.util import logging

if TYPE_CHECKING:
    from collections.abc import Iterator

WORDS = Path(__file__).parent / "words.txt"
WORD = re.compile(r"[A-Za-z][a-z]+(?:'[a-z]+)?\b")
"""What is judged: words, capitalised or not. What has capitals, digits or marks inside is a name or an acronym."""
WHOLE = re.compile(r"[^\s/()\[\],;:!?\"“”…→=-]+")
CODE = (nodes.literal, nodes.literal_block, nodes.raw, nodes.comment, nodes.image, nodes.math, addnodes.desc_signature)
log = logging.getLogger(__name__)


@cache
def dictionary() -> SpellChecker:
    found = SpellChecker(language="en", distance=1)
    found.word_frequency.load_words(WORDS.read_text("utf-8").split())
    return found


def words(text: str) -> Iterator[str]:
    """Yield the plain words of a text."""
    for whole in WHOLE.findall(text):
        word = whole.replace("\u2019", "'").strip(".'*_").removesuffix("'s")
        if WORD.fullmatch(word):
            yield word


def unknown(text: str) -> list[str]:
    """Return the words that no dictionary has, as they stand in the text."""
    mine = {word.lower(): word for word in words(text)}
    return sorted(mine[word] for word in dictionary().unknown(mine))


def prose(document: nodes.document) -> str:
    """Return a page's text without its code."""
    return "\n".join(
        text.astext() for text in document.findall(nodes.Text) if not any(isinstance(up, CODE) for up in ups(text))
    )


def ups(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def check(app: Any, document: nodes.document) -> None:
    """Warn of each word that is in no dictionary."""
    for word in unknown(prose(document)):
        log.warning("spelling: %r is in no dictionary; mend it, or add it to %s", word, WORDS.name,
                    location=app.env.docname, type="spelling")  # fmt: skip
