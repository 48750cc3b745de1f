"""The spelling under which texts are compared, in four scripts, and the ranking of a few of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.foundation.text_search import Field, Index, Lexicon, begins_alike, forms, normal, stem, words

LETTERS = st.text(
    alphabet=st.one_of(
        st.characters(codec="utf-8"),
        st.sampled_from("αάΆςσΟ ἀϊΐ أإآاىيةهـًُّال وبلك їієґ'’ʼЇҐ łŁßıIİøđëçÇﬁŒ"),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ελλάδα", "ελλαδα"),
        ("ΟΔΌΣ", "οδος"),
        ("الأُسْرَة", "الاسره"),
        ("إلى", "الي"),
        ("مـــأوى", "ماوي"),
        ("والمغرب", "مغرب"),
        ("للأطفال", "أطفال"),
        ("сім’я", "сімя"),
        ("сім'ї", "СІМʼЇ"),
        ("Ґданськ", "гданськ"),
        ("Łódź", "lodz"),
        ("fëmijë", "FEMIJE"),
        ("naïve", "naive"),
        ("straße", "strasse"),
    ],
)
def test_one_spelling(one, other):
    """What two keyboards write differently is compared as one."""
    assert words(one) == words(other)


@given(LETTERS)
def test_the_spelling_of_a_spelling_is_the_same(text):
    """Normalising is idempotent, whatever the script."""
    assert normal(normal(text)) == normal(text)


@given(LETTERS, LETTERS)
def test_each_word_is_found_by_itself(text, other):
    """An entry is found by each of its own words, beside any other entry."""
    index = Index({"it": [Field(text=text, language="en")], "other": [Field(text=other, language="ar")]})
    for word in words(text):
        assert "it" in {hit.id for hit in index.search([word])}


def test_an_elision_leaves_no_word():
    """The article of French is no word of a question."""
    assert words("l’enfant d'Albanie") == ("enfant", "albanie")


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "referrals", "referral"),
        ("fr", "hébergements", "hébergement"),
        ("el", "δικηγόρος", "δικηγόρο"),
        ("it", "avvocati", "avvocato"),
        ("es", "abogados", "abogado"),
        ("pl", "schroniskach", "schronisko"),
        ("ar", "المترجمين", "مترجم"),
    ],
)
def test_forms_of_a_word_share_a_stem(language, one, other):
    """Seven of the nine languages have a stemmer."""
    assert {stem(word, language) for word in words(one)} & {stem(word, language) for word in words(other)}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("femijes", "femijen", True),
        ("украіні", "украіна", True),
        ("чоловіків", "чоловіки", True),
        ("кіт", "кіно", False),
        ("людина", "людожерство", False),
    ],
)
def test_albanian_and_ukrainian_words_begin_alike(one, other, alike):
    """Where there is no stemmer, a long common beginning and a short ending stand for one."""
    assert begins_alike(one, other) is alike


def test_a_rare_word_is_worth_more_and_a_title_more_than_a_text():
    """BM25: what stands everywhere decides nothing."""
    entries = {
        "first": [Field(text="asylum", language="en", weight=3), Field(text="a person and a person", language="en")],
        "second": [Field(text="person", language="en"), Field(text="seeks asylum", language="en")],
        "third": [Field(text="person", language="en")],
    }
    assert [hit.id for hit in Index(entries).search(words("a person who asks for asylum"))] == [
        "first",
        "second",
        "third",
    ]


def test_stop_words_say_nothing():
    """A word of the stop list finds nothing, in any spelling."""
    index = Index({"one": [Field(text="ΠΟΙΟΣ ξέρει", language="el")]}, stop=["ποιος"])
    assert index.search(words("ποιός")) == []
    assert index.search(words("ξερει"))


def test_nothing_is_found_in_nothing():
    """An empty index and an empty question are no errors."""
    assert Index({}).search(words("child")) == []
    assert Index({"one": []}).search([]) == []


def test_a_name_is_found_as_a_whole_phrase():
    """Every word of one spelling has to stand in the question; the places say which words were taken."""
    names = Lexicon({"weekend": {"fr": ["fin de semaine"], "en": ["weekend"]}, "AL": {"sq": ["Shqipëria"]}})
    asked = words("Në Shqipëri, fin de la semaine?")
    assert {name: {asked[place] for place in places} for name, places in names.find(asked).items()} == {
        "weekend": {"fin", "de", "semaine"},
        "AL": {"shqiperi"},
    }
    assert names.find(words("la fin")) == {}


def test_a_name_is_not_found_by_its_beginning_where_that_is_not_wanted():
    """Names of many things, as of all countries, are compared word by word."""
    assert Lexicon({"ML": {"sq": ["Mali"]}}, near=False).find(words("malin")) == {}
    assert "ml" in forms("ml")
