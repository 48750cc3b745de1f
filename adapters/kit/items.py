"""Deliveries, notices and findings as JSON and back: one form for drop folders and for journals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TypeVar

from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Attachment, Delivery, Json, MappedRecord, Notice, NoticeKind

DELIVERY_FORMAT = "trm-delivery/1"
NOTICE_FORMAT = "trm-notice/1"

T = TypeVar("T")


def finding_to_json(finding: Finding) -> dict[str, Json]:
    """Convert a finding: place and rule, and the hint if there is one."""
    document: dict[str, Json] = {"place": finding.place, "rule": finding.rule}
    return document | {"hint": finding.hint} if finding.hint else document


def findings_to_json(findings: Iterable[Finding]) -> list[Json]:
    """Convert findings, in their order."""
    return [finding_to_json(finding) for finding in findings]


def delivery_to_json(item: Delivery) -> dict[str, Json]:
    """Convert a received message to the document that a local system gets."""
    document: dict[str, Json] = {
        "format": DELIVERY_FORMAT,
        "key": item.key,
        "message_id": item.message_id,
        "conversation": item.conversation,
        "in_reply_to": item.in_reply_to,
        "type": item.type,
        "sender": item.sender,
        "sender_name": item.sender_name,
        "purpose": item.purpose,
        "created": item.created,
        "received": item.received,
        "out_of_order": item.out_of_order,
        "header": dict(item.header),
        "content": dict(item.content),
    }
    if item.attachments:
        document["attachments"] = [_attachment_to_json(attachment) for attachment in item.attachments]
    return document if item.record is None else document | {"record": _record_to_json(item.record)}


def _attachment_to_json(attachment: Attachment) -> dict[str, Json]:
    """Describe an attachment; its content travels beside the document."""
    return {
        "part": attachment.part,
        "name": attachment.name,
        "media_type": attachment.media_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
    }


def _record_to_json(record: MappedRecord) -> dict[str, Json]:
    return {
        "mapping": record.mapping,
        "fields": dict(record.fields),
        "losses": findings_to_json(record.losses),
        "left_out": [*record.left_out],
    }


def notice_to_json(item: Notice) -> dict[str, Json]:
    """Convert news about a record to the document that a local system gets."""
    return {
        "format": NOTICE_FORMAT,
        "key": item.key,
        "ref": item.ref,
        "kind": str(item.kind),
        "at": item.at,
        "message_id": item.message_id,
        "conversation": item.conversation,
        "code": None if item.code is None else str(item.code),
        "findings": findings_to_json(item.findings),
    }


def item_to_json(item: Delivery | Notice) -> dict[str, Json]:
    """Convert either of the two."""
    return delivery_to_json(item) if isinstance(item, Delivery) else notice_to_json(item)


def item_from_json(value: Json) -> Delivery | Notice:
    """Read what `item_to_json` wrote. Raises ValueError, without a value, where the document has another shape."""
    document = _typed(value, dict)
    match document.get("format"):
        case "trm-delivery/1":
            return _delivery(document)
        case "trm-notice/1":
            return _notice(document)
        case _:
            raise ValueError("neither a delivery nor a notice")


def notice_from_json(value: Json) -> Notice:
    """Read a notice like `item_from_json`, where nothing else is permitted."""
    item = item_from_json(value)
    if not isinstance(item, Notice):
        raise ValueError("not a notice")
    return item


def _delivery(document: Mapping[str, Json]) -> Delivery:
    return Delivery(
        key=_get(document, "key", str),
        message_id=_get(document, "message_id", str),
        conversation=_get(document, "conversation", str),
        in_reply_to=_maybe(document, "in_reply_to", str),
        type=_get(document, "type", str),
        sender=_get(document, "sender", str),
        sender_name=_get(document, "sender_name", str),
        purpose=_maybe(document, "purpose", str),
        created=_get(document, "created", int),
        received=_get(document, "received", int),
        out_of_order=_get(document, "out_of_order", bool),
        header=_get(document, "header", dict),
        content=_get(document, "content", dict),
        record=None if document.get("record") is None else _record(_get(document, "record", dict)),
        attachments=tuple(_attachment(entry) for entry in _maybe(document, "attachments", list) or ()),
    )


def _attachment(value: Json) -> Attachment:
    document = _typed(value, dict)
    return Attachment(
        part=_get(document, "part", int),
        name=_get(document, "name", str),
        media_type=_get(document, "media_type", str),
        size=_get(document, "size", int),
        sha256=_get(document, "sha256", str),
        read=_gone,
    )


async def _gone() -> AsyncIterator[bytes]:
    """Yield no content: a document does not hold the files that it names."""
    raise RefusedError(Code.NOT_FOUND, "the file is not kept with the document")
    yield b""


def _record(document: Mapping[str, Json]) -> MappedRecord:
    return MappedRecord(
        mapping=_get(document, "mapping", str),
        fields=_get(document, "fields", dict),
        losses=tuple(map(_finding, _get(document, "losses", list))),
        left_out=tuple(_typed(place, str) for place in _get(document, "left_out", list)),
    )


def _notice(document: Mapping[str, Json]) -> Notice:
    code = _maybe(document, "code", str)
    return Notice(
        key=_get(document, "key", str),
        ref=_get(document, "ref", str),
        kind=NoticeKind(_get(document, "kind", str)),
        at=_get(document, "at", int),
        message_id=_maybe(document, "message_id", str),
        conversation=_maybe(document, "conversation", str),
        code=None if code is None else Code(code),
        findings=tuple(_finding(entry) for entry in _get(document, "findings", list)),
    )


def _finding(value: Json) -> Finding:
    document = _typed(value, dict)
    return Finding(
        place=_get(document, "place", str), rule=_get(document, "rule", str), hint=_maybe(document, "hint", str) or ""
    )


def _typed(value: Json, kind: type[T]) -> T:
    if type(value) is not kind:
        raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
    return value


def _get(document: Mapping[str, Json], name: str, kind: type[T]) -> T:
    return _typed(document.get(name), kind)


def _maybe(document: Mapping[str, Json], name: str, kind: type[T]) -> T | None:
    value = document.get(name)
    return None if value is None else _typed(value, kind)
