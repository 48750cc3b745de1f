"""What may be said: schemas and code lists."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.shape import FLAG, NUMBER, OBJECT, TEXT, TYPE, Shape, about, many, maybe, null_or, record

LABEL = record(code=TEXT, label=null_or(TEXT), draft=about(FLAG, "nobody who speaks the language has reviewed it"))

SHAPES: Mapping[str, Shape] = {
    "schema.list": Shape(
        answer=record(
            schemas=many(
                record(
                    type=TYPE,
                    revision=NUMBER,
                    schema=about(TEXT, "sha256: and the hash of the file"),
                    title=TEXT,
                    kind=TEXT,
                    stage=null_or(TEXT),
                    personal=FLAG,
                )
            )
        )
    ),
    "schema.show": Shape(
        answer=record(
            type=TYPE,
            schema=TEXT,
            fields=many(
                record(path=TEXT, **{"class": TEXT}, category=null_or(TEXT), codes=null_or(TEXT), required=FLAG)
            ),
            document=about(OBJECT, "the JSON Schema, version 2020-12"),
        )
    ),
    "code.list": Shape(answer=record(lists=many(record(id=TEXT, title=TEXT, codes=NUMBER)))),
    "code.show": Shape(
        arguments={"language": maybe(TEXT)},
        answer=record(id=TEXT, language=TEXT, direction=TEXT, codes=many(LABEL)),
    ),
    "directory.list": Shape(
        arguments={
            "country": maybe(TEXT),
            "role": maybe(about(TEXT, "a code of the list role")),
            "language": maybe(about(TEXT, "of the names, such as fr")),
        },
        answer=record(
            units=many(
                record(
                    peer=TEXT,
                    state=about(TEXT, "own, or the state of the peer"),
                    node=TEXT,
                    country=TEXT,
                    unit=TEXT,
                    name=about(TEXT, "by the directory; where it does not know the unit, by the signed descriptor"),
                    roles=many(TEXT),
                    contact=TEXT,
                )
            )
        ),
    ),
}
