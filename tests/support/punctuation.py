"""How each language writes its signs, and every text of the catalogues to hold against it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from support import page_words

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("schemas/labels", "schemas/guidance/words", "schemas/regions/tact/words", "adapters/sheet/words")
BODIES = ("schemas/guidance/bodies", "schemas/regions/tact/guidance/bodies")

_STRAIGHT = r"\"|(?<=\w)'(?=\w)"
WRONG: Mapping[str, Mapping[str, str]] = {
    "ar": {
        "the Arabic comma, semicolon and question mark": r"(?<=[\u0600-\u06ff])[,;?]",
        "a range in words, since a dash turns it round": r"\d ?– ?\d|s[-–]%\(|(?<![\d-])\d{1,2}-\d{1,2}(?![\d-])",
        "« »": r"[\"“”„]",
    },
    "el": {"the Greek question mark, ;": r"\?", "« »": r"[\"“”„]", "’": r"(?<=\w)'"},
    "es": {"« »": r"[\"“”„]", "¿ before ?": r"^[^¿]*\?", "¡ before !": r"^[^¡]*!"},
    "fr": {
        "a no-break space before : ; ! ?": r" [:;!?](?=\s|$)|\w[;!?](?=\s|$)|\w:(?=\s)",
        "« » with no-break spaces": r"[\"“”„]|«[^\u00a0]|[^\u00a0]»",
        "’": r"(?<=\w)'(?=\w)",
    },
    "it": {"« » or “ ”, ’": _STRAIGHT},
    "pl": {"„ ”": r"[\"“«»]|„[^”]*$"},
    "sq": {"« » or “ ”, ’": _STRAIGHT},
    "uk": {"« », ’": r"[\"“”]|" + r"(?<=\w)'(?=\w)"},
}
"""By language what to write, and what is found where it was not written."""
_CODE = re.compile(r"`[^`]*`|H\(\"stmt\"\)|https?://\S+|\{[^}]*\}")


def find_faults(language: str, text: str) -> list[str]:
    """Name what a text does not write as its language does; code, addresses and placeholders in braces are passed
    over.
    """
    said = _CODE.sub("x", text)
    return [rule for rule, wrong in WRONG[language].items() if re.search(wrong, said, re.MULTILINE)]


@cache
def list_texts(language: str) -> tuple[tuple[str, str], ...]:
    """List the texts of a language, each with the file it stands in."""
    return tuple(_texts(language))


def _texts(language: str) -> Iterator[tuple[str, str]]:
    for message in page_words.translated(language):
        if message.id:
            forms = message.string if isinstance(message.string, tuple) else (message.string,)
            yield from ((f"{language}.po", form) for form in forms)
    for folder in FOLDERS:
        path = ROOT / folder / f"{language}.json"
        if path.is_file():
            yield from ((folder, text) for text in _strings(json.loads(path.read_text(encoding="utf-8"))))
    for folder in BODIES:
        for file in sorted((ROOT / folder / language).glob("*.md")):
            yield f"{folder}/{file.name}", file.read_text(encoding="utf-8").split("---\n", 2)[2]


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
