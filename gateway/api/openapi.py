"""The OpenAPI 3.1 description of the local API, made of the routes and of the rows of the operations."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.metadata import version
from typing import Annotated, Any

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from gateway.api.routes import PREFIX, ROUTES, Route
from gateway.errors import Code
from gateway.messages.store.messages import IN, OUT
from gateway.node.rows import ROWS
from gateway.operations.ids import MessageId
from gateway.operations.models import PRINTABLE, UNSAID, Answer, Count, Fault, OneOf
from gateway.operations.registry import Row
from gateway.ports import Json

Schema = dict[str, Any]


class Problem(Answer):
    """A refusal (RFC 9457). It never repeats a value."""

    type: str
    title: str = Field(description="what happened and what was left unchanged")
    status: Count
    code: Annotated[str, OneOf(*Code)]
    gate: str | None = Field(description="the gate that stands in the way, like G2")
    hint: str = Field(description="what to do next")
    findings: list[Fault]


class Happened(Answer):
    """What happened, and which message it is about."""

    seq: Count = Field(description="position in the event stream")
    kind: str
    state: str | None
    id: MessageId = UNSAID
    direction: Annotated[str, OneOf(IN, OUT)] = UNSAID
    peer: str = UNSAID


class Told(Answer):
    """What a webhook carries: a CloudEvent 1.0 without content. The receiver asks for the message with its own
    token.
    """

    specversion: Annotated[str, OneOf("1.0")]
    id: str
    source: str
    type: str
    time: str = Field(json_schema_extra={"format": "date-time"})
    datacontenttype: Annotated[str, OneOf("application/json")]
    data: Happened


class _Describer(GenerateJsonSchema):
    """Leaves out what says nothing: titles of members, and null as the default of what may be left out."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> Schema:
        made = super().default_schema(schema)
        return {name: value for name, value in made.items() if name != "default" or value is not None}


_REF = "#/components/schemas/"
_OPEN, _EMPTY = "JsonObject", "NoArguments"
_NAMED: Schema = {
    _OPEN: {
        "type": "object",
        "additionalProperties": True,
        "description": "a JSON object that is judged, or described, elsewhere",
    },
    _EMPTY: {"type": "object", "additionalProperties": False, "description": "nothing is asked besides"},
}
"""Shapes that no model has and many places share."""
_FILE: Schema = {"type": "string", "format": "binary"}
"""The bytes of a file. OpenAPI 3.1 says nothing of them, and makers of clients leave out what nothing is said of."""
_IN_PATH = re.compile(r"{([a-z_]+)}")
_ABOUT = (
    "How a case system, a script and `trm` talk to their own node. It never leaves the machine: a Unix socket, and "
    "loopback with a bearer token of one role. `x-roles` are the roles that may ask; members marked `x-content` are "
    "there only for roles that may read content."
)


def describe_api() -> dict[str, Json]:
    """Return the whole description, as `GET /api/v1/openapi.json` answers it."""
    rows = [ROWS[route.operation] for route in ROUTES]
    asked = {row.arguments: row.arguments for row in rows}
    answered = {row.name: row.answer for row in rows} | {one.__name__: one for one in (Problem, Told)}
    schemas, whole = TypeAdapter.json_schemas(
        [(key, "validation", TypeAdapter(one)) for key, one in (*asked.items(), *answered.items())],
        ref_template=_REF + "{model}",
        schema_generator=_Describer,
    )
    components: Schema = whole["$defs"]
    taken = {model: components.pop(schemas[model, "validation"]["$ref"].removeprefix(_REF)) for model in asked}
    bodies = {route.operation: _body(route, taken[row.arguments]) for route, row in zip(ROUTES, rows, strict=True)}
    components |= {
        _body_name(route.operation): bodies[route.operation]
        for route in ROUTES
        if _has_body(route) and bodies[route.operation]["properties"]
    }
    parts = {name: _name_parts(part, components) for name, part in [*components.items()]}
    components |= parts | _NAMED
    answers = {name: _name_parts(schemas[name, "validation"], components) for name in answered}
    paths: dict[str, dict[str, Json]] = {}
    for route, row in zip(ROUTES, rows, strict=True):
        described = _operation(route, row, taken[row.arguments], bodies[route.operation], answers)
        paths.setdefault(PREFIX + route.path, {})[route.method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "TRM Gateway: the local API of a node",
            "version": version("trm-gateway"),
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "http://127.0.0.1:8080", "description": "`local.listen` of node.toml"}],
        "security": [{"token": []}],
        "paths": {**paths},
        "webhooks": {"happened": {"post": _webhook(answers["Told"])}},
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "made by trm token new"}},
        },
    }


def _webhook(told: Schema) -> dict[str, Json]:
    header: dict[str, Json] = {"in": "header", "required": True, "schema": {"type": "string"}}
    return {
        "operationId": "webhook.happened",
        "summary": "something happened here; told in the order of each conversation, for five days",
        "description": "Signed as Standard Webhooks 1.0: verify it first. A repetition has the same id.",
        "security": [],
        "parameters": [
            {"name": "webhook-id", **header},
            {"name": "webhook-timestamp", **header},
            {"name": "webhook-signature", **header},
        ],
        "requestBody": {"required": True, "content": {"application/cloudevents+json": {"schema": told}}},
        "responses": {"2XX": {"description": "the receiver has it"}, "default": {"description": "it comes again"}},
    }


def _operation(route: Route, row: Row, asked: Schema, body: Schema, answers: dict[str, Schema]) -> dict[str, Json]:
    given = _FILE if route.gives else answers[row.name]
    answer: Json = {"description": row.summary, "content": {row.media: {"schema": given}}}
    described: dict[str, Json] = {
        "operationId": row.name,
        "summary": row.summary,
        "tags": [row.name.partition(".")[0]],
        "x-roles": [*row.allowed],
        "parameters": [*_parameters(route, asked)],
        "responses": {
            "200": answer,
            **({"201": answer} if row.creates else {}),
            "default": {
                "description": "refused; nothing was changed",
                "content": {"application/problem+json": {"schema": answers["Problem"]}},
            },
        },
    }
    if route.takes:
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": {"schema": _FILE}}}
    elif _has_body(route):
        content: dict[str, Json] = {"schema": {"$ref": _REF + (_body_name(row.name) if body["properties"] else _EMPTY)}}
        if row.example is not None:
            content["example"] = dict(row.example)
        described["requestBody"] = {"required": "required" in body, "content": {"application/json": content}}
    return described


def _has_body(route: Route) -> bool:
    return route.method != "GET" and not route.takes


def _body(route: Route, asked: Schema) -> Schema:
    """The arguments as a POST carries them: those that stand neither in the path nor in a header."""
    properties = {name: asked["properties"][name] for name in _in_body(route, asked)}
    required = [name for name in asked.get("required", ()) if name in properties]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _in_body(route: Route, asked: Schema) -> Iterable[str]:
    elsewhere = {*_IN_PATH.findall(route.path), *(["if_match"] if route.matched else [])}
    return [name for name in asked.get("properties", {}) if name not in elsewhere]


def _parameters(route: Route, asked: Schema) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _IN_PATH.findall(route.path)
    ]
    if route.method == "GET" or route.takes:
        found += [
            {
                "name": name,
                "in": "query",
                "required": name in asked.get("required", ()),
                "schema": _without_null(asked["properties"][name]),
            }
            for name in _in_body(route, asked)
        ]
    if route.matched:
        found.append(
            {
                "name": "If-Match",
                "in": "header",
                "required": route.method == "PUT",
                "schema": {"type": "string"},
                "description": "the ETag seen",
            }
        )
    if route.method == "POST" and not route.takes:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": route.keyed,
                "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": PRINTABLE},
                "description": "a fresh random text for each new act; the old one to repeat it",
            }
        )
    return found


def _body_name(operation: str) -> str:
    """`MessageSubmitBody` of `message.submit`: by it whoever writes a program knows what to fill in."""
    return "".join(word.capitalize() for word in re.split(r"[._]", operation)) + "Body"


def _name_parts(part: Any, components: Schema, *, inner: bool = False) -> Any:
    """The same shape, in which each object has the name of a component. A maker of clients invents one for what has
    none, another one in each place; and what says nothing of its members is for some of them empty.
    """
    if isinstance(part, list):
        return [_name_parts(one, components, inner=True) for one in part]
    if not isinstance(part, dict):
        return part
    if part.get("type") == "object" and not part.keys() & {"properties", "additionalProperties"}:
        return {"$ref": _REF + _OPEN, **{name: said for name, said in part.items() if name != "type"}}
    named = {name: _name_parts(one, components, inner=True) for name, one in part.items()}
    if not (inner and "properties" in part and isinstance(part.get("title"), str)):
        return named
    components[part["title"]] = named
    return {"$ref": _REF + part["title"]}


def _without_null(schema: Schema) -> Schema:
    """A query has no null: what is null is left out."""
    others = [part for part in schema.get("anyOf", ()) if part != {"type": "null"}]
    return schema if not others else {**{k: v for k, v in schema.items() if k != "anyOf"}, **others[0]}
