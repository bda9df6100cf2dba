"""The browser's half of the inspector as sources: typed against the document, and joined into one file."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from trustlab.inspector.document import schema
from trustlab.inspector.join import SRC, STATIC, joined_css, joined_js, types_js


def test_the_types_are_those_of_the_document() -> None:
    text = (SRC / "types.js").read_text("utf-8")
    assert text == types_js(), "make them again: python -m trustlab.inspector.join"
    for name in schema():
        assert f"}} {name}\n" in text


def test_what_is_shipped_is_made_from_the_sources() -> None:
    for name, text in (("inspector.js", joined_js()), ("inspector.css", joined_css())):
        assert (STATIC / name).read_text("utf-8") == text, f"make {name} again: python -m trustlab.inspector.join"


def test_the_sources_are_typed() -> None:
    tsc = shutil.which("tsc")
    assert tsc, "no TypeScript: install the package node-typescript"
    checked = subprocess.run(
        [tsc, "-p", str(Path(__file__).parent / "tsconfig.json")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_the_joined_module_imports_and_exports_nothing_but_the_widget() -> None:
    whole = joined_js()
    lines = [line for line in whole.splitlines() if line.startswith(("import ", "export "))]
    assert lines == ["export default { initialize, render, page };"]


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        ({"index.js": 'import { a } from "./a.js";\n', "a.js": 'import { b } from "./index.js";\n'}, "in a circle"),
        (
            {
                "index.js": 'import { a } from "./a.js";\nimport { b } from "./b.js";\n',
                "a.js": "export const twice = 1;\n",
                "b.js": "export const twice = 2;\n",
            },
            "'twice' is exported",
        ),
        ({"index.js": 'import * as all from "./a.js";\n', "a.js": ""}, "cannot be joined"),
        ({"index.js": "const a = 1;\nexport { a };\n"}, "cannot be joined"),
    ],
)
def test_what_cannot_be_joined_is_named(tmp_path: Path, modules: dict[str, str], message: str) -> None:
    for name, text in modules.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        joined_js(tmp_path)


def test_what_a_module_keeps_to_itself_is_its_own(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text('import { a } from "./a.js";\nconst own = 1;\nconsole.log(a, own);\n')
    (tmp_path / "a.js").write_text("const own = 2;\nexport const a = own;\n")
    said = subprocess.run(["node", "-e", joined_js(tmp_path)], capture_output=True, text=True, timeout=60, check=True)
    assert said.stdout.split() == ["2", "1"]


def test_a_module_stands_behind_what_it_needs(tmp_path: Path) -> None:
    (tmp_path / "index.js").write_text('import { b } from "./b.js";\nexport default b;\n')
    (tmp_path / "b.js").write_text('import { a } from "./a.js";\nexport const b = a;\n')
    (tmp_path / "a.js").write_text("export const a = 1;\n")
    whole = joined_js(tmp_path)
    assert whole.index("const a = 1") < whole.index("const b = a") < whole.index("export default b")


def test_every_class_name_is_ours() -> None:
    """A rule for a bare element or a foreign class would change the notebook around the widget."""
    for selector in joined_css().split("{")[:-1]:
        head = selector.rpartition("}")[2].rpartition("*/")[2].strip()
        if head and not head.startswith("@") and not head[0].isdigit() and head not in {"from", "to"}:
            assert ".tl-" in head, head
