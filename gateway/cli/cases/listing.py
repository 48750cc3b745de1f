"""The verbs of `trm case` about the list: all cases, those that are wanted, who looks after one, and flags."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gateway.cases.list_rules import Order, Owes
from gateway.cli import options, output
from gateway.cli.cases.cases import case_commands, show_id
from gateway.cli.options import Reach
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

__all__ = ["case_commands", "show_id"]


@options.add_verb(case_commands, "list")
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", metavar="CURSOR", help="`next` of the page before.")
@options.pass_node
@options.as_json
def list_cases(reach: Reach, limit: int, cursor: str | None, as_json: bool) -> None:
    """List the cases, newest first.

    \b
    Example:
      trm case list --node /srv/trm/fr
    """
    output.print_answer(reach.ask("case.list", limit=limit, cursor=cursor), as_json=as_json, people=_show_list)


@options.add_verb(case_commands, "find")
@click.argument("text", required=False)
@click.option("--peer", metavar="PEER", help="Only those held with this peer.")
@click.option("--stage", metavar="STAGE", help="Only those in this stage, as trm procedure list names it.")
@click.option("--unit", metavar="UNIT", help="Only those that this unit looks after.")
@click.option("--language", metavar="CODE", help="Only persons who speak it, as ar.")
@click.option("--owes", type=click.Choice([*Owes]), help="Only where this side has to act next.")
@click.option("--overdue", is_flag=True, help="Only where somebody is late.")
@click.option("--soon", is_flag=True, help="Only where something is over within 48 hours, and nobody is late.")
@click.option("--mine", is_flag=True, help="Only those that you look after.")
@click.option("--flagged", is_flag=True, help="Only those with a flag.")
@click.option("--closed", is_flag=True, help="Those that came to their end, instead of those that go on.")
@click.option("--sort", type=click.Choice([*Order]), default=str(Order.DUE), show_default=True)
@click.option("--limit", type=click.IntRange(1, 500), default=50, show_default=True)
@click.option("--cursor", metavar="CURSOR", help="`next` of the page before.")
@options.pass_node
@options.as_json
def find_cases(reach: Reach, as_json: bool, **wanted: Json) -> None:
    """Find cases by beginnings of words of their label, number, pseudonym or the reference that a peer reads out.

    Everything given has to be true. The next deadline comes first; the last line counts the cases of each kind.

    \b
    Example:
      trm case find blue --owes us --node /srv/trm/fr
      trm case find --overdue --mine
    """
    asked = {name: value for name, value in wanted.items() if value not in (None, False)}
    output.print_answer(reach.ask("case.find", **asked), as_json=as_json, people=_show_found)


@options.add_verb(case_commands, "assign")
@click.argument("id")
@click.option("--person", "worker", metavar="ID", help="As trm person list prints it; nobody where it is left out.")
@options.pass_node
@options.as_json
def assign_case(reach: Reach, id: str, worker: str | None, as_json: bool) -> None:
    """Say which person here looks after a case. It changes nobody's rights.

    \b
    Example:
      trm case assign q2x0bJr3QkK0m1c5n8sT4g --person mT5h0Jr3QkK0m1c5n8sT4g
    """
    output.print_answer(reach.ask("case.assign", id=id, worker=worker), as_json=as_json, people=show_id)


@options.add_verb(case_commands, "flag")
@click.argument("id")
@click.argument("text")
@options.pass_node
@options.as_json
def flag_case(reach: Reach, id: str, text: str, as_json: bool) -> None:
    """Make a case stand out in lists, with a few words of your own, never a name. It stays on this node.

    \b
    Example:
      trm case flag q2x0bJr3QkK0m1c5n8sT4g "call before noon"
    """
    output.print_answer(reach.ask("case.flag", id=id, text=text), as_json=as_json, people=show_id)


@options.add_verb(case_commands, "unflag")
@click.argument("id")
@click.argument("text")
@options.pass_node
@options.as_json
def unflag_case(reach: Reach, id: str, text: str, as_json: bool) -> None:
    """Take a flag off a case, by its words.

    \b
    Example:
      trm case unflag q2x0bJr3QkK0m1c5n8sT4g "call before noon"
    """
    output.print_answer(reach.ask("case.unflag", id=id, text=text), as_json=as_json, people=show_id)


def _show_list(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["case", "name", "units", "conversations", "we owe", "they owe", "since"],
        [
            [
                item["id"],
                item.get("name") or "(no name)",
                ", ".join(map(str, units)) if isinstance(units := item["units"], list) else "",
                item["conversations"],
                time_text.when(item["ours"]),
                time_text.when(item["theirs"]),
                time_text.when(item["at"]),
            ]
            for item in list_objects(value, "cases")
        ],
        empty="no case",
    )


def _show_found(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["case", "name", "with", "stage", "next", "by", "until", "moved", "flags"],
        [
            [
                item["id"],
                item.get("name") or "(no name)",
                ", ".join(str(one["peer"]) for one in list_objects(item, "peers")),
                item["stage"],
                *_step(item["next"]),
                time_text.when(item["moved"]),
                ", ".join(map(str, flags)) if isinstance(flags := item.get("flags"), list) else "",
            ]
            for item in list_objects(value, "cases")
        ],
        empty="no case",
    )
    counts = value["counts"]
    if isinstance(counts, dict):
        output.print_line(", ".join(f"{number} {name}" for name, number in counts.items()))
    if value["next"] is not None:
        output.print_hint(f"there are more: --cursor {value['next']}")


def _step(found: Json) -> list[Json]:
    """What is owed next, by whom and until when; nothing where nothing is."""
    if not isinstance(found, dict):
        return [None, None, None]
    late = "OVERDUE " if found["overdue"] else ""
    return [found["what"], found["owes"], f"{late}{time_text.when(found['until'])}"]
