"""A paper: a title, a verdict, a few answers, tables, and what proves it. Text in one language, without a look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under their headings; `empty` stands in their place where there are none. `id` is its anchor on a page."""

    id: str
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """`mark` is what the foot of each page is known by; `good` whether the verdict is; `answers` and `proof` are pairs
    of a question or name and what is said to it.
    """

    title: str
    mark: str
    about: Sequence[str]
    good: bool
    verdict: str
    detail: str
    answers: Sequence[tuple[str, str]]
    tables: Sequence[Table]
    proof_title: str
    proof: Sequence[tuple[str, str]]
