"""trustlab: watch plain TLS fall to the owner of the data centre, and a trusted passage hold."""

from __future__ import annotations

import sys
from typing import Any

__version__ = "0.1.0"


def _after_a_cell(result: Any) -> None:  # noqa: ANN401 - IPython's own type
    """Say what to do if a notebook's cell missed a name that a cell above it makes."""
    if type(result.error_in_exec) is NameError:
        from trustlab.inspector import restarted  # noqa: PLC0415 - only then

        restarted.explain(result)


_shell = sys.modules["IPython"].get_ipython() if hasattr(sys.modules.get("IPython"), "get_ipython") else None
if _shell is not None:
    _shell.events.register("post_run_cell", _after_a_cell)
