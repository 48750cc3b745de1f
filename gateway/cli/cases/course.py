"""The verbs of `trm case` that show what happened: its course over all conversations, and what a withdrawal did."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.cases.listing import case_commands
from gateway.cli.options import Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

__all__ = ["case_commands"]


@options.add_verb(case_commands, "course")
@click.argument("id")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True, help="So many messages.")
@click.option("--cursor", metavar="CURSOR", help="The page behind another one, as it printed.")
@options.pass_node
@options.as_json
def show_course(reach: Reach, id: str, limit: int, cursor: str | None, as_json: bool) -> None:
    """Show where a case stands and what happened in it: its stage, what is owed, and every message, newest first.

    \b
    Example:
      trm case course q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(
        reach.ask("case.course", id=id, limit=limit, cursor=cursor), as_json=as_json, people=_show_course
    )


def _show_course(value: Mapping[str, Json]) -> None:
    output.print_facts([("case", output.case_name(value)), ("stage", value["stage"]), ("messages", value["total"])])
    output.print_table(
        ["with", "kind", "stands", "owed"],
        [[one["peer"], one["kind"], one["state"], _owed(one)] for one in list_objects(value, "standing")],
        empty="nothing was written to any country yet",
    )
    output.print_table(
        ["at", "way", "with", "message", "type", "stands", "last receipt"],
        [
            [
                time_text.when(one["at"]),
                one["direction"],
                one["peer"],
                one["id"],
                one["type"],
                one["state"],
                (list_objects(one, "receipts") or [{}])[-1].get("status"),
            ]
            for one in list_objects(value, "messages")
        ],
        empty="no message",
    )
    if value["next"] is not None:
        output.print_line(f"more: --cursor {value['next']}")


def _owed(value: Mapping[str, Json]) -> str:
    return ", ".join(
        f"{duty['owes']}: {duty['what']} {time_text.when(duty['until'])}" for duty in list_objects(value, "owed")
    )


@options.add_verb(case_commands, "withdrawals")
@click.argument("id")
@options.pass_node
@options.as_json
def show_withdrawals(reach: Reach, id: str, as_json: bool) -> None:
    """Show which countries were told of what a person took back, and which have confirmed.

    \b
    Example:
      trm case withdrawals q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.withdrawals", id=id), as_json=as_json, people=_show_told)


def _show_told(value: Mapping[str, Json]) -> None:
    output.print_facts([("case", output.case_name(value))])
    output.print_table(
        ["message", "at", "consent", "taken back", "told", "stands", "confirmed", "erased", "owed until"],
        [
            [
                one["message"],
                time_text.when(one["at"]),
                one["consent"],
                "all" if one["whole"] else "a part",
                one["peer"],
                one["state"],
                *(_answered(one[name]) for name in ("confirmed", "erased")),
                _owed(one),
            ]
            for one in list_objects(value, "withdrawals")
        ],
        empty="nothing was taken back that another country knew of",
    )


def _answered(answer: Json) -> str:
    return time_text.when(answer["at"]) if isinstance(answer, dict) else ""
