"""Words of the search lead to codes and languages that there are."""

from __future__ import annotations

from schemas import searching
from schemas.codelists import code_list
from schemas.labels import load_languages


def test_words_of_the_search_are_of_codes_and_languages_there_are():
    """A misspelt code in `search.json` would be a word that finds nothing."""
    for name, codes in searching.load_search_words()["codes"].items():
        assert set(codes) <= {entry.code for entry in code_list(name).codes}
    assert set(searching.load_search_words()["countries"]) <= {entry.code for entry in code_list("country").codes}
    spoken = [*searching.load_time_words().values(), *searching.load_age_words().values()]
    assert all(set(words) == set(load_languages()) for words in spoken)
