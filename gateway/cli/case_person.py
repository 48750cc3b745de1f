"""The verbs of `trm case` about the person: consents taken back together, status and roles, holds, who is kept out."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.case_output import NOT_OPEN
from gateway.cli.cases import case_commands
from gateway.cli.options import Reach
from gateway.foundation.json import list_objects
from gateway.ports import Json

# --- consents of the person -----------------------------------------------------------------------------------------


RELIANCE = ("conversation", "peer", "state", "stops")


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
