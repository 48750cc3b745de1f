"""A text of the guidance is reviewed paragraph by paragraph, as long as the two languages have as many."""

from __future__ import annotations

from gateway.translations.documents import BodyDocument
from schemas.region_pack.guidance_bodies import digest_body

ENGLISH = "Ask first.\n\n1. Who?\n2. Where?"


def body(said: str, *, of: str = ENGLISH, draft: bool = True) -> BodyDocument:
    """A translation of the text."""
    return BodyDocument(
        path="bodies/fr/ask.md",
        sheet="Guidance",
        title="Ask",
        original=ENGLISH,
        body=said,
        of=digest_body(of),
        draft=draft,
    )


def test_each_paragraph_is_a_row() -> None:
    """A list is one; another wording goes to its place."""
    one = body("Demandez.\n\n1. Qui ?\n2. Où ?")
    assert [text.english for text in one.texts] == ENGLISH.split("\n\n")
    assert one.render({"1": "Demandez d’abord."}, reviewed=False).endswith("Demandez d’abord.\n\n1. Qui ?\n2. Où ?\n")


def test_another_number_of_paragraphs_is_one_row() -> None:
    """Nobody can say which belongs to which."""
    (text,) = body("Demandez. 1. Qui ?").texts
    assert text.english == ENGLISH and [rule for rule, _ in body("Demandez.").find_faults(text, "Demandez.")]


def test_a_text_that_changed_since_is_told_and_not_reviewed() -> None:
    """Reviewing all of it names the English of now."""
    older = body("Demandez.\n\n1. Qui ?\n2. Où ?", of="Ask.", draft=False)
    assert "has changed" in older.texts[0].context and not older.reviewed
    assert f"of: {digest_body(ENGLISH)}" in older.render({}, reviewed=True)
