"""The reference validator, `jsonschema`, and its refusals in our words.

A finding names a place and a rule; it never holds a value, nor a member name of the input.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from gateway.errors import Finding
from schemas.places import MAX_FINDINGS, format_pointer


class Reference:
    """One schema, compiled; of its formats exactly `formats` are checked."""

    def __init__(self, document: Mapping[str, Any], formats: Collection[str]) -> None:
        self._validator: Any = _Validator(document, format_checker=FormatChecker(formats=sorted(formats)))

    def findings(self, body: object) -> tuple[Finding, ...]:
        """Return what is wrong with a body, in document order, each place and rule once."""
        return _findings(self._validator.iter_errors(body))


def _ecma_pattern(_validator: Any, pattern: str, value: object, _schema: object) -> Iterator[ValidationError]:
    """Check `pattern` with the `$` of ECMA-262: Python's also matches before a final newline."""
    if isinstance(value, str) and not _matches(pattern, value):
        yield ValidationError("does not match")


def _matches(pattern: str, value: str) -> bool:
    return re.search(re.sub(r"\$$", r"\\Z", pattern), value) is not None


_Validator: Any = extend(  # type: ignore[no-untyped-call]  # jsonschema gives it no types
    Draft202012Validator, {"pattern": _ecma_pattern}
)


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
