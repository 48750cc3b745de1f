"""Judge a body by its schema. A refusal names places and rules and never holds a value, nor a member name of the input.

`jsonschema` is the reference and words every refusal. `jsonschema_rs`, where it can be imported, only gives the result
"valid" faster; where it refuses what the reference accepts, the body is refused (nrm1 13.8: both must agree).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from gateway.errors import Finding
from schemas.catalogue import load_catalogue
from schemas.places import MAX_DEPTH, MAX_FINDINGS, Path, format_known_pointer, format_pointer
from schemas.publishing.compose import find_values

try:
    import jsonschema_rs as fast
except ImportError:  # the extra `speed` is not installed
    fast = None  # type: ignore[assignment, unused-ignore]

FORMATS = FormatChecker(formats=["date"])
"""Exactly the formats that are checked. A schema with another one does not compile, so that none passes unchecked."""


def validate(name: str, body: object) -> tuple[Finding, ...]:
    """Judge `body` by the schema `name`: a body type (its newest revision) or a hash. An empty result means valid.

    Findings come in document order, each place and rule once. Raises RefusedError(no_common_schema) when not held.
    """
    schema = load_catalogue().resolve(name).schema
    # First, since validators disagree about these values, and `jsonschema_rs` does not take all of them.
    if not _homely(body) and (alien := tuple(islice(_alien(body, ()), MAX_FINDINGS))):
        return alien
    if fast is not None and _fast(schema).is_valid(body):
        return ()
    return _worded(schema, body)


def reference_findings(name: str, body: object) -> tuple[Finding, ...]:
    """Return the findings of the reference validator alone, for tests that compare the two."""
    return _findings(_reference(load_catalogue().resolve(name).schema).iter_errors(body))


def _worded(schema: str, body: object) -> tuple[Finding, ...]:
    findings = _findings(_reference(schema).iter_errors(body))
    # Only reached when the fast validator refused: both must accept, or nodes with and without it would differ.
    if fast is not None and not findings:
        return (Finding(place="", rule="validators_disagree", hint="the two validators disagree; report this schema"),)
    return findings


# --- compiled once ------------------------------------------------------------------------------------------------


def _ecma_pattern(_validator: Any, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    """Check `pattern` with the `$` of ECMA-262: Python's also matches before a final newline."""
    if isinstance(value, str) and not _matches(pattern, value):
        yield ValidationError("does not match")


def _matches(pattern: str, value: str) -> bool:
    return re.search(re.sub(r"\$$", r"\\Z", pattern), value) is not None


_Reference: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _ecma_pattern}
)


@cache
def _reference(schema: str) -> Any:
    return _Reference(_checked(schema), format_checker=FORMATS)


@cache
def _fast(schema: str) -> Any:
    return fast.validator_for(_checked(schema), validate_formats=True)


def _checked(schema: str) -> dict[str, Any]:
    document = dict(load_catalogue().by_schema(schema).document)
    unknown = set(find_values("format", document)) - set(FORMATS.checkers)
    if unknown:
        raise RuntimeError(f"formats that nobody checks: {sorted(unknown)}")
    return document


# --- values that are no JSON of this protocol --------------------------------------------------------------------


def _homely(body: object) -> bool:
    """Whether `_alien` finds nothing, without its places. False for text beyond ASCII, which it has to look at."""
    level: list[object] = [body]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                if not item.isascii():
                    return False
            elif isinstance(item, dict):
                if not _ascii_names(item):
                    return False
                below += item.values()
            elif isinstance(item, list):
                below += item
            elif not isinstance(item, bool | int | None):
                return False
        if not below:
            return True
        level = below
    return False


def _ascii_names(members: dict[Any, object]) -> bool:
    try:
        return "".join(members).isascii()
    except TypeError:  # a name that is no text
        return False


def _alien(value: object, path: Path) -> Iterator[Finding]:
    """Find values that schemas cannot refuse alike in every language: floats, surrogates, excessive depth."""
    if len(path) >= MAX_DEPTH:
        yield Finding(place=format_known_pointer(path), rule="depth", hint=f"at most {MAX_DEPTH} levels")
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from _alien(key if isinstance(key, str) else object(), path)
            yield from _alien(member, (*path, key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _alien(member, (*path, index))
    elif isinstance(value, str):
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            yield Finding(place=format_known_pointer(path), rule="text_surrogate", hint="no lone surrogates")
    elif not isinstance(value, bool | int | None):
        yield Finding(
            place=format_known_pointer(path),
            rule="not_json",
            hint="only objects, arrays, strings, integers, booleans, null",
        )


# --- wording ------------------------------------------------------------------------------------------------------


def _findings(errors: Iterable[ValidationError]) -> tuple[Finding, ...]:
    findings: dict[tuple[str, str], Finding] = {}
    for error in errors:
        for finding in _worded_error(error):
            findings.setdefault((finding.place, finding.rule), finding)
        # A body of a megabyte can break one rule in every item; the errors are made as they are asked for.
        if len(findings) >= MAX_FINDINGS:
            break
    return tuple(findings.values())[:MAX_FINDINGS]


def _worded_error(error: ValidationError) -> Iterator[Finding]:
    place = format_pointer(error.absolute_path)
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    expected: Any = error.validator_value
    instance: Any = error.instance
    match error.validator:
        case "required":
            for name in expected:
                if name not in instance:
                    yield Finding(place=f"{place}/{name}", rule="required", hint="is missing")
        case "additionalProperties":
            # The place is the object, not the strange member: its name comes from the body and may be content.
            yield Finding(place=place, rule="additionalProperties", hint=f"only {_some(schema['properties'])}")
        case "enum" if "x-codes" in schema:
            if isinstance(instance, str):
                yield Finding(place=place, rule="unknown_code", hint=f"a code of the list {schema['x-codes']}")
        case "anyOf" if all("required" in branch for branch in expected):
            names = [name for branch in expected for name in branch["required"]]
            yield Finding(place=place, rule="anyOf", hint=f"at least one of {_some(names)}")
        case "format" if "pattern" in schema and not _matches(schema["pattern"], instance):
            pass  # the finding of the pattern is enough
        case "contains":
            yield Finding(place=place, rule="contains", hint=f"no item for {_looked_for(expected)}")
        case "not" if expected == {}:
            yield Finding(place=place, rule="forbidden", hint="not together with the rest of this message")
        case str(rule):
            yield Finding(place=place, rule=rule, hint=_hint(rule, expected, schema))


def _hint(rule: str, expected: Any, schema: Mapping[str, Any]) -> str:
    match rule:
        case "type":
            return f"expected {expected}"
        case "const":
            return "must be true" if expected is True else "has one fixed value"
        case "maxLength" | "minLength":
            return f"at {'most' if rule == 'maxLength' else 'least'} {expected} characters"
        case "maxItems" | "minItems":
            return f"at {'most' if rule == 'maxItems' else 'least'} {expected} items"
        case "maximum" | "minimum":
            return f"at {'most' if rule == 'maximum' else 'least'} {expected}"
        case "enum":
            return f"here only {_some(map(str, expected))}"
        case "uniqueItems":
            return "no item twice"
        case "maxProperties":
            return f"at most {expected} members"
        case _:
            return str(schema.get("description", ""))


def _looked_for(item: Mapping[str, Any]) -> str:
    """Return the code that one item of a list must have when the list needs an item for each code."""
    return ", ".join(str(member["const"]) for member in item["properties"].values())


def _some(names: Iterable[str]) -> str:
    return ", ".join(list(names)[:40])
