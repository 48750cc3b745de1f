"""The output of `trm schema show`, for programs and for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from gateway.cli import output
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from schemas import MessageType

SHOWN = 40
"""The longest code list that is printed for people; the countries are more."""


def describe_type(entry: MessageType) -> dict[str, Json]:
    """Return everything about a message type, for programs."""
    from schemas.describing import members as describe
    from schemas.describing.rules import describe_rules

    owed = entry.answers
    answers: Json = None if owed is None else {"types": [*owed.types], "clock": owed.clock}
    members = describe.describe_members(entry.schema)
    return {
        "type": entry.body_type,
        "revision": entry.revision,
        "schema": entry.schema,
        "title": entry.title,
        "kind": entry.kind,
        "stage": entry.stage,
        "tier": entry.tier,
        "personal": entry.personal,
        "never_blocked": entry.never_blocked,
        "reply_to": [*entry.reply_to],
        "senders": [*entry.senders],
        "receivers": [*entry.receivers],
        "answers": answers,
        "fields": [
            {
                "path": row.place,
                "required": row.need == describe.ALWAYS,
                "needed": row.need,
                "kind": row.kind,
                "codes": row.codes,
                "class": row.sensitivity,
                "category": row.category,
                "meaning": row.meaning,
            }
            for row in members
        ],
        "rules": [{"path": rule.place, "text": rule.text} for rule in describe_rules(entry.schema)],
        "code_lists": _codes({row.codes for row in members if row.codes}),
    }


def _codes(names: Iterable[str]) -> list[Json]:
    """Return each code list with its codes and their labels."""
    import schemas

    lists = [schemas.code_list(name) for name in sorted(names)]
    return [
        {"list": each.name, "codes": {code.code: each.label(code.code) for code in each.codes if not code.retired}}
        for each in lists
    ]


def print_type(value: Mapping[str, Json]) -> None:
    """Print a message type for people: facts, header, content, rules, codes."""
    output.print_facts(
        [
            ("type", value["type"]),
            ("title", value["title"]),
            ("stage", value["stage"]),
            ("conversation", value["kind"]),
            ("from", _roles(value["senders"])),
            ("to", _roles(value["receivers"])),
            ("answers", value["reply_to"]),
            ("owed for it", _owed(value["answers"])),
            ("about a person", value["personal"]),
            ("passes every gate", value["never_blocked"]),
            ("schema", value["schema"]),
        ]
    )
    for half in ("header", "content"):
        _show_half(value, half)
    output.print_line("")
    output.print_facts((str(item["list"]), _shown(item["codes"])) for item in list_objects(value, "code_lists"))
    output.print_hint(f"trm schema show {value['type']} --document prints the JSON Schema")


def _show_half(value: Mapping[str, Json], half: str) -> None:
    columns = ("path", "needed", "kind", "class", "category", "meaning")
    inside = [item for item in list_objects(value, "fields") if str(item["path"]).startswith(f"/{half}")]
    output.print_line("")
    output.print_table(columns, [[item[name] for name in columns] for item in inside], empty="no field")
    # a rule about the whole body needs both halves and is told with the second
    for rule in list_objects(value, "rules"):
        place = str(rule["path"])
        if place.startswith(f"/{half}") or (not place and half == "content"):
            output.print_line(f"{place or '(whole)'}: {rule['text']}")


def _shown(codes: Json) -> str:
    listed = codes if isinstance(codes, dict) else {}
    return ", ".join(listed) if len(listed) <= SHOWN else f"{len(listed)} codes, see --json"


def _roles(roles: Json) -> Json:
    """Name roles; all roles of the list together are "any unit"."""
    import schemas

    everybody = isinstance(roles, list) and schemas.code_list("role").is_whole([*map(str, roles)])
    return "any unit" if everybody else roles


def _owed(answers: Json) -> str:
    if not isinstance(answers, dict):
        return "nothing"
    types = answers["types"]
    named = " or ".join(map(str, types)) if isinstance(types, list) and types else "the receipt opened"
    return f"{named}, by the clock {answers['clock']}"
