"""Each language writes its own signs: spaces before them, quotes, apostrophes, commas between names."""

from __future__ import annotations

import re

import pytest
from support.tables import Faults

from gateway.console.words import load_words
from gateway.translations.punctuation import WRONG, find_unusual_signs
from gateway.translations.tree import ROOT, open_documents
from schemas.labels import load_languages


def test_every_language_has_its_rules():
    """Who adds a language says how it writes; English stands in the code."""
    assert set(WRONG) == set(load_languages()) - {"en"}


@pytest.mark.parametrize("language", WRONG)
def test_a_text_is_written_as_its_language_writes(language):
    """Pages, labels, guidance, the words of the region and of the workbooks."""
    with Faults() as wrong:
        for document in open_documents(language):
            for text in document.texts:
                with wrong.row(document.path, text.key):
                    assert find_unusual_signs(language, text.wording) == [], text.wording[:200]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ar", "نعم, لا"),
        ("ar", "من 12–15"),
        ("el", "Τι;?"),
        ("el", "απ' εδώ"),
        ("es", "Cuándo?"),
        ("es", "el “campo”"),
        ("fr", "Quand ?"),
        ("fr", "Quand?"),
        ("fr", "Ici : là"),
        ("fr", "« ici »"),
        ("fr", "l'enfant"),
        ("it", "l'elenco"),
        ("pl", '"tu"'),
        ("sq", "t'i"),
        ("uk", "з'їзд"),
    ],
)
def test_what_another_language_writes_is_found(language, text):
    """One sign each."""
    assert find_unusual_signs(language, text) != []


def test_names_in_a_row_are_parted_as_the_reader_parts_them():
    """By words.comma in every template: an Arabic comma is another sign."""
    assert load_words("ar").comma == "، " and load_words("fr").comma == ", "
    own = re.compile(r"%}, \{% endif %}|join\(\", \"\)")
    folder = ROOT / "gateway" / "console" / "templates"
    found = {path.name for path in folder.glob("*.html") if own.search(path.read_text(encoding="utf-8"))}
    # codes of the program, left to right in every language
    assert found <= {"operations.html", "statistic.html"}
