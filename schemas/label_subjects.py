"""Everything that can have a label: the codes, messages, fields and meanings of this installation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from schemas import resources
from schemas.catalogue import load_catalogue
from schemas.codelists import code_list, code_lists
from schemas.publishing.compose import find_values
from schemas.types import type_name
from schemas.walk import Node, list_members, resolve_reference

_CITED = re.compile(r" \([A-Z]{2,20} [A-Z][0-9.]{1,10}\)\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """Everything that can have a label. `places` are the keys of fields of one message, which no file has to have;
    `meanings` are in English.
    """

    lists: Mapping[str, frozenset[str]]
    messages: frozenset[str]
    fields: frozenset[str]
    places: frozenset[str]
    meanings: frozenset[str]


@cache
def collect_subjects() -> Subjects:
    """Collect everything that code lists and published schemas have; `unknown` is a field, its members are not."""
    documents = [resources.read_json(f"published/{name}.json") for name in resources.list_json_files("published")]
    return Subjects(
        lists={name: frozenset(entry.code for entry in code_list(name).codes) for name in code_lists()},
        messages=frozenset(type_name(entry.body_type) for entry in load_catalogue().held),
        fields=frozenset(
            name for document in documents for inner in find_values("properties", document) for name in inner
        ),
        places=frozenset(key for document in documents for key in _places(document)),
        meanings=frozenset(
            without_citation(text)
            for document in documents
            for text in find_values("description", document)
            if isinstance(text, str)
        ),
    )


def without_citation(description: str) -> str:
    """Take a clause cited at the end off a meaning. A schema of the first release cites one of a draft of its authors,
    and never changes; what it means is what its next revision says without the clause.
    """
    return _CITED.sub("", description)


def place_key(name: str, steps: tuple[str, ...]) -> str:
    """Return the key of one place: below `content` the path alone, elsewhere the whole of it."""
    return f"{name}:{'.'.join(steps[1:] if steps[0] == 'content' else steps)}"


def _places(document: Node) -> Iterator[str]:
    name = type_name(document["x-message"]["body_type"] if "x-message" in document else document["x-object"])
    return (place_key(name, path) for path in _paths(document, document, ()))


def _paths(schema: Node, root: Node, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    node = resolve_reference(schema, root)
    if "items" in node:
        yield from _paths(node["items"], root, path)
    for name, member in list_members(node):
        yield (*path, name)
        if name != "unknown":
            yield from _paths(member, root, (*path, name))
