"""`trm database`: where the rows of a node are, and how they get elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT
from gateway.errors import TransientError
from gateway.foundation.config import load, read_database
from gateway.ports import Json

if TYPE_CHECKING:
    from gateway.administration.contract_database import Contraction

_FILE = click.Path(path_type=Path)
_NODE = click.option("--node", type=_FILE, metavar="DIR", help="Node folder; else TRM_NODE.")
STEP = 10_000
"""Rows of a table after which progress is told."""


@click.group("database", context_settings=CONTEXT)
def database_commands() -> None:
    """Show where the rows of a node are; move them to a PostgreSQL server and back; finish an upgrade there."""


@options.add_verb(database_commands, "status")
@_NODE
@options.as_json
def show_database(node: Path | None, as_json: bool) -> None:
    """Show where the rows of a node are, by node.toml, and what waits for trm database contract.

    \b
    Example:
      trm database status --node /srv/trm/fr
    """
    from gateway.administration.contract_database import find_contraction

    folder = options.find_folder(node)
    section = load(folder).database
    answer: dict[str, Json] = {"kind": "file" if section.url is None else "server", "url": section.url}
    try:
        answer |= {"answers": True} | _describe(find_contraction(folder))
    except TransientError:
        answer |= {"answers": False}
    output.print_answer(answer, as_json=as_json, people=_show_place)


@options.add_verb(database_commands, "contract")
@click.option("--dry-run", is_flag=True, help="Say what would be taken away; change nothing.")
@_NODE
@options.as_json
def finish_upgrade(dry_run: bool, node: Path | None, as_json: bool) -> None:
    """Finish an upgrade of several workers: take away from the tables on a server what only the version before needs.

    Refused as long as a worker of another version is there, or was within the last ten minutes. The workers go on. Rows
    in a file need none of this: it is done at the start.

    \b
    Example:
      trm database contract --dry-run --node /srv/trm/fr
    """
    from gateway.administration.contract_database import contract_database, find_contraction

    folder = options.find_folder(node)
    found = find_contraction(folder) if dry_run else contract_database(folder)
    output.print_answer(_describe(found) | {"done": not dry_run}, as_json=as_json, people=_show_contraction)


def _describe(found: Contraction) -> dict[str, Json]:
    steps: list[Json] = [{"revision": step.revision, "about": step.about} for step in found.steps]
    others: list[Json] = [{"host": one.host, "version": one.version} for one in found.others]
    return {"revision": found.revision, "waits": steps, "others": others}


@options.add_verb(database_commands, "move")
@click.option("--to", "url", metavar="URL", help="postgresql://ACCOUNT@HOST:PORT/DATABASE, an empty database.")
@click.option("--password-file", type=_FILE, metavar="FILE", help="Password of the account.")
@click.option("--ca-file", type=_FILE, metavar="FILE", help="Authorities that may vouch for the server.")
@click.option("--pooled", is_flag=True, help="A pooler stands before the server (docs/database.md).")
@click.option("--to-file", is_flag=True, help="Back to the file node.db of the folder.")
@_NODE
@options.as_json
def move_rows(
    url: str | None,
    password_file: Path | None,
    ca_file: Path | None,
    pooled: bool,
    to_file: bool,
    node: Path | None,
    as_json: bool,
) -> None:
    """Copy all rows of a stopped node to an empty database, compare both, and name the new place in node.toml.

    \b
    Example:
      trm database move --to postgresql://trm@db.example.fr:5432/trm --password-file /etc/trm/db.pass --node /srv/trm/fr
    """
    from gateway.administration.move_database import move_database

    if (url is None) == (not to_file):
        raise click.UsageError("name --to URL, or --to-file")
    section = read_database(url, password_file, ca_file, pooled=pooled)
    moved = asyncio.run(move_database(options.find_folder(node), section, _tell))
    answer: dict[str, Json] = {"rows": dict(moved.rows), "root": moved.root.hex()}
    output.print_answer(answer, as_json=as_json, people=_show_moved)


def _tell(table: str, rows: int) -> None:
    if rows % STEP == 0:
        click.echo(f"trm: {table}: {rows} rows", err=True)


def _show_place(answer: Mapping[str, Json]) -> None:
    place = "the file node.db of the folder" if answer["url"] is None else answer["url"]
    facts: list[tuple[str, Json]] = [("rows", place)]
    if not answer["answers"]:
        facts.append(("server", "does not answer; trm doctor looks at it"))
    elif answer["url"] is not None:
        facts += [("revision", answer["revision"]), *_steps_of(answer)]
    output.print_facts(facts)


def _show_contraction(answer: Mapping[str, Json]) -> None:
    steps = _steps_of(answer)
    output.print_facts(steps or [("waits", "nothing")])
    if steps and answer["done"]:
        output.print_hint("done; a version before this one does not start any more")


def _steps_of(answer: Mapping[str, Json]) -> list[tuple[str, Json]]:
    steps, others = answer["waits"], answer["others"]
    if not isinstance(steps, list) or not isinstance(others, list):
        raise TypeError("lists")
    return [
        *((f"waits: {step['revision']}", step["about"]) for step in steps if isinstance(step, dict)),
        *(
            (f"worker {one['host']}", f"has version {one['version']}: trm database contract waits for it")
            for one in others
            if isinstance(one, dict) and steps
        ),
    ]


def _show_moved(answer: Mapping[str, Json]) -> None:
    rows = answer["rows"]
    count = sum(number for number in rows.values() if isinstance(number, int)) if isinstance(rows, Mapping) else 0
    output.print_facts([("rows", count), ("root of the audit log", answer["root"])])
    output.print_hint("start the node; remove node.db.moved, or the tables on the server, when it runs")
