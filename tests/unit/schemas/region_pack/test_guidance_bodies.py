"""Guidance in the language of its reader: every text in nine languages, none older than what it translates."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.guidance_folders import folder_faults, guidance_folder
from support.tables import table

from schemas.guidance import Text, load_general_texts, load_sources, load_texts
from schemas.labels import load_languages
from schemas.region_pack.guidance_bodies import digest_body, find_differences
from schemas.region_pack.regions import load_region

OURS = {**load_general_texts(), **load_region("tact").guidance}
ORIGINAL = """Act within 24 hours (gate G3).

1. **Ask** by `family.inquiry`.
2. Wait.

- See [the law](https://example.org/law).
"""


@table("text", OURS.values(), ids=OURS)
def test_every_text_is_in_nine_languages_and_up_to_date(text):
    """Who changes a text sees here which translations have to follow, and what `of` is then."""
    assert set(text.translations) | {text.language} == set(load_languages())
    older = [language for language in text.translations if text.is_older(language)]
    assert older == [], f"translate anew, then of: {digest_body(text.body)}"


def test_a_translation_is_a_draft_until_somebody_reviewed_it():
    """Nobody has reviewed one of these yet; the page says so."""
    assert all(one.draft for text in OURS.values() for one in text.translations.values())


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("", ""), ()),
        (("Act within", "Agir sous"), ()),
        (("2. Wait.\n", ""), ("lines", "number")),
        (("- See", "* See"), ("lines",)),
        (("24 hours", "42 hours"), ("number",)),
        (("G3", "G4"), ("gate", "number")),
        (("family.inquiry", "enquête"), ("code",)),
        (("/law)", "/loi)"), ("address",)),
        (("**Ask**", "Ask"), ("strong",)),
    ],
)
def test_a_translation_has_the_form_of_its_text(change, parts):
    """Words differ; lists, codes, addresses, gates and numbers do not."""
    assert find_differences(ORIGINAL, ORIGINAL.replace(*change)) == parts


def test_a_translation_is_read(tmp_path):
    """Beside a text of a node, reviewed; when the text changes it is older, and nothing else."""
    text = _translated(tmp_path, _file("À faire."))
    assert (text.translations["fr"].body, text.translations["fr"].draft) == ("À faire.", False)
    assert not text.is_older("fr") and not text.is_older("de")
    (tmp_path / "texts" / "a-text.md").write_text(
        (tmp_path / "texts" / "a-text.md").read_text().replace("What to do.", "What to do.\n\nAnd after 2 days.")
    )
    assert load_texts(tmp_path, "own guidance", load_sources(), {})["a-text"].is_older("fr")


@pytest.mark.parametrize(
    ("path", "content", "fault"),
    [
        ("fr/another.md", None, ("bodies/fr/another.md", "unknown_file")),
        ("fr/a-text.txt", None, ("bodies/fr/a-text.txt", "unknown_file")),
        ("en/a-text.md", None, ("bodies/en/a-text.md", "unknown_file")),
        ("xx/a-text.md", None, ("bodies/xx", "unknown_file")),
        ("fr/a-text.md", "À faire.", ("bodies/fr/a-text.md", "no_head")),
        (
            "fr/a-text.md",
            "---\nof: 0123456789abcdef\nstatus: done\n---\n\nÀ faire.",
            ("bodies/fr/a-text.md", "no_head"),
        ),
        ("fr/a-text.md", "---\nof: 0123456789abcdef\nstatus: draft\n---\n\n \n", ("bodies/fr/a-text.md", "no_head")),
        ("fr/a-text.md", "differs", ("bodies/fr/a-text.md", "differs")),
        ("fr/a-text.md", "bidi", ("bodies/fr/a-text.md", "text_bidi")),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, path, content, fault):
    """One fault each; nothing of the folder is used then."""
    made = {None: _file("À faire."), "differs": _file("À faire en 2 jours."), "bidi": _file("À \u202efaire.")}
    file = guidance_folder(tmp_path) / "bodies" / path
    file.parent.mkdir(parents=True)
    file.write_text(made.get(content) or content)
    assert folder_faults(tmp_path) == [fault]


def _file(body: str) -> str:
    return f"---\nof: {digest_body('What to do.')}\nstatus: reviewed\n---\n\n{body}\n"


def _translated(tmp_path: Path, content: str) -> Text:
    folder = guidance_folder(tmp_path) / "bodies" / "fr"
    folder.mkdir(parents=True)
    (folder / "a-text.md").write_text(content)
    return load_texts(tmp_path, "own guidance", load_sources(), {})["a-text"]
