"""The studio in Python: what a page is told, how searches end, what a run opens, and the page on the atlas."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import re
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from trustlab.finder import FinderError
from trustlab.finder.proposal import Proposal, proposal_of
from trustlab.inspector import Inspector
from trustlab.inspector.join import STATIC, STUDIO, STUDIO_STYLES, joined_js, joined_styles
from trustlab.passage import DESIGNS
from trustlab.studio import Studio, save_studio_page
from trustlab.studio.answer import StudioAnswer, answer_of, choices
from trustlab.studio.atlas_table import REGIONS, TABLE, packed, proposals
from trustlab.studio.searcher import Searcher
from trustlab.studio.still import answer_html, answer_text

if TYPE_CHECKING:
    from collections.abc import Iterator

SOAK = os.environ.get("TRUSTLAB_SOAK") == "1"
ASKED = proposal_of(DESIGNS["tls13-nonce-key"], ("ca", "key-usable"))
SLOW = proposal_of(DESIGNS["session-hash"], ("ca", "own-machine", "unpinned"))
"""A search of several seconds."""


@pytest.fixture
def studio() -> Iterator[Studio]:
    with_studio = Studio("tls13-nonce-key", ("ca", "key-usable"))
    yield with_studio
    with_studio.close()


def until(done: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_answer_has_the_steps_and_the_fields_that_turn_it(studio: Studio) -> None:
    until(lambda: "turns" in studio.board.answer)
    answer = studio.board.answer
    assert (answer["key"], answer["name"], answer["verdict"]) == (ASKED.key, "tls13-nonce-key", "attack")
    assert [step["did"] for step in answer["steps"]] == [
        step.sentence.partition(" (")[0].rstrip(".") for step in studio.found.steps
    ]
    assert ["server", "attest_secret"] in [list(turn) for turn in answer["turns"]]
    assert studio.python == answer["python"]
    for side, field in answer["turns"]:
        assert ASKED.toggled(side, field).search().verdict == "none"


def test_a_click_changes_the_answer_within_the_goals(studio: Studio) -> None:
    took = []
    for field in ("client_random", "server_random", "attest_secret", "early(SPKI_S)"):
        wanted = studio.proposal.toggled("server", field)
        began = time.monotonic()
        studio.board.choice = msgspec.to_builtins(wanted)  # as the page does
        assert time.monotonic() - began < 0.1, "a click must not wait for the search"
        until(lambda wanted=wanted: studio.board.answer.get("key") == wanted.key)
        took.append(time.monotonic() - began)
    assert sorted(took)[1] < 1, took
    assert studio.found.verdict == "none"


def test_choices_from_python_are_those_of_a_click(studio: Studio) -> None:
    studio.choose(powers=("ca",), goal="balance")
    assert (studio.found.goal, studio.found.powers) == ("balance", ("ca", "network"))
    assert studio.board.choice["goal"] == "balance"
    with pytest.raises(msgspec.ValidationError):
        studio.choose(when="tomorrow")
    studio.choose(server=("session_hash",))
    with pytest.raises(FinderError, match="cannot name session_hash"):
        _ = studio.found
    until(lambda: "session_hash" in studio.board.answer.get("error", ""))


@pytest.mark.parametrize("sent", [{}, {"tls": "2.0"}, {"server": 5}, {"magic": 1}, {"when": "never", "tls": "1.3"}])
def test_an_odd_choice_of_a_page_gets_a_sentence(studio: Studio, sent: dict[str, object]) -> None:
    studio.board.choice = sent
    until(lambda: "error" in studio.board.answer or sent == {})
    assert "Traceback" not in str(studio.board.answer)


def test_an_odd_message_of_a_page_gets_a_sentence(studio: Studio) -> None:
    for content in ("run", {"type": "magic"}, None):
        studio._heard(studio.board, content, [])
        assert studio.board.played["sentence"] == "This version does not know what the page asks for."


def test_a_run_opens_the_inspector_and_comes_out(studio: Studio) -> None:
    studio.run()
    studio.run()  # the first goes on
    ran = studio.wait()
    assert ran is not None
    assert (ran.outcome, ran.as_found) == ("succeeded", True)
    assert studio.board.played["state"] == "over"
    assert studio.board.played["key"] == ASKED.key
    board, picture = studio.children
    assert board is studio.board
    assert isinstance(picture, Inspector)
    assert any(row.kind == "read" for row in picture.document.rows)


def test_what_the_lab_cannot_play_is_said(studio: Studio) -> None:
    studio.choose(powers=("ca", "dh-known"), goal="balance", client=("L", "C"), client_key=True)
    studio.run()
    ran = studio.wait()
    assert ran is not None
    assert ran.outcome == "unplayed"
    assert "she would have to take over the channel" in studio.board.played["sentence"]
    assert len(studio.children) == 1


def test_the_next_question_ends_the_search_before() -> None:
    told: list[StudioAnswer] = []
    searcher = Searcher(told.append)
    try:
        searcher.ask(SLOW)
        time.sleep(0.1)
        began = time.monotonic()
        searcher.ask(ASKED)
        answer, found = searcher.result(ASKED, 20)
        assert time.monotonic() - began < 2
        assert answer.verdict == "attack"
        assert found is not None
        assert SLOW.key not in {each.key for each in told}
        with pytest.raises(TimeoutError):
            searcher.result(SLOW, 0.01)
        searcher.ask(SLOW)
    finally:
        searcher.close()
    until(lambda: not any(thread.name == "studio searches" for thread in threading.enumerate()))


def test_a_reader_without_a_kernel_sees_the_answer_in_words(studio: Studio) -> None:
    found = studio.found
    shown = answer_html(studio.proposal, answer_of(studio.proposal, found))
    assert "An attack" in shown
    for step in found.steps:
        assert step.sentence.replace("'", "&#x27;") in shown
    assert "<script" not in shown
    assert answer_text(StudioAnswer("x")) == "Studio: a design: no answer yet"


# The page


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    text = save_studio_page(tmp_path_factory.mktemp("page") / "studio.html", ASKED).read_text("utf-8")
    assert len(text) < 160_000
    assert not re.findall(r"(?:src|href)\s*=", text.partition("<script")[0])
    assert "default-src 'none'" in text
    state = re.search(r'id="document">([^<]+)<', text)
    assert state
    read: dict[str, Any] = json.loads(gzip.decompress(base64.b64decode(state[1])))
    return read


def test_the_page_has_the_choices_and_begins_where_it_was_told(document: dict[str, Any]) -> None:
    assert document["choices"] == json.loads(json.dumps(choices()))
    assert msgspec.convert(document["choice"], Proposal) == ASKED


def test_the_atlas_in_the_page_says_what_the_finder_says(document: dict[str, Any]) -> None:
    atlas = document["atlas"]
    asked = list(proposals())
    assert {proposal.key for proposal in asked} == set(atlas["table"]), "python -m trustlab.studio.atlas_table"
    assert len({proposal.key for proposal in REGIONS[0]}) == 64 * 3 * 5 * 2
    quick = [proposal for proposal in asked if atlas["table"][proposal.key][3] < 2_000]
    for proposal in asked if SOAK else random.Random().sample(quick, 40):  # noqa: S311 - a sample
        answer = answer_of(proposal, proposal.search())
        fresh = packed([answer])
        assert seen(fresh, proposal.key) == seen(atlas, proposal.key), proposal.key


def seen(atlas: dict[str, Any], key: str) -> list[Any]:
    name, verdict, bounds, states, steps, python = atlas["table"][key]
    pool = atlas["pool"]
    return [pool[name], pool[verdict], pool[bounds], states, [pool[n] for n in steps], [pool[n] for n in python]]


def test_the_tables_file_is_small() -> None:
    assert TABLE.stat().st_size < 80_000


# The browser's half


def test_what_is_shipped_is_made_from_the_sources() -> None:
    for name, text in (("studio.js", joined_js(entry=STUDIO)), ("studio.css", joined_styles())):
        assert (STATIC / name).read_text("utf-8") == text, f"make {name} again: python -m trustlab.inspector.join"


def test_every_rule_is_for_the_studio() -> None:
    for selector in joined_styles(STUDIO_STYLES[-1:]).split("{")[:-1]:
        head = selector.rpartition("}")[2].rpartition("*/")[2].strip()
        assert head.startswith("@") or ".tl-s" in head or ".tl-inpage" in head, head


def test_a_key_is_the_same_on_both_sides() -> None:
    """The page makes a click's choices itself; they are looked up by the key that Python makes."""
    cases = [proposal.toggled("server", "nonce_C") for proposal in (ASKED, SLOW, proposal_of(DESIGNS["tcb-key"]))]
    program = joined_js(entry="studiochoice.js") + (
        "\nimport { readFileSync } from 'node:fs';"
        "\nconst [all, cases] = JSON.parse(readFileSync(0));"
        "\nfor (const c of cases) { const back = toggled(all, toggled(all, c, 'server', 'nonce_C'), 'server', 'nonce_C');"
        "\n  console.log(keyOf(changed(all, c, {}))); console.log(keyOf(back)); }"
    )
    given = json.dumps([choices(), msgspec.to_builtins(cases)])
    done = subprocess.run(
        ["node", "--input-type=module", "-e", program], input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[:-1] == [case.key for case in cases for _ in range(2)]
