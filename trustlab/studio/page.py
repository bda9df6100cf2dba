"""The studio as one HTML file, on the precomputed atlas: it opens from a disk, without a kernel or a network."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trustlab.finder.proposal import proposal_of
from trustlab.inspector.export import page_of
from trustlab.passage import TRUSTED_PASSAGE
from trustlab.studio.answer import choices
from trustlab.studio.atlas_table import TABLE

if TYPE_CHECKING:
    from trustlab.finder.proposal import Proposal

TITLE = "The studio: propose a binder, and see what Alice can do"


def studio_page(proposal: Proposal | None = None) -> str:
    """Return the page; it begins with a proposal, or with `trusted-passage`."""
    document = {
        "choices": choices(),
        "choice": msgspec.to_builtins(proposal or proposal_of(TRUSTED_PASSAGE)),
        "atlas": msgspec.json.decode(gzip.decompress(TABLE.read_bytes())),
    }
    return page_of("studio", TITLE, msgspec.json.encode(document))


def save_studio_page(path: str | Path, proposal: Proposal | None = None) -> Path:
    """Write the page to a file and return its path."""
    path = Path(path)
    path.write_text(studio_page(proposal), "utf-8")
    return path
