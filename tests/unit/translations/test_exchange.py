"""A workbook goes out and comes back: what was reviewed is taken, what has a fault or changed meanwhile is named."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.errors import RefusedError
from gateway.translations.exchange import Imported, export_words, import_words
from gateway.translations.tree import ROOT
from gateway.translations.workbook import Row, read_workbook, write_workbook

LABELS, CONSOLE = "schemas/labels/fr.json", "gateway/console/locale/fr.po"
FOLDERS = ("schemas", "adapters/sheet/words", "gateway/console/locale")
REVIEWS = "gateway/translations/reviews/fr.json"


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    """The rows of French as they are exported."""
    return read_workbook(export_words("fr"))[1]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the translated files."""
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def find(rows: list[Row], path: str, key: str) -> Row:
    """The row of a text."""
    return next(row for row in rows if (row.path, row.key) == (path, key))


def give_back(rows: list[Row], tree: Path = ROOT) -> Imported:
    """Import a workbook of these rows only."""
    return import_words(write_workbook("fr", "français", rows, right_to_left=False), tree)


def write(done: Imported, tree: Path) -> None:
    """Write the files as the command does."""
    for path, text in done.files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "language",
    ["ar", "fr", *(pytest.param(one, marks=pytest.mark.deep) for one in ("el", "es", "it", "pl", "sq", "uk"))],
)
def test_what_nobody_touched_changes_nothing(language: str) -> None:
    """Out and back: no file has new content, and nothing is refused."""
    done = import_words(export_words(language))
    assert (dict(done.files), done.taken, done.left, done.refused) == ({}, 0, [], [])


def test_a_reviewed_row_is_taken_and_the_next_workbook_is_equal(rows: list[Row], tree: Path) -> None:
    """A better wording, who says so and a remark are there again; nothing else has changed."""
    keys = ((LABELS, "/fields/age_group"), (CONSOLE, "%(n)s act[1]"), ("schemas/guidance/bodies/fr/asylum.md", "1"))
    sent = []
    for row in rows:
        if (row.path, row.key) in keys:
            row = replace(row, wording=f"{row.wording} bis", status="reviewed", reviewer="M. D.", remark="plus court")
        sent.append(row)
    done = give_back(sent, tree)
    assert (done.taken, done.left, done.refused) == (3, [], [])
    assert set(done.files) == {REVIEWS, *(path for path, _ in keys)}
    write(done, tree)
    again = read_workbook(export_words("fr", tree))[1]
    assert [row.cells[:-1] for row in again] == [row.cells[:-1] for row in sent]
    assert give_back(again, tree).files == {}


def test_a_review_ends_when_the_wording_changes(rows: list[Row], tree: Path) -> None:
    """Somebody rewrites the label later: the next workbook says draft."""
    row = find(rows, LABELS, "/fields/age_group")
    write(give_back([replace(row, status="reviewed")], tree), tree)
    assert find(read_workbook(export_words("fr", tree))[1], LABELS, row.key).status == "reviewed"
    path = tree / LABELS
    path.write_text(path.read_text("utf-8").replace(f'"{row.wording}"', '"Autre"'), encoding="utf-8")
    assert find(read_workbook(export_words("fr", tree))[1], LABELS, row.key).status == "draft"


def test_a_file_is_reviewed_when_all_of_it_is(rows: list[Row], tree: Path) -> None:
    """Its status follows, and goes back with the first row that is a draft again; the others stay reviewed."""
    path = "schemas/guidance/bodies/fr/asylum.md"
    whole = [replace(row, status="reviewed") for row in rows if row.path == path]
    assert len(whole) > 3
    write(give_back(whole[:-1], tree), tree)
    assert "status: draft" in (tree / path).read_text("utf-8")
    write(give_back(whole, tree), tree)
    assert "status: reviewed" in (tree / path).read_text("utf-8")
    write(give_back([replace(whole[0], status="draft")], tree), tree)
    assert "status: draft" in (tree / path).read_text("utf-8")
    states = [row.status for row in read_workbook(export_words("fr", tree))[1] if row.path == path]
    assert states == ["draft", *["reviewed"] * (len(whole) - 1)]


def test_a_file_that_was_marked_by_hand_keeps_its_mark_text_by_text(rows: list[Row], tree: Path) -> None:
    """One text of it is a draft again; that does not take the review of the others away."""
    path = tree / "schemas/regions/tact/words/fr.json"
    value = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(value | {"status": "reviewed"}, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    there = [row for row in read_workbook(export_words("fr", tree))[1] if row.sheet == "Region"]
    assert {row.status for row in there} == {"reviewed"} and give_back(there, tree).files == {}
    write(give_back([replace(there[0], status="draft", remark="?")], tree), tree)
    states = [row.status for row in read_workbook(export_words("fr", tree))[1] if row.sheet == "Region"]
    assert (states.count("draft"), states[0]) == (1, "draft")


BODY = "schemas/guidance/bodies/fr/age-doubt.md"
WRONG = (
    (CONSOLE, "%(message)s, to %(to)s", "%(message)s, destinataire", "placeholder"),
    (CONSOLE, "%(n)s act[0]", "%(nombre)s actes", "placeholder"),
    (CONSOLE, "%(n)s act[1]", "", "empty"),
    (CONSOLE, "%(n)s act[2]", "<b>%(n)s</b> actes", "markup"),
    (LABELS, "/fields/age_group", "Quel âge ?", "punctuation"),
    (LABELS, "/fields/access", "Groupe\u200bd’âge", "text_invisible"),
    (LABELS, "/fields/action", "A" * 201, "too_long"),
    (LABELS, "/fields/actions", "Groupe\nd’âge", "too_long"),
    ("adapters/sheet/words/fr.json", "/places/row", "ligne, colonne {column}", "placeholder"),
    (BODY, "5", "Choisissez le groupe d’âge.", "differs"),
    (BODY, "1", "Une phrase.\n\nUne autre.", "differs"),
)


def test_a_wording_with_a_fault_is_refused_by_its_cell(rows: list[Row]) -> None:
    """The place and the rule, never the text; a good row beside them is taken, and the files of the others stay."""
    bad = [replace(find(rows, path, key), wording=text, status="reviewed") for path, key, text, _ in WRONG]
    good = replace(find(rows, "schemas/regions/tact/words/fr.json", "/texts/Adult"), status="reviewed")
    sent = [*bad, good]
    lines = [1 + [row.sheet for row in sent[: place + 1]].count(row.sheet) for place, row in enumerate(sent)]
    done = give_back(sent)
    assert (done.taken, set(done.files)) == (1, {REVIEWS})
    found = {(one.place, one.rule) for one in done.refused}
    wanted = {(f"{row.sheet}!C{line}", rule) for row, line, (*_, rule) in zip(bad, lines, WRONG, strict=False)}
    assert found >= wanted
    assert {place for place, _ in found} == {place for place, _ in wanted}
    assert not any(text in one.hint for one in done.refused for *_, text, _ in WRONG if text)


def test_a_row_that_nobody_marked_is_counted_and_left(rows: list[Row]) -> None:
    """A wording without its mark is not taken; its remark is kept."""
    row = find(rows, LABELS, "/fields/age_group")
    done = give_back([replace(row, wording="Âge", remark="plus court")])
    assert (done.taken, done.unmarked, set(done.files)) == (0, 1, {REVIEWS})
    assert give_back([replace(row, status="vu")]).refused[0].rule == "status"


def test_what_changed_meanwhile_is_named_and_left(rows: list[Row], tree: Path) -> None:
    """Another wording in the file since the export, another English, a text that is gone."""
    row = replace(find(rows, LABELS, "/fields/age_group"), wording="Âge", status="reviewed")
    path = tree / LABELS
    path.write_text(path.read_text("utf-8").replace(f'"{row.before}"', '"Autre"'), encoding="utf-8")
    rows = [row, replace(row, english="Age band"), replace(row, key="/fields/nothing")]
    done = give_back(rows, tree)
    assert [(one.place, one.rule) for one in done.left] == [
        ("Messages and codes!C2", "changed"),
        ("Messages and codes!C3", "changed"),
        ("Messages and codes!C4", "gone"),
    ]
    assert done.files == {}


def test_what_is_no_workbook_of_the_kit_is_refused() -> None:
    """Other bytes, English, a language that nobody has."""
    for data in (b"", b"PK\x03\x04", write_workbook("en", "English", [], right_to_left=False)):
        with pytest.raises(RefusedError):
            import_words(data)
    with pytest.raises(RefusedError, match="no such language"):
        export_words("xx")
