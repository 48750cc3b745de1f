"""Three validators, one form of answer: is the body valid, and which rules does it break where.

`jsonschema` answers in the words of the product. What the other two tell of a refusal is the keyword and two pointers;
`_rules` makes the product's words of it, without the code that it is compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import jsonschema_rs
from support.ajv import Ajv

from schemas.catalogue import MessageType
from schemas.places import format_pointer
from schemas.validation import reference_findings

Rule: TypeAlias = tuple[str, str]
"""A place in the body (JSON pointer) and the name of the rule that is broken there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What one validator says of one body; no rules where it refuses by giving up (`thrown` in judge.cjs)."""

    valid: bool
    rules: frozenset[Rule]


Judge: TypeAlias = Callable[[MessageType, Any], Opinion]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Broken:
    """One broken keyword, as judge.cjs explains it."""

    keyword: str
    place: str
    at: str
    missing: str | None
    codes: bool
    never: bool


def judges(ajv: Ajv) -> Mapping[str, Judge]:
    """The three, by name."""
    return {"jsonschema": by_jsonschema, "jsonschema-rs": by_jsonschema_rs, "ajv": by_ajv(ajv)}


def by_jsonschema(entry: MessageType, body: Any) -> Opinion:
    """The reference, which words the product's refusals."""
    findings = reference_findings(entry.schema, body)
    return Opinion(valid=not findings, rules=frozenset((finding.place, finding.rule) for finding in findings))


def by_jsonschema_rs(entry: MessageType, body: Any) -> Opinion:
    """The fast one, written in Rust."""
    return _opinion(body, [_of_rust(entry.document, error) for error in _rust(entry).iter_errors(body)])


def by_ajv(ajv: Ajv) -> Judge:
    """The one of the JavaScript world."""
    return lambda entry, body: _opinion(body, [_Broken(**each) for each in ajv.broken(entry.file, body)])


@cache
def _rust(entry: MessageType) -> Any:
    return jsonschema_rs.validator_for(dict(entry.document), validate_formats=True)


def _of_rust(document: Mapping[str, Any], error: jsonschema_rs.ValidationError) -> _Broken:
    *parents, keyword = error.schema_path
    parent = _at(document, format_pointer(parents))
    return _Broken(
        keyword=str(keyword),
        place=format_pointer(error.instance_path),
        at=format_pointer(error.schema_path),
        missing=getattr(error.kind, "property", None),
        codes="x-codes" in parent,
        never=keyword == "not" and parent["not"] == {},
    )


# --- from keywords to the product's words -------------------------------------------------------------------------


def _opinion(body: Any, broken: list[_Broken]) -> Opinion:
    return Opinion(valid=not broken, rules=frozenset(_rules(body, broken)))


def _rules(body: Any, broken: list[_Broken]) -> Iterator[Rule]:
    choices = tuple(f"{each.at}/" for each in broken if each.keyword in ("anyOf", "contains"))
    patterns = {each.place for each in broken if each.keyword == "pattern"}
    for each in broken:
        match each.keyword:
            case _ if each.at.startswith(choices):
                pass  # why one branch or item does not hold; that none does is told by itself
            case "thrown":
                pass
            case "if":
                pass  # ajv tells what the `then` lacks, and once more that it does not hold
            case "required":
                yield f"{each.place}/{each.missing}", "required"
            case "enum" if each.codes:
                if isinstance(_at(body, each.place), str):  # else the type says it
                    yield each.place, "unknown_code"
            case "format" if each.place in patterns:
                pass  # the pattern says it
            case "not" if each.never:
                yield each.place, "forbidden"
            case keyword:
                yield each.place, keyword


def _at(root: Any, place: str) -> Any:
    """The value at a JSON pointer (RFC 6901)."""
    for step in place.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        root = root[int(name)] if isinstance(root, list) else root[name]
    return root
