"""Questions in nine languages, each with its first hit; the first forty were written before the search."""

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


NEWER = (
    *("dublin-transfer", "temporary-protection", "feared-states", "against-advice", "detention-border"),
    *("reporting-duties", "victims-children", "no-guardian-yet", "turning-18", "testify-abroad"),
    *("claims-before-erasure", "labour-firewall"),
)
"""The texts that came after the forty questions."""


def test_there_are_some_in_every_language():
    """At least four in each language, half for the directory and half for the guidance, and one for each newer text."""
    assert len(ASKED) == 40 + len(NEWER)
    spoken = Counter(asked["language"] for asked in ASKED)
    assert set(spoken) == set(load_languages())
    assert min(spoken.values()) >= 4
    asked_for = Counter(asked["first"].get("guidance") for asked in ASKED)
    assert asked_for[None] == 20
    assert {text: asked_for[text] for text in NEWER} == dict.fromkeys(NEWER, 1)


def test_the_library_has_the_texts_that_were_promised():
    """The list of texts was written with the questions."""
    assert {item["id"]: item["title"] for item in QUESTIONS["guidance"]} == {
        id: text.title["en"] for id, text in load_general_texts().items()
    }
