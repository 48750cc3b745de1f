"""Search in a few hundred texts of nine languages, in memory (docs/adr/0009-search-in-memory.md).

    normal(text)     one spelling: small letters, no accents, no signs of one script that another keyboard lacks
    words(text)      the words of a text in that spelling
    stem(word, l)    what a word of a language shares with its other forms; the word itself where nobody made a stemmer
    Index            the entries, ranked for a question (BM25 with weighted fields)
    Lexicon          names with several spellings, found as whole phrases in a question

A question says no language by itself: its words are tried in every language of their script. Albanian and Ukrainian
have no stemmer, so their words are also alike when they begin alike and differ in a short ending.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from math import log
from typing import Any

LONGEST = 400
"""Characters of a question that are looked at."""

STEMMERS: Mapping[str, str] = {
    "en": "english",
    "fr": "french",
    "el": "greek",
    "it": "italian",
    "pl": "polish",
    "es": "spanish",
    "ar": "arabic",
}
LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "latin": ("en", "fr", "it", "pl", "es", "sq"),
    "greek": ("el",),
    "arabic": ("ar",),
    "cyrillic": ("uk",),
}
"""By script, the languages in which a word of it may be meant."""
ENDINGS = frozenset({"sq", "uk", "pl"})
"""Languages whose words are also alike by their beginning."""

_LETTERS = str.maketrans({"ł": "l", "đ": "d", "ø": "o", "ı": "i", "ґ": "г", "ς": "σ", "ة": "ه", "ى": "ي", "ـ": None})
_INSIDE = re.compile(r"(?<=[\u0400-\u04ff])['’ʼ`‘](?=[\u0400-\u04ff])")
_WORD = re.compile(r"[^\W_]+")
_ARTICLE = re.compile(r"(?:[وبكف]?ال|لل)(?=[\u0621-\u064a]{3})")
"""The article of Arabic, alone or behind one of the short words that are written with it."""

FREE = 0.35
"""How much the length of a text counts (b of BM25); the words of a short label are not worth ten times more."""
SATURATION = 1.2
"""How soon a repeated word adds nothing (k of BM25)."""
NEAR = 0.7
"""What a word that only begins alike is worth beside the word itself."""


# --- words -------------------------------------------------------------------------------------------------------


def normal(text: str) -> str:
    """Return the spelling under which texts are compared; a normal text stays as it is.

    Compatibility forms, case, accents (the tonos, the marks of Arabic), the seats of hamza, the two forms of alef and
    ya, ta marbuta, the apostrophe inside a Ukrainian word, and the article before an Arabic word make no difference.
    """
    while (once := _normal(text)) != text:
        text = once
    return text


def _normal(text: str) -> str:
    found = unicodedata.normalize("NFKD", _INSIDE.sub("", text).casefold())
    bare = "".join(letter for letter in found if not unicodedata.category(letter).startswith("M"))
    return _WORD.sub(
        lambda match: _ARTICLE.sub("", match[0]) if _ARTICLE.match(match[0]) else match[0], bare.translate(_LETTERS)
    )


def words(text: str) -> tuple[str, ...]:
    """Split a text into words in the spelling that is compared; single Latin letters are what an elision leaves."""
    return tuple(word for word in _WORD.findall(normal(text)) if len(word) > 1 or not word.isascii() or word.isdigit())


def script(word: str) -> str:
    """Tell the script of a word by its first letter; Latin where it is none of the others."""
    first = word[0]
    if "\u0370" <= first <= "\u03ff":
        return "greek"
    if "\u0400" <= first <= "\u052f":
        return "cyrillic"
    return "arabic" if "\u0600" <= first <= "\u06ff" else "latin"


@lru_cache(maxsize=100_000)
def stem(word: str, language: str) -> str:
    """Reduce a normal word of a language to its stem. A word of another script stays whole."""
    if language not in STEMMERS or language not in LANGUAGES[script(word)]:
        return word
    return str(_stemmer(language).stemWord(word)) or word


@cache
def _stemmer(language: str) -> Any:
    # 3 MiB that a node without a search does not need; it ships no types.
    import snowballstemmer  # type: ignore[import-untyped]  # its authors give it no types

    return snowballstemmer.stemmer(STEMMERS[language])


@lru_cache(maxsize=10_000)
def forms(word: str) -> frozenset[str]:
    """List the forms by which a word of a question is compared: itself, and its stem in each language of its script."""
    return frozenset({word, *(stem(word, language) for language in LANGUAGES[script(word)])})


def begins_alike(one: str, other: str) -> bool:
    """Whether two words share so long a beginning that they are likely forms of one word."""
    shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return shared >= 4 and max(len(one), len(other)) - shared <= 3


# --- entries -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A text of an entry in a language, and what a word in it is worth."""

    text: str
    language: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One entry and how well it answers; higher is better."""

    id: str
    score: float


class Index:
    """Entries by the words in their fields. Words in `stop` say nothing: neither here nor in a question."""

    def __init__(self, entries: Mapping[str, Iterable[Field]], stop: Collection[str] = ()) -> None:
        self._stop = frozenset(form for word in stop for form in words(word))
        self._weights: dict[str, dict[str, float]] = {}
        self._lengths: dict[str, float] = {}
        endings: set[str] = set()
        for id, fields in entries.items():
            seen: dict[str, float] = {}
            for field in fields:
                for word in words(field.text):
                    if word in self._stop:
                        continue
                    for key in {word, stem(word, field.language)}:
                        seen[key] = seen.get(key, 0.0) + field.weight
                    if field.language in ENDINGS:
                        endings.add(word)
            self._lengths[id] = sum(seen.values())
            for key, weight in seen.items():
                self._weights.setdefault(key, {})[id] = weight
        self._endings = sorted(endings)
        self._usual = sum(self._lengths.values()) / len(self._lengths) if self._lengths else 1.0

    def search(self, question: Sequence[str]) -> list[Hit]:
        """The entries that have a word of the question, best first; those that are equal by their names."""
        scores: dict[str, float] = {}
        asked = [word for word in dict.fromkeys(question) if word not in self._stop]
        for word in asked:
            best: dict[str, float] = {}
            for key, worth in self._keys(word):
                for id, score in self._scored(key):
                    best[id] = max(best.get(id, 0.0), worth * score)
            for id, score in best.items():
                scores[id] = scores.get(id, 0.0) + score
        hits = (Hit(id=id, score=score) for id, score in scores.items())
        return sorted(hits, key=lambda hit: (-hit.score, hit.id))

    def _keys(self, word: str) -> Iterator[tuple[str, float]]:
        exact = [form for form in forms(word) if form in self._weights]
        yield from ((form, 1.0) for form in exact)
        if not any(language in ENDINGS for language in LANGUAGES[script(word)]) or len(word) < 4:
            return
        start = bisect_left(self._endings, word[:4])
        for other in self._endings[start:]:
            if not other.startswith(word[:4]):
                break
            if other != word and begins_alike(word, other):
                yield other, NEAR

    def _scored(self, key: str) -> Iterator[tuple[str, float]]:
        held = self._weights.get(key, {})
        rarity = log(1 + (len(self._lengths) - len(held) + 0.5) / (len(held) + 0.5))
        for id, weight in held.items():
            size = 1 - FREE + FREE * self._lengths[id] / self._usual
            yield id, rarity * weight * (SATURATION + 1) / (weight + SATURATION * size)


# --- names -------------------------------------------------------------------------------------------------------


class Lexicon:
    """Names by their spellings in several languages: `{name: {language: [spelling, ...]}}`.

    With `near`, words of languages without a stemmer also match what begins like them.
    """

    def __init__(self, names: Mapping[str, Mapping[str, Iterable[str]]], *, near: bool = True) -> None:
        self._near = near
        self._phrases = {
            name: [(words(spelling), language) for language, spellings in spoken.items() for spelling in spellings]
            for name, spoken in names.items()
        }

    def find(self, question: Sequence[str]) -> Mapping[str, frozenset[int]]:
        """The names of which every word of a spelling stands in the question, with the places of those words."""
        found: dict[str, frozenset[int]] = {}
        for name, phrases in self._phrases.items():
            for phrase, language in phrases:
                places = [self._place(word, language, question) for word in phrase]
                if phrase and all(places):
                    found[name] = found.get(name, frozenset()).union(*places)
        return found

    def _place(self, word: str, language: str, question: Sequence[str]) -> frozenset[int]:
        key, near = stem(word, language), self._near and language in ENDINGS
        return frozenset(
            place
            for place, asked in enumerate(question)
            if key in forms(asked) or word == asked or (near and begins_alike(word, asked))
        )
