"""The place of a finding: a JSON pointer made only of names that some schema has.

A member name of the input may itself be content ("Maria": true), so a place stops before the first name that no schema
of this node knows.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from schemas.catalogue import load_catalogue
from schemas.publishing.compose import find_values

Path = tuple[str | int, ...]

MAX_DEPTH = 24
"""Nesting of a JSON value (nrm1 1.3)."""

MAX_FINDINGS = 100
"""A hostile body cannot make the answer longer than this."""


def format_pointer(path: Iterable[str | int]) -> str:
    """Format the JSON pointer (RFC 6901) of a path of member names and indexes."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)


def format_known_pointer(path: Path) -> str:
    """Format the pointer of `path` up to the first member name that no schema has."""
    foreign = (i for i, step in enumerate(path) if not isinstance(step, int) and step not in _names())
    return format_pointer(path[: next(foreign, len(path))])


@cache
def _names() -> frozenset[str]:
    documents = (entry.document for entry in load_catalogue().held)
    return frozenset(
        name for document in documents for members in find_values("properties", document) for name in members
    )
