"""The examples of docs/steering.md run, in their order, and print what the page says."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "steering.md").read_text("utf-8")


def test_the_examples_run_and_print_what_the_page_says(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, object] = {}
    printed = []
    for block in blocks:
        exec(compile(block, "steering.md", "exec"), names)  # noqa: S102 - the page is ours
        printed.append(capsys.readouterr().out)
    assert printed[0] == "('teller-bank-1', 'ServerHello')\n"
    assert printed[1].splitlines()[:2] == ["teller ClientHello read", "bank ServerHello written"]
    assert {line.rsplit(" ", 1)[1] for line in printed[1].splitlines()[1:]} == {"written"}
    assert printed[2] == "Refused by the check 'extraData'. The PIN was never sent.\n"
    assert printed[3].startswith("On teller-bank-1: ServerHello.random was edited in flight.")
    assert "Then: refused at teller" in printed[3]
    assert "'signature'" in printed[4]
    assert set(re.findall(r"'(\w+)'", printed[4].splitlines()[1])) == {"line", "description"}
    for name in ("act", "usual"):
        names[name].close()
