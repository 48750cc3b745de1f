"""Holds answers of the desk against what the OpenAPI document promises."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from gateway.api import openapi


@cache
def document() -> Any:
    """The document, made once."""
    return openapi.describe_api()


@cache
def described() -> dict[str, Any]:
    """What the document says of each operation."""
    return {one["operationId"]: one for item in document()["paths"].values() for one in item.values()}


@cache
def answer(operation: str) -> Any:
    """The schema of an answer; anything fits one that is not JSON, or has no route of its own."""
    content = described()[operation]["responses"]["200"]["content"] if operation in described() else {}
    return content.get("application/json", {}).get("schema", {})


@cache
def _validator(part: str, operation: str) -> Any:
    schema = answer(operation) if part == "answer" else body(operation)
    return jsonschema_rs.Draft202012Validator(schema | {"components": document()["components"]})


def body(operation: str) -> Any:
    """The schema of a body."""
    return described()[operation]["requestBody"]["content"]["application/json"]["schema"]


def misfits(operation: str, value: Any) -> list[str]:
    """Where an answer differs from its shape, and how; places and rules only."""
    return _told(_validator("answer", operation), value)


def unfit(operation: str, arguments: Any) -> list[str]:
    """Where arguments differ from the shape."""
    return _told(_validator("body", operation), arguments)


def _told(validator: Any, value: Any) -> list[str]:
    return [
        f"/{'/'.join(map(str, error.instance_path))}: {error.kind!r}"[:300] for error in validator.iter_errors(value)
    ]


def misfit_named(name: str, value: Any) -> list[str]:
    """The same for a schema by its name in the document."""
    return _told(jsonschema_rs.Draft202012Validator(document() | {"$ref": f"#/components/schemas/{name}"}), value)
