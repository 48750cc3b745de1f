"""Whom to ask and what to do: the directory, and the guidance library."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.shape import (
    BY,
    COUNT,
    DAY,
    FINDING,
    FLAG,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    Maybe,
    Schema,
    Shape,
    about,
    many,
    maybe,
    named,
    null_or,
    one_of,
    record,
)

STANDING = about(TEXT, "own, or the state of the peer")
OFFICE = named(
    "Office",
    record(
        country=TEXT,
        peer=TEXT,
        state=STANDING,
        unit=TEXT,
        name=TEXT,
        roles=many(TEXT),
        services=many(TEXT),
        groups_served=many(TEXT),
        languages=many(TEXT),
        capacity=TEXT,
        hours=null_or(TEXT),
        at=about(NUMBER, "the moment looked at, Unix seconds"),
        open=about(null_or(FLAG), "null where its hours are words that only people read"),
        contact=null_or(record(duty=FLAG, phone=null_or(TEXT), email=null_or(TEXT), hours=null_or(TEXT))),
        duty_phone=null_or(about(TEXT, "day and night")),
        made=about(TIME, "when its country said so"),
        current=about(FLAG, "false: the entry is over, and may be wrong"),
        expires=TIME,
        **{"for": many(about(TEXT, "a code of the list focal_point_for"))},
    ),
    "One unit as its country tells it; see docs/directory.md.",
)
LANGUAGE: Maybe = maybe(about(TEXT, "of names and titles, such as fr"))
ABOUT: Mapping[str, Schema] = {
    "id": TEXT,
    "title": TEXT,
    "summary": TEXT,
    "draft": about(FLAG, "nobody who speaks the language has reviewed title and summary"),
    "origin": one_of("general", "region", "own"),
    "stages": many(TEXT),
    "roles": many(TEXT),
    "topics": many(TEXT),
    "countries": about(many(TEXT), "in which it holds; empty, as is between: everywhere"),
    "between": about(many(TEXT), "the two countries between which it holds"),
    "version": NUMBER,
    "written": DAY,
    "review_by": DAY,
    "overdue": about(FLAG, "it should have been read again"),
}
GUIDANCE = named("Guidance", record(**ABOUT), "One text of the guidance library, without its body.")
WANTED: Mapping[str, Maybe] = {
    "stage": maybe(about(TEXT, "a code of the list trm_stage")),
    "role": maybe(about(TEXT, "a code of the list role")),
    "country": maybe(TEXT),
    "other": maybe(about(TEXT, "a second country: what holds in one of them, or between both")),
    "topic": maybe(TEXT),
}

SHAPES: Mapping[str, Shape] = {
    "directory.search": Shape(
        arguments={
            "text": maybe(about(TEXT, "a question in any of the nine languages; it is kept nowhere")),
            "country": maybe(TEXT),
            "role": maybe(about(TEXT, "a code of the list role")),
            "service": maybe(about(TEXT, "a code of the list service")),
            "unit_language": maybe(about(TEXT, "in which the unit can be written to")),
            "child": maybe(about(FLAG, "who serves children, or adults")),
            "at": maybe(TIME),
            "language": LANGUAGE,
        },
        answer=record(
            understood=record(countries=many(TEXT), child=null_or(FLAG), timed=FLAG),
            units=about(many(OFFICE), "best first; what is over comes last"),
        ),
        example={"text": "who do I ask in Albania for a child case on a Sunday?"},
    ),
    "directory.show": Shape(
        arguments={"language": LANGUAGE},
        answer=record(
            country=TEXT,
            entries=many(
                record(
                    peer=TEXT,
                    state=STANDING,
                    number=COUNT,
                    made=TIME,
                    expires=TIME,
                    current=FLAG,
                    units=many(OFFICE),
                    procedures=many(record(kind=TEXT, text=TEXT, url=null_or(TEXT))),
                    foreign=about(COUNT, "units of other countries, which are left out"),
                )
            ),
        ),
    ),
    "directory.own": Shape(
        answer=record(
            content=about(
                OBJECT, "of a directory.update, without its number; unfinished where nothing was published yet"
            ),
            number=null_or(COUNT),
            made=null_or(TIME),
            expires=null_or(TIME),
            last=about(DAY, "the last day for which a unit can be told"),
        )
    ),
    "directory.publish": Shape(
        arguments={
            "content": about(OBJECT, "the content of a directory.update; the node numbers it"),
            "unit": maybe(about(TEXT, "the unit of this node that speaks; else the one that coordinates")),
            "language": LANGUAGE,
            "by": BY,
        },
        answer=record(
            number=COUNT,
            expires=TIME,
            sent=many(record(peer=TEXT, message=TEXT)),
            left_out=many(record(peer=TEXT, code=TEXT, hint=TEXT)),
        ),
    ),
    "guidance.list": Shape(
        arguments={"language": LANGUAGE, **WANTED},
        answer=record(texts=many(GUIDANCE), faults=about(many(FINDING), "in the node's own folder, not used then")),
    ),
    "guidance.search": Shape(
        arguments={"text": about(TEXT, "in any of the nine languages"), "language": LANGUAGE, **WANTED},
        answer=record(texts=about(many(GUIDANCE), "best first")),
        example={"text": "the person withdraws consent"},
    ),
    "guidance.show": Shape(
        arguments={"language": LANGUAGE},
        answer=record(
            **ABOUT,
            body=about(TEXT, "Markdown"),
            body_language=TEXT,
            sources=many(record(id=TEXT, title=TEXT, issuer=TEXT, year=null_or(NUMBER), where=TEXT)),
        ),
    ),
}
