"""A page as a screen reader and a strict browser meet it: what is wrong with its structure, without a browser."""

from __future__ import annotations

from collections.abc import Mapping
from html.parser import HTMLParser
from itertools import pairwise

VOID = frozenset({"meta", "link", "input", "br", "hr", "img"})
FIELDS = frozenset({"input", "select", "textarea"})


class _Look(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.refers: list[str] = []
        self.fields: list[tuple[str, str]] = []
        self.labelled: set[str] = set()
        self.rows_of: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        self._markup(tag, given)
        if "id" in given:
            self.ids.append(given["id"])
        self.refers += [*given.get("aria-labelledby", "").split(), *given.get("aria-describedby", "").split()]
        if len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
            self.headings.append(int(tag[1]))
        if tag in FIELDS and given.get("type") != "hidden":
            self.fields.append((given.get("id", ""), given.get("name", "")))
        if tag == "label":
            self.labelled.add(given.get("for", ""))
        if tag == "table":
            self.rows_of.append(0)
        if tag == "th":
            self.rows_of[-1] += 1
            if given.get("scope") not in ("col", "row", "rowgroup"):
                self.faults.append("a th without scope")

    def _markup(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "style" or "style" in given or (tag == "script" and "src" not in given):
            self.faults.append(f"style or script inside the page: {tag}")
        self.faults += [f"{name} on {tag}" for name in given if name.startswith("on")]
        for name in ("href", "src", "action"):
            if name in given and not given[name].startswith(("/", "#", "tel:+")):
                self.faults.append(f"{tag} leads elsewhere")

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} is not nested")


def faults(page: str) -> list[str]:
    """What is wrong; empty where nothing is."""
    look = _Look()
    look.feed(page)
    found = look.faults
    found += [f"{tag} is not closed" for tag in look.open]
    if look.headings.count(1) != 1:
        found.append("not one h1")
    found += [f"h{after} under h{before}" for before, after in pairwise(look.headings) if after > before + 1]
    found += [f"id twice: {id}" for id in sorted(set(look.ids)) if look.ids.count(id) > 1]
    found += [f"no such id: {id}" for id in look.refers if id not in look.ids]
    found += [f"field without label: {name}" for id, name in look.fields if id not in look.labelled]
    found += ["a table without headings" for count in look.rows_of if not count]
    return found
