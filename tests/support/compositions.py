"""Messages composed from a small library of sources."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from schemas.publishing.compose import Library, compose_schema

LIBRARY = Library(
    codes={
        "colour": {"codes": [{"code": "red"}, {"code": "blue", "category": "needs"}, {"code": "old", "retired": True}]},
        "absence": {"codes": [{"code": "unknown"}, {"code": "refused"}]},
        "role": {"codes": [{"code": "guardian"}, {"code": "dpo"}, {"code": "warden", "retired": True}]},
    },
    types={"day": {"type": "integer", "minimum": 1, "maximum": 31}},
    fragments={
        "header": {
            "class": "operational",
            "object": {
                "from": {"text": 5},
                **{
                    f"{name}?": {"text": 5}
                    for name in ("legal_basis", "transfer_basis", "transfer_instrument", "consent_ref")
                },
            },
        }
    },
)


def composed(document: dict[str, Any]) -> dict[str, Any]:
    """The schema of a document with the class `special`."""
    return compose_schema(
        {"object_type": "x/1", "revision": 1, "title": "x", "document": {"class": "special", **document}}, LIBRARY
    )


def verdicts(schema: dict[str, Any], *values: object) -> list[bool]:
    """Whether each value is valid."""
    return [Draft202012Validator(schema).is_valid(value) for value in values]
