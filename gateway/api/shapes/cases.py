"""Conversations and what is owed in them, consents, evidence."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.shape import (
    BY,
    COUNT,
    CURSOR,
    FLAG,
    ID,
    LIMIT,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    TYPE,
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
from gateway.api.shapes.messages import ERASED, STATE, SUBMITTED, SUMMARY
from gateway.conversations import procedure
from gateway.conversations.rules.facts import Side
from gateway.conversations.rules.machines import Kind
from gateway.conversations.safe_contact import Channel, Contact, Party

OWES = one_of("us", "them")
TITLE = about(OBJECT, "a text by language")
STEP = named(
    "Step",
    record(
        id=TEXT,
        stage=TEXT,
        title=TITLE,
        standing=one_of(*procedure.ProcedureStatus),
        seen=FLAG,
        stopped_by=many(TEXT),
        by=one_of("us", "them", "either"),
        responsible=about(TEXT, "a code of the list role"),
        messages=many(TEXT),
        gates=many(TEXT),
        safeguards=many(TITLE),
        tell_person=many(about(TITLE, "what the person has to be told")),
        clock=null_or(about(TEXT, "one of schemas/clocks.json")),
        until=null_or(TIME),
        **{"with": many(TEXT)},
    ),
    "One step of the procedure, and how it stands; see docs/region-packs.md.",
)
PLACE = record(
    region=TEXT,
    drafts=about(many(TEXT), "languages in which its texts are not reviewed"),
    stage=null_or(about(TEXT, "where it stands in the procedure")),
    title=null_or(TITLE),
    steps=many(STEP),
)
DUTY: Mapping[str, Schema | Maybe] = {
    "what": about(TEXT, "the clock, one of schemas/clocks.json"),
    "owes": OWES,
    "because": about(ID, "the message that asks"),
    "until": TIME,
    "overdue": FLAG,
    "certain": FLAG,
    "doubts": many(record(country=TEXT, year=NUMBER, why=TEXT)),
}
WHERE: Mapping[str, Schema | Maybe] = {
    "peer": TEXT,
    "kind": about(TEXT, "enquiry, referral or standing"),
    "state": about(TEXT, "see docs/state-machines.md"),
    "provisional": about(FLAG, "it rests on silence, and an answer that was written in time may still arrive"),
}
STANDING = named(
    "Standing",
    record(
        **WHERE,
        side=one_of(*Side),
        overlays=many(TEXT),
        owed=many(record(**DUTY)),
        procedure=null_or(PLACE),
        missing=COUNT,
        no_calendar=many(TEXT),
    ),
    "Where a conversation stands with one peer.",
)
RUNG = record(contact=about(TEXT, "one of duty.contacts"), at=TIME)
HELD = record(id=ID, held=about(FLAG, "false once a second, different person lifted it"))
RELEASE: Mapping[str, Schema | Maybe] = {
    "version": about(COUNT, "of the plan of the region"),
    "period": about(TEXT, "a year or a quarter, 2026 or 2026-Q1"),
    "threshold": about(COUNT, "smaller counts are suppressed, except 0"),
    "total": about(null_or(COUNT), "all cases; null where they are too few"),
    "tables": about(
        {
            "type": "object",
            "additionalProperties": null_or(many(record(key=many(null_or(TEXT)), n=null_or(COUNT)))),
        },
        "every cell by its categories (null: summed over); n is null where suppressed, the table where withheld",
    ),
}
CONSENT_STATE = one_of("active", "withdrawn_in_part", "withdrawn", "damaged")

SHAPES: Mapping[str, Shape] = {
    "conversation.list": Shape(
        arguments={
            "limit": maybe(LIMIT),
            "cursor": maybe(CURSOR),
            "peer": maybe(TEXT),
            "kind": maybe(one_of(*Kind)),
            "state": maybe(about(TEXT, "see docs/state-machines.md")),
        },
        answer=record(
            next=null_or(CURSOR),
            conversations=many(
                record(
                    conversation=read(null_or(ID)),
                    kind=TEXT,
                    state=about(null_or(TEXT), "as it was last folded"),
                    peer=TEXT,
                    unit=read(null_or(TEXT)),
                    messages=COUNT,
                    began=TIME,
                    last=TIME,
                    last_type=null_or(TYPE),
                    last_state=STATE,
                )
            ),
        ),
    ),
    "conversation.due": Shape(
        arguments={
            "limit": maybe(LIMIT),
            "cursor": maybe(CURSOR),
            "owes": maybe(OWES),
            "peer": maybe(TEXT),
            "unit": maybe(about(TEXT, "of this node; a page may be shorter than asked")),
        },
        answer=record(
            due=many(
                named(
                    "Due",
                    record(conversation=read(ID), **WHERE, type=read(TYPE), unit=read(null_or(TEXT)), **DUTY),
                    "Something that is owed, and the message it is about.",
                )
            ),
            next=null_or(CURSOR),
        ),
    ),
    "conversation.show": Shape(
        answer=record(
            conversation=read(ID),
            messages=many(
                named(
                    "MessageInConversation",
                    record(**SUMMARY, outcome=about(null_or(TEXT), "applied, or why it had no effect")),
                )
            ),
            standing=many(STANDING),
            asylum_hold=about(FLAG, "a person placed one: nothing of it goes to the State of nationality"),
            consents=many(record(id=TEXT, state=CONSENT_STATE)),
        )
    ),
    "conversation.writable": Shape(
        answer=record(
            conversation=read(ID),
            peers=many(
                record(
                    peer=TEXT,
                    types=many(record(type=read(TYPE), in_reply_to=read(null_or(ID)))),
                    header=read(about(OBJECT, "what of the header of the next message is known: units, roles, cases")),
                )
            ),
        )
    ),
    "conversation.erase": Shape(
        arguments={"by": BY, "reason": about(TEXT, "a code of the list erasure_ground")},
        answer=ERASED,
        example={"by": "Ana Doe", "reason": "not_needed"},
    ),
    "alert.list": Shape(
        answer=record(
            alerts=many(
                record(
                    id=ID,
                    peer=TEXT,
                    kind=about(TEXT, "a code of the list alert_kind"),
                    owes=OWES,
                    until=TIME,
                    overdue=FLAG,
                    woken=many(RUNG),
                    next=null_or(RUNG),
                )
            )
        )
    ),
    "alert.acknowledge": Shape(
        arguments={
            "by": BY,
            "actions": about(many(TEXT), "what has been begun, codes of the list alert_action"),
            "hours": maybe(about(COUNT, "until the next word, 24 at most and where it is left out")),
        },
        answer=SUBMITTED,
        example={"by": "Ana Doe", "actions": ["call_person"]},
        creates=True,
    ),
    "asylum.list": Shape(answer=record(holds=many(record(id=null_or(ID), at=TIME, lift_wanted=FLAG)))),
    "asylum.hold": Shape(arguments={"by": BY}, answer=HELD, example={"by": "Ana Doe"}, creates=True),
    "contact.advise": Shape(
        arguments={"channel": one_of(*Channel), "address": maybe(about(TEXT, "the number or name that would be used"))},
        answer=record(
            contact=one_of(*Contact),
            why=TEXT,
            check_who_answers=FLAG,
            do_not_notify=many(record(party=one_of(*Party), why=TEXT)),
        ),
        example={"channel": "call"},
    ),
    "asylum.lift": Shape(arguments={"by": BY}, answer=HELD, example={"by": "Ana Doe"}),
    "consent.record": Shape(
        arguments={"by": BY, "content": about(OBJECT, "the content of consent.record/1; units may be PEER/unit")},
        answer=record(id=TEXT, state=CONSENT_STATE),
        example={
            "by": "Ana Doe",
            "content": {
                "given_by": "person",
                "form": "written",
                "taken_on": "2026-11-20",
                "language": "sq",
                "interpreter": True,
                "grants": [
                    {
                        "purpose": "referral",
                        "recipient_units": ["AL/focal-point"],
                        "data_categories": ["identity", "needs"],
                        "until": "2030-11-30",
                    }
                ],
                "told": {
                    "purpose": True,
                    "uses": True,
                    "recipients": True,
                    "research_use": True,
                    "access": True,
                    "storage_time": True,
                    "withdrawal": True,
                },
                "onward_sharing": False,
            },
        },
        creates=True,
    ),
    "consent.list": Shape(
        arguments={"limit": maybe(LIMIT), "cursor": maybe(CURSOR)},
        answer=record(
            consents=many(record(id=null_or(TEXT), holder=TEXT, state=CONSENT_STATE, at=TIME)), next=null_or(CURSOR)
        ),
    ),
    "consent.show": Shape(
        answer=record(
            id=TEXT,
            holder=TEXT,
            state=CONSENT_STATE,
            record=about(OBJECT, "what was recorded"),
            withdrawals=many(OBJECT),
        )
    ),
    "consent.withdraw": Shape(
        arguments={
            "by": BY,
            "grants": maybe(about(many(COUNT), "the grants taken back, by place from 0; all where it is left out")),
            "erase_wanted": maybe(FLAG),
        },
        answer=record(id=TEXT, state=CONSENT_STATE, told=many(record(peer=TEXT, message=ID))),
        example={"by": "Ana Doe", "erase_wanted": True},
        creates=True,
    ),
    "statistics.make": Shape(
        arguments={"period": TEXT, "by": BY},
        answer=record(
            **RELEASE,
            new=about(FLAG, "false: it was counted before"),
            erased=about(COUNT, "cases of which the content is gone"),
        ),
        example={"period": "2026", "by": "Ana Doe"},
        creates=True,
    ),
    "statistics.list": Shape(answer=record(releases=many(record(period=TEXT, at=TIME)))),
    "statistics.show": Shape(answer=record(**RELEASE)),
    "statistics.draft": Shape(answer=record(draft=ID, period=TEXT, table=TEXT), example={}, creates=True),
    "evidence.export": Shape(
        arguments={"disclose": maybe(FLAG), "by": maybe(BY), "peer": maybe(TEXT)},
        answer=about(OBJECT, "an evidence bundle, see docs/evidence.md"),
    ),
}
