"""The browser's half of the inspector, from its sources: `python -m trustlab.inspector.join` writes `static/`.

The modules in `src/` are plain ES modules that a browser could load one by one; a widget takes one file. So they are
laid end to end in the order in which they need one another, each in a function that returns what it exports: what a
module keeps to itself stays its own, and a name that two modules export is an error. No npm, no bundler.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trustlab.inspector.document import schema

if TYPE_CHECKING:
    from collections.abc import Iterable

SRC = Path(__file__).parent / "src"
STATIC = Path(__file__).parent / "static"
ENTRY = "index.js"
STUDIO = "studio.js"
"""The modules with which the inspector and the studio begin."""
IMPORT = re.compile(r'^import \{[^}]*\} from "\./(?P<file>[\w-]+\.js)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const|let) (?P<name>\w+))", re.MULTILINE)
COMMENT = re.compile(r"^ *(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
"""A comment that stands on lines of its own; a saved page carries the module, and nobody reads it there."""
INDENT = re.compile(r"^ +", re.MULTILINE)
STRAY = re.compile(r"^(?:import\b|export (?!default\b)).*", re.MULTILINE)
MADE = "// Made from trustlab/inspector/src by python -m trustlab.inspector.join; change it there.\n"
FIRST, LAST = ("tokens.css", "frame.css"), "sizes.css"
"""Style sheets whose rules come before or behind all others; the others stand between them by name."""
STUDIO_STYLES = ("tokens.css", "frame.css", "head.css", "studio.css")
"""Style sheets of the studio; the last is its own."""
TYPES = {
    "integer": "number",
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "null": "null",
    "object": "Record<string, any>",
}


def joined_js(src: Path = SRC, entry: str = ENTRY) -> str:
    """Return the modules of `src` that `entry` needs as one.

    ValueError names an import of another form, or a name exported twice.
    """
    order: list[str] = []
    _need(src, entry, order, [])
    whole, owners = [MADE], dict[str, str]()
    for name in order:
        text = IMPORT.sub("", (src / name).read_text("utf-8"))
        exported = [found["name"] for found in EXPORT.finditer(text)]
        text = INDENT.sub("", COMMENT.sub("", EXPORT.sub("", text))).strip()
        stray = STRAY.search(text)
        if stray is not None:
            raise ValueError(f'{name}: {stray[0]!r} cannot be joined; write import {{name}} from "./file.js"')
        for one in exported:
            if one in owners:
                raise ValueError(f"{one!r} is exported by {owners[one]} and by {name}; rename one of them")
            owners[one] = name
        if name == entry:
            whole.append(f"// {name}\n{text}\n")
        else:
            names = f"{{ {', '.join(exported)} }}"
            whole.append(f"// {name}\nconst {names} = (() => {{\n{text}\nreturn {names};\n}})();\n")
    return "\n".join(whole)


def _need(src: Path, name: str, order: list[str], path: list[str]) -> None:
    if name in path:
        raise ValueError(f"modules need one another in a circle: {' needs '.join([*path, name])}")
    if name not in order:
        for found in IMPORT.finditer((src / name).read_text("utf-8")):
            _need(src, found["file"], order, [*path, name])
        order.append(name)


def joined_css(src: Path = SRC) -> str:
    """Return the inspector's style sheets of `src` as one."""
    between = sorted({path.name for path in src.glob("*.css")} - {*FIRST, LAST, STUDIO_STYLES[-1]})
    return joined_styles([*FIRST, *between, LAST], src)


def joined_styles(names: Iterable[str] = STUDIO_STYLES, src: Path = SRC) -> str:
    """Return style sheets as one, by default the studio's."""
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
        name = f"({_type(item['items'])})[]" if "items" in item else "any[]"
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
    (STATIC / "studio.js").write_text(joined_js(entry=STUDIO), "utf-8")
    (STATIC / "studio.css").write_text(joined_styles(), "utf-8")


if __name__ == "__main__":
    main()
