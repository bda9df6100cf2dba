"""The studio: a design as chips, the finder's verdict beneath, and one button that plays it.

`Studio` needs the extra `[labs]` (anywidget), the page does not; each is loaded when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trustlab.studio.page import save_studio_page
    from trustlab.studio.widget import Studio

__all__ = ["Studio", "save_studio_page"]
PLACES = {"Studio": "widget", "save_studio_page": "page"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type of a module attribute
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{PLACES[name]}"), name)
