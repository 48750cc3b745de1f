"""The words of the pages in every language, and how it writes dates."""

from __future__ import annotations

import re

import pytest
from support import page_words

from gateway.console.words import choose_preferred, load_words
from schemas.labels import load_languages

LANGUAGES = [lang for lang in load_languages() if lang != "en"]
FILLED = re.compile(r"%\(\w+\)[a-z]|%%")
MARKUP = re.compile(r"[<>\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_translation_keeps_what_is_filled_in(lang):
    """The same placeholders, however often the language says them."""
    for message in page_words.translated(lang):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            if message.id and text:
                assert set(FILLED.findall(text)) <= set(FILLED.findall(ids[-1])), message.id
                assert len(ids) > 1 or len(FILLED.findall(text)) == len(FILLED.findall(ids[0])), message.id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_text_has_its_translation(lang):
    """No page falls back to English; where a number is said, each form of it is there."""
    assert list(page_words.missing(lang)) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_translation_is_plain_text(lang):
    """No markup, and no invisible mark of direction: the page sets both."""
    for message in page_words.translated(lang):
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        assert not any(MARKUP.search(text) for text in texts if message.id), message.id


@pytest.mark.parametrize("lang", load_languages())
def test_a_language_writes_its_own_dates(lang):
    """Names of months and countries come from CLDR, the time is that of the country."""
    spoken = load_words(lang)
    assert spoken.time(1_790_000_000, 3600) and spoken.day(1_790_000_000, 3600) and spoken.span(7200)
    assert spoken.country("AL") != "AL" and spoken.country("iom") == "iom"
    assert spoken.spoken("sq") != "sq" and spoken.spoken("qqq") == "qqq"
    assert "2027" in spoken.date("2027-11-30") != "2027-11-30" and spoken.date("soon") == "soon"


def test_a_language_has_its_own_signs():
    """French leaves a space before the colon; the semicolon of others asks a question in Greek."""
    spoken = {lang: load_words(lang) for lang in ("en", "fr", "ar", "el")}
    assert {lang: (words.comma, words.colon, words.semicolon) for lang, words in spoken.items()} == {
        "en": (", ", ": ", "; "),
        "fr": (", ", "\u00a0: ", "\u00a0; "),
        "ar": ("\u060c ", ": ", "\u061b "),
        "el": (", ", ": ", "\u00b7 "),
    }


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "it"),
        ("fr", "fr"),
        ("xx,uk;q=0.1", "uk"),
        ("el-GR;q=x, pl", "pl"),
        ("fr;q=0.1, ar-MA", "ar"),
        (",;q=", "it"),
    ],
)
def test_a_browser_asks_for_a_language(header, lang):
    """By weight, then by order; what is no language is passed over."""
    assert choose_preferred(header, "it") == lang


def test_an_invented_country_has_the_name_that_its_region_gives_it():
    """CLDR calls XA and ZZ something of its own; without a pack the code is shown, and no real country is renamed."""
    french = load_words("fr")
    named = french.naming({"XA": {"en": "Ruritania", "fr": "Ruritanie"}, "ZZ": {"en": "Zenda"}})
    assert [named.country(code) for code in ("XA", "ZZ", "XB", "AL")] == ["Ruritanie", "Zenda", "XB", "Albanie"]
    assert [french.country(code) for code in ("XA", "XK")] == ["XA", "Kosovo"]
    assert french.naming({}) is french
