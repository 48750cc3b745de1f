"""Forty questions in nine languages, written before the search, each with its first hit."""

from __future__ import annotations

from collections import Counter

import pytest
from support.questions import ASKED_AT, QUESTIONS, calendars, library, seed
from support.tables import table

from gateway.directory.rules import Question
from gateway.guidance.lookup import Wanted
from schemas.guidance import load_general_texts
from schemas.labels import load_languages

ASKED = QUESTIONS["questions"]


@pytest.fixture(scope="module")
def directory():
    """Built once: what it holds does not change."""
    return seed()


@pytest.fixture(scope="module")
def texts():
    """The same of the guidance."""
    return library()


@table("asked", ASKED, ids=lambda asked: asked["id"])
def test_the_first_hit_is_the_expected_one(asked, directory, texts):
    """Country, unit and contact; or the text."""
    first = asked["first"]
    if "guidance" in first:
        assert [text.id for text in texts.search(asked["ask"], Wanted())][:1] == [first["guidance"]]
        return
    _, found = directory.search(Question(text=asked["ask"]), calendars(), ASKED_AT)
    unit, contact = found[0].unit, found[0].contact
    assert {"country": unit.entry.country, "unit": unit.id, "contact": contact and contact.phone} == first


def test_there_are_forty_in_every_language():
    """At least four in each language, half for the directory and half for the guidance."""
    assert len(ASKED) == 40
    spoken = Counter(asked["language"] for asked in ASKED)
    assert set(spoken) == set(load_languages())
    assert min(spoken.values()) >= 4
    assert sum("guidance" in asked["first"] for asked in ASKED) == 20


def test_the_library_has_the_texts_that_were_promised():
    """The list of texts was written with the questions."""
    assert {item["id"]: item["title"] for item in QUESTIONS["guidance"]} == {
        id: text.title["en"] for id, text in load_general_texts().items()
    }
