"""The page about passages: its program runs, and its options are there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from trustlab.passage.limits import BURST, RATE
from trustlab.passage.serving import MAX_STANDING, MAX_UNFINISHED
from trustlab.passage.streams import HANDSHAKE_SECONDS, LONGEST_LINE

PAGE = (Path(__file__).parent.parent / "docs" / "passages.md").read_text("utf-8")


def printed(program, folder):
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_program_on_the_page_runs(tmp_path):
    program = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    assert printed(program, tmp_path) == "b'HELLO\\n'\n"


def test_the_design_of_ones_own_on_the_page_is_played_and_comes_out_as_it_says(tmp_path):
    own = PAGE.split("\n## A design of your own\n")[1]
    program, told = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", own, re.DOTALL).groups()
    assert printed(program, tmp_path) == told


def test_the_commands_have_the_options_that_the_page_names():
    helps = "".join(
        subprocess.run(
            [sys.executable, "-m", "trustlab", name, "--help"], capture_output=True, text=True, check=True
        ).stdout
        for name in ("serve", "connect", "ca", "sign", "tpm")
    )
    assert {option for option in re.findall(r"[ `](--[a-z-]+)", PAGE) if option not in helps} <= {
        *("--tpm2", "--tpmstate", "--server", "--flags")
    }


def test_the_page_states_the_bounds_that_hold():
    assert f"{BURST} quotes at once and {RATE:g} a second" in PAGE
    assert f"At most {MAX_UNFINISHED} connections" in PAGE
    assert f"each for {HANDSHAKE_SECONDS:g} seconds" in " ".join(PAGE.split())
    assert f"at most {MAX_STANDING} passages established" in PAGE
    assert f"if a line has more than {LONGEST_LINE:,} octets" in PAGE
    assert "IPv6 addresses with the same first 64 bits count as one" in PAGE
