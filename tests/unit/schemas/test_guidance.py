"""The guidance library as data: complete, readable in every language, and strict about what others add."""

from __future__ import annotations

import json
from datetime import date

import pytest
from support.guidance_folders import HEAD, folder_faults, guidance_folder
from support.tables import table

from schemas.guidance import TOPICS, load_general_texts, load_sources, load_texts
from schemas.labels import load_languages
from schemas.region_pack.procedures import STAGES
from schemas.region_pack.regions import load_region


@table("text", load_general_texts().values(), ids=load_general_texts())
def test_each_text_is_short_cited_and_known_in_every_language(text):
    """120 to 250 words; a source; title, keywords and summary in nine languages, drafts where nobody reviewed them."""
    assert 110 <= len(text.body.split()) <= 270
    assert text.sources
    assert set(text.title) == set(text.keywords) == set(text.summary) == set(load_languages())
    assert text.drafts == set(load_languages()) - {"en"}
    assert text.written < text.review_by


def test_every_stage_topic_and_source_is_used():
    """No drawer is empty, and no document is listed that no text needs."""
    texts = load_general_texts().values()
    assert {stage for text in texts for stage in text.stages} == set(STAGES) - {"any_time"}
    assert {topic for text in texts for topic in text.topics} == set(TOPICS)
    assert {source.id for text in texts for source in text.sources} == set(load_sources())


def test_a_source_names_a_place_and_no_address_of_ours():
    """Where to find it is a number, a site or a publisher; an address would be one more thing that goes stale."""
    for source in load_sources().values():
        assert source.title
        assert source.issuer
        assert source.where
        assert "://" not in source.where


def test_own_texts_are_read(tmp_path):
    """A folder beside the settings, with the sources of the package; words and sources of its own may be missing."""
    found = load_texts(guidance_folder(tmp_path), "own guidance", load_sources(), load_general_texts())["a-text"]
    assert (found.title["en"], found.body, found.review_by) == ("A text", "What to do.", date(2027, 1, 1))
    assert [source.id for source in found.sources] == ["gdpr"]
    assert found.drafts == frozenset()


def test_own_words_and_sources(tmp_path):
    """A text in Greek with English words, and a document of the country."""
    text = HEAD.replace("sources: gdpr", "sources: law-1\nlanguage: el").replace("A text", "Κείμενο")
    guidance_folder(tmp_path, text)
    law = {"title": "Law 1", "issuer": "Parliament", "where": "Official gazette"}
    (tmp_path / "sources.json").write_text(json.dumps({"law-1": law}))
    (tmp_path / "words").mkdir()
    words = {"title": "A text", "keywords": "law", "summary": "Short."}
    (tmp_path / "words" / "en.json").write_text(
        json.dumps({"language": "en", "status": "reviewed", "texts": {"a-text": words}})
    )
    found = load_texts(tmp_path, "own guidance", load_sources(), load_general_texts())["a-text"]
    assert (dict(found.title), found.sources[0].year) == ({"el": "Κείμενο", "en": "A text"}, None)
    assert found.drafts == frozenset()


@pytest.mark.parametrize("name", ["A Text.md", "a-text.txt", "a_text.md"])
def test_a_file_of_another_name(tmp_path, name):
    """What would be passed over is told."""
    assert folder_faults(guidance_folder(tmp_path, name=name)) == [(f"texts/{name}", "unknown_file")]


def test_a_name_of_the_library_is_not_free(tmp_path):
    """An own text stands beside those of the library and never in the place of one."""
    assert folder_faults(guidance_folder(tmp_path, name="consent.md")) == [("texts/consent.md", "twice")]


def test_words_for_a_text_that_is_not_there(tmp_path):
    """A translator's slip is told."""
    (guidance_folder(tmp_path) / "words").mkdir()
    words = {"title": "x", "keywords": "x", "summary": "x"}
    (tmp_path / "words" / "fr.json").write_text(
        json.dumps({"language": "fr", "status": "draft", "texts": {"another": words}})
    )
    (tmp_path / "notes.txt").write_text("x")
    assert folder_faults(tmp_path) == [
        ("notes.txt", "unknown_file"),
        ("words/fr.json#/texts/another", "unknown_name"),
    ]


def test_the_region_has_texts_of_its_own():
    """They hold in its countries."""
    assert load_region("tact").guidance["ukraine-conflict"].countries == ("UA",)
