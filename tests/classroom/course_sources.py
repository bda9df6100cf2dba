"""The program that makes the notebooks (`course/release.py`), and what a source asks for."""

from __future__ import annotations

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _loaded():
    spec = importlib.util.spec_from_file_location("release", ROOT / "course" / "release.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = _loaded()


def asked_in(text: str) -> list[str]:
    """Return the exercises that a source asks for, in its order."""
    return [words.split()[0] for _, kind, words, _ in release.BLOCK.findall(text) if kind == "exercise"]
