"""Finding a text of the guidance library: by words in any language, and by stage, role, country and topic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.foundation.text_search import LONGEST, Field, Index, words
from schemas import searching
from schemas.codelists import ENGLISH
from schemas.guidance import Text
from schemas.reading import Labels

TITLE, KEYWORDS, SUMMARY, BODY = 3.0, 3.0, 1.0, 0.25
"""What a word is worth by where it stands."""
MOST = 20
"""Texts that one search lists."""


class Origin(StrEnum):
    """Where a text comes from."""

    GENERAL = "general"
    REGION = "region"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which texts: all that fit every member that is given. ``other`` is a second country: what holds in one of the two
    fits, and what holds between two countries only if it is these. For one country alone it is also listed.
    """

    stage: str | None = None
    role: str | None = None
    country: str | None = None
    other: str | None = None
    topic: str | None = None

    def fits(self, text: Text) -> bool:
        """Whether a text is among them."""
        return (
            (self.stage is None or self.stage in text.stages)
            and (self.role is None or self.role in text.roles)
            and (self.topic is None or self.topic in text.topics)
            and self._holds(text)
        )

    def _holds(self, text: Text) -> bool:
        asked = {country for country in (self.country, self.other) if country is not None}
        if text.between:
            return asked >= {*text.between} if self.other is not None else asked <= {*text.between}
        return not asked or not text.countries or not asked.isdisjoint(text.countries)


class Library:
    """The texts of this installation, of its region and of the node itself, ready for questions."""

    def __init__(self, parts: Mapping[Origin, Mapping[str, Text]]) -> None:
        self.texts = {id: text for texts in parts.values() for id, text in texts.items()}
        self.origins = {id: origin for origin, texts in parts.items() for id in texts}
        self._index = Index({id: _fields(text) for id, text in self.texts.items()}, searching.load_stop_words())

    def list(self, wanted: Wanted) -> tuple[Text, ...]:
        """The texts that are wanted, in the order of the library."""
        return tuple(text for text in self.texts.values() if wanted.fits(text))

    def search(self, question: str, wanted: Wanted) -> tuple[Text, ...]:
        """Those among them that have a word of the question, best first."""
        hits = self._index.search(words(question[:LONGEST]))
        found: Iterable[Text] = (self.texts[hit.id] for hit in hits)
        return tuple(text for text in found if wanted.fits(text))[:MOST]


def shown(labels: Labels, text: Text, language: str) -> str:
    """A title or summary in a language; where it is missing in that of the text, marked with it."""
    return labels.get(language) or labels.get(ENGLISH) or f"{labels[text.language]} [{text.language}]"


def _fields(text: Text) -> Iterator[Field]:
    for labels, weight in ((text.title, TITLE), (text.keywords, KEYWORDS), (text.summary, SUMMARY)):
        yield from (Field(text=said, language=language, weight=weight) for language, said in labels.items())
    yield Field(text=text.body, language=text.language, weight=BODY)
