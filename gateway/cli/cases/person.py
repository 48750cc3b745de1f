"""The verbs of `trm case` about the person: consents taken back together, status and roles, holds, who is kept out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import click

from gateway.cases.history import PersonRole, Status
from gateway.cli import options, output
from gateway.cli.cases.course import case_commands
from gateway.cli.cases.listing import show_id
from gateway.cli.cases.output import NOT_OPEN
from gateway.cli.options import Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

# --- consents of the person -----------------------------------------------------------------------------------------


RELIANCE = ("conversation", "peer", "state", "stops")


@options.add_verb(case_commands, "join")
@click.argument("id")
@click.argument("conversation")
@options.pass_node
@options.as_json
def join_case(reach: Reach, id: str, conversation: str, as_json: bool) -> None:
    """Give an enquiry that was sent or came in without a case to the case of the person it is about.

    \b
    Example:
      trm case join q2x0bJr3QkK0m1c5n8sT4g mT5h0Jr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.join", id=id, conversation=conversation), as_json=as_json, people=show_id)


@options.add_verb(case_commands, "copy")
@click.argument("id")
@options.pass_node
@options.as_json
def make_copy(reach: Reach, id: str, as_json: bool) -> None:
    """Make the copy that a person takes along: what they agreed to, what was said about them, to whom, which kinds of
    data, who opened it, and which offices here have seen it. The log says that it was made. In the person's language
    and as a PDF file it is made at the console.

    \b
    Example:
      trm case copy q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.copy", id=id), as_json=as_json, people=_show_copy)


def _show_copy(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["when", "way", "with", "type", "kinds of data", "opened there", "retained until"],
        [
            [
                time_text.when(one["at"]),
                one["direction"],
                one["peer"],
                one["kind"] or NOT_OPEN,
                one["categories"],
                None if one["opened"] is None else time_text.when(one["opened"]),
                one["retain_until"],
            ]
            for one in list_objects(value, "said")
        ],
        empty="nothing was said about the person to any country",
    )
    output.print_table(
        ["office here", "first saw something", "last"],
        [
            [one["unit"], time_text.when(one["first"]), time_text.when(one["last"])]
            for one in list_objects(value, "seen")
        ],
        empty="nobody here was shown anything",
    )


@options.add_verb(case_commands, "consents")
@click.argument("id")
@options.pass_node
@options.as_json
def show_consents(reach: Reach, id: str, as_json: bool) -> None:
    """Show what rests on the consents of a person: which conversations, what would stop, who would be told.

    \b
    Example:
      trm case consents q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("consent.of_case", id=id), as_json=as_json, people=_show_consents)


def _show_consents(value: Mapping[str, Json]) -> None:
    output.print_facts([("case", output.case_name(value)), ("a withdrawal tells", value["tells"])])
    output.print_table(
        ["consent", "state", "relies on it", "with", "stands", "would stop"],
        [
            [one["id"] or NOT_OPEN, one["state"], *(line.get(name) for name in RELIANCE)]
            for one in list_objects(value, "consents")
            for line in list_objects(one, "relied_on") or [{}]
        ],
        empty="no consent is in force",
    )


@options.add_verb(case_commands, "withdraw")
@click.argument("id")
@click.option("--erase", is_flag=True, help="The person also wants the data erased.")
@options.pass_node
@options.as_json
def withdraw_consents(reach: Reach, id: str, erase: bool, as_json: bool) -> None:
    """Withdraw every consent of a person at once, as `trm case consents` prints them.

    \b
    Example:
      trm case withdraw q2x0bJr3QkK0m1c5n8sT4g --erase --node /srv/trm/fr
    """
    value = reach.ask("consent.withdraw_all", id=id, erase_wanted=True if erase else None)
    output.print_answer(value, as_json=as_json, people=_show_withdrawn)


def _show_withdrawn(value: Mapping[str, Json]) -> None:
    for one in list_objects(value, "consents"):
        output.print_line(f"{one['id']} is {one['state']}")
    output.print_table(
        ["told", "message"],
        [[item["peer"], item["message"]] for item in list_objects(value, "told")],
        empty="no peer had been told of any",
    )
    if value["unnamed"]:
        output.print_line(f"{value['unnamed']} more do not open; nothing is sent on them")


# --- what people note -----------------------------------------------------------------------------------------------


@options.add_verb(case_commands, "status")
@click.argument("id")
@click.argument("status", type=click.Choice([*map(str, Status)]))
@click.option("--country", required=True, metavar="CODE", help="Where it is so: a code of the list country.")
@click.option("--body", metavar="CODE", help="Who decided: a code of the list decision_body; none for self_reported.")
@click.option("--on", required=True, metavar="DAY", help="The day of the decision, YYYY-MM-DD.")
@click.option("--message", metavar="MESSAGE", help="A message of the case that says so.")
@options.pass_node
@options.as_json
def note_status(
    reach: Reach,
    id: str,
    status: str,
    country: str,
    body: str | None,
    on: str,
    message: str | None,
    as_json: bool,
) -> None:
    """Note what a body of a country decided about the person. Nothing overwrites: a later entry puts right.

    \b
    Example:
      trm case status q2x0bJr3QkK0m1c5n8sT4g presumed --country FR --body Police --on 2026-11-20
    """
    given = {"status": status, "country": country, "body": body, "on": on, "message": message}
    output.print_answer(reach.ask("case.note_status", id=id, **given), as_json=as_json, people=show_id)


@options.add_verb(case_commands, "role")
@click.argument("id")
@click.argument("role", type=click.Choice([*map(str, PersonRole)]))
@click.option("--on", required=True, metavar="DAY", help="The day on which it began or ended, YYYY-MM-DD.")
@click.option("--ended", is_flag=True, help="The person has this role no more.")
@options.pass_node
@options.as_json
def note_role(reach: Reach, id: str, role: str, on: str, ended: bool, as_json: bool) -> None:
    """Note what the person is besides: a witness, accused, seeking asylum. One person may have several roles.

    \b
    Example:
      trm case role q2x0bJr3QkK0m1c5n8sT4g witness --on 2026-11-20
    """
    value = reach.ask("case.note_role", id=id, role=role, on=on, ended=True if ended else None)
    output.print_answer(value, as_json=as_json, people=show_id)


def whom(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let the verb name who is kept out, and why."""
    function = click.option("--reason", required=True, metavar="TEXT", help="Why; it stays on the case.")(function)
    function = click.option("--unit", metavar="UNIT", help="A unit of this node.")(function)
    return click.option("--person", metavar="PERSON", help="The id of a person (trm person list).")(function)


@options.add_verb(case_commands, "block")
@click.argument("id")
@whom
@options.pass_node
@options.as_json
def block_from_case(reach: Reach, id: str, person: str | None, unit: str | None, reason: str, as_json: bool) -> None:
    """Keep a person or unit out of a case, for a conflict of interest: to them nothing of it is there any more.

    \b
    Example:
      trm case block q2x0bJr3QkK0m1c5n8sT4g --unit shelter --reason "a relative works there"
    """
    value = reach.ask("case.block", id=id, person=person, unit=unit, reason=reason)
    output.print_answer(value, as_json=as_json, people=show_id)


@options.add_verb(case_commands, "unblock")
@click.argument("id")
@whom
@options.pass_node
@options.as_json
def unblock_from_case(reach: Reach, id: str, person: str | None, unit: str | None, reason: str, as_json: bool) -> None:
    """Let them see it again; a focal point says why.

    \b
    Example:
      trm case unblock q2x0bJr3QkK0m1c5n8sT4g --unit shelter --reason "she left"
    """
    value = reach.ask("case.unblock", id=id, person=person, unit=unit, reason=reason)
    output.print_answer(value, as_json=as_json, people=show_id)


# --- keeping and erasing --------------------------------------------------------------------------------------------


@options.add_verb(case_commands, "hold")
@click.argument("id")
@click.option("--ground", required=True, metavar="CODE", help="A code of the list kept_ground.")
@click.option("--until", required=True, metavar="DAY", help="Day by which somebody has to review it, YYYY-MM-DD.")
@options.pass_node
@options.as_json
def hold_case(reach: Reach, id: str, ground: str, until: str, as_json: bool) -> None:
    """Place a legal hold on a case: nothing of any of its conversations is erased, also of later ones.

    \b
    Example:
      trm case hold q2x0bJr3QkK0m1c5n8sT4g --ground legal_claims_17_3_e --until 2027-06-30
    """
    value = reach.ask("case.hold", id=id, ground=ground, until=until)
    output.print_answer(value, as_json=as_json, people=show_id)


@options.add_verb(case_commands, "release")
@click.argument("id")
@options.pass_node
@options.as_json
def release_case(reach: Reach, id: str, as_json: bool) -> None:
    """Lift the legal hold of a case; those of single conversations stay.

    \b
    Example:
      trm case release q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.release", id=id), as_json=as_json, people=show_id)


@options.add_verb(case_commands, "erase")
@click.argument("id")
@click.option("--reason", required=True, metavar="CODE", help="A code of the list erasure_ground.")
@options.pass_node
@options.as_json
def erase_case(reach: Reach, id: str, reason: str, as_json: bool) -> None:
    """Erase every message of a case, here and in the case system; where one is held, none.

    \b
    Example:
      trm case erase q2x0bJr3QkK0m1c5n8sT4g --reason not_needed --node /srv/trm/fr
    """
    value = reach.ask("case.erase", id=id, reason=reason)
    output.print_answer(
        value, as_json=as_json, people=lambda value: output.print_line(f"{value['erased']} messages are erased")
    )
