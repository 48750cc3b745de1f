"""Words of the results: in the language of the office, and what it lacks is English and marked."""

from __future__ import annotations

import re

from adapters.sheet.words import ENGLISH, FOLDER, list_languages, load_words
from gateway.errors import Finding

FAULT = Finding(place="sheet Cases, row 2, column C", rule="no_such_rule", hint="do this")


def test_every_language_has_the_same_texts() -> None:
    """A text that English does not have would be shown to nobody."""
    english = load_words().own
    assert list_languages() == sorted(path.stem for path in FOLDER.glob("*.json"))
    for language in list_languages():
        own = load_words(language).own
        for section in ("pages", "states", "places", "headings", "rules", "questions"):
            assert set(own.get(section, {})) <= set(english[section]), (language, section)
        assert set(own["questions"]) == set(english["questions"])
        assert {*re.findall("{.*?}", "".join(own["questions"].values()))} == {"{page}", "{command}"}, language


def test_a_language_without_a_file_is_english_throughout() -> None:
    """Every text but the title of a page says that it is."""
    words, english = load_words("xx"), load_words(ENGLISH)
    name = next(iter(english.own["states"]))
    assert words("states", name).startswith(english("states", name))
    assert words("states", name) != english("states", name)
    assert words.page(next(iter(english.own["pages"]))) == english.page(next(iter(english.own["pages"])))
    assert len(words.instructions()) == len(english.instructions())
    assert not words.right_to_left


def test_a_rule_without_words_keeps_its_hint() -> None:
    """English is as exact as the finding; elsewhere the hint is marked."""
    assert load_words().fault(FAULT) == "do this"
    assert load_words("ar").fault(FAULT) not in ("do this", "")
    assert "do this" in load_words("ar").fault(FAULT)
    assert load_words("ar").right_to_left


def test_a_place_that_is_no_cell_stays() -> None:
    """With the label of its column, where there is one."""
    assert load_words("ar").place("account", "Name") == "account (Name)"
    assert load_words().place(FAULT.place, "Name").endswith("(Name)")
