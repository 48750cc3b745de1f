"""Write messages and news as notes of a Primero case, for people; and read a case as fields, for the mapping."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from gateway.errors import Finding
from gateway.ports import Delivery, Json, Notice

NOTES = "notes_section"
SERVICES = "services_section"
CONSENT = "consent.record/1"
SERVICE_PURPOSES = frozenset({"referral", "assistance"})
_LARGEST = 2**53


def uuid_of(name: str) -> str:
    """Derive an id in Primero, the same at each repeat: this makes creating and noting idempotent."""
    return str(uuid5(NAMESPACE_URL, f"trm-gateway:{name}"))


def note_id(key: str) -> str:
    """Return the id of the note that shows the item of a key."""
    return uuid_of(f"note/{key}")


def note_of(item: Delivery | Notice, files: Sequence[str] = ()) -> dict[str, Json]:
    """Build the subform that shows an item; `files` are the lines about those of a message."""
    if isinstance(item, Delivery):
        at, subject = item.received, f"{item.type} {item.message_id}"
        text = [f"from {item.sender_name}", *_lines(dict(item.content)), *files]
        if item.record is not None and (item.record.losses or item.record.left_out):
            text.append(
                "not carried over exactly: " + ", ".join([*item.record.left_out, *map(_shown, item.record.losses)])
            )
        if item.out_of_order:
            text.append("an earlier message of this sender is still missing")
    else:
        at, subject = item.at, f"TRM {item.kind} {item.message_id or ''}".rstrip()
        text = [f"the referral to another country: {item.kind}" + (f" ({item.code})" if item.code else "")]
        text += [f"{_shown(finding)} {finding.hint}".rstrip() for finding in item.findings]
    return {
        "unique_id": note_id(item.key),
        "note_date": datetime.fromtimestamp(at, UTC).date().isoformat(),
        "note_subject": subject,
        "note_text": "\n".join(text),
    }


def fields_of(
    case: Mapping[str, Any], referral: Mapping[str, Any], place: str
) -> tuple[dict[str, Json], dict[str, str], list[Finding]]:
    """Build the record of a case and one of its referrals: labels, places, and findings for unusable values.

    The labels are the names of Primero; those of the referral begin with `referral.`, those of its service with
    `services_section.`. Other subforms are left out.
    """
    services = case.get(SERVICES)
    about = [
        each
        for each in (services if isinstance(services, list) else [])
        if isinstance(each, dict) and each.get("unique_id") == referral.get("service_record_id")
    ]
    labelled = {
        **case,
        **{f"referral.{name}": value for name, value in referral.items()},
        **{f"{SERVICES}.{name}": value for each in about[:1] for name, value in each.items()},
    }
    fields: dict[str, Json] = {}
    faults: list[Finding] = []
    for name, value in labelled.items():
        match value:
            case float() if value != int(value):
                faults.append(Finding(place=f"{place}, field {name}", rule="number_not_whole"))
            case int() | float() if not isinstance(value, bool) and abs(value) >= _LARGEST:
                faults.append(Finding(place=f"{place}, field {name}", rule="number_too_large"))
            case float():
                fields[name] = int(value)
            case None | bool() | int() | str():
                fields[name] = value
            case list() if all(isinstance(each, str) for each in value):
                fields[name] = ";".join(value)
            case _:
                pass
    return fields, {name: f"{place}, field {name}" for name in fields}, faults


def case_fields(fields: Mapping[str, Json], key: str) -> dict[str, Json]:
    """Convert a mapped record to fields of Primero: labels with `services_section.` become one subform of the case."""
    own = {name: value for name, value in fields.items() if "." not in name}
    service = {
        name.removeprefix(f"{SERVICES}."): value for name, value in fields.items() if name.startswith(f"{SERVICES}.")
    }
    return own | ({SERVICES: [{"unique_id": uuid_of(f"service/{key}"), **service}]} if service else {})


def place_of(case: Mapping[str, Any]) -> str:
    """Name the place of a case in findings: by its display id, where that is plain."""
    shown = str(case.get("case_id_display") or case["id"])
    return f"case {shown if shown.replace('-', '').isalnum() else case['id']}"


def consent_unticked(case: Mapping[str, Any]) -> Finding:
    """Tell that a worker removed the consent after referring the case."""
    hint = "if the person withdrew, say so: trm consent withdraw. Primero may refuse to end this referral now"
    return Finding(place=f"{place_of(case)}, consent", rule="consent_unticked", hint=hint)


def consent_fields(item: Delivery) -> dict[str, Json]:
    """Return the two consent fields of a case from abroad: true only if the grants of its consent record permit it."""
    if item.type != CONSENT:
        return {}
    grants, denials = item.content.get("grants"), item.content.get("denials")
    purposes = {each.get("purpose") for each in (grants if isinstance(grants, list) else []) if isinstance(each, dict)}
    denied = {each.get("purpose") for each in (denials if isinstance(denials, list) else []) if isinstance(each, dict)}
    return {
        "consent_for_services": bool((purposes - denied) & SERVICE_PURPOSES),
        "disclosure_other_orgs": item.content.get("onward_sharing") is True,
    }


def _lines(value: Json, path: str = "") -> Iterator[str]:
    match value:
        case dict():
            for name, member in value.items():
                yield from _lines(member, f"{path}.{name}" if path else name)
        case list() if not any(isinstance(each, dict | list) for each in value):
            yield f"{path}: {', '.join(map(str, value))}"
        case list():
            for number, each in enumerate(value, start=1):
                yield from _lines(each, f"{path} {number}")
        case _:
            yield f"{path}: {value}"


def _shown(finding: Finding) -> str:
    return f"{finding.place} {finding.rule}".strip()
