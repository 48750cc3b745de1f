"""The names of countries and languages in every language of this installation (CLDR), as people type them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache

from gateway.mapping.types import COUNTRY
from schemas.labels import load_languages


@cache
def language_names() -> Mapping[str, Collection[str]]:
    """List languages without script and region, each with its names in the languages of this installation."""
    from babel.core import Locale

    found: dict[str, set[str]] = {}
    for spoken in load_languages():
        for tag, name in Locale.parse(spoken).languages.items():
            found.setdefault(tag.partition("_")[0], set()).add(name)
    return found


@cache
def country_names() -> Mapping[str, Collection[str]]:
    """List countries by their two letters, each with its names in the languages of this installation."""
    from babel.core import Locale

    found: dict[str, set[str]] = {}
    for spoken in load_languages():
        for code, name in Locale.parse(spoken).territories.items():
            if COUNTRY.fullmatch(code):
                found.setdefault(code, set()).add(name)
    return found
