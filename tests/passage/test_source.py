"""Programs as source text: what is taken, under which name, and what is refused in a sentence."""

from __future__ import annotations

import functools

import pytest

from trustlab.passage.source import SourceError, loaded, source_of

OUTSIDE = 7


def judge(case):
    import json  # noqa: PLC0415 - it brings what it uses

    return json.dumps([len(case), max(case)])


def another(case):
    return [number + 1 for number in case]


def leans(case):
    return case + OUTSIDE


def leans_inside(case):
    def inner():
        return OUTSIDE

    return case + inner()


@functools.cache
def decorated(case):
    return case


def test_source_text_is_taken_as_it_stands_without_the_indentation_around_it():
    text = source_of("\n    def judge(case):\n        return case * 2\n", "the check", function="judge")
    assert text == "\ndef judge(case):\n    return case * 2\n"
    assert loaded(text, "judge", "own")(4) == 8


def test_a_function_is_taken_by_its_source_and_runs_from_it():
    text = source_of(judge, "the check", function="judge")
    assert text.startswith("def judge(case):\n    import json")
    assert text.count("judge") == 1
    assert loaded(text, "judge", "own")([3, 9]) == "[2, 9]"


def test_a_function_by_another_name_gets_the_one_that_is_wanted_beside_its_own():
    text = source_of(another, "the check", function="judge")
    assert loaded(text, "judge", "own")([1]) == loaded(text, "another", "own")([1]) == [2]
    assert source_of(another, "the program") == "def another(case):\n    return [number + 1 for number in case]\n"


def test_what_runs_is_a_module_of_its_own_that_knows_its_name():
    found = loaded("def who():\n    return __name__\n", "who", "check_claims")
    assert found() == "check_claims"
    assert found.__code__.co_filename == "<check_claims>"


@pytest.mark.parametrize(
    "text",
    [
        "import json\nfrom os import path\nclass A:\n    size = 1\ndef judge(case):\n    return json, path, A, A.size",
        "LIMIT = 3\ndef judge(case):\n    def inner(x):\n        return x + LIMIT + case\n    return inner(1)",
        "judge = lambda case: [x for x in case]",
        "def judge(case):\n    global COUNT\n    COUNT = 1\nCOUNT = 0",
    ],
    ids=["imports", "closure", "lambda in text", "global"],
)
def test_what_the_source_defines_by_itself_may_be_used(text):
    assert source_of(text, "the check", function="judge") == text


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        (7, "the check must be source text or a function, not int"),
        (functools.partial(judge), "the check must be source text or a function, not partial"),
        ("def judge(case:", "the check is not Python: "),
        ("def judge(case):\n    return '\0'", "the check is not Python: "),
        ("def other(case): pass", "the check must define a function 'judge'"),
        ("print(judge)", "the check must define a function 'judge'"),
        ("def judge(case):\n    return case + moon + sun", "the check uses 'moon', but does not define it"),
        ("judge = sun", "the check uses 'sun', but does not define it"),
        (leans, "the check uses 'OUTSIDE', but does not define it: define or import it inside"),
        (leans_inside, "the check uses 'OUTSIDE', but does not define it"),
        (
            lambda case: case,
            "the check must be a function that begins with `def`: define it so, or give the source text",
        ),
        (
            decorated.__wrapped__,
            "the check must be a function that begins with `def`: define it so, or give the source text",
        ),
        (
            loaded("def judge(case): pass", "judge", "own"),
            "the source of the check cannot be read: give the source text instead of a function",
        ),
    ],
)
def test_what_cannot_travel_is_refused_by_name_with_what_is_wrong(program, complaint):
    with pytest.raises(SourceError) as refused:
        source_of(program, "the check", function="judge")
    assert complaint in str(refused.value)


def test_a_lambda_whose_line_begins_like_a_definition_is_a_lambda_all_the_same():
    with pytest.raises(SourceError, match="the check must be a function that begins with `def`"):
        source_of(in_a_line(), "the check")


# fmt: off
def in_a_line(made=lambda case: case): return made
# fmt: on
