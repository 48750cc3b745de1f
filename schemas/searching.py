"""The words of search questions besides the labels of the code lists (`search.json`): drafts in nine languages.

stop        words without meaning in a question, such as "who" and "case"
times       words for a time: sunday, saturday, weekend, night
ages        words for a child and for an adult
countries   other forms of the name of a country: cases, adjectives, its capital
codes       what else a code of a list is called
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from schemas import resources
from schemas.labels import load_labels, load_languages

Spoken: TypeAlias = Mapping[str, Sequence[str]]
"""By language, the words for one thing."""


def load_time_words() -> Mapping[str, Spoken]:
    """Load the words for times, by the name of the time."""
    return load_search_words()["times"]


def load_age_words() -> Mapping[str, Spoken]:
    """Load the words for `child` and for `adult`."""
    return load_search_words()["ages"]


@cache
def load_stop_words() -> frozenset[str]:
    """Load the words of all languages that carry no meaning in a question."""
    return frozenset(word for spoken in load_search_words()["stop"].values() for word in spoken)


def list_spellings(code_list: str, code: str) -> Iterator[tuple[str, str]]:
    """Yield the names of a code as (language, words): its label, and its other names."""
    more: Spoken = load_search_words()["countries"].get(code, {}) if code_list == "country" else _other(code_list, code)
    for language in load_languages():
        label = load_labels(language).code(code_list, code).text
        if label is not None:
            yield language, label
        yield from ((language, word) for word in more.get(language, ()))


def _other(code_list: str, code: str) -> Spoken:
    found: Spoken = load_search_words()["codes"].get(code_list, {}).get(code, {})
    return found


def load_search_words() -> dict[str, dict[str, Any]]:
    """Load the whole file; treat it as constant."""
    found: dict[str, dict[str, Any]] = resources.read_json("search.json")
    return found
