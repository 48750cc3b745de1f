"""The OpenAPI 3.1 description of the local API, made of the routes, their shapes and the matrix of roles."""

from __future__ import annotations

import re
from importlib.metadata import version

from gateway.api.routes import PREFIX, ROUTES, Route
from gateway.api.shape import (
    COMPONENTS,
    COUNT,
    FINDING,
    TEXT,
    Maybe,
    Schema,
    Shape,
    about,
    many,
    named,
    null_or,
    record,
)
from gateway.api.shapes import SHAPES
from gateway.api.shapes.node import TOLD
from gateway.errors import Code
from gateway.operations.roles import allowed
from gateway.ports import Json

PROBLEM = named(
    "Problem",
    record(
        type=TEXT,
        title=about(TEXT, "what happened and what was left unchanged"),
        status=COUNT,
        code={"type": "string", "enum": [*Code]},
        gate=about(null_or(TEXT), "the gate that stands in the way, like G2"),
        hint=about(TEXT, "what to do next"),
        findings=many(FINDING),
    ),
    "A refusal (RFC 9457). It never repeats a value.",
)
_IN_PATH = re.compile(r"{([a-z_]+)}")
_ABOUT = (
    "How a case system, a script and `trm` talk to their own node. It never leaves the machine: a Unix socket, and "
    "loopback with a bearer token of one role. `x-roles` are the roles that may ask; members marked `x-content` are "
    "there only for roles that may read content."
)


def describe_api() -> dict[str, Json]:
    """Return the whole description, as `GET /api/v1/openapi.json` answers it."""
    paths: dict[str, Json] = {}
    for route in ROUTES:
        item = paths.setdefault(PREFIX + route.path, {})
        assert isinstance(item, dict)  # noqa: S101 (made in the line above)
        item[route.method.lower()] = _operation(route, SHAPES[route.operation])
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
        "paths": paths,
        "webhooks": {"happened": {"post": _webhook()}},
        "components": {
            "schemas": dict(COMPONENTS),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": "made by trm token new"}},
        },
    }


def _webhook() -> dict[str, Json]:
    header: dict[str, Json] = {"in": "header", "required": True, "schema": TEXT}
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
        "requestBody": {"required": True, "content": {"application/cloudevents+json": {"schema": TOLD}}},
        "responses": {"2XX": {"description": "the receiver has it"}, "default": {"description": "it comes again"}},
    }


def _operation(route: Route, shape: Shape) -> dict[str, Json]:
    given: Json = {} if route.gives else {"schema": shape.answer}
    answer: Json = {"description": route.summary, "content": {shape.media: given}}
    described: dict[str, Json] = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.operation.partition(".")[0]],
        "x-roles": [*allowed(route.operation)],
        "parameters": [*_parameters(route, shape)],
        "responses": {
            "200": answer,
            **({"201": answer} if shape.creates else {}),
            "default": {
                "description": "refused; nothing was changed",
                "content": {"application/problem+json": {"schema": PROBLEM}},
            },
        },
    }
    if route.takes:
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    elif route.method != "GET":
        content: dict[str, Json] = {"schema": shape.body}
        if shape.example is not None:
            content["example"] = dict(shape.example)
        needed = any(not isinstance(part, Maybe) for part in shape.arguments.values())
        described["requestBody"] = {"required": needed, "content": {"application/json": content}}
    return described


def _parameters(route: Route, shape: Shape) -> list[Json]:
    found: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": TEXT} for name in _IN_PATH.findall(route.path)
    ]
    if route.method == "GET" or route.takes:
        found += [_query(name, part) for name, part in shape.arguments.items()]
    if route.matched:
        found.append(
            {"name": "If-Match", "in": "header", "required": True, "schema": TEXT, "description": "the ETag seen"}
        )
    if route.method == "POST" and not route.takes:
        found.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": route.keyed,
                "schema": {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
                "description": "a fresh random text for each new act; the old one to repeat it",
            }
        )
    return found


def _query(name: str, part: Schema | Maybe) -> Json:
    schema, required = (part.schema, False) if isinstance(part, Maybe) else (part, True)
    return {"name": name, "in": "query", "required": required, "schema": schema}
