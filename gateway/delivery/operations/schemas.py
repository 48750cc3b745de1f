"""What may be said, field by field, and whether a draft says it well."""

from __future__ import annotations

from collections.abc import Mapping

import schemas
from gateway.delivery.outbound.draft import DraftReader
from gateway.errors import RefusedError
from gateway.operations.arguments import Arguments, members, only, text
from gateway.operations.table import Operation
from gateway.ports import Json, OperationResult


class SchemaOperations:
    """Operations on the catalogue of message types."""

    def __init__(self, *, drafts: DraftReader) -> None:
        self._drafts = drafts

    def by_name(self) -> Mapping[str, Operation]:
        """The operations by their names."""
        return {
            "schema.list": self.list_schemas,
            "schema.show": self.show_schema,
            "schema.check": self.check_draft,
        }

    async def list_schemas(self, arguments: Arguments) -> OperationResult:
        """What may be said, in every revision held."""
        only(arguments)
        items: list[Json] = [entry.to_json() for entry in schemas.load_catalogue().held]
        return OperationResult(value={"schemas": items})

    async def show_schema(self, arguments: Arguments) -> OperationResult:
        """One type field by field, and its JSON Schema."""
        only(arguments, "id")
        entry = schemas.load_catalogue().find(text(arguments, "id").replace("@", "/"))
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

    async def check_draft(self, arguments: Arguments) -> OperationResult:
        """Check the form and schema of a draft; nothing is stored or sent."""
        only(arguments, "draft")
        try:
            self._drafts.check_form(members(arguments, "draft"))
        except RefusedError as error:
            return OperationResult(
                value={"ok": False, "code": str(error.code), "findings": [f.to_json() for f in error.findings]}
            )
        return OperationResult(value={"ok": True, "code": None, "findings": []})
