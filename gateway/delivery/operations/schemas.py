"""What may be said, field by field, and whether a draft says it well."""

from __future__ import annotations

from pydantic import Field

import schemas
from gateway.delivery.operations.draft_models import ENQUIRY, Checked, JudgeDraft
from gateway.delivery.outbound.draft import DraftReader
from gateway.errors import RefusedError
from gateway.operations.ids import MessageTypeId
from gateway.operations.models import Answer, Asked, Nothing, Object, Type
from gateway.operations.registry import About, Units, operation
from gateway.operations.roles import CASE_SYSTEMS, EVERYBODY
from gateway.ports import Json, OperationResult


class OneSchema(Asked):
    """A message type with its version; `@` may stand for `/`."""

    id: MessageTypeId


class SchemaLine(Answer):
    """A message type that may be said."""

    type: Type
    revision: int
    hash: str = Field(alias="schema", description="sha256: and the hash of the file")
    title: str
    kind: str
    stage: str | None
    personal: bool


class Schemas(Answer):
    """What may be said, in every revision held."""

    schemas: list[SchemaLine]


class SchemaField(Answer):
    """A member of a message type."""

    path: str
    sensitivity: str = Field(alias="class")
    category: str | None
    codes: str | None
    required: bool


class Schema(Answer):
    """A message type, member by member."""

    type: Type
    hash: str = Field(alias="schema")
    fields: list[SchemaField]
    document: Object = Field(description="the JSON Schema, version 2020-12")


class SchemaOperations:
    """Operations on the catalogue of message types."""

    def __init__(self, *, drafts: DraftReader) -> None:
        self._drafts = drafts

    @operation(
        "schema.list",
        "what may be said",
        roles=EVERYBODY,
        about=About.NODE,
        answer=Schemas,
        units=Units.FREE,
    )
    async def list_schemas(self, _asked: Nothing) -> OperationResult:
        """What may be said, in every revision held."""
        items: list[Json] = [entry.to_json() for entry in schemas.load_catalogue().held]
        return OperationResult(value={"schemas": items})

    @operation(
        "schema.show",
        "one published schema",
        roles=EVERYBODY,
        about=About.NODE,
        answer=Schema,
        units=Units.FREE,
    )
    async def show_schema(self, asked: OneSchema) -> OperationResult:
        """One type field by field, and its JSON Schema."""
        entry = schemas.load_catalogue().find(asked.id.replace("@", "/"))
        fields: list[Json] = [
            {
                "path": field.path,
                "class": field.sensitivity,
                "category": field.category,
                "codes": field.codes,
                "required": field.required,
            }
            for field in schemas.list_fields(entry.schema)
        ]
        return OperationResult(
            value={"type": entry.body_type, "schema": entry.schema, "fields": fields, "document": dict(entry.document)}
        )

    @operation(
        "schema.check",
        "check a draft, send nothing",
        roles=CASE_SYSTEMS,
        about=About.CASE,
        answer=Checked,
        units=Units.FREE,
        anew=True,
        example={"draft": dict(ENQUIRY)},
    )
    async def check_draft(self, asked: JudgeDraft) -> OperationResult:
        """Check the form and schema of a draft; nothing is stored or sent."""
        try:
            self._drafts.check_form(asked.draft.given())
        except RefusedError as error:
            return OperationResult(
                value={"ok": False, "code": str(error.code), "findings": [f.to_json() for f in error.findings]}
            )
        return OperationResult(value={"ok": True, "code": None, "findings": []})
