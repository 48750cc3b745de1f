"""The texts of a pack: which there are in English, and what the program knows of them in another language.

A translation comes from the packs of the program, found by its English, or is the name of a country. It is a draft
wherever it is taken, until somebody who speaks the language has read it there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache

from gateway.regions.files import PackFiles
from schemas import resources
from schemas.codelists import ENGLISH, code_list
from schemas.labels import load_labels, load_languages
from schemas.reading import Folder
from schemas.region_pack.regions import list_regions

POLICIES, WORDS = "policies/", "words/"


def list_texts(files: Mapping[str, bytes]) -> list[str]:
    """List every English text that the words of a pack may translate, in the order of the alphabet.

    The texts of a policy are not among them: what is signed stands in its own file. A file that is no JSON has none.
    """
    found = set[str]()
    for path, data in files.items():
        if path.endswith(".json") and not path.startswith((POLICIES, WORDS)):
            found.update(_find_english(_parse(data)))
    return sorted(found)


def find_drafts(texts: list[str], language: str) -> dict[str, str]:
    """Find what the program says for these texts in a language; the others are left out."""
    held = {**_country_names(language), **_program_words(language)}
    return {text: held[text] for text in texts if text in held}


def list_missing(files: PackFiles, language: str) -> list[str]:
    """List the texts that have no translation in a language, neither in its words nor where they stand."""
    said = _parse(files.files.get(f"{WORDS}{language}.json", b""))
    texts = said.get("texts") if isinstance(said, dict) else None
    there = set(texts) if isinstance(texts, dict) else set()
    for path, data in files.files.items():
        if path.endswith(".json") and not path.startswith((POLICIES, WORDS)):
            there.update(_find_english(_parse(data), language))
    return [text for text in list_texts(files.files) if text not in there]


def _parse(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None  # the check of the pack says so


def _find_english(value: object, also: str | None = None) -> Iterator[str]:
    """Yield every English text below a value; with `also` only those that stand beside one in that language."""
    if isinstance(value, dict) and isinstance(value.get(ENGLISH), str):
        if also is None or also in value:
            yield value[ENGLISH]
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _find_english(item, also)


@cache
def _program_words(language: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name in list_regions():
        file: Folder = resources.open_folder(f"regions/{name}/{WORDS}{language}.json")
        if file.is_file():
            found |= json.loads(file.read_bytes())["texts"]
    return found


@cache
def _country_names(language: str) -> Mapping[str, str]:
    if language not in load_languages():
        return {}
    labels, listed = load_labels(language), code_list("country")
    named = {listed.label(entry.code): labels.code("country", entry.code).text for entry in listed.codes}
    return {english: text for english, text in named.items() if text is not None}
