"""`trm statistics`: counts of this node's cases that identify nobody, made once for each period."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import Code, RefusedError
from gateway.foundation import time_text
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from schemas.region_pack.regions import Region
    from schemas.region_pack.statistics import StatisticsPlan, TablePlan

ALL, SUPPRESSED = "(all)", "suppressed"


@click.group("statistics", context_settings=CONTEXT)
def statistics_commands() -> None:
    """Make and show counts that identify nobody; answer a request for them."""


@options.add_verb(statistics_commands, "make")
@click.argument("period")
@options.pass_node
@options.as_json
def make_statistics(reach: Reach, period: str, as_json: bool) -> None:
    """Count the cases of PERIOD, a year such as 2026 or a quarter such as 2026-Q1, as the region publishes them.

    A period is counted once, after it is over; again gives what was counted then. Counts below the threshold are
    suppressed, and others with them so that none can be worked out; a table that can not be protected is withheld.

    \b
    Example:
      trm statistics make 2026 --node /srv/trm/fr
    """
    answer = reach.ask("statistics.make", period=period)
    output.print_answer(answer, as_json=as_json, people=_show_made)


def _show_made(value: Mapping[str, Json]) -> None:
    output.print_line(f"{value['period']}: {'counted' if value['new'] else 'counted before, unchanged'}")
    output.print_facts((name, "withheld" if cells is None else "released") for name, cells in _tables(value).items())
    if value["erased"]:
        output.print_hint("cases whose content was erased before count as not stated")
    output.print_hint(f"trm statistics show {value['period']} prints the tables")


def _tables(value: Mapping[str, Json]) -> dict[str, Json]:
    found = value["tables"]
    return found if isinstance(found, dict) else {}


@options.add_verb(statistics_commands, "show")
@click.argument("period", required=False)
@click.option("--table", "only", metavar="NAME", help="Only this table.")
@click.option("--in", "classification", metavar="NAME", help="Categories as a published classification calls them.")
@options.language
@options.pass_node
@options.as_json
def show_statistics(
    reach: Reach, period: str | None, only: str | None, classification: str | None, lang: str | None, as_json: bool
) -> None:
    """Show the released tables of PERIOD, or without it the periods that were released.

    With --in only the cells are shown for which the region's plan has names of that classification.

    \b
    Example:
      trm statistics show --node /srv/trm/fr
      trm statistics show 2026 --table victims --node /srv/trm/fr
      trm statistics show 2026 --in CTDC --node /srv/trm/fr
    """
    from schemas.labels import find_language

    spoken = find_language(lang or "en")
    if period is None:
        output.print_answer(reach.ask("statistics.list"), as_json=as_json, people=_show_list)
        return
    pack = _region(reach)
    plan = pack.statistics
    if classification is not None and classification not in plan.classifications:
        known = ", ".join(plan.classifications)
        raise RefusedError(Code.NOT_FOUND, "the region knows no such classification", hint=f"known: {known}")
    answer = reach.ask("statistics.show", id=period)
    if only is not None:
        if only not in _tables(answer):
            known = ", ".join(_tables(answer))
            raise RefusedError(Code.NOT_FOUND, "no such table was released", hint=f"there are: {known}")
        answer["tables"] = {only: _tables(answer)[only]}
    output.print_answer(
        answer, as_json=as_json, people=lambda value: _show_tables(value, plan, classification, spoken.code)
    )
    if not as_json and spoken.code in pack.drafts:
        output.print_hint(f"texts in {spoken.name}: {spoken.draft}")


def _region(reach: Reach) -> Region:
    from gateway.foundation import config
    from gateway.regions.installed import load_node_region

    return load_node_region(reach.folder, config.load(reach.folder).node.region)


def _show_list(value: Mapping[str, Json]) -> None:
    output.print_table(
        ["period", "released"],
        [[item["period"], time_text.when(item["at"])] for item in list_objects(value, "releases")],
        empty="nothing was released",
    )


def _show_tables(value: Mapping[str, Json], plan: StatisticsPlan, classification: str | None, lang: str) -> None:
    threshold = value["threshold"]
    most = threshold - 1 if isinstance(threshold, int) else 0
    output.print_facts(
        [
            ("period", value["period"]),
            ("all cases", f"withheld: 1 to {most}" if value["total"] is None else value["total"]),
            ("suppressed", f"counts from 1 to {most}, and others that would give them away"),
        ]
    )
    for name, cells in _tables(value).items():
        output.print_line("")
        _show_table(name, cells, plan.tables.get(name), classification, lang)


def _show_table(name: str, cells: Json, plan: TablePlan | None, classification: str | None, lang: str) -> None:
    """Print one table in the words of the plan, or by the names of its categories if the plan no longer has it."""
    from schemas.reading import pick_label

    title = name if plan is None else f"{pick_label(plan.title, lang)} ({name})"
    if not isinstance(cells, list):
        output.print_line(f"{title}: withheld, too few cases to protect anybody in it")
        return
    output.print_line(title)
    heads = ["cell"] if plan is None else [pick_label(dimension.title, lang) for dimension in plan.dimensions]
    rows = [row for item in cells if isinstance(item, dict) if (row := _row(item, plan, classification, lang))]
    output.print_table([*heads, "cases"], rows, empty="no cell")
    if plan is not None and classification is not None:
        _hint_unnamed(plan, classification)


def _row(item: Mapping[str, Json], plan: TablePlan | None, classification: str | None, lang: str) -> list[Json] | None:
    """Return one cell; None if a category of it has no name in the classification."""
    key = [None if part is None else str(part) for part in item["key"]] if isinstance(item["key"], list) else []
    count: Json = SUPPRESSED if item["n"] is None else item["n"]
    if plan is None:
        return [", ".join(part or ALL for part in key), count]
    words = [
        ALL if part is None else dimension.worded(part, classification, lang)
        for dimension, part in zip(plan.dimensions, key, strict=True)
    ]
    return None if None in words else [*words, count]


def _hint_unnamed(plan: TablePlan, classification: str) -> None:
    from gateway.statistics.rules import called

    for finding in called(plan, classification)[1]:
        output.print_hint(f"{finding.place} has no name in {classification}: its cells are left out")


@options.add_verb(statistics_commands, "draft")
@click.argument("request")
@options.pass_node
@options.as_json
def draft_statistics(reach: Reach, request: str, as_json: bool) -> None:
    """Answer the incoming stats.request REQUEST with the released table: a draft that a person releases.

    \b
    Example:
      trm statistics draft q2x0bJr3QkK0m1c5n8sT4g --node /srv/trm/fr
    """
    output.print_answer(reach.ask("statistics.draft", id=request), as_json=as_json, people=_show_draft)


def _show_draft(value: Mapping[str, Json]) -> None:
    output.print_facts((name, value[name]) for name in ("draft", "table", "period"))
    output.print_hint(f"trm draft show {value['draft']} shows what would be sent, trm draft release sends it")
