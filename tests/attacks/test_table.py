"""The table as data: how a row is written, and what is said of a file, a row or an attack that is missing or wrong."""

from __future__ import annotations

from importlib.resources import files

import msgspec
import pytest

from trustlab.attacks import (
    CATALOGUE,
    CatalogueError,
    ablation,
    experiments,
    families,
    known,
    stopped_by_no_check,
    table,
)
from trustlab.attacks.catalogue import collected, read_toml
from trustlab.attacks.expectations import FOLDER, Column, ColumnRow, ExpectationRow, Family, named, spread, widened
from trustlab.passage import BESIDE, BESIDE12, LADDER, LADDER13

EVERYWHERE = f"{LADDER[0].name} to {LADDER13[-1].name}"
ROW = ExpectationRow("tunnel-relay", EVERYWHERE, "x", "It is stopped.")


def beside(*attacks):
    """Return rows for the designs that are in no range."""
    return [
        msgspec.structs.replace(ROW, attack=attack, designs=design.name)
        for attack in attacks
        for design in (*BESIDE12, *BESIDE)
    ]


FILE = """
title = "a kind"

[[row]]
attack = "tunnel-relay"
designs = "plain-tls"
mark = "S"
sentence = "She wins."
"""


def test_a_file_is_a_family_with_its_rows(tmp_path):
    path = tmp_path / "9-new.toml"
    path.write_text(FILE, "utf-8")
    family = read_toml(path, Family)
    assert (family.title, family.attacks) == ("a kind", ("tunnel-relay",))
    assert family.row == (ExpectationRow("tunnel-relay", "plain-tls", "S", "She wins."),)


def test_a_row_is_written_from_one_design_to_another():
    assert named("plain-tls") == ("plain-tls",)
    assert named("pms-in-quote to tls13-nonce") == ("pms-in-quote", "trusted-passage", "session-hash", "tls13-nonce")
    assert named("sealed") == ("sealed",)
    with pytest.raises(CatalogueError, match="names an unknown design 'sealed'; choose from: plain-tls, "):
        named("plain-tls to sealed")


def test_a_column_fares_as_the_design_that_it_is_like_but_for_its_own_rows():
    own = ColumnRow("tunnel-relay", "S", "She wins here.")
    columns = [Column(("expat", "role-exporter"), "tls13-exporter", (own,))]
    other = msgspec.structs.replace(ROW, attack="cuckoo", stopped_by=("extraData",))
    rows = list(widened([ROW, other], columns))
    assert rows[:2] == [ROW, other]
    assert [(row.designs, row.attack, row.mark, row.stopped_by) for row in rows[2:]] == [
        ("expat", "tunnel-relay", "S", ()),
        ("expat", "cuckoo", "x", ("extraData",)),
        ("role-exporter", "tunnel-relay", "S", ()),
        ("role-exporter", "cuckoo", "x", ("extraData",)),
    ]
    with pytest.raises(CatalogueError, match=r"columns\.toml has a row about diversion under expat, and no row of"):
        list(widened([ROW], [Column(("expat",), "tls13-exporter", (ColumnRow("diversion", "x", "No."),))]))


def test_a_rows_own_source_stands_in_place_of_the_attacks_and_the_designs():
    own = msgspec.structs.replace(ROW, designs="plain-tls", source="tried")
    rest = msgspec.structs.replace(ROW, designs=EVERYWHERE.replace("plain-tls", "attest-then-connect"))
    cells = spread([own, rest, *beside("tunnel-relay")])
    assert cells["plain-tls", "tunnel-relay"].source == "tried"
    assert cells["key-in-quote", "tunnel-relay"].source.startswith(CATALOGUE["tunnel-relay"].source)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (FILE.replace("mark", "sign"), r"9-new.toml of attacks cannot be read: .*unknown field `sign`"),
        (FILE.replace('"S"', '"Z"'), r"Invalid enum value 'Z'"),
        (FILE.replace('sentence = "She wins."', ""), r"missing required field `sentence`"),
        (FILE.replace('title = "a kind"', ""), r"missing required field `title`"),
        (FILE + "mark", r"9-new.toml of attacks cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(text, says, tmp_path):
    path = tmp_path / "9-new.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(CatalogueError, match=says):
        read_toml(path, Family)


def test_an_experiment_on_a_design_there_is_not_is_named_with_the_designs_there_are():
    row = ablation.ExperimentRow("tunnel-relay", ("role",), "moon", "a base")
    with pytest.raises(
        CatalogueError, match=r"plays tunnel-relay on an unknown design 'moon'; choose from: plain-tls, .*resumed"
    ):
        ablation.placed("fields", row)


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([ROW, ROW], "two rows of attacks/expected/ are about plain-tls against tunnel-relay"),
        ([msgspec.structs.replace(ROW, designs="moon")], "names an unknown design 'moon'; choose from: plain-tls"),
        ([msgspec.structs.replace(ROW, designs="plain-tls to moon")], "names an unknown design 'moon'"),
        (
            [msgspec.structs.replace(ROW, designs="plain-tls to tls13-early"), *beside("tunnel-relay")],
            (
                "no row of attacks/expected/ says what happens to tls13-handshake-secret, tls13-exporter "
                "under tunnel-relay: add a row"
            ),
        ),
        (
            [
                msgspec.structs.replace(ROW, attack=name, designs="plain-tls to tls13-early")
                for name in ("cuckoo", "diversion")
            ]
            + [msgspec.structs.replace(ROW, designs="plain-tls to tls13-handshake-secret")]
            + beside("cuckoo", "diversion", "tunnel-relay"),
            (
                "tls13-handshake-secret, tls13-exporter under cuckoo, diversion; or to tls13-exporter "
                "under tunnel-relay: add"
            ),
        ),
        ([msgspec.structs.replace(ROW, attack="moon-shot")], r"write attacks/programs/moon_shot.py with ATTACK = "),
    ],
)
def test_a_row_that_is_wrong_or_missing_is_said_in_a_sentence(rows, says):
    with pytest.raises(CatalogueError, match=says):
        spread(rows)


def test_two_programs_with_one_attack_are_both_named():
    attack = CATALOGUE["tunnel-relay"]
    with pytest.raises(CatalogueError, match=r"programs/b.py and programs/a.py both have an attack 'tunnel-relay'"):
        collected([("a", (attack,)), ("b", (attack,))])


def test_the_catalogue_fills_in_the_program_of_every_attack():
    assert collected([("a", (CATALOGUE["tunnel-relay"],))])["tunnel-relay"].module == "trustlab.attacks.programs.a"
    assert CATALOGUE["own-genuine-machine-pinned"].module == "trustlab.attacks.programs.own_genuine_machine"


def test_an_attack_that_takes_other_steps_on_a_version_plays_the_row_there():
    assert [known("evidence-replay", tls).name for tls in ("1.2", "1.3")] == ["evidence-replay-rsa", "evidence-replay"]
    rows = {attack for _, attack in table()}
    assert {attack.plays for attack in CATALOGUE.values() if attack.plays} <= rows


@pytest.mark.parametrize(
    ("left_out", "stopped_by_none", "says"),
    [
        ("stale-authenticator", {}, "stale-authenticator is not in attacks/ablation.toml: add an experiment"),
        ("", {"reflection": "?"}, "reflection is an experiment, but attacks/ablation.toml lists it"),
        ("", {"moon": "?"}, "moon is in attacks/ablation.toml, but there is no such attack"),
    ],
)
def test_what_the_lists_lack_is_said_in_a_sentence(monkeypatch, left_out, stopped_by_none, says):
    listed = tuple(row for row in experiments()["fields"] if row.attack != left_out)
    monkeypatch.setitem(experiments(), "fields", listed)
    for name, why in stopped_by_none.items():
        monkeypatch.setitem(stopped_by_no_check(), name, why)
    assert [sentence for sentence in ablation.missing() if sentence.startswith(says)]


def test_the_files_are_in_the_package_in_the_order_of_the_families():
    names = sorted(entry.name for entry in files("trustlab.attacks").joinpath("expected").iterdir())
    assert names == [path.name for path in sorted(FOLDER.iterdir())]
    assert [name[0] for name in names] == [str(n + 1) for n in range(len(families()))]
