"""Read from a mapping file the columns it uses and the kind of cell each may hold.

The node applies the mapping (docs/mapping-format.md); the reader of the sheet needs from the same file only the labels
and the kind of cell each rule expects, since a workbook changes the types of cells behind the back of its user.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import yaml

from adapters.sheet.headings import normalise_label
from gateway.errors import Code, RefusedError

LIMIT = 1 << 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")


class Kind(StrEnum):
    """The kind of value that the cells of a column hold."""

    TEXT = "text"
    ID = "id"
    """Text in which a leading zero counts: it must be typed as text."""
    CODE = "code"
    DATE = "date"
    NUMBER = "number"


_KINDS = {
    "text": Kind.TEXT,
    "code": Kind.CODE,
    "codes": Kind.CODE,
    "language": Kind.CODE,
    "country": Kind.CODE,
    "boolean": Kind.CODE,
    "date": Kind.DATE,
    "year": Kind.NUMBER,
    "integer": Kind.NUMBER,
}
_STRICTER = (Kind.TEXT, Kind.CODE, Kind.ID)
"""Where two rules read one column as kinds of text, the later of these wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The columns of one mapping file; labels are in normal form. `fingerprint` changes when the file does."""

    name: str
    columns: Mapping[str, Kind]
    ignored: frozenset[str]
    fingerprint: str

    @property
    def known(self) -> frozenset[str]:
        """Every label that the file names."""
        return self.ignored | self.columns.keys()


def read_layout(data: bytes, ids: Collection[str]) -> Layout:
    """Read the columns from a mapping file.

    `ids` are the labels (normal form) of text columns in which a leading zero counts. Checks only what is needed here:
    `trm mapping check` does the whole. Raises RefusedError(invalid).
    """
    document = _mapping(_load(data), "the file")
    name = document.get("name")
    if document.get("format") != "trm-mapping/1" or not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise _invalid("it is not of format trm-mapping/1")
    named = _mapping(document.get("aliases") or {}, "aliases")
    aliases = {normalise_label(label): _labels(also) for label, also in named.items()}
    columns: dict[str, Kind] = {}
    for label, kind in _rules(document):
        for spelling in [label, *aliases.get(label, [])]:
            kind = Kind.ID if kind is Kind.TEXT and (spelling in ids or label in ids) else kind
            columns[spelling] = _merged(columns.get(spelling, kind), kind)
    ignored = {
        spelling for label in _labels(document.get("ignored") or []) for spelling in [label, *aliases.get(label, [])]
    }
    fingerprint = f"{zlib.crc32(data):08x}"
    return Layout(name=name, columns=columns, ignored=frozenset(ignored - columns.keys()), fingerprint=fingerprint)


def _load(data: bytes) -> Any:
    if len(data) > LIMIT:
        raise _invalid(f"it is larger than {LIMIT} bytes")
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise _invalid("it is not YAML") from exc


def _rules(document: Mapping[str, Any]) -> Iterator[tuple[str, Kind]]:
    for rule in _mapping(document.get("fields") or {}, "fields").values():
        entry = _mapping(rule, "a field")
        kind = _KINDS.get(str(entry.get("type")))
        if kind is None:
            raise _invalid("a field has no known type")
        for label in _labels(entry.get("from")):
            yield label, kind


def _merged(first: Kind, second: Kind) -> Kind:
    if first is second:
        return first
    if first in _STRICTER and second in _STRICTER:
        return max(first, second, key=_STRICTER.index)
    raise _invalid("two fields read one column as different kinds")


def _labels(value: object) -> list[str]:
    values: list[object] = value if isinstance(value, list) else [value]
    labels = [normalise_label(label) for label in values if isinstance(label, str)]
    if len(labels) != len(values):
        raise _invalid("a label is not text")
    return labels


def _mapping(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise _invalid(f"{what} is not a table")
    return value


def _invalid(why: str) -> RefusedError:
    hint = "trm mapping check FILE says more"
    return RefusedError(Code.INVALID, f"the mapping file cannot be used: {why}", hint=hint)
