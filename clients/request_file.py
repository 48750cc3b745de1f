"""The file of requests, for people who click: one for each operation, and a draft for each type of message.

It is the `.http` format that editors open (JetBrains, Visual Studio, VS Code with REST Client or httpYac, Neovim), in
the part that all of them know: `###` begins a request, `@name = value` says what `{{name}}` stands for. The token is a
variable that nothing here has a value for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import schemas

EXAMPLES = Path(schemas.__file__).parent / "examples"
ENVIRONMENT = "http-client.env.json"
NODE = {"url": "http://127.0.0.1:8080"}
"""What the environment says of a node; its token each person keeps (docs/clients.md)."""
SAVE = "draft.save"
"""The operation that keeps a draft for people to release."""
SINGULAR = {"countries": "country", "directory": "country", "people": "person", "statistics": "period"}
"""What a thing of a path is called where it is not the path without its last letter."""
KNOWN = {
    "code_id": "role",
    "country_id": "AL",
    "part": "0",
    "peer_id": "AL",
    "period_id": "2026-Q1",
    "schema_id": "referral.request@1",
    "their_unit": "focal-point",
    "unit": "focal-point",
}
"""Values of variables with which a request can be sent at once; of the others the user fills in an id."""
ATTESTED = "attested"
ID = "AAAAAAAAAAAAAAAAAAAAAA"
_IN_PATH = re.compile(r"([a-z-]+)/{id}")
_VARIABLE = re.compile(r"{{([a-z_]+)}}")

Json = dict[str, Any]


def write_requests(description: Json) -> str:
    """Return the whole file."""
    operations = sorted(_operations(description), key=lambda one: one.operation["operationId"].partition(".")[0])
    (save,) = [one for one in operations if one.operation["operationId"] == SAVE]
    requests = [_request(description, one) for one in operations]
    requests += [_draft_request(save, body_type) for body_type in _types()]
    text = "\n".join(requests)
    return _head(description, sorted({*_VARIABLE.findall(text)} - {*NODE, "token"})) + text


def write_environment() -> str:
    """Return the file beside it: where the node is. No token stands in it."""
    return json.dumps({"node": NODE}, indent=2) + "\n"


def _head(description: Json, variables: list[str]) -> str:
    lines = [
        f"# The local API of a TRM Gateway node {description['info']['version']}: a request for each operation.",
        f"# {ENVIRONMENT} beside this file says where the node is. `token` is a secret: docs/clients.md says where to",
        "# keep it, and it is never written into this file. What stands below is filled in with ids of your node.",
        "",
        *(f"@{name} = {KNOWN.get(name, ID)}" for name in variables),
        "",
    ]
    return "\n".join(lines) + "\n"


class _Asked(NamedTuple):
    """One operation, and how it is asked."""

    method: str
    path: str
    operation: Json


def _operations(description: Json) -> Iterator[_Asked]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield _Asked(method.upper(), path, operation)


def _request(description: Json, one: _Asked) -> str:
    """One request, with the example of its body or the least that its shape needs."""
    content = one.operation.get("requestBody", {}).get("content", {})
    if "application/octet-stream" in content:
        return _text(one, "< ./file.pdf", media="application/octet-stream")
    if "application/json" not in content:
        return _text(one)
    said = content["application/json"]
    body = said.get("example", _least(description, said["schema"]))
    if "adapter" in one.operation["x-roles"]:
        body = _attested(description, said["schema"], body)
    return _text(one, _json(body))


def _draft_request(save: _Asked, body_type: str) -> str:
    body = _json({"draft": {"type": body_type, "to": "{{peer_id}}", **_example(body_type)}})
    return _text(save._replace(operation={**save.operation, "summary": f"a {body_type}"}), body)


def _text(one: _Asked, body: str = "", *, media: str = "application/json") -> str:
    operation = one.operation
    queries = [each["name"] for each in operation["parameters"] if each["in"] == "query"]
    headers = {each["name"] for each in operation["parameters"] if each["in"] == "header" and each["required"]}
    lines = [
        f"### {operation['operationId']}: {operation['summary']}",
        f"# for: {', '.join(operation['x-roles']) or 'the owner of the node, on its socket'}",
        *([f"# may be asked with: {', '.join(queries)}"] if queries else []),
        *(
            ["# `attested` is which user of the case system does it; with the token of a person leave it out"]
            * (ATTESTED in body)
        ),
        f"{one.method} {{{{url}}}}{_filled(one.path)}",
        "Authorization: Bearer {{token}}",
        *([f"Content-Type: {media}"] if body else []),
        *([f"Idempotency-Key: {operation['operationId']}-{{{{$timestamp}}}}"] if "Idempotency-Key" in headers else []),
        *(['If-Match: "{{draft_version}}"'] if "If-Match" in headers else []),
        *(["", body] if body else []),
    ]
    return "\n".join(lines) + "\n"


def _filled(path: str) -> str:
    """The path with a variable for each thing in it: `/messages/{{message_id}}`."""
    return _IN_PATH.sub(lambda found: f"{found[1]}/{{{{{_variable(found[1])}}}}}", path).replace("{part}", "{{part}}")


def _variable(things: str) -> str:
    """`message_id` of `messages`. The ending keeps it apart from `{{token}}`, the secret, and from what editors have
    for themselves: in one `{{request}}` is all that is sent, with the token, and `{{case}}` is no name.
    """
    return f"{SINGULAR.get(things, things.removesuffix('s'))}_id".replace("-", "_")


def _json(body: Any) -> str:
    return json.dumps(body, indent=2, ensure_ascii=False)


def _types() -> list[str]:
    return sorted(folder.name[::-1].replace(".", "/", 1)[::-1] for folder in EXAMPLES.iterdir() if folder.is_dir())


def _example(body_type: str) -> Mapping[str, Any]:
    """The least that is valid of a type, without what the node or a person fills in."""
    paths = sorted((EXAMPLES / body_type.replace("/", ".")).glob("valid-*.json"), key=lambda path: path.stat().st_size)
    usual = [path for path in paths if path.stem == "valid-minimal"]
    body: dict[str, Json] = json.loads([*usual, *paths][0].read_text(encoding="utf-8"))
    header = {
        name: said for name, said in body["header"].items() if name not in ("seen", "author_ref", "consent_ref")
    } | {"sender_unit": "{{unit}}", "recipient_unit": "{{their_unit}}"}
    return {"header": header, "content": body["content"]}


def _shape(description: Json, schema: Json) -> Json:
    """The component that a reference names."""
    found: Json = (
        description["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    )
    return found


def _attested(description: Json, schema: Json, body: Any) -> Any:
    """The same body, with the user of the case system who does it, wherever its shape has a place for that."""
    shape = _shape(description, schema)
    if isinstance(body, list):
        return [_attested(description, shape.get("items", {}), one) for one in body]
    if not isinstance(body, dict):
        return body
    members = shape.get("properties", {})
    inner = {name: _attested(description, members.get(name, {}), one) for name, one in body.items()}
    return inner | ({ATTESTED: {"by": "u-117"}} if ATTESTED in members else {})


def _least(description: Json, schema: Json) -> Any:
    """The least value of a shape: its members that are needed."""
    schema = _shape(description, schema)
    if schema["type"] == "object":
        properties = schema.get("properties", {})
        return {name: _least(description, properties[name]) for name in schema.get("required", ())}
    return ID
