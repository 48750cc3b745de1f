"""The texts of a region pack in another language, by their English (`words/XX.json`).

    {"format": "trm-region-words/1", "language": "fr", "status": "draft", "texts": {"Propose the journey": "..."}}

A text is found by its English, so the translation of a text that was reworded since is missing, and never wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.errors import Finding
from schemas.codelists import ENGLISH
from schemas.labels import DRAFT, REVIEWED
from schemas.reading import Folder, Log, open_json

FORMAT = "trm-region-words/1"
FOLDER = "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class PackWords:
    """The texts of a pack in one language, by their English."""

    texts: Mapping[str, str]
    draft: bool


def words_at(folder: Folder, languages: Collection[str], log: Log) -> dict[str, PackWords]:
    """Read the words of a pack by language; anything else in their folder is a fault."""
    place = folder.joinpath(FOLDER)
    names = sorted(entry.name for entry in place.iterdir()) if place.is_dir() else []
    found = {}
    for name in names:
        if name.endswith(".json"):
            language = name.removesuffix(".json")
            found[language] = _words(folder, language, languages, log)
        else:
            log.append(Finding(place=f"{FOLDER}/{name}", rule="unknown_file", hint="a file for each language: XX.json"))
    return found


def _words(folder: Folder, language: str, languages: Collection[str], log: Log) -> PackWords:
    root = open_json(folder, f"{FOLDER}/{language}.json", log)
    members = root.members(("format", "language", "status", "texts"))
    members["format"].const(FORMAT)
    members["language"].const(language)
    if language not in languages or language == ENGLISH:
        root.fault("unknown_language", "a language of the region other than English")
    status = members["status"].one_of((DRAFT, REVIEWED), "unknown_status", f"{DRAFT} or {REVIEWED}")
    texts = {english: spot.text() for english, spot in members["texts"].entries().items()}
    return PackWords(texts=texts, draft=status != REVIEWED)
