"""Find the nearest word of ours for a word that is none: a message type, a code, a member name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from functools import cache

from schemas.catalogue import load_catalogue
from schemas.codelists import ENGLISH, code_list
from schemas.describing.members import describe_members


def nearest_type(word: object) -> str | None:
    """Find the message type whose name is nearest to a word that names none."""
    return find_nearest(word, [entry.body_type for entry in load_catalogue().types])


def likeliest_type(content: object) -> str | None:
    """Guess the type of a content by its member names: the type that has most of them; None when no type has two.

    For a file whose type nobody gave.
    """
    names = frozenset(_names(content))
    scores = {entry.body_type: len(names & _members_of(entry.schema)) for entry in load_catalogue().types}
    best = max(scores, key=lambda body_type: scores[body_type])
    return best if scores[best] > 1 else None


def nearest_code(listed: str, codes: list[str], value: object) -> str | None:
    """Find the nearest code, by its English label, else by its letters."""
    if not isinstance(value, str):
        return None
    labels = {_plain(entry.labels[ENGLISH]): entry.code for entry in code_list(listed).codes} if listed else {}
    found = labels.get(_plain(value))
    if found in codes:
        return found
    return find_nearest(value, codes) or next(
        (labels[near] for near in get_close_matches(_plain(value), labels, n=1, cutoff=0.8) if labels[near] in codes),
        None,
    )


def find_nearest(word: object, ours: Iterable[str]) -> str | None:
    """Find the one of ``ours`` that ``word`` was probably meant to be; None when none is near."""
    if not isinstance(word, str):
        return None
    plain = {_plain(one): one for one in ours}
    near = get_close_matches(_plain(word), plain, n=1, cutoff=0.72)
    return plain[near[0]] if near else None


def _plain(word: str) -> str:
    """Fold case and the characters that join words, so that `birthDate`, `Birth date` and `birth_date` are equal."""
    return re.sub(r"[\W_]+", "", word).casefold()


def _names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _names(member)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item)


@cache
def _members_of(name: str) -> frozenset[str]:
    return frozenset(
        step
        for row in describe_members(name)
        if row.place.startswith("/content/")
        for step in row.place.split("/")[2:]
        if step != "*"
    )
