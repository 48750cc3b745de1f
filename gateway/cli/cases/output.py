"""How `trm case show` prints a case with everything that is of it."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.cli import output
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

NOT_OPEN = "(does not open)"


def show_case(value: Mapping[str, Json]) -> None:
    """Print one case."""
    output.print_facts(
        [("case", value["id"]), ("name", value.get("name")), ("number", value.get("number")), ("units", value["units"])]
    )
    output.print_table(
        ["conversation", "with", "kind", "state", "last"],
        [
            [
                *(item.get("conversation") or NOT_OPEN, item["peer"], item["kind"], item["state"]),
                time_text.when(item["last"]),
            ]
            for item in list_objects(value, "conversations")
        ],
        empty="no conversation",
    )
    for consent in list_objects(value, "consents"):
        lapses = "  ends within a week, or has ended" if consent["lapses"] else ""
        output.print_line(f"consent  {consent['id'] or NOT_OPEN}  {consent['state']}{lapses}")
    for denial in list_objects(value, "denials"):
        said_no = [f"{name} {denial[name]}" for name in ("purpose", "unit", "category") if denial[name] is not None]
        output.print_line(f"denied  {', '.join(said_no) or 'all of it'}  (consent {denial['consent']})")
    for draft in list_objects(value, "drafts"):
        output.print_line(f"draft  {draft['id']}  {draft['type'] or NOT_OPEN}  {draft['state']}")
    for hold in list_objects(value, "asylum_holds"):
        output.print_line(f"asylum hold  {hold['conversation'] or NOT_OPEN}  {output.format_value(hold['states'])}")
    for asked in list_objects(value, "linked_questions"):
        output.print_line(
            f"asked  fears of {asked['about']}  {output.format_value(asked['states'])}  {asked['said']} of 2 said no"
        )
    for hold in list_objects(value, "legal_holds"):
        output.print_line(f"legal hold  {hold['conversation'] or NOT_OPEN}  {hold['ground']} until {hold['until']}")
    for hold in list_objects(value, "case_holds"):
        output.print_line(f"legal hold  the whole case  {hold['ground']} until {hold['until']}")
    for note in list_objects(value, "statuses"):
        now = "" if note["now"] else "  (before)"
        output.print_line(f"status  {note['on']}  {note['country']}  {note['status']}  {note['body'] or '-'}{now}")
    for note in list_objects(value, "roles"):
        output.print_line(f"role  {note['on']}  {note['role']}{'  has ended' if note['ended'] else ''}")
    for block in list_objects(value, "blocks"):
        output.print_line(f"kept out  {block['name'] or block['person'] or block['unit']}: {block['reason']}")
    for file in list_objects(value, "files"):
        output.print_line(f"file  {file['message']} {file['part']}  {file['media_type']}  {file['size']} bytes")
    for other in list_objects(value, "group"):
        output.print_line(f"{other['relation']}  {other['other']}  {other['name'] or ''}".rstrip())
    for change in list_objects(value, "changes"):
        output.print_line(f"{change['kind']}  {change['id']}  {change['state']}: {change.get('reason')}")
