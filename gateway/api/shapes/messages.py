"""Messages and drafts."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.api.shape import (
    BY,
    COUNT,
    CURSOR,
    FINDING,
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
from gateway.messages.machines.acceptance import Incoming
from gateway.messages.machines.delivery import Outgoing
from gateway.ports import Json

DIRECTION = one_of("in", "out")
STATE = named("MessageState", one_of(*dict.fromkeys([*map(str, Outgoing), *map(str, Incoming)])))
REASON = about(null_or(TEXT), "a code: why it failed, was refused or is held")

SUMMARY: Mapping[str, Schema | Maybe] = {
    "id": ID,
    "direction": DIRECTION,
    "peer": about(TEXT, "name of the peer, or its node id if it has none here"),
    "type": read(null_or(TYPE)),
    "conversation": read(null_or(ID)),
    "in_reply_to": read(null_or(ID)),
    "purpose": read(null_or(TEXT)),
    "unit": read(about(null_or(TEXT), "the unit of this node that sent it or gets it")),
    "state": STATE,
    "reason": REASON,
    "held": about(null_or(TEXT), "why it waits for people: what is missing to send to this peer now"),
    "n": about(null_or(NUMBER), "its number on the way to the peer, once it departed"),
    "at": TIME,
    "expires": null_or(TIME),
    "out_of_order": FLAG,
}

MESSAGE = named(
    "Message", record(**SUMMARY), "A message without what it says; nulls where its content was erased or is damaged."
)
ERASURE = named(
    "Erasure",
    record(at=TIME, reason=TEXT, local_system=about(TEXT, "what the case system answered"), told=null_or(TIME)),
)
RECEIPT = named("Receipt", record(status=TEXT, at=TIME, code=null_or(TEXT)), "A signed receipt of the other side.")
CERTIFICATE = named(
    "OnwardCertificate",
    record(
        node=about(TEXT, "who erased"),
        verified=about(FLAG, "that node signed it"),
        erased=about(null_or(COUNT), "messages"),
        at=null_or(TIME),
        vouched_by=about(TEXT, "the peer that says that the data had gone there"),
    ),
    "What a confirmation forwards of an onward recipient.",
)
WHOLE = named(
    "WholeMessage",
    record(
        **SUMMARY,
        receipts=many(RECEIPT),
        erased=null_or(ERASURE),
        case=read(about(null_or(TEXT), "our own number of the case, which the peer never learns")),
        dropped=many(about(TEXT, "a place that the corridor policy took out, such as /content/person/name_given")),
        header=Maybe(OBJECT),
        content=Maybe(OBJECT),
        onward=Maybe(many(CERTIFICATE)),
    ),
    "A message with its receipts and, for who may read content, header and content.",
)
FILE: Mapping[str, Schema | Maybe] = {
    "part": about(COUNT, "its number in the message, which the body names"),
    "media_type": about(TEXT, "found by what the file is, not by its name"),
    "size": COUNT,
    "sha256": TEXT,
}
MOVED = named("Moved", record(id=ID, state=STATE))
SUBMITTED = named("Submitted", record(id=ID, conversation=read(ID), state=STATE))
ERASED = named(
    "Erased",
    record(
        erased=COUNT,
        messages=many(record(id=ID, direction=DIRECTION, at=TIME, reason=TEXT, local_system=TEXT, told=null_or(TIME))),
    ),
)

DRAFT: Mapping[str, Schema | Maybe] = {
    "type": TYPE,
    "to": about(TEXT, "name or node id of a peer"),
    "header": about(OBJECT, "the header of its schema, without `seen`"),
    "content": about(OBJECT, "the content of its schema"),
    "purpose": maybe(null_or(TEXT)),
    "conversation": maybe(null_or(ID)),
    "in_reply_to": maybe(null_or(ID)),
    "message": maybe(about(null_or(ID), "the id that its files were added for")),
}
PREVIEW = named(
    "Preview",
    record(
        type=read(TYPE),
        purpose=read(null_or(TEXT)),
        corridor=about(TEXT, "from the country of this node to that of the peer, such as FR>AL"),
        step=one_of("before_acceptance", "after_acceptance"),
        policy=null_or(record(name=TEXT, version=COUNT, digest=TEXT)),
        leaves=about(
            null_or(record(header=read(OBJECT), content=read(OBJECT))), "exactly what leaves; null where nothing may"
        ),
        dropped=many(record(place=TEXT, group=TEXT, title=TEXT)),
        first=about(null_or(TYPE), "the type of a message that goes before it, because the peer was not told yet"),
        goes=about(FLAG, "whether it would go now"),
        code=null_or(TEXT),
        findings=many(about(FINDING, "what stands in its way")),
    ),
    "What of a message would leave now, what not and why, and what stands in its way.",
)
UNFINISHED = record(**{name: maybe(part.schema if isinstance(part, Maybe) else part) for name, part in DRAFT.items()})
SAVED = record(
    id=ID,
    state=TEXT,
    version=about(TEXT, "its entity tag, also in ETag"),
    findings=many(about(FINDING, "what still keeps it from going")),
)
FIRST = record(
    id=about(ID, "the draft"),
    state=about(one_of("waiting_second"), "it goes when a second, different person releases it"),
)
DRAFT_STATE = one_of("waiting", "waiting_second", "released", "discarded", "replaced")
STORED = one_of("waiting", "released", "discarded", "replaced")
DRAFT_LINE: Mapping[str, Schema | Maybe] = {
    "id": ID,
    "state": DRAFT_STATE,
    "at": TIME,
    "type": read(null_or(TEXT)),
    "to": null_or(TEXT),
    "unit": read(null_or(TEXT)),
    "record": read(about(null_or(TEXT), "what the case system calls the record it was made of")),
    "version": about(TEXT, "its entity tag"),
    "first_by": about(null_or(TEXT), "who released it first, while it waits for a second person"),
}

ENQUIRY: Mapping[str, Json] = {
    "type": "enquiry.capacity/1",
    "to": "AL",
    "header": {
        "sender_unit": "focal-point",
        "sender_role": "national_focal_point",
        "recipient_unit": "focal-point",
        "recipient_role": "national_focal_point",
        "author_ref": "w-117",
        "priority": "normal",
        "language": "fr",
        "handling": {"onward_sharing": "none", "retain_until": "2030-11-30", "export_to_local": "full"},
    },
    "content": {"services": ["safe_accommodation"], "age_group": "adult", "referral_kind": "return_reception"},
}
"""The smallest draft that goes: a question about capacity, without personal data."""

SHAPES: Mapping[str, Shape] = {
    "message.submit": Shape(
        arguments={**DRAFT, "by": maybe(BY), "second_by": maybe(about(BY, "a second, different person"))},
        answer=SUBMITTED,
        example=ENQUIRY,
        creates=True,
    ),
    "message.list": Shape(
        arguments={
            "limit": maybe(LIMIT),
            "cursor": maybe(CURSOR),
            "direction": maybe(DIRECTION),
            "peer": maybe(TEXT),
            "state": maybe(STATE),
            "conversation": maybe(ID),
        },
        answer=record(messages=many(MESSAGE), next=null_or(CURSOR)),
    ),
    "message.show": Shape(arguments={"direction": maybe(DIRECTION)}, answer=WHOLE),
    "message.ack": Shape(answer=MOVED),
    "message.open": Shape(arguments={"by": BY}, answer=MOVED, example={"by": "Ana Doe"}),
    "message.resend": Shape(answer=MOVED),
    "message.resend_many": Shape(
        arguments={
            "state": one_of("failed", "held"),
            "message": maybe(about(null_or(ID), "this one only")),
            "peer": maybe(null_or(TEXT)),
            "reason": maybe(about(null_or(TEXT), "a code")),
            "before": maybe(about(TIME, "only what was submitted, or came, until then")),
            "dry_run": maybe(about(FLAG, "count them only")),
            "by": BY,
        },
        answer=record(
            matched=COUNT,
            again=COUNT,
            refused=many(record(id=ID, code=TEXT)),
            more=about(FLAG, "there are more than are tried in one go"),
        ),
        example={"state": "failed", "peer": "AL", "dry_run": True, "by": "Ana Doe"},
    ),
    "message.cancel": Shape(arguments={"by": BY}, answer=MOVED, example={"by": "Ana Doe"}),
    "message.erase": Shape(
        arguments={"direction": maybe(DIRECTION), "by": BY, "reason": about(TEXT, "a code of the list erasure_ground")},
        answer=ERASED,
        example={"by": "Ana Doe", "reason": "not_needed"},
    ),
    "attachment.list": Shape(
        arguments={"direction": maybe(DIRECTION)},
        answer=record(
            attachments=many(
                record(**FILE, doc_kind=null_or(TEXT), stored=about(FLAG, "whether it can be read here and now"))
            )
        ),
    ),
    "attachment.read": Shape(
        arguments={"direction": maybe(DIRECTION)}, answer=record(), media="application/octet-stream"
    ),
    "attachment.add": Shape(
        arguments={"message": maybe(about(ID, "of the message that takes it; without one a new message begins"))},
        answer=record(message=ID, **FILE),
        creates=True,
    ),
    "attachment.moving": Shape(
        answer=record(
            moving=many(
                record(
                    id=ID,
                    peer=null_or(TEXT),
                    state=one_of("coming", "going", "waiting"),
                    files=COUNT,
                    bytes=COUNT,
                    done=COUNT,
                    since=TIME,
                    last=null_or(TIME),
                )
            )
        )
    ),
    "attachment.waiting": Shape(answer=record(attachments=many(record(**FILE)))),
    "attachment.discard": Shape(answer=record(message=ID, files=COUNT)),
    "inbox.list": Shape(
        arguments={
            "after": maybe(CURSOR),
            "limit": maybe(LIMIT),
            "wait": maybe({"type": "integer", "minimum": 0, "maximum": 30, "description": "seconds to wait for one"}),
        },
        answer=record(messages=many(MESSAGE), next=null_or(CURSOR)),
    ),
    "draft.save": Shape(arguments={"draft": UNFINISHED}, answer=SAVED, example={"draft": dict(ENQUIRY)}, creates=True),
    "draft.change": Shape(arguments={"draft": UNFINISHED}, answer=SAVED, example={"draft": dict(ENQUIRY)}),
    "draft.list": Shape(
        arguments={"state": maybe(STORED), "limit": maybe(LIMIT), "cursor": maybe(CURSOR)},
        answer=record(drafts=many(record(**DRAFT_LINE)), next=null_or(CURSOR)),
    ),
    "message.preview": Shape(arguments={"draft": record(**DRAFT)}, answer=PREVIEW, example={"draft": dict(ENQUIRY)}),
    "draft.show": Shape(answer=record(**DRAFT_LINE, draft=Maybe(OBJECT))),
    "draft.preview": Shape(
        arguments={
            "by": BY,
            "consent": maybe(about(TEXT, "id of the consent it relies on")),
            "reply_to": maybe(ID),
            "conversation": maybe(ID),
        },
        answer=PREVIEW,
    ),
    "draft.release": Shape(
        arguments={
            "by": BY,
            "consent": maybe(about(TEXT, "id of the consent it relies on")),
            "reply_to": maybe(ID),
            "conversation": maybe(ID),
        },
        answer={"anyOf": [SUBMITTED, FIRST]},
        example={"by": "Ana Doe"},
        creates=True,
    ),
    "draft.discard": Shape(arguments={"by": BY}, answer=record(id=ID, state=DRAFT_STATE), example={"by": "Ana Doe"}),
    "schema.check": Shape(
        arguments={"draft": record(**DRAFT)},
        answer=record(ok=FLAG, code=null_or(TEXT), findings=many(FINDING)),
        example={"draft": dict(ENQUIRY)},
    ),
}
