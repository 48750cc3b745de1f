"""`trm alert`: safety alerts that nobody has acknowledged, and acknowledging one."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cli import options, output
from gateway.cli.messages.sending import show_queued
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json


@click.group("alert", context_settings=CONTEXT)
def alert_commands() -> None:
    """List, acknowledge and review safety alerts."""


@options.add_verb(alert_commands, "list")
@options.pass_node
@options.as_json
def list_alerts(reach: Reach, as_json: bool) -> None:
    """List the alerts of both sides that nobody has acknowledged: the deadline, who was notified, who is next.

    \b
    Example:
      trm alert list --node /srv/trm/al
    """
    output.print_answer(reach.ask("alert.list"), as_json=as_json, people=_show_alerts)


def _show_alerts(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["alert", "peer", "kind", "by", "until", "woken", "next"],
        [
            [
                item["id"],
                item["peer"],
                item["kind"],
                item["owes"],
                f"{'OVERDUE ' if item['overdue'] else ''}{time_text.when(item['until'])}",
                ", ".join(str(rung["contact"]) for rung in list_objects(item, "woken")),
                _next(item["next"]),
            ]
            for item in list_objects(value, "alerts")
        ],
        empty="every alert was taken",
    )


def _next(rung: Json) -> str:
    return f"{rung['contact']} {time_text.when(rung['at'])}" if isinstance(rung, dict) else ""


@options.add_verb(alert_commands, "acknowledge")
@click.argument("id")
@click.option(
    "--action", "actions", multiple=True, required=True, metavar="CODE", help="An action that has begun; or none yet."
)
@click.option("--hours", type=click.IntRange(1, 24), help="Hours until the next update. Default: 24.")
@options.pass_node
@options.as_json
def acknowledge_alert(reach: Reach, id: str, actions: tuple[str, ...], hours: int | None, as_json: bool) -> None:
    """Acknowledge a peer's alert in your name: the answer is sent at once, and nobody else is notified.

    Opening an alert takes nothing. The codes are those of the list alert_action (trm schema show safety.alert.ack/1).

    \b
    Example:
      trm alert acknowledge q2x0bJr3QkK0m1c5n8sT4g --action call_person --node /srv/trm/al
    """
    value = reach.ask("alert.acknowledge", id=id, actions=list(actions), hours=hours)
    output.print_answer(value, as_json=as_json, people=show_queued)


@options.add_verb(alert_commands, "review")
@click.argument("id")
@click.option(
    "--outcome",
    required=True,
    type=click.Choice(["needed", "told", "nobody"]),
    help="The words are needed; the other side was told what to disregard; or there is nobody else to read it.",
)
@options.pass_node
@options.as_json
def review_alert(reach: Reach, id: str, outcome: str, as_json: bool) -> None:
    """Record the second look at an alert of ours, by somebody else than its writer. Its alarms end.

    The alert went at once: its words look like an address, a number or a date that may identify somebody.

    \b
    Example:
      trm alert review q2x0bJr3QkK0m1c5n8sT4g --outcome needed --node /srv/trm/fr
    """
    value = reach.ask("alert.review", id=id, outcome=outcome)
    output.print_answer(value, as_json=as_json, people=_show_reviewed)


def _show_reviewed(value: Mapping[str, Json]) -> None:
    output.print_line("recorded; the alarms about this alert have ended")
