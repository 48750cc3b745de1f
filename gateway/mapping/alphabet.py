"""Names in the order of an alphabet, for lists that people look through.

Accents are passed over, but for the letters that a language counts as its own: ñ after n in Spanish, ł after l in
Polish, and the nine letters of two signs in Albanian. What a language does not write comes after its own letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

Place: TypeAlias = tuple[tuple[int, ...], str]
_LATIN = "a b c d e f g h i j k l m n o p q r s t u v w x y z"
ALPHABETS = {
    "en": _LATIN,
    "fr": _LATIN,
    "it": _LATIN,
    "es": _LATIN.replace("n", "n ñ"),
    "pl": "a ą b c ć d e ę f g h i j k l ł m n ń o ó p q r s ś t u v w x y z ź ż",
    "sq": "a b c ç d dh e ë f g gj h i j k l ll m n nj o p q r rr s sh t th u v w x xh y z zh",
    "el": "α β γ δ ε ζ η θ ι κ λ μ ν ξ ο π ρ σ τ υ φ χ ψ ω",
    "uk": "а б в г ґ д е є ж з и і ї й к л м н о п р с т у ф х ц ч ш щ ь ю я",
    "ar": "ا ب ت ث ج ح خ د ذ ر ز س ش ص ض ط ظ ع غ ف ق ك ل م ن ه و ي",
}
"""The letters of each language in their order, in small letters."""

_LIKE = str.maketrans({"ς": "σ", "ة": "ه", "ى": "ي", "ء": "ا"})
"""Letters that are another shape of one in the alphabet."""


@lru_cache(maxsize=8_192)
def rank_name(text: str, language: str) -> Place:
    """Return the sort key of a name in the alphabet of this language; blanks and signs come before letters."""
    order = _order(language)
    return tuple(_ranks(unicodedata.normalize("NFC", text.casefold()).translate(_LIKE), order)), text


@lru_cache
def _order(language: str) -> dict[str, int]:
    return {letter: place for place, letter in enumerate(ALPHABETS[language].split(), start=1)}


def _ranks(text: str, order: dict[str, int]) -> Iterator[int]:
    at = 0
    while at < len(text):
        size = 2 if text[at : at + 2] in order else 1
        letter, at = text[at : at + size], at + size
        if letter in order:
            yield order[letter]
            continue
        for base in unicodedata.normalize("NFD", letter):
            if base in order:
                yield order[base]
            elif base.isalpha():
                yield len(order) + ord(base)
            elif not unicodedata.combining(base):
                yield 0
