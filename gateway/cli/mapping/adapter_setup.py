"""`trm adapter prepare` and `trm adapter check --settings`: what a case system needs, made, and looked at in lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from gateway.mapping.setup import Prepared


@click.command("prepare", cls=options.Verb, context_settings=CONTEXT)
@click.argument("kind")
@click.option(
    "--into",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder of the adapter, outside of the node folder; made if it is not there.",
)
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="A setting of the KIND; may be repeated.")
@click.option(
    "--from", "source", metavar="URL", help="primero: the address whose forms and lists make the mapping file."
)
@click.option("--to", "recipient", default="AL", show_default=True, metavar="NAME", help="Peer that the sample is for.")
@click.option("--language", default="en", show_default=True, metavar="LANG", help="sheet: language of the workbook.")
@options.as_json
def prepare_adapter(
    kind: str,
    into: Path,
    given: tuple[str, ...],
    source: str | None,
    recipient: str,
    language: str,
    as_json: bool,
) -> None:
    """Make what a KIND of adapter needs: folders, scripts, keys, samples, a mapping file to start from.

    Nothing is overwritten: what is there is told and left, so the verb can be repeated. The lines for node.toml are
    printed and stand in DIR/adapter.toml. Needs no node, and changes nothing in the case system.

    \b
    Example:
      trm adapter prepare folder --into /srv/trm-adapter
      trm adapter prepare sql --into /srv/trm-adapter --set url=postgresql://trm_adapter@db.example.org/cases
      trm adapter prepare primero --into /srv/trm-adapter --from https://primero.example.org \\
        --set user=trm_gateway --set password_file=/etc/trm/primero.password
    """
    import asyncio

    from gateway.mapping.setup import prepare_kind

    settings = {name: value for name, _, value in (word.partition("=") for word in given)}
    if len(settings) < len(given) or not all("=" in word for word in given):
        raise click.BadParameter("NAME=VALUE, each NAME once", param_hint="--set")
    prepared = asyncio.run(
        prepare_kind(
            kind,
            into.absolute(),
            settings,
            source=source,
            recipient=recipient,
            language=language,
            today=datetime.now(UTC).date(),
        )
    )
    output.print_answer(_to_json(prepared), as_json=as_json, people=lambda _: _show_prepared(prepared))


def _to_json(prepared: Prepared) -> dict[str, Json]:
    made: list[Json] = [{"path": str(path), "outcome": str(outcome)} for path, outcome in prepared.made]
    return {
        "made": made,
        "settings": dict(prepared.settings),
        "open": dict(prepared.open),
        "unread": [*prepared.unread],
        "lacking": [*prepared.lacking],
        "steps": [*prepared.steps],
    }


def _show_prepared(prepared: Prepared) -> None:
    from adapters.kit.setup.plan import Outcome
    from gateway.mapping.setup import render_section

    for path, outcome in prepared.made:
        output.print_line(f"{outcome:<6}{path}" + (", left as it is" if outcome is Outcome.THERE else ""))
    output.print_line("")
    output.print_line(render_section(prepared.settings, prepared.open))
    for heading, names in (
        ("not mapped, for a person to decide:", prepared.unread),
        ("needed by the message, and given by no field that is mapped:", prepared.lacking),
    ):
        if names:
            output.print_line("\n".join([heading, *(f"  {name}" for name in names), ""]))
    for number, step in enumerate(prepared.steps, start=1):
        output.print_line(f"{number}. {step}")


def check_settings_file(path: Path, *, as_json: bool) -> None:
    """Print each need of the adapter that a file sets up; leave with 1 if one is not met."""
    import asyncio

    from gateway.foundation import logs
    from gateway.mapping.setup import check_settings, is_met

    logs.configure("error")
    needs = asyncio.run(check_settings(path))
    told: list[Json] = [
        {
            "place": need.place,
            "state": str(need.state),
            "rule": need.rule,
            "hint": need.hint,
            "command": need.command,
        }
        for need in needs
    ]
    output.print_answer({"ok": is_met(needs), "needs": told}, as_json=as_json, people=_show_needs)
    if not is_met(needs):
        raise click.exceptions.Exit(1)


def _show_needs(value: Mapping[str, Json]) -> None:
    """Print one line for each need; below one that is not met why, and the command that mends it."""
    for need in list_objects(value, "needs"):
        state = str(need["state"])
        shown = state.upper() if need["rule"] else state
        output.print_line(f"{shown:<9}{need['place']}  {need['rule']}".rstrip())
        for name in ("hint", "command"):
            if need[name]:
                output.print_line(f"{'':<9}{'run: ' if name == 'command' else ''}{need[name]}")
    output.print_line("nothing is missing" if value["ok"] is True else "something is missing")
