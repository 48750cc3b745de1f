"""What may be said: schemas and code lists."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.shape import FLAG, NUMBER, OBJECT, TEXT, TYPE, Shape, about, many, null_or, record

SHAPES: Mapping[str, Shape] = {
    "schema.list": Shape(
        answer=record(
            schemas=many(
                record(
                    type=TYPE, revision=NUMBER, schema=about(TEXT, "sha256: and the hash of the file"), title=TEXT,
                    kind=TEXT, stage=null_or(TEXT), personal=FLAG,
                )
            )
        )
    ),
    "schema.show": Shape(
        answer=record(
            type=TYPE, schema=TEXT,
            fields=many(
                record(path=TEXT, **{"class": TEXT}, category=null_or(TEXT), codes=null_or(TEXT), required=FLAG)
            ),
            document=about(OBJECT, "the JSON Schema, version 2020-12"),
        )
    ),
}  # fmt: skip
