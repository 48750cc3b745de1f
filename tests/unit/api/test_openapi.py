"""The description of the local API: valid OpenAPI, whole, and its examples are as it says."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
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


def operations(api: Any) -> Iterator[Any]:
    """Each operation of a description."""
    for item in api["paths"].values():
        yield from item.values()


def nameless(api: Any) -> list[str]:
    """Where a maker of clients would find no shape, or would have to invent a name for one."""
    found = [
        f"{one['operationId']}: {media}"
        for one in operations(api)
        for part in (one.get("requestBody", {}), *one["responses"].values())
        for media, content in part.get("content", {}).items()
        if not is_named(content.get("schema", {}), media)
    ]
    return found + [name for name, shape in api["components"]["schemas"].items() if any(inner_shapes(shape))]


def is_named(schema: Any, media: str) -> bool:
    """A component, several of them, or the bytes of a file."""
    if media == "application/octet-stream":
        return bool(schema == {"type": "string", "format": "binary"})
    return all("$ref" in one for one in schema.get("anyOf", [schema.get("items", schema)]))


def inner_shapes(schema: Any) -> Iterator[Any]:
    """What stands inside of a component and is neither a plain value nor a component itself."""
    within = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("prefixItems", ())]
    within += [schema[name] for name in ("items", "additionalProperties") if isinstance(schema.get(name), dict)]
    for one in within:
        if not one.keys() & {"$ref", "anyOf", "type", "enum", "const"}:
            yield one
        if one.get("type") == "object" and (
            "properties" in one or not isinstance(one.get("additionalProperties"), dict)
        ):
            yield one
        yield from inner_shapes(one)


def test_every_operation_has_a_name_of_its_own():
    """By it a client calls its function, whatever the case of letters and the kind of dot."""
    names = [one["operationId"].lower().replace(".", "_") for one in operations(document())]
    assert len(names) == len(set(names)) == len(ROUTES)


def test_every_shape_has_a_name():
    """Bodies, answers and what stands in them are components: a client has one type for each, under our name."""
    assert nameless(document()) == []


def test_a_shape_without_a_name_is_found():
    """In an answer, in a body, inside of a component, and where nothing is said at all."""
    api = deepcopy(document())
    api["paths"][f"{PREFIX}/messages"]["get"]["responses"]["200"]["content"]["application/json"]["schema"] = {}
    api["paths"][f"{PREFIX}/attachments"]["post"]["requestBody"]["content"]["application/octet-stream"] = {}
    shapes = api["components"]["schemas"]
    shapes["Saved"]["properties"]["inner"] = {"anyOf": [{"type": "object"}, {"type": "null"}]}
    shapes["Fault"]["properties"]["any"] = {"description": "whatever"}
    assert sorted(nameless(api)) == [
        "Fault",
        "Saved",
        "attachment.add: application/octet-stream",
        "message.list: application/json",
    ]


def test_a_component_has_a_name_of_its_own():
    """Of two models with one name the document would name both by their modules."""
    assert [name for name in document()["components"]["schemas"] if "__" in name] == []


@table("operation", [name for name, row in ROWS.items() if row not in APART])
def test_an_operation_says_what_it_does(operation: str):
    """In a line, and what an answer holds in a model that has words of its own."""
    assert ROWS[operation].summary
    assert described()[operation]["x-roles"] == [str(role) for role in ROWS[operation].allowed]
