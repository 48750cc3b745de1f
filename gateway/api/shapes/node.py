"""This node: identity, keys, adapter, tokens, people."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.access.rules import PERSONAL
from gateway.api.shape import (
    BY,
    COUNT,
    FINDING,
    FLAG,
    ID,
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
from gateway.operations.roles import Role

DOCUMENT = about(OBJECT, "a signed document, as `trm` writes it into a file")
TOLD = named(
    "Told",
    record(
        specversion=one_of("1.0"),
        id=TEXT,
        source=TEXT,
        type=TEXT,
        time={"type": "string", "format": "date-time"},
        datacontenttype=one_of("application/json"),
        data=record(
            seq=about(COUNT, "position in the event stream"),
            kind=TEXT,
            state=null_or(TEXT),
            id=maybe(ID),
            direction=maybe(one_of("in", "out")),
            peer=maybe(TEXT),
        ),
    ),
    "What a webhook carries: a CloudEvent 1.0 without content. The receiver asks for the message with its own token.",
)
TOKEN: Mapping[str, Schema | Maybe] = {
    "id": TEXT,
    "role": one_of(*Role),
    "unit": null_or(TEXT),
    "label": TEXT,
    "state": one_of("valid", "expired", "revoked"),
    "made": TIME,
    "expires": TIME,
    "revoked": null_or(TIME),
}

ROLES = about(many(one_of(*PERSONAL)), "one or more")
PERSON: Mapping[str, Schema | Maybe] = {
    "id": ID,
    "name": TEXT,
    "roles": many(one_of(*PERSONAL)),
    "unit": null_or(TEXT),
    "language": null_or(TEXT),
    "state": about(one_of("invited", "active", "locked_out", "ended"), "locked_out: without passkey and invitation"),
    "made": TIME,
    "ended": null_or(TIME),
    "invited_until": null_or(TIME),
    "passkeys": many(record(kid=ID, synced=FLAG, made=TIME, used=null_or(TIME))),
    "sessions": about(COUNT, "that are open now"),
}
ADDRESS = about(null_or(TEXT), "where the invitation is opened; null where this node has no console")
CODE = about(TEXT, "the invitation, shown this once; good for one passkey and 24 hours")
PILE = named("Pile", record(count=COUNT, oldest=null_or(TIME)), "So many, and since when the oldest is there.")
MARK = null_or(record(size=COUNT, at=TIME))
STATUS = record(
    at=TIME,
    peers=many(
        record(
            name=TEXT,
            state=TEXT,
            delivery=about(one_of("idle", "waiting", "failing", "held"), "held: people have to agree first"),
            held=about(null_or(TEXT), "why it is held"),
            queued=PILE,
            unreceived=about(PILE, "sent an hour ago or longer, without any receipt"),
            undelivered=about(PILE, "received by the peer, and taken by nobody there for a day"),
            failing_since=null_or(TIME),
            attempts=COUNT,
            next_try=null_or(TIME),
            contact=about(null_or(TIME), "when it was last heard of"),
        )
    ),
    failed=many(
        record(
            kind=one_of("failed", "rejected", "held"),
            peer=null_or(TEXT),
            reason=about(null_or(TEXT), "a code"),
            count=COUNT,
            oldest=null_or(TIME),
        )
    ),
    hand_over=record(
        adapter=null_or(TEXT),
        messages=PILE,
        news=about(PILE, "that the case system has not taken"),
        drafts=about(COUNT, "that wait for a person"),
    ),
    webhooks=many(record(name=TEXT, url=TEXT, waiting=COUNT, oldest=null_or(TIME), attempts=COUNT)),
    content=record(
        damaged=about(COUNT, "open alarms about things that do not open"),
        epoch=COUNT,
        epoch_made=TIME,
        rotating=about(FLAG, "something is still under an older storage epoch"),
    ),
    storage=record(
        database=about(COUNT, "bytes"),
        log=about(COUNT, "bytes of the write-ahead log"),
        free=about(COUNT, "bytes beside the database"),
        files=COUNT,
        file_bytes=COUNT,
        coming=about(COUNT, "files on their way in"),
    ),
    backup=about(null_or(TIME), "when the last one was made here"),
    erasing=record(
        looked=about(null_or(TIME), "the day on which retention looked last"),
        next=null_or(TIME),
        erased=about(many(record(reason=TEXT, count=COUNT)), "since that day began"),
        left=about(COUNT, "erased here, and not answered by the case system yet"),
        requests=COUNT,
        overdue=COUNT,
        holds=COUNT,
    ),
    audit=record(entries=COUNT, checkpoint=MARK, witnessed=MARK, halted=null_or(TEXT)),
    alarms=many(record(kind=TEXT, count=COUNT, oldest=null_or(TIME))),
)

SHAPES: Mapping[str, Shape] = {
    "node.show": Shape(
        answer=record(
            name=TEXT,
            node=TEXT,
            country=TEXT,
            demo=FLAG,
            endpoint=TEXT,
            fingerprint=TEXT,
            scanned=TEXT,
            descriptor=record(version=COUNT, issued=TIME, expires=TIME),
            keyset=null_or(record(version=COUNT, expires=TIME)),
            units=many(record(id=TEXT, name=TEXT, kind=TEXT)),
            peers=COUNT,
            queued=COUNT,
            to_hand_over=COUNT,
            alarms=COUNT,
            endings=many(record(subject=TEXT, at=TIME, peer=null_or(TEXT))),
            process=about(OBJECT, "what the kernel was asked for this process, and what it gave"),
        )
    ),
    "node.status": Shape(answer=STATUS),
    "node.ready": Shape(answer=record(ready=FLAG, why=about(many(TEXT), "codes of what stops it"))),
    "node.pairing": Shape(answer=about({}, "the pairing file: the descriptor chain of this node")),
    "keys.list": Shape(answer=record(keys=many(record(use=TEXT, kid=TEXT, made=null_or(TIME), current=FLAG)))),
    "keys.rotate_epoch": Shape(arguments={"by": BY}, answer=record(epoch=NUMBER), example={"by": "Ana Doe"}),
    "keys.request": Shape(
        arguments={
            "rotate": maybe(many(one_of("sig", "log", "http"))),
            "at_once": maybe(FLAG),
            "revoke": maybe(
                null_or(record(kids=many(TEXT), since=maybe(TIME), reason=maybe(about(TEXT, "a word, lower case"))))
            ),
            "roots": maybe(null_or(record(public=many(OBJECT), threshold=maybe(COUNT)))),
            "by": BY,
        },
        answer=record(version=COUNT, request=DOCUMENT),
        example={"rotate": ["sig"], "by": "Ana Doe"},
    ),
    "keys.publish": Shape(
        arguments={"document": DOCUMENT, "by": BY},
        answer=record(
            version=COUNT,
            hash=TEXT,
            took=about(OBJECT, "by peer, whether it took it at once"),
            expires=TIME,
            fingerprint=TEXT,
        ),
    ),
    "keys.rotate_enc": Shape(
        arguments={"by": BY}, answer=record(destroyed=COUNT, keyset=COUNT), example={"by": "Ana Doe"}
    ),
    "keys.tombstone": Shape(answer=record(request=DOCUMENT)),
    "keys.end": Shape(
        arguments={"tombstone": DOCUMENT, "by": BY},
        answer=record(node=TEXT, took=about(OBJECT, "by peer, whether it took it")),
    ),
    "keys.proof": Shape(answer=record(node=TEXT, version=COUNT, proof=DOCUMENT)),
    "adapter.check": Shape(
        answer=record(
            adapter=null_or(record(kind=TEXT, version=TEXT, target=TEXT, can_pull=FLAG, can_push=FLAG, erasure=TEXT)),
            ok=FLAG,
            findings=many(FINDING),
        )
    ),
    "webhook.list": Shape(
        answer=record(
            webhooks=many(
                record(
                    name=TEXT,
                    url=TEXT,
                    waiting=COUNT,
                    oldest=null_or(TIME),
                    attempts=about(COUNT, "the most attempts at one call"),
                )
            )
        )
    ),
    "token.new": Shape(
        arguments={
            "role": one_of(*Role),
            "unit": maybe(null_or(TEXT)),
            "days": maybe(COUNT),
            "label": about({"type": "string", "maxLength": 64}, "what it is for"),
            "by": BY,
        },
        answer=record(**TOKEN, token=about(TEXT, "shown this once")),
        example={"role": "adapter", "label": "case system", "by": "Ana Doe"},
        creates=True,
    ),
    "token.list": Shape(answer=record(tokens=many(record(**TOKEN)))),
    "token.revoke": Shape(
        arguments={"by": BY}, answer=record(id=TEXT, state=one_of("revoked")), example={"by": "Ana Doe"}
    ),
    "person.list": Shape(answer=record(people=many(record(**PERSON)))),
    "person.add": Shape(
        arguments={
            "name": about({"type": "string", "maxLength": 64}, "what colleagues call them; no two at once"),
            "roles": ROLES,
            "unit": maybe(null_or(TEXT)),
            "language": maybe(null_or(TEXT)),
            "by": BY,
        },
        answer=record(**PERSON, code=CODE, address=ADDRESS),
        example={"name": "Eva M.", "roles": ["case_worker"], "by": "Ana Doe"},
        creates=True,
    ),
    "person.change": Shape(
        arguments={"roles": maybe(ROLES), "unit": maybe(null_or(TEXT)), "by": BY},
        answer=record(**PERSON),
        example={"roles": ["focal_point"], "by": "Ana Doe"},
    ),
    "person.invite": Shape(
        arguments={"instead": maybe(about(FLAG, "their passkeys and sessions end at once")), "by": BY},
        answer=record(**PERSON, code=CODE, address=ADDRESS),
        example={"instead": True, "by": "Ana Doe"},
        creates=True,
    ),
    "person.sign_out": Shape(arguments={"by": BY}, answer=record(**PERSON), example={"by": "Ana Doe"}),
    "person.end": Shape(arguments={"by": BY}, answer=record(**PERSON), example={"by": "Ana Doe"}),
}
