"""Finding guidance: each text by its title in every language, and the filters."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.questions import library

from gateway.guidance.lookup import Library, Origin, Wanted, shown
from schemas.labels import load_languages


@pytest.mark.parametrize("language", load_languages())
def test_a_title_finds_its_text(language):
    """In each language the title of a text is the best question for it."""
    for id, text in library().texts.items():
        if language in text.title:
            assert library().search(text.title[language], Wanted())[0].id == id


def test_a_text_holds_in_its_countries_or_in_all():
    """A text about Albania is found for Albania and not for Poland; one without countries for both."""
    assert "albania-greece-children" in {text.id for text in library().list(Wanted(country="AL"))}
    assert "albania-greece-children" not in {text.id for text in library().list(Wanted(country="PL"))}
    assert "consent" in {text.id for text in library().list(Wanted(country="PL"))}


@pytest.mark.parametrize(
    ("countries", "listed"),
    [
        ({"country": "GR", "other": "AL"}, {"pair", "greek", "all"}),
        ({"country": "AL", "other": "GR"}, {"pair", "greek", "all"}),
        ({"country": "FR", "other": "AL"}, {"all"}),
        ({"country": "GR", "other": "UA"}, {"greek", "all"}),
        ({"country": "AL", "other": "AL"}, {"all"}),
        ({"country": "AL"}, {"pair", "all"}),
        ({}, {"pair", "greek", "all"}),
    ],
)
def test_what_holds_between_two_countries_is_for_both(countries, listed):
    """Of a case only if its countries are these; who looks through the texts of one of them finds it too."""
    text = library().texts["albania-greece-children"]
    assert text.between == ("AL", "GR") and text.countries == ()
    texts = {
        "pair": text,
        "greek": replace(text, id="greek", between=(), countries=("GR",)),
        "all": replace(text, id="all", between=()),
    }
    made = Library({Origin.REGION: texts})
    assert {name for name, one in texts.items() if one in made.list(Wanted(**countries))} == listed


@pytest.mark.parametrize(
    ("wanted", "one"),
    [
        (Wanted(stage="monitoring"), "closure"),
        (Wanted(role="guardian"), "best-interests"),
        (Wanted(topic="talking"), "interpreter"),
        (Wanted(stage="return", role="guardian", topic="child"), "best-interests"),
    ],
)
def test_every_filter_narrows(wanted, one):
    """What is listed fits each member, and something does not."""
    found = library().list(wanted)
    assert one in {text.id for text in found}
    assert all(wanted.fits(text) for text in found)
    assert len(found) < len(library().texts)


def test_a_search_keeps_to_what_is_wanted():
    """The best hit may be left out by a filter; the others keep their order."""
    fitting = [text for text in library().search("return", Wanted()) if "identification" in text.stages]
    assert fitting and [*library().search("return", Wanted(stage="identification"))][: len(fitting)] == fitting
    assert library().search("xyzzy", Wanted()) == ()


def test_a_missing_translation_is_shown_in_english_or_marked():
    """Nothing is guessed: what has no English either is shown as it was written, with its language."""
    text = library().texts["albania-greece-children"]
    assert shown(text.title, text, "uk") == text.title["en"]
    assert shown({"el": "Τίτλος"}, replace(text, language="el"), "uk") == "Τίτλος [el]"


def test_where_a_text_is_from():
    """General, of the region, or the node's own."""
    assert library().origins["consent"] is Origin.GENERAL
    assert library().origins["ukraine-conflict"] is Origin.REGION
