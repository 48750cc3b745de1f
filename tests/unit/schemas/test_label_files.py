"""The label files of this installation: nothing in them that nothing has; what they lack is reported, not failed.

./dev test tests/unit/schemas/test_label_files.py -n 0 -s        prints what each language lacks
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas import resources
from schemas.labels import ENGLISH, faults, labels, languages

FOLDER = Path(__file__).resolve().parents[3] / "schemas" / "labels"
FILES = [path.stem for path in sorted(FOLDER.iterdir())]


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names all differ; json would keep the last of two in silence."""
    found = dict(pairs)
    assert len(found) == len(pairs), sorted({name for name, _ in pairs if [n for n, _ in pairs].count(name) > 1})
    return found


def test_every_file_is_of_a_language() -> None:
    """Nothing lies in the folder but XX.json of languages that there are."""
    assert {path.name for path in FOLDER.iterdir()} <= {f"{lang}.json" for lang in languages()}


@pytest.mark.parametrize("lang", FILES)
def test_a_file_has_no_fault(lang: str) -> None:
    """No list, code, message or field that nothing has, nothing of a wrong type, no name twice."""
    value = json.loads(resources.raw(f"labels/{lang}.json"), object_pairs_hook=without_repeats)
    assert faults(lang, value) == ()


@pytest.mark.parametrize("lang", languages())
def test_what_a_language_lacks_is_told(lang: str) -> None:
    """A report for translators: how far each language is, and each label that is still missing."""
    told = labels(lang)
    lacking = told.lacking()
    assert (told.status is None) == (lang not in FILES)
    print(f"\n{lang} ({told.language.name}): {told.status or 'not begun'}, {len(lacking)} labels missing")
    for place in lacking if told.status else ():
        print(f"  {place}")


def test_english_is_complete() -> None:
    """Translators work from the English labels: a new field or message comes with one in labels/en.json."""
    assert labels(ENGLISH).lacking() == ()
