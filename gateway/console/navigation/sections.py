"""Which sections stand beside every page for somebody, and which of them a page belongs to (pure).

A section is somebody's by their roles; with two roles one has both. What is open to a person beyond that stands on the
page of the menu, where everything is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.operations.roles import Role

MOST = 7
"""Entries beside a page: what is more goes to the menu."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """An entry of the navigation. `title` is marked for translation; `shape` is the name of a drawing in
    `templates/shapes.html`; `of` are the roles whose work it is; `covers` are addresses of other pages that belong to
    it.
    """

    path: str
    title: str
    operation: str
    shape: str
    of: frozenset[Role] = frozenset()
    covers: tuple[str, ...] = ()


def choose_rail(allowed: Sequence[Section], roles: frozenset[Role]) -> list[Section]:
    """Choose what stands beside the pages of somebody with these roles; the first of all that is open to them, where
    none of it is the work of their role.
    """
    own = [section for section in allowed if section.of & roles]
    return (own or list(allowed))[:MOST]


def find_current(sections: Sequence[Section], path: str) -> Section | None:
    """Find the section that a page belongs to: the one with the longest address that it begins with."""
    begins = [
        (len(start), section)
        for section in sections
        for start in (section.path, *section.covers)
        if path == start or path.startswith(f"{start}/")
    ]
    return max(begins, key=lambda one: one[0], default=(0, None))[1]
