"""The label files of this installation: nothing in them that nothing has, and nothing that is lacking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas import resources
from schemas.labels import find_label_faults, load_labels, load_languages

FOLDER = Path(__file__).resolve().parents[3] / "schemas" / "labels"
FILES = [path.stem for path in sorted(FOLDER.iterdir())]


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names all differ; json would keep the last of two in silence."""
    found = dict(pairs)
    assert len(found) == len(pairs), sorted({name for name, _ in pairs if [n for n, _ in pairs].count(name) > 1})
    return found


def test_every_file_is_of_a_language() -> None:
    """Nothing lies in the folder but XX.json of languages that there are."""
    assert {path.name for path in FOLDER.iterdir()} <= {f"{lang}.json" for lang in load_languages()}


@pytest.mark.parametrize("lang", FILES)
def test_a_file_has_no_fault(lang: str) -> None:
    """No list, code, message or field that nothing has, nothing of a wrong type, no name twice."""
    value = json.loads(resources.read_bytes(f"labels/{lang}.json"), object_pairs_hook=without_repeats)
    assert find_label_faults(lang, value) == ()


@pytest.mark.parametrize("lang", load_languages())
def test_a_language_lacks_nothing(lang: str) -> None:
    """A new field, code, message or meaning comes with its label in every language, as a draft until it is reviewed."""
    assert load_labels(lang).status is not None
    assert load_labels(lang).lacking() == ()
