"""The description of the local API: valid OpenAPI, whole, and its examples are as it says."""

from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from support import pages
from support.shapes import unfit
from support.tables import table

from gateway.api import openapi
from gateway.api.routes import PREFIX, ROUTES
from gateway.api.shape import COMPONENTS, Maybe, named, record
from gateway.api.shapes import SHAPES
from gateway.operations.roles import CONTENT_MEMBERS, NARROWED

EXAMPLES = {operation: shape.example for operation, shape in SHAPES.items() if shape.example is not None}


def test_the_document_is_openapi_3_1():
    """By the judgement of a validator that is not ours."""
    OpenAPIV31SpecValidator(openapi.describe_api()).validate()


def test_every_route_is_described_and_nothing_else():
    """One shape for each operation, one operation for each shape."""
    assert {route.operation for route in ROUTES} == set(SHAPES)
    described: Any = openapi.describe_api()["paths"]
    for route in ROUTES:
        assert described[PREFIX + route.path][route.method.lower()]["operationId"] == route.operation


@table("operation", EXAMPLES)
def test_an_example_is_what_it_shows(operation: str):
    """The example of a body fits the shape of the arguments."""
    assert unfit(operation, EXAMPLES[operation]) == []


@table("route", [r for r in ROUTES if r.method == "GET"], ids=lambda r: r.operation)
def test_a_question_has_no_body(route: Any):
    """Arguments of a GET are plain words, since they stand in the query."""
    for part in SHAPES[route.operation].arguments.values():
        schema = part.schema if isinstance(part, Maybe) else part
        assert schema.get("type") != "object", route.operation


@table("operation", sorted(NARROWED & set(SHAPES)))
def test_content_may_be_missing(operation: str):
    """Who may not read content gets an answer without it, and that too is as described."""

    def required(schema: Any) -> set[str]:
        if isinstance(schema, list):
            return set().union(*map(required, schema))
        if not isinstance(schema, dict):
            return set()
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        deeper = required(COMPONENTS[name]) if name else set()
        return deeper | set(schema.get("required", ())) | required([*schema.values()])

    assert not required(SHAPES[operation].answer) & CONTENT_MEMBERS


def test_a_name_is_given_once():
    """Two different things under one name would make the document say one of them twice."""
    with pytest.raises(RuntimeError, match="Finding"):
        named("Finding", record())


@table("operation", SHAPES)
def test_an_operation_takes_what_is_described(operation: str):
    """What its function reads is what the document says."""
    in_headers = {"if_match"}
    assert set(pages.arguments(operation)) - in_headers == set(SHAPES[operation].arguments)
