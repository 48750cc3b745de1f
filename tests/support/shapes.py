"""Holds answers of the desk against the shapes that the OpenAPI document promises."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema_rs

from gateway.api.shape import COMPONENTS, Schema
from gateway.api.shapes import SHAPES


def _standing_alone(schema: Schema) -> dict[str, Any]:
    """The schema with everything it refers to."""
    return {**schema, "components": {"schemas": COMPONENTS}}


@cache
def _answer(operation: str) -> Any:
    return jsonschema_rs.Draft202012Validator(_standing_alone(SHAPES[operation].answer))


@cache
def _arguments(operation: str) -> Any:
    return jsonschema_rs.Draft202012Validator(_standing_alone(SHAPES[operation].body))


def misfits(operation: str, value: Any) -> list[str]:
    """Where an answer differs from its shape, and how; places and rules only."""
    return _told(_answer(operation), value)


def unfit(operation: str, arguments: Any) -> list[str]:
    """Where arguments differ from the shape."""
    return _told(_arguments(operation), arguments)


def _told(validator: Any, value: Any) -> list[str]:
    return [
        f"/{'/'.join(map(str, error.instance_path))}: {error.kind!r}"[:300] for error in validator.iter_errors(value)
    ]


def misfit_named(name: str, value: Any) -> list[str]:
    """The same for a schema by its name in the document."""
    schema: Schema = {"$ref": f"#/components/schemas/{name}"}
    return _told(jsonschema_rs.Draft202012Validator(_standing_alone(schema)), value)
