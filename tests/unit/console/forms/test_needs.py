"""gateway.console.forms.needs: when something is needed, in the language of the reader."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.console.forms.build import build_form
from gateway.console.words import load_words
from schemas import load_catalogue
from schemas.describing.rules import ONE_OF, list_conditions
from schemas.labels import load_languages

TYPES = [entry.body_type for entry in load_catalogue().types]


def test_a_condition_is_told_in_the_language_of_the_reader():
    """With the labels of fields and codes."""
    parts = build_form("referral.request/1", {}, load_words("fr"))
    found = {part.place: part for part in _every(parts)}
    texts = [text for lang, text in found["/content/person/birth_year"].hints if lang == "fr"]
    label = found["/content/person/birth_date"].label
    assert label in texts[-1]


def test_the_meaning_of_a_field_is_told_in_the_language_of_the_reader():
    """Where it is not translated, in English and marked as such."""
    known = load_words("fr")
    lacking = replace(known, labels=replace(known.labels, file={**known.labels.file, "meanings": {}}))
    place, english = "/content/arrived_at", "when the person arrived"
    told = [
        next(part for part in _every(build_form("arrival.confirmation/1", {}, said)) if part.place == place).hints
        for said in (known, lacking, load_words("en"))
    ]
    assert told[0][0] == ("fr", known.labels.meaning(english).text)
    assert told[1][0] == told[2][0] == ("en", english)


@pytest.mark.parametrize("lang", load_languages())
def test_every_condition_has_its_sentence(lang):
    """Of every type."""
    for body_type in TYPES:
        parts = list(_every(build_form(body_type, {}, load_words(lang))))
        told = sum(len([1 for code, _ in part.hints if code == lang]) for part in parts)
        single = [one for one in list_conditions(body_type) if one.wish != ONE_OF and "*" not in one.place]
        assert told >= len({(one.place, one.path) for one in single if one.path[-1:] and len(one.path) == 1}) // 2


def _every(parts):
    for part in parts:
        yield part
        yield from _every(getattr(part, "parts", ()))
