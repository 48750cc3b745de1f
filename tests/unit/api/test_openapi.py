"""The description of the local API: valid OpenAPI, whole, and its examples are as it says."""

from __future__ import annotations

from typing import Any

from openapi_spec_validator import OpenAPIV31SpecValidator
from support.shapes import answer, described, document, unfit
from support.tables import table

from gateway.api.routes import PREFIX, ROUTES
from gateway.node.rows import APART, ROWS
from gateway.operations.registry import Units
from gateway.operations.roles import CONTENT_MEMBERS

EXAMPLES = {name: row.example for name, row in ROWS.items() if row.example is not None}
NARROWED = sorted(name for name, row in ROWS.items() if row.units is Units.NARROWED and row not in APART)


def test_the_document_is_openapi_3_1():
    """By the judgement of a validator that is not ours."""
    OpenAPIV31SpecValidator(document()).validate()


def test_every_route_is_described_and_nothing_else():
    """One route for each row, one row for each route."""
    assert {route.operation for route in ROUTES} == set(ROWS) - {row.name for row in APART}
    for route in ROUTES:
        assert document()["paths"][PREFIX + route.path][route.method.lower()]["operationId"] == route.operation


@table("operation", EXAMPLES)
def test_an_example_is_what_it_shows(operation: str):
    """The example of a body fits the shape of the arguments."""
    assert unfit(operation, EXAMPLES[operation]) == []


@table("route", [r for r in ROUTES if r.method == "GET"], ids=lambda r: r.operation)
def test_a_question_has_no_body(route: Any):
    """Arguments of a GET are plain words, since they stand in the query."""
    assert "requestBody" not in described()[route.operation]
    for parameter in described()[route.operation]["parameters"]:
        assert parameter["schema"].get("type") in ("string", "integer", "boolean"), parameter["name"]


@table("operation", NARROWED)
def test_content_may_be_missing(operation: str):
    """Who may not read content gets an answer without it, and that too is as described; what the row shows is whole."""
    shows = ROWS[operation].shows

    def required(schema: Any) -> set[str]:
        if isinstance(schema, list):
            return set().union(*map(required, schema))
        if not isinstance(schema, dict):
            return set()
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        deeper = required(document()["components"]["schemas"][name]) if name else set()
        left = {name: member for name, member in schema.items() if name not in shows}
        return deeper | {*schema.get("required", ())} - shows | required([*left.values()])

    assert not required(answer(operation)) & CONTENT_MEMBERS


def test_a_component_has_a_name_of_its_own():
    """Of two models with one name the document would name both by their modules."""
    assert [name for name in document()["components"]["schemas"] if "__" in name] == []


@table("operation", [name for name, row in ROWS.items() if row not in APART])
def test_an_operation_says_what_it_does(operation: str):
    """In a line, and what an answer holds in a model that has words of its own."""
    assert ROWS[operation].summary
    assert described()[operation]["x-roles"] == [str(role) for role in ROWS[operation].allowed]
