"""`trm adapter`: how the case system is reached, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from gateway.cli import options, voice
from gateway.cli.mappings import show_verdict
from gateway.cli.options import CONTEXT, Reach
from gateway.errors import RefusedError
from gateway.ports import Json

if TYPE_CHECKING:
    from importlib.metadata import Distribution


@click.group(context_settings=CONTEXT)
def adapter() -> None:
    """How the case system is reached, and what is wrong with it."""


@options.verb(adapter, "list")
@options.as_json
def adapter_list(as_json: bool) -> None:
    """The kinds of case system that this installation reaches, and who brings each. Needs no node.

    A package that is installed beside this one may bring more; a node uses the one that its node.toml names.

    \b
    Example:
      trm adapter list
    """
    from adapters.kit.kind import offered

    kinds: list[Json] = [_kind(name, points[0].dist) for name, points in offered().items()]
    voice.show({"adapters": kinds}, as_json=as_json, people=_show_kinds)


def _kind(name: str, brought: Distribution | None) -> dict[str, Json]:
    from adapters.kit.kind import find

    told: dict[str, Json] = {
        "kind": name, "what": "", "for": "", "package": "" if brought is None else brought.name, "fault": ""
    }  # fmt: skip
    try:
        kind = find(name)
    except RefusedError as error:
        return told | {"fault": f"{error.what}; {error.hint}"}
    return told | {"what": kind.what, "for": kind.whom}


def _show_kinds(value: Mapping[str, Json]) -> None:
    columns = ("kind", "what", "for", "package", "fault")
    rows = [[item[name] for name in columns] for item in voice.items(value, "adapters")]
    voice.table(columns, rows, empty="none")


@options.verb(adapter, "check")
@options.on_node
@options.as_json
def adapter_check(reach: Reach, as_json: bool) -> None:
    """Check the adapter of this node; exit 1 if something is wrong.

    \b
    Example:
      trm adapter check --node /srv/trm/fr
    """
    value = reach.ask("adapter.check")
    voice.show(value, as_json=as_json, people=_show_check)
    if value["ok"] is not True:
        raise click.exceptions.Exit(1)


def _show_check(value: Mapping[str, Json]) -> None:
    about = value["adapter"]
    if not isinstance(about, dict):
        voice.say("this node has no adapter: people work with trm or the local API")
        return
    voice.facts((name, about[name]) for name in ("kind", "version", "target", "can_pull", "can_push", "erasure"))
    show_verdict(value)
