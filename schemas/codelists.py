"""The code lists with their English labels. A code never changes its meaning; a label may be reworded.

Their labels in other languages are in `labels/`, one file for each (`schemas.labels`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from gateway.errors import Code, RefusedError
from schemas import resources

ENGLISH = "en"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeEntry:
    """One code. `retired` codes are understood in old messages and offered in no new one.

    ``since`` is the edition of the list with which it came: types of before do not have it. ``within`` is the older
    code of which it is a part, and which stands for it there.
    """

    code: str
    labels: Mapping[str, str]
    note: str = ""
    category: str | None = None
    retired: bool = False
    since: int = 1
    within: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeList:
    """A code list. `label_status` says how far the English labels have come: draft or reviewed."""

    name: str
    title: Mapping[str, str]
    source: str
    label_status: Mapping[str, str]
    codes: tuple[CodeEntry, ...]

    def __contains__(self, code: object) -> bool:
        return any(entry.code == code for entry in self.codes)

    def is_whole(self, codes: Collection[str]) -> bool:
        """Tell whether these are all codes of an edition of the list."""
        return any(
            set(codes) == {entry.code for entry in self.codes if entry.since <= edition}
            for edition in {entry.since for entry in self.codes}
        )

    def label(self, code: str) -> str:
        """Return the English label of `code`, else the code itself. Other languages: `schemas.labels`."""
        return next((entry.labels[ENGLISH] for entry in self.codes if entry.code == code), code)


@cache
def code_list(name: str) -> CodeList:
    """Return the code list `name`. Raises RefusedError(not_found) when there is none."""
    if name not in code_lists():
        raise RefusedError(Code.NOT_FOUND, "no such code list", hint="trm schema list names them")
    value: Mapping[str, Any] = resources.read_json(f"codes/{name}.json")
    return CodeList(
        name=name,
        title=MappingProxyType(value["title"]),
        source=value["source"],
        label_status=MappingProxyType(value["label_status"]),
        codes=tuple(_entry(entry) for entry in value["codes"]),
    )


@cache
def code_lists() -> tuple[str, ...]:
    """Return the names of all code lists."""
    return resources.list_json_files("codes")


def _entry(value: Mapping[str, Any]) -> CodeEntry:
    return CodeEntry(**{**value, "labels": MappingProxyType(value["labels"])})
