"""Attachments of cases in the stand-in: limits, types and rights of Primero 2.15. No HTTP in here."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from adapters.primero.standin.rules import FIELDS, Account, Office, Refusal

LARGEST = 20 * 1024 * 1024
MOST = 100
"""Attachments of one case, of whatever type and field."""
_PERMITTED = frozenset(
    {
        "field_name",
        "date",
        "description",
        "is_current",
        "comments",
        "attachment",
        "file_name",
        "attachment_type",
        "signature_provided_by",
    }
)
_BOXES = {"document": "document_upload_box", "image": "photo_upload_box", "audio": "audio_upload_box"}
_DOCUMENTS = frozenset({"pdf", "txt", "doc", "docx", "csv", "xls", "xlsx", "jpg", "jpeg", "png"})


def attach(office: Office, account: Account, case: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Attach a file. Members that are not permitted are dropped silently, as Rails does; `dropped` lists them."""
    office.case(account, case, to_write=True)
    office.dropped += [name for name in data if name not in _PERMITTED]
    field, kind, name = data.get("field_name"), data.get("attachment_type"), data.get("file_name")
    if not isinstance(field, str) or not isinstance(kind, str) or not isinstance(name, str):
        raise Refusal(422, "attachment_type", "errors.models.attachment")
    if field not in account.fields or FIELDS[field] != _BOXES.get(kind):
        raise Refusal(403)
    try:
        content = b64decode(str(data.get("attachment", "")), validate=True)
    except binascii.Error:
        raise Refusal(422, "attachment", "not base64") from None
    if not content or len(content) > LARGEST or name.rpartition(".")[2] not in _DOCUMENTS:
        raise Refusal(422, "file", "errors.models.attachment")
    if sum(each["case"] == case for each in office.attachments.values()) >= MOST:
        raise Refusal(422, "base", "errors.attachments.maximum")
    number = max(office.attachments, default=0) + 1
    about = {each: data[each] for each in ("date", "description", "is_current", "comments") if each in data}
    made = {"case": case, "field_name": field, "file_name": name, "content": content, "about": about}
    office.attachments[number] = made
    office.touch(office.cases[case])
    return _shown(number, made)


def boxes_of(office: Office, account: Account, case: str) -> dict[str, list[dict[str, Any]]]:
    """Return by field the attachments of a case that an account sees; a field of its forms without any is empty."""
    boxes: dict[str, list[dict[str, Any]]] = {
        name: [] for name, kind in FIELDS.items() if kind in _BOXES.values() and name in account.fields
    }
    for number, each in office.attachments.items():
        if each["case"] == case and each["field_name"] in boxes:
            boxes[each["field_name"]].append(_shown(number, each))
    return boxes


def detach(office: Office, account: Account, case: str, number: int) -> None:
    """Remove an attachment for good."""
    office.case(account, case, to_write=True)
    find(office, account, case, number)
    del office.attachments[number]
    office.touch(office.cases[case])


def find(office: Office, account: Account, case: str, number: int) -> bytes:
    """Return the content of an attachment: 404 where there is none, 403 where the role has no form with its field."""
    office.case(account, case)
    found = office.attachments.get(number)
    if found is None:
        raise Refusal(404)
    if found["field_name"] not in account.fields or found["case"] != case:
        raise Refusal(403)
    return bytes(found["content"])


def _shown(number: int, each: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attachment as it stands in its case: neither its size nor its hash is told."""
    url = f"/api/v2/cases/{each['case']}/attachments/{number}"
    told = {"id": number, "field_name": each["field_name"], "file_name": each["file_name"], "attachment_url": url}
    return told | dict(each["about"])
