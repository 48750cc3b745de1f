"""Judge a body by its schema. A refusal names places and rules and never holds a value, nor a member name of the input.

`jsonschema` is the reference and words every refusal. `jsonschema_rs`, where it can be imported, only gives the result
"valid" faster; where it refuses what the reference accepts, the body is refused (nrm1 13.8: both must agree).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from gateway.errors import Finding
from schemas.catalogue import load_catalogue
from schemas.places import MAX_DEPTH, MAX_FINDINGS, Path, format_known_pointer
from schemas.publishing.compose import find_values

if TYPE_CHECKING:
    from schemas.explaining.reference import Reference

try:
    import jsonschema_rs as fast
except ImportError:  # the extra `speed` is not installed
    fast = None  # type: ignore[assignment, unused-ignore]

FORMATS = frozenset({"date"})
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
    return _reference(load_catalogue().resolve(name).schema).findings(body)


def _worded(schema: str, body: object) -> tuple[Finding, ...]:
    findings = _reference(schema).findings(body)
    # Only reached when the fast validator refused: both must accept, or nodes with and without it would differ.
    if fast is not None and not findings:
        return (Finding(place="", rule="validators_disagree", hint="the two validators disagree; report this schema"),)
    return findings


# --- compiled once ------------------------------------------------------------------------------------------------


@cache
def _reference(schema: str) -> Reference:
    # 2 MiB of modules that only a refusal needs, where the fast validator is installed.
    from schemas.explaining.reference import Reference

    return Reference(_checked(schema), FORMATS)


@cache
def _fast(schema: str) -> Any:
    return fast.validator_for(_checked(schema), validate_formats=True)


def _checked(schema: str) -> dict[str, Any]:
    document = dict(load_catalogue().by_schema(schema).document)
    unknown = set(find_values("format", document)) - FORMATS
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
