"""The browser's half of the inspector, from its sources: `python -m trustlab.inspector.join` writes `static/`.

The modules in `src/` are plain ES modules that a browser could load one by one; a widget takes one file. So they are
laid end to end in the order in which they need one another, without their `import` lines and `export` words: names at
the top of a module are names of all modules, and a name taken twice is an error. No npm, no bundler.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from trustlab.inspector.document import schema

SRC = Path(__file__).parent / "src"
STATIC = Path(__file__).parent / "static"
ENTRY = "index.js"
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<file>[\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.MULTILINE)
TOP = re.compile(r"^(?:async )?(?:function\*?|class|const|let) (\w+)", re.MULTILINE)
STYLES = ("tokens.css", "frame.css")
"""The first style sheets; the others follow by name."""
TYPES = {
    "integer": "number",
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "null": "null",
    "object": "Record<string, any>",
}


def joined_js(src: Path = SRC) -> str:
    """Return the modules of `src` as one. ValueError names an import of another form, or a name that stands twice."""
    order: list[str] = []
    _need(src, ENTRY, order, [])
    whole, owners = [], dict[str, str]()
    for name in order:
        text = IMPORT.sub("", (src / name).read_text("utf-8"))
        stray = re.search(
            r"^(?:import\b|export (?!default\b|(?:async )?(?:function|class|const|let)\b)).*", text, re.MULTILINE
        )
        if stray is not None:
            raise ValueError(f'{name}: {stray[0]!r} cannot be joined; write import {{name}} from "./file.js"')
        for top in TOP.findall(EXPORT.sub("", text)):
            if top in owners:
                raise ValueError(f"{top!r} stands at the top of {owners[top]} and of {name}; rename one of them")
            owners[top] = name
        whole.append(f"// {name}\n{EXPORT.sub('', text).strip()}\n")
    return "// Made from trustlab/inspector/src by python -m trustlab.inspector.join; change it there.\n\n" + "\n".join(
        whole
    )


def _need(src: Path, name: str, order: list[str], path: list[str]) -> None:
    if name in path:
        raise ValueError(f"modules need one another in a circle: {' needs '.join([*path, name])}")
    if name not in order:
        for found in IMPORT.finditer((src / name).read_text("utf-8")):
            _need(src, found["file"], order, [*path, name])
        order.append(name)


def joined_css(src: Path = SRC) -> str:
    """Return the style sheets of `src` as one."""
    names = sorted(
        (path.name for path in src.glob("*.css")), key=lambda name: (name not in STYLES, name != STYLES[0], name)
    )
    return "\n".join(f"/* {name} */\n{(src / name).read_text('utf-8').strip()}\n" for name in names)


def types_js() -> str:
    """Return `types.js`: the classes of `document.py` as JSDoc types, and what a value left out stands for."""
    definitions = schema()
    lines = ["// Made from document.py by python -m trustlab.inspector.join; change it there.", "", "/**"]
    shapes: dict[str, Any] = {}
    for name, one in definitions.items():
        if one["type"] == "array":
            inside = ", ".join(_type(item) for item in one["prefixItems"])
            lines.append(f" * @typedef {{[{inside}]}} {name}")
            continue
        inside = ", ".join(f"{key}: {_type(item)}" for key, item in one["properties"].items())
        lines.append(f" * @typedef {{{{{inside}}}}} {name}")
        defaults = {key: item["default"] for key, item in one["properties"].items() if "default" in item}
        parts = {key: part for key, item in one["properties"].items() if (part := _part(item, definitions))}
        shapes[name] = [defaults, parts]
    rows = {one["properties"]["kind"]["enum"][0]: name for name, one in definitions.items() if name.endswith("Row")}
    lines += [f" * @typedef {{{' | '.join(rows.values())}}} AnyRow", " */", ""]
    lines += ["/**", " * The class of a row by its kind.", " * @type {Record<string, string>}", " */"]
    lines.append(f"export const ROWS = {json.dumps(rows)};")
    said = "Of each class: what values left out stand for, and which values are of which class."
    lines += ["", "/**", f" * {said}", " * @type {Record<string, any[]>}", " */"]
    lines.append(f"export const SHAPES = {json.dumps(shapes)};")
    return "\n".join(lines) + "\n"


def _type(item: dict[str, Any]) -> str:
    if "$ref" in item:
        name = str(item["$ref"]).rpartition("/")[2]
    elif "anyOf" in item:
        names = [_type(one) for one in item["anyOf"]]
        name = "AnyRow" if "PlainRow" in names else " | ".join(names)
    elif "enum" in item:
        name = " | ".join(json.dumps(value) for value in item["enum"])
    elif "prefixItems" in item:
        name = f"[{', '.join(_type(one) for one in item['prefixItems'])}]"
    elif item["type"] == "array":
        name = f"({_type(item['items'])})[]"
    else:
        name = TYPES[item["type"]]
    return name


def _part(item: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return the class of a value or of its items, if it is one whose values may be left out; `row` for any row."""
    for name in re.findall(r"#/\$defs/(\w+)", json.dumps(item)):
        if name.endswith("Row"):
            return "row"
        if definitions[name]["type"] == "object":
            return str(name)
    return ""


def main() -> None:
    """Write what is made from the sources."""
    (SRC / "types.js").write_text(types_js(), "utf-8")
    (STATIC / "inspector.js").write_text(joined_js(), "utf-8")
    (STATIC / "inspector.css").write_text(joined_css(), "utf-8")


if __name__ == "__main__":
    main()
