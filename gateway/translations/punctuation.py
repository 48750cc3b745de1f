"""How each language writes its signs: spaces before them, quotes, apostrophes, commas between names."""

from __future__ import annotations

import re
from collections.abc import Mapping

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
"""By language what to write, and what is found where it was not written. English stands in the code."""
_CODE = re.compile(r"`[^`]*`|H\(\"stmt\"\)|https?://\S+|\{[^}]*\}")


def find_unusual_signs(language: str, text: str) -> list[str]:
    """Name what a text does not write as its language does; code, addresses and placeholders in braces are passed
    over.
    """
    said = _CODE.sub("x", text)
    return [rule for rule, wrong in WRONG.get(language, {}).items() if re.search(wrong, said, re.MULTILINE)]
