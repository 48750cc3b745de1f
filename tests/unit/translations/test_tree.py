"""Every file that is translated is in the workbook of its language, and each text has its English and its place."""

from __future__ import annotations

from gateway.translations.tree import ROOT, open_documents


def test_no_translated_file_is_forgotten() -> None:
    """Every file of French in the product is in its workbook."""
    there = {
        path.relative_to(ROOT).as_posix()
        for package in ("gateway", "schemas", "adapters", "keys")
        for pattern in ("**/fr.*", "**/fr/**/*.*")
        for path in (ROOT / package).glob(pattern)
        if path.is_file() and "reviews" not in path.parts
    }
    assert there <= {document.path for document in open_documents("fr")}


def test_every_text_says_what_it_is() -> None:
    """No row of the workbook is without its English, or without a word on where it stands."""
    for document in open_documents("ar"):
        assert [text.key for text in document.texts if not (text.english and text.context)] == []
