"""Retention and legal holds, backups, the audit log, alarms."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.shape import (
    BY,
    COUNT,
    CURSOR,
    DAY,
    FINDING,
    FLAG,
    ID,
    LIMIT,
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
    read,
    record,
)
from gateway.api.shapes.messages import DIRECTION
from gateway.erasure.rules import What

REQUEST_STATES = ("new", "waiting", "followed", "kept")
WITNESSED = null_or(record(size=COUNT, by=many(record(peer=TEXT, node=TEXT, at=TIME))))
CHECKPOINTS: Mapping[str, Schema | Maybe] = {
    "origin": TEXT,
    "entries": COUNT,
    "witnessed": WITNESSED,
    "quorum": COUNT,
}

SHAPES: Mapping[str, Shape] = {
    "retention.run": Shape(
        arguments={"by": BY, "dry_run": maybe(FLAG)},
        answer=record(
            dry_run=FLAG,
            at=TIME,
            horizon=about(NUMBER, "when all of it can be read by nobody"),
            report=many(record(verdict=TEXT, rule=null_or(TEXT), messages=COUNT)),
            erase=many(record(id=ID, direction=DIRECTION, rule=null_or(TEXT), due=null_or(TIME))),
            requests=many(about(ID, "the messages of peers whose requests are followed")),
        ),
        example={"by": "Ana Doe", "dry_run": True},
    ),
    "erasure.list": Shape(
        answer=record(
            requests=many(
                named(
                    "ErasureRequest",
                    record(
                        id=about(ID, "of the message that asks"),
                        peer=TEXT,
                        state=one_of(*REQUEST_STATES),
                        what=null_or(one_of(*map(str, What))),
                        ground=null_or(TEXT),
                        at=TIME,
                        follow=about(null_or(TIME), "when the node follows it; null where a person has to, or did"),
                        due=TIME,
                        erased_at=null_or(TIME),
                        answered=null_or(TIME),
                        told_onward=COUNT,
                    ),
                )
            )
        )
    ),
    "erasure.follow": Shape(
        arguments={"by": BY, "messages": maybe(about(many(ID), "of a request about a part: what has to go"))},
        answer=record(id=ID, erased=COUNT),
        example={"by": "Ana Doe"},
    ),
    "erasure.refuse": Shape(
        arguments={"by": BY, "ground": about(TEXT, "a code of the list kept_ground"), "until": DAY},
        answer=record(id=ID, ground=TEXT, until=DAY),
        example={"by": "Ana Doe", "ground": "legal_claims_17_3_e", "until": "2027-06-30"},
    ),
    "retention.list": Shape(
        answer=record(holds=many(record(id=null_or(ID), ground=TEXT, until=DAY, over=FLAG, at=TIME)))
    ),
    "retention.hold": Shape(
        arguments={"by": BY, "ground": about(TEXT, "a code of the list kept_ground"), "until": DAY},
        answer=record(id=ID, ground=TEXT, until=DAY),
        example={"by": "Ana Doe", "ground": "restriction_18", "until": "2027-06-30"},
        creates=True,
    ),
    "retention.release": Shape(arguments={"by": BY}, answer=record(id=ID), example={"by": "Ana Doe"}),
    "backup.make": Shape(
        arguments={"folder": about(TEXT, "the whole path of a folder on the node's machine")},
        answer=record(data=TEXT, keystore=TEXT, recovery=TEXT, size=COUNT, overdue=many(TEXT), epoch_days=NUMBER),
        example={"folder": "/srv/backups/2026-11-27"},
    ),
    "audit.show": Shape(
        answer=record(**CHECKPOINTS, checkpoint=null_or(record(size=COUNT, at=TIME)), halted=null_or(TEXT))
    ),
    "audit.list": Shape(
        arguments={
            "limit": maybe(LIMIT),
            "cursor": maybe(CURSOR),
            "event": maybe(about(TEXT, "see docs/audit-events.md")),
            "subject": maybe(about(TEXT, "an id, a hash or another member of the entry")),
            "until": maybe(TIME),
        },
        answer=record(
            next=null_or(CURSOR),
            entries=many(
                record(
                    seq=COUNT,
                    at=TIME,
                    event=TEXT,
                    facts=about(OBJECT, "the members of this event"),
                    covered=about(one_of("witnessed", "signed", "open"), "by a checkpoint that peers cosigned, or we"),
                )
            ),
        ),
    ),
    "audit.reads": Shape(
        arguments={
            "limit": maybe(LIMIT),
            "cursor": maybe(CURSOR),
            "message": maybe(about(ID, "a message or draft")),
            "conversation": maybe(about(ID, "with all its messages")),
            "consent": maybe(ID),
            "reader": maybe(about(TEXT, "as the answer names one: owner, token/ID, person/ID")),
        },
        answer=record(
            next=null_or(CURSOR),
            reads=many(
                named(
                    "Read",
                    record(
                        at=about(TIME, "the first time on that day"),
                        what=about(TEXT, "message, draft, file/N, conversation, contact, consent or evidence"),
                        id=about(ID, "as the audit log names it: of a conversation or consent its keyed index"),
                        conversation=read(null_or(about(ID, "that it is the index of; null where that is not known"))),
                        reader=TEXT,
                        name=about(null_or(TEXT), "of the person, or the label of the token"),
                    ),
                    "That somebody was shown content.",
                )
            ),
        ),
    ),
    "audit.verify": Shape(
        answer=record(**CHECKPOINTS, ok=FLAG, checkpoints=COUNT, newest=null_or(COUNT), findings=many(FINDING))
    ),
    "audit.export": Shape(
        arguments={"after": maybe(COUNT), "upto": maybe(COUNT)},
        answer=record(lines=many(TEXT), upto=COUNT, next=null_or(COUNT)),
    ),
    "alarm.list": Shape(
        arguments={
            "limit": maybe(LIMIT),
            "cursor": maybe(CURSOR),
            "kind": maybe(about(TEXT, "see docs/operations.md")),
        },
        answer=record(
            next=null_or(CURSOR),
            open=about(COUNT, "of all pages"),
            alarms=many(
                named(
                    "Alarm",
                    record(
                        id=TEXT,
                        at=TIME,
                        kind=about(TEXT, "see docs/operations.md"),
                        peer=null_or(TEXT),
                        message=null_or(ID),
                        reason=null_or(TEXT),
                        count=null_or(COUNT),
                    ),
                )
            ),
        ),
    ),
    "alarm.dismiss": Shape(arguments={"by": BY}, answer=record(id=TEXT), example={"by": "Ana Doe"}),
}
