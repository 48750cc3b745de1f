"""`trm adapter`: the connection to the case system, and its faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.mapping.adapter_setup import check_settings_file, prepare_adapter
from gateway.cli.mapping.mappings import show_verdict
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import RefusedError
from gateway.foundation.json import list_objects
from gateway.ports import Json

if TYPE_CHECKING:
    from importlib.metadata import Distribution


@click.group("adapter", context_settings=CONTEXT)
def adapter_commands() -> None:
    """List, create, prepare and check adapters, which connect the case system."""


adapter_commands.add_command(prepare_adapter)


@options.add_verb(adapter_commands, "list")
@options.as_json
def list_adapters(as_json: bool) -> None:
    """List the kinds of case system that this installation can connect, and who provides each. Needs no node.

    A package that is installed beside this one may bring more; a node uses the one that its node.toml names.

    \b
    Example:
      trm adapter list
    """
    from adapters.kit.kind import offered

    kinds: list[Json] = [_kind(name, points[0].dist) for name, points in offered().items()]
    output.print_answer({"adapters": kinds}, as_json=as_json, people=_show_kinds)


def _kind(name: str, brought: Distribution | None) -> dict[str, Json]:
    from adapters.kit.kind import find

    told: dict[str, Json] = {
        "kind": name,
        "what": "",
        "for": "",
        "package": "" if brought is None else brought.name,
        "fault": "",
    }
    try:
        kind = find(name)
    except RefusedError as error:
        return told | {"fault": f"{error.what}; {error.hint}"}
    return told | {"what": kind.what, "for": kind.whom}


def _show_kinds(value: Mapping[str, Json]) -> None:
    columns = ("kind", "what", "for", "package", "fault")
    rows = [[item[name] for name in columns] for item in list_objects(value, "adapters")]
    output.print_table(columns, rows, empty="none")


@options.add_verb(adapter_commands, "new")
@click.argument("name")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Folder to create it in; default: the current one.",
)
def create_adapter(name: str, into: Path) -> None:
    """Create a package for a new kind of adapter, which passes trm adapter check as it is. Nothing is overwritten.

    It reaches an invented system with a JSON interface; docs/adapter-guide.md goes on from there.

    \b
    Example:
      trm adapter new acme
    """
    from adapters.template.making import make_package

    folder = make_package(name, into)
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        output.print_line(str(path))
    output.print_hint(f"pip install -e {folder}, then trm adapter check {name}")


@options.add_verb(adapter_commands, "check")
@click.argument("kind", required=False)
@click.option("--case", "only", multiple=True, metavar="NAME", help="Only this case of KIND; may be repeated.")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Need by need, by its [adapter]: adapter.toml of trm adapter prepare, or a node.toml.",
)
@click.option("--node", type=click.Path(path_type=Path), metavar="DIR", help="Node folder; else TRM_NODE.")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Needed only while that node does not run.",
)
@options.as_json
def check_adapter(
    kind: str | None,
    only: tuple[str, ...],
    settings: Path | None,
    node: Path | None,
    passphrase_file: Path | None,
    as_json: bool,
) -> None:
    """Check the adapter of a node, of a file of settings, or a KIND of adapter; exit 1 if it has faults.

    Without KIND, the adapter of the node looks after its case system. With --settings each need is told in a line, with
    the command that mends it; no node is needed, and nothing in the case system is changed.

    With KIND (trm adapter list), the adapter is put before some fifty things that happen sooner or later (a kill
    between push and acknowledgement, a 500, a session that ended, an unmapped code) on the stand-in that it brings, and
    for each that it does not stand, what to mend is told. Needs no node then, and touches no case system.

    \b
    Example:
      trm adapter check --node /srv/trm/fr
      trm adapter check --settings /srv/trm-adapter/adapter.toml
      trm adapter check folder
    """
    if sum(given is not None for given in (kind, settings, node)) > 1:
        raise click.UsageError("a KIND and a file of settings are checked without a node, each by itself")
    if kind is not None:
        if passphrase_file is not None:
            raise click.UsageError("a KIND is checked without a node")
        _check_kind(kind, only, as_json=as_json)
        return
    if only:
        raise click.UsageError("--case belongs to a KIND")
    if settings is not None:
        check_settings_file(settings, as_json=as_json)
        return
    value = Reach(folder=options.find_folder(node), passphrase_file=passphrase_file).ask("adapter.check")
    output.print_answer(value, as_json=as_json, people=_show_check)
    if value["ok"] is not True:
        raise click.exceptions.Exit(1)


def _show_check(value: Mapping[str, Json]) -> None:
    about = value["adapter"]
    if not isinstance(about, dict):
        output.print_line("this node has no adapter: people work with trm or the local API")
        return
    output.print_facts((name, about[name]) for name in ("kind", "version", "target", "can_pull", "can_push", "erasure"))
    show_verdict(value)


def _check_kind(kind: str, only: Sequence[str], *, as_json: bool) -> None:
    import asyncio

    from gateway.foundation import logs

    logs.configure("error")
    outcomes = asyncio.run(_outcomes(kind, only, say=None if as_json else _say_outcome))
    counts = {
        state: sum(outcome["outcome"] == state for outcome in outcomes) for state in ("kept", "broken", "not_tried")
    }
    value: dict[str, Json] = {"kind": kind, "ok": counts["broken"] == 0, "cases": [*outcomes], **counts}
    if as_json:
        output.print_json(value)
    else:
        output.print_line(f"{counts['kept']} kept, {counts['broken']} broken, {counts['not_tried']} not tried")
    if counts["broken"]:
        raise click.exceptions.Exit(1)


async def _outcomes(
    kind: str, only: Sequence[str], *, say: Callable[[Mapping[str, Json]], None] | None
) -> list[dict[str, Json]]:
    from tempfile import TemporaryDirectory

    from gateway.mapping.conformance import examine, named

    told: list[dict[str, Json]] = []
    with TemporaryDirectory(prefix="trm-adapter-") as apart:
        async for outcome in examine(kind, Path(apart), named(only)):
            case = outcome.case
            broken = outcome.verdict == "broken"
            told.append(
                {
                    "case": case.name,
                    "about": case.about,
                    "outcome": str(outcome.verdict),
                    "why": outcome.why,
                    "mend": case.mend if broken else "",
                }
            )
            if say is not None:
                say(told[-1])
    return told


def _say_outcome(value: Mapping[str, Json]) -> None:
    """Print one line for each case as it ends; for a failed one, its subject, what happened and how to mend it."""
    shown = {"kept": "ok", "broken": "BROKEN", "not_tried": "not tried"}[str(value["outcome"])]
    why = f"  {value['why']}" if value["outcome"] == "not_tried" else ""
    output.print_line(f"{shown:<10}{value['case']}{why}")
    if value["outcome"] == "broken":
        for name, text in (("promise", value["about"]), ("found", value["why"]), ("mend", value["mend"])):
            output.print_line(f"{'':<10}{name}: {text}")
