"""Sphinx's settings for the site; `build.py` lays out the sources and calls it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from trustlab import __version__

HERE = Path(__file__).parent
sys.path.append(str(HERE))

import api  # noqa: E402 - it stands beside this file
import spelling  # noqa: E402

project = "trustlab"
author = "the trustlab founders"
version = release = __version__
extensions = ["myst_nb", "sphinx.ext.autodoc"]
language = "en"

nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # types in signatures: the standard library's pages are not here
myst_heading_anchors = 4
myst_links_external_new_tab = False
nb_execution_mode = "off"  # `executed.py` has done it
nb_merge_streams = True
suppress_warnings = [
    "mystnb.unknown_mime_type",  # a live view, which `executed.py` has replaced
    "myst.header",  # a notebook's sections may begin at any level
    "autodoc",  # a type that only a type checker imports; that no name is missing is checked in `checks.py`
    "ref.python",  # a type's name in a signature that several classes have for a field
]

autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_inherit_docstrings = False  # no library's words
add_module_names = False
toc_object_entries_show_parents = "hide"
highlight_language = "none"  # what names no language is a command or a drawing
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"trustlab {__version__}"
html_static_path = [str(HERE / "site.css")]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False  # LICENSE says it
html_show_search_summary = False  # the summaries would be fetched, which a page from a disk may not do
html_use_index = True
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"


def setup(app: Any) -> None:
    """Connect what is ours."""
    app.connect("autodoc-process-docstring", api.process_docstring)
    app.connect("autodoc-skip-member", api.skip_member)
    app.connect("doctree-read", spelling.check)
