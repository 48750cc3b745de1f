"""`trm audit cases` and `trm audit case`: what was done in a case, for an auditor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from gateway.cli import options, output
from gateway.cli.audit import audit_commands
from gateway.cli.options import Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

VERDICTS = {
    "complete": "complete and unchanged",
    "incomplete": "not complete: the log has no entry of {missing} messages of this case",
    "broken": "the log does not hold: {place} {rule}",
}


@options.add_verb(audit_commands, "cases")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", help="The next page, by the cursor of the page before.")
@options.pass_node
@options.as_json
def list_cases(reach: Reach, limit: int, cursor: str | None, as_json: bool) -> None:
    """List open cases by their numbers and references, newest first.

    What people call the person stands in none of it.

    \b
    Example:
      trm audit cases --node /srv/trm/fr
    """
    output.print_answer(reach.ask("audit.cases", limit=limit, cursor=cursor), as_json=as_json, people=_show_cases)


def _show_cases(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["case", "since", "number", "references"],
        [
            [item["id"], time_text.when(item["at"]), item["number"], _references(item)]
            for item in list_objects(value, "cases")
        ],
        empty="no case is open here",
    )
    if value["next"] is not None:
        output.print_hint(f"there are older ones: --cursor {value['next']}")


def _references(item: Mapping[str, Json]) -> str:
    return " ".join(f"{one['peer']}:{one['reference']}" for one in list_objects(item, "references"))


@options.add_verb(audit_commands, "case")
@click.argument("id")
@options.pass_node
@options.as_json
def show_case(reach: Reach, id: str, as_json: bool) -> None:
    """Show what was done in a case, by whom, who saw it, what was erased where, and whether the log holds. Exit 1 if
    the history is not complete and unchanged.

    People of this node are named, the person of the case never. Reading it is recorded.

    \b
    Example:
      trm audit case q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    value = reach.ask("audit.case", id=id)
    output.print_answer(value, as_json=as_json, people=_show_history)
    if value["verdict"] != "complete":
        raise click.exceptions.Exit(1)


def _show_history(value: Mapping[str, Any]) -> None:
    broken = value["broken_at"] or {"place": "", "rule": ""}
    output.print_line(VERDICTS[value["verdict"]].format(missing=value["missing"], **broken))
    output.print_facts([("number", value["number"]), ("references", _references(value))])
    output.print_table(
        ["at", "event", "message", "by", "entry", "covered"],
        [
            [time_text.when(one["at"]), one["event"], _message(one), _who(one["by"]), one["entry"], one["covered"]]
            for one in value["acts"]
        ],
        empty="the log has nothing about it",
    )
    output.print_table(
        ["first that day", "what", "message", "who"],
        [[time_text.when(one["at"]), one["what"], _message(one), _who([one["by"]])] for one in value["looks"]],
        empty="nobody was shown any of it",
    )
    output.print_table(
        ["place", "messages", "erased", "last"],
        [
            [one["peer"] or one["place"], one["messages"], one["erased"], one["at"] and time_text.when(one["at"])]
            for one in value["erased"]
        ],
        empty="",
    )


def _message(item: Mapping[str, Any]) -> str | None:
    about = item["message"]
    if about is None:
        return None
    return f"{'to' if about['direction'] == 'out' else 'from'} {about['peer']}: {about['kind'] or 'erased'}"


def _who(found: list[Mapping[str, Any]]) -> str:
    return ", ".join(one["name"] or one["kind"] for one in found)
