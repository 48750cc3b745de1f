"""Words of a procedure: in the language of the reader, and what is missing or not reviewed is marked."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.cli.procedures import words


def test_a_missing_translation_is_english_and_says_so() -> None:
    """Never a guess."""
    text = {"en": "Meet the person", "fr": "Accueillir la personne"}
    assert words.ProcedureWords("sq").text(text) == "Meet the person [en]"


@pytest.mark.parametrize(("drafts", "said"), [(["fr"], True), ([], False)])
def test_a_draft_of_the_region_is_told(drafts: list[str], said: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the labels are reviewed."""
    said_in = words.ProcedureWords("fr")
    monkeypatch.setattr(
        said_in, "_labels", replace(said_in._labels, file={**said_in._labels.file, "status": "reviewed"})
    )
    assert (said_in.draft(drafts) is not None) is said


def test_a_role_without_a_label_is_marked() -> None:
    """Its code, and that there is no label; never a guess."""
    assert words.ProcedureWords("fr").role("herald") == "herald [sans libellé]"
