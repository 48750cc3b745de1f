"""`trm node maintenance`: a while in which the node takes nothing new in and sends nothing, and its peers hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.foundation import time_text
from gateway.maintenance.rules import Reason
from gateway.ports import Json

SECONDS: Final = {"s": 1, "m": 60, "h": 3_600}


class Duration(click.ParamType[int]):
    """Seconds, minutes or hours as people write them: 90s, 30m, 2h."""

    name = "duration"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Convert to seconds; anything else is wrong usage."""
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", value)
        if found is None:
            self.fail("a number of seconds, minutes or hours is needed, as 90s, 30m or 2h", param, ctx)
        return int(found[1]) * SECONDS[found[2]]


@click.group("maintenance", context_settings=CONTEXT)
def maintenance_commands() -> None:
    """Begin, show and end maintenance: nothing new is taken in and nothing sent; peers hold what they have."""


@options.add_verb(maintenance_commands, "on")
@click.option("--for", "seconds", type=Duration(), required=True, metavar="TIME", help="How long: 90s, 30m, 2h.")
@click.option("--reason", type=click.Choice([str(one) for one in Reason]), default="planned", show_default=True)
@options.pass_node
@options.as_json
def begin_maintenance(reach: Reach, seconds: int, reason: str, as_json: bool) -> None:
    """Begin maintenance, or say anew how long it lasts from now.

    Peers and case systems are told when to come again, and nothing fails. Withdrawals, erasures and what else protects
    a person are taken, and go when it is over. It lasts through a restart, and ends by itself.

    \b
    Example:
      trm node maintenance on --for 30m --reason upgrade --node /srv/trm/fr
    """
    answer = reach.ask("maintenance.begin", seconds=seconds, reason=reason)
    output.print_answer(answer, as_json=as_json, people=_show)
    if not as_json:
        output.print_hint("trm node maintenance off ends it before")


@options.add_verb(maintenance_commands, "off")
@options.pass_node
@options.as_json
def end_maintenance(reach: Reach, as_json: bool) -> None:
    """End maintenance before its time; peers are told that the node is there again.

    \b
    Example:
      trm node maintenance off --node /srv/trm/fr
    """
    output.print_answer(reach.ask("maintenance.end"), as_json=as_json, people=_show)


@options.add_verb(maintenance_commands, "show")
@options.pass_node
@options.as_json
def show_maintenance(reach: Reach, as_json: bool) -> None:
    """Show whether maintenance lasts, why, and until when.

    \b
    Example:
      trm node maintenance show --node /srv/trm/fr
    """
    output.print_answer(reach.ask("maintenance.show"), as_json=as_json, people=_show)


def _show(value: Mapping[str, Json]) -> None:
    if not value["on"]:
        output.print_line("no maintenance: the node takes in and sends")
        return
    output.print_facts(
        [
            ("maintenance", value["reason"]),
            ("since", time_text.when(value["since"])),
            ("until", time_text.when(value["until"])),
        ]
    )
