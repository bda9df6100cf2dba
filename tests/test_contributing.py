"""What CONTRIBUTING tells a newcomer to type works, and the files that it names are there."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_program_that_debugs_a_handshake_runs(tmp_path):
    program = textwrap.dedent(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1])
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Refused by the check 'extraData'" in done.stdout
    assert "ClientHello" in done.stdout
    assert {path.suffix for path in (tmp_path / "kept").iterdir()} == {".jsonl", ".pcapng"}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:trustlab|tests|docs)/[\w/.-]+\.(?:py|toml|md))`", PAGE))))
def test_a_file_that_the_page_names_is_there(name):
    assert (ROOT / name).is_file() or name.endswith("my_attack.py")
