"""Small parts from which the shapes of arguments and answers of the local API are made, as JSON Schema 2020-12.

A described object is closed: what is not named is not there. `maybe` marks a member that can be left out, `read` one
that only a caller with the right to read content gets (`gateway.operations.roles`). `named` gives a schema a name under
which the OpenAPI document and a reader find it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.ports import Json

Schema = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Maybe:
    """A member that may be missing."""

    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What one operation takes besides what is in its path, what it answers, and a body that shows how it is asked.

    `creates`: it can answer 201. `media`: of the answer.
    """

    answer: Schema
    arguments: Mapping[str, Schema | Maybe] = field(default_factory=dict)
    example: Mapping[str, Json] | None = None
    creates: bool = False
    media: str = "application/json"

    @property
    def body(self) -> Schema:
        """The arguments as one object, as a POST carries them."""
        return record(**self.arguments)


COMPONENTS: dict[str, Schema] = {}
"""Named schemas, filled by `named` while the modules of `gateway.api.shapes` are read."""


def record(**members: Schema | Maybe) -> Schema:
    """Make the schema of an object with these members and no others."""
    properties: Schema = {name: part.schema if isinstance(part, Maybe) else part for name, part in members.items()}
    required: list[Json] = [name for name, part in members.items() if not isinstance(part, Maybe)]
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def named(name: str, schema: Schema, about: str = "") -> Schema:
    """Register the schema under a name and return a reference to it."""
    if name in COMPONENTS:
        raise RuntimeError(f"two schemas are named {name}")
    COMPONENTS[name] = {"title": name, **({"description": about} if about else {}), **schema}
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Maybe:
    """Mark a member as optional."""
    return Maybe(schema)


def read(schema: Schema) -> Maybe:
    """Mark a member as present only for callers who may read content."""
    return Maybe({"x-content": True, **schema})


def null_or(schema: Schema) -> Schema:
    """Allow null: absent, or gone by now."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """Make the schema of a list."""
    return {"type": "array", "items": schema}


def one_of(*words: str) -> Schema:
    """Make the schema of a choice between words."""
    return {"type": "string", "enum": [*words]}


def about(schema: Schema, words: str) -> Schema:
    """Add a description to a schema."""
    return {**schema, "description": words}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {"type": "integer", "description": "Unix seconds"}
DAY: Schema = {"type": "string", "format": "date"}
OBJECT: Schema = {"type": "object"}
ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$", "description": "16 random bytes as base64url"}
TYPE: Schema = {"type": "string", "description": "a message type with its version, like referral.request/1"}
BY: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 64,
    "description": "the person who does it; the audit log keeps a keyed hash of the name",
}
LIMIT: Schema = {"type": "integer", "minimum": 0, "maximum": 500}
CURSOR: Schema = {"type": "string", "description": "`next` of the page before"}
FINDING = named(
    "Finding",
    record(place=about(TEXT, "JSON pointer"), rule=TEXT, hint=TEXT),
    "One fault: where it is and which rule it breaks. Never a value.",
)
