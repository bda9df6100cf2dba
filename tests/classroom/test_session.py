"""A student at work: verdicts, hints, predictions, and progress in one file that survives."""

from __future__ import annotations

import json
import os
import re
import threading
from pathlib import Path

import pytest

from trustlab import classroom
from trustlab.classroom import ClassroomError, ClassroomSession, NotRightYetError
from trustlab.classroom.answers import as_source
from trustlab.classroom.exercises import PATHS
from trustlab.classroom.progress import FILE, Progress
from trustlab.classroom.tokens import is_token, read_seed, token


def right(number):
    return number + 1


def wrong(number):
    return number


def kept(folder):
    return json.loads((folder / FILE).read_text("utf-8"))


def test_a_right_answer_gets_a_token_and_its_run(session):
    session.restore("ada")
    verdict = session.check("00-add", right)
    assert (verdict.right, verdict.sentence) == (True, "ada can count")
    assert is_token(verdict.token, b"trustlab: the public course seed", "ada", "00-add")
    assert verdict.act.trace.title == verdict.trace.title == "a run"
    assert type(verdict.show()).__name__ == "Inspector"
    assert "verdict.show() opens the run" in str(verdict)


def test_a_wrong_answer_gets_no_token(session):
    verdict = session.check("00-add", wrong)
    assert (verdict.right, verdict.token, verdict.act) == (False, "", None)
    assert verdict.show() is None


def test_a_verdict_says_the_same_in_words_and_in_html(session):
    def talks(number):
        print("<b>number</b>")  # noqa: T201
        return number

    session.predict("00-add", "2 & more")
    verdict = session.check("00-add", talks)
    page, text = verdict._repr_html_(), str(verdict)
    for said in ("✘ Not yet.", "that is 1, student"):
        assert said in text
        assert said in page
    assert "&lt;b&gt;number&lt;/b&gt;" in page
    assert "2 &amp; more" in page
    assert "You predicted: 2 & more" in text
    assert "<script" not in page


def test_everything_is_kept_and_another_kernel_restores_it(session, tmp_path):
    session.restore("ada")
    session.check("00-add", wrong)
    session.check("00-add", right)
    session.predict("00-question", "she reads it")
    session.hint("00-add")
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    later = ClassroomSession(tmp_path)
    table = later.restore()
    assert later.student == "ada"
    assert "ada: 1 of" in str(table)
    assert re.search(r"00-add +✔ right +2 tries", str(table))
    assert "00-add" in table._repr_html_()
    assert later.predict("00-question").text == "she reads it"
    assert later.hint("00-add").text == "think again"


def test_a_right_answer_is_not_lost_by_a_wrong_one_after_it(session, tmp_path):
    session.check("00-add", right)
    session.check("00-add", wrong)
    done = kept(tmp_path)["exercises"]["00-add"]
    assert done["right"]
    assert done["attempts"] == 2
    assert "number + 1" in done["answer"]


def test_two_notebooks_do_not_lose_each_others_work(tmp_path, counting):
    one, other = ClassroomSession(tmp_path), ClassroomSession(tmp_path)
    one.restore("ada")
    other.restore("ada")
    one.check("00-add", right)
    other.predict("00-question", "no")
    one.hint("00-add")
    assert set(kept(tmp_path)["exercises"]) == {"00-add", "00-question"}


def test_many_at_once_lose_nothing(tmp_path):
    def count(record):
        record.of("x").attempts += 1

    def work():
        for _ in range(25):
            Progress(tmp_path).change(count)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert kept(tmp_path)["exercises"]["x"]["attempts"] == 75


def test_whoever_gives_a_name_later_keeps_what_they_did(session, tmp_path):
    session.check("00-add", right)
    later = ClassroomSession(tmp_path)
    assert "ada: 1 of" in str(later.restore("ada"))
    later.check("00-add", right)
    assert kept(tmp_path)["student"] == "ada"


def test_hints_come_one_at_a_time_and_then_again(session):
    assert [session.hint("00-add").head for _ in range(4)] == [f"Hint {n} of 3." for n in (1, 2, 3, 1)]


def test_after_the_third_wrong_try_a_prediction_is_asked_for(session):
    notes = [session.check("00-add", wrong).note for _ in range(3)]
    assert notes[:2] == ["", ""]
    assert 'predict("00-add"' in notes[2]


def test_a_path_through_the_course_says_what_is_done(session, monkeypatch):
    monkeypatch.setitem(PATHS, "short", ("00-add", "99-of-a-later-version"))
    first = session.check("short")
    assert not first.right
    assert first.sentence == "0 of 1 exercises of this path are right. The next one is 00-add, in notebook 00."
    session.check("00-add", right)
    assert session.check("short").right
    assert set(PATHS) >= {"90-minutes"}


def test_a_prediction_is_quoted_and_none_is_said_to_be_none(session):
    assert "No prediction yet" in str(session.predict("00-add"))
    assert "You predict: it is 2" in str(session.predict("00-add", "it   is 2"))
    session.predict("00-add", "it is 2")  # the cell is run again
    assert session.check("00-add", right).predicted == "it is 2"


def test_reset_forgets_one_exercise_or_everything_and_keeps_the_old_file(session, tmp_path):
    session.restore("ada")
    session.check("00-add", right)
    session.predict("00-question", "no")
    session.reset("00-add")
    assert set(kept(tmp_path)["exercises"]) == {"00-question"}
    assert "trustlab-progress.old.json" in str(session.reset())
    assert not (tmp_path / FILE).exists()
    assert session.student == "student"
    assert "nothing to forget" in str(session.reset())


def test_the_progress_of_somebody_else_is_not_taken(session, tmp_path):
    session.restore("ada")
    session.check("00-add", right)
    with pytest.raises(ClassroomError, match="is the progress of ada"):
        ClassroomSession(tmp_path).restore("bert")


def test_a_disagreement_is_saved_with_answer_and_run(session, tmp_path):
    with pytest.raises(ClassroomError, match="nothing was checked yet"):
        session.disagree("00-add", "I am right")
    session.check("00-add", right)
    told = str(session.disagree("00-add", "I am right"))
    files = sorted(path.suffix for path in (tmp_path / "trustlab-disagreements").iterdir())
    assert files == [".json", ".jsonl"]
    assert "trustlab-disagreements/00-add-" in told
    saved = json.loads(next((tmp_path / "trustlab-disagreements").glob("*.json")).read_text("utf-8"))
    assert saved["why"] == "I am right"
    assert "number + 1" in saved["answer"]


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda s: s.check("00-ad", right), "there is no exercise '00-ad'; did you mean '00-add'?"),
        (lambda s: s.check(5, right), "there is no exercise 5"),
        (lambda s: s.hint("zzz"), "there is no exercise 'zzz'"),
        (lambda s: s.restore("a\nb"), "is no student's name"),
        (lambda s: s.check("00-add", right, student="x" * 101), "is no student's name"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(session, call, sentence):
    with pytest.raises(ClassroomError, match=re.escape(sentence)):
        call(session)


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"exercises": 5}', b'{"student": "ada"', b"\xff\xfe", b"x" * (9 << 20)]
)
def test_a_damaged_file_is_said_to_be_damaged_and_is_not_overwritten(session, tmp_path, content):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ClassroomError, match="is not progress that this classroom saved: move it away"):
        session.restore("ada")
    assert (tmp_path / FILE).read_bytes() == content


def test_a_check_goes_on_beside_a_damaged_file(session, tmp_path):
    (tmp_path / FILE).write_bytes(b"{")
    verdict = session.check("00-add", right)
    assert verdict.right
    assert "is not progress that this classroom saved" in verdict.note
    assert (tmp_path / FILE).read_bytes() == b"{"


def test_a_newer_file_is_left_alone(session, tmp_path):
    (tmp_path / FILE).write_text('{"trustlab_progress": 99}')
    with pytest.raises(ClassroomError, match="saved by a newer trustlab"):
        session.restore()


def test_an_unwritable_folder_costs_the_file_and_not_the_work(session, monkeypatch):
    def refuse(progress):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Progress, "_write", refuse)
    first = session.check("00-add", right)
    assert first.right
    assert "Your progress is not kept: nothing can be written" in first.note
    assert session.check("00-add", right).note == "", "said once is enough"
    assert "2 tries" in str(session.progress())


def test_a_full_disk_leaves_the_old_file_whole(session, tmp_path, monkeypatch):
    session.check("00-add", right)
    before = (tmp_path / FILE).read_bytes()

    def full(self, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    session.check("00-add", right)
    assert (tmp_path / FILE).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_under_nbgrader_a_wrong_answer_fails_its_cell_and_keeps_no_progress(session, tmp_path, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert session.check("00-add", right).right
    with pytest.raises(NotRightYetError, match="that is 1"):
        session.check("00-add", wrong)
    assert not (tmp_path / FILE).exists()


def test_the_hub_says_who_somebody_is(session, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "carol")
    assert session.check("00-add", right).sentence == "carol can count"
    assert session.check("00-add", right, student="dora").sentence == "dora can count"


def test_a_name_is_one_name_however_it_is_typed(counting):
    assert counting.student("ka\u0308the ").own("x") == counting.student("käthe").own("x")
    assert counting.student("ada").own("x") != counting.student("bert").own("x")
    assert counting.student("ada").own("x") != counting.student("ada", b"another seed").own("x")


def test_numbers_of_a_student_are_spread_and_orders_are_whole(counting):
    numbers = [counting.student(f"s{n}").number("x", 6) for n in range(300)]
    assert set(numbers) == set(range(6))
    items = ["a", "b", "c", "d"]
    orders = {tuple(counting.student(f"s{n}").shuffled("x", items)) for n in range(300)}
    assert all(sorted(order) == items for order in orders)
    assert len(orders) == 24
    assert counting.student("ada").choose("y", items) in items


def test_the_seed_of_a_course_changes_tokens(session, tmp_path):
    public = session.check("00-add", right).token
    (tmp_path / "course.seed").write_text("a seed of autumn\n")
    assert session.check("00-add", right).token == token(b"a seed of autumn", "student", "00-add") != public


@pytest.mark.parametrize(
    ("content", "sentence"), [(b"short", "has 5 bytes"), (b"x" * 5000, "bytes"), (None, "no such file")]
)
def test_a_seed_that_is_none_is_refused(tmp_path, content, sentence):
    path = tmp_path / "seed"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClassroomError, match=sentence):
        read_seed(path)


SIZE = 2
EMPTY = object()


def helper(number):
    return number * SIZE


def uses_all(number):
    parts = os.fspath("a/b")
    return helper(number), re.escape(parts), Path(parts), EMPTY, unknown  # noqa: F821


def test_an_answer_is_written_down_with_all_that_it_uses():
    text = as_source(uses_all, "answer")
    assert "import os" in text
    assert "import re" in text
    assert "from pathlib import Path" in text
    assert "SIZE = 2" in text
    assert "def helper(number):" in text
    assert "# EMPTY: could not be written down" in text
    assert text.rstrip().endswith("answer = uses_all")
    made: dict[str, object] = {"EMPTY": 1, "unknown": 2}
    exec(text, made)  # noqa: S102 - our own
    assert made["answer"](3)[0] == 6


def test_other_answers_are_written_down_too():
    factor = 3

    def inner(number):
        return number * factor if number else inner(number + 1)

    seven = lambda number: number + 7  # noqa: E731 - as students do
    for answer, used in ((inner, 2), ("abc", None), ([1, "x"], None), (seven, 2)):
        made: dict[str, object] = {}
        exec(as_source(answer, "answer"), made)  # noqa: S102 - our own
        assert made["answer"] == answer if used is None else made["answer"](used) == answer(used)
    assert as_source(None, "answer") == ""
    assert as_source(object(), "answer") == "# answer: could not be written down\n"


def test_the_page_about_the_classroom_says_what_is_there(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "classroom.md").read_text("utf-8")
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", page, re.DOTALL)[1], {})  # noqa: S102 - ours
    classroom.reset()
    names = set(re.findall(r"^\| `(\w+)\(", page, re.MULTILINE))
    assert {"check", "hint", "predict", "progress", "reset", "disagree", "play", "close"} == names
    assert names <= set(classroom.__all__)
