"""`trm database`: where the rows of a node are, and how they get elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import click

from gateway.cli import options, output
from gateway.cli.options import CONTEXT
from gateway.foundation.config import load, read_database
from gateway.ports import Json

_FILE = click.Path(path_type=Path)
_NODE = click.option("--node", type=_FILE, metavar="DIR", help="Node folder; else TRM_NODE.")
STEP = 10_000
"""Rows of a table after which progress is told."""


@click.group("database", context_settings=CONTEXT)
def database_commands() -> None:
    """Show where the rows of a node are; move them to a PostgreSQL server and back."""


@options.add_verb(database_commands, "status")
@_NODE
@options.as_json
def show_database(node: Path | None, as_json: bool) -> None:
    """Show where the rows of a node are, by node.toml.

    \b
    Example:
      trm database status --node /srv/trm/fr
    """
    section = load(options.find_folder(node)).database
    answer: dict[str, Json] = {"kind": "file" if section.url is None else "server", "url": section.url}
    output.print_answer(answer, as_json=as_json, people=_show_place)


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
    output.print_facts([("rows", place)])


def _show_moved(answer: Mapping[str, Json]) -> None:
    rows = answer["rows"]
    count = sum(number for number in rows.values() if isinstance(number, int)) if isinstance(rows, Mapping) else 0
    output.print_facts([("rows", count), ("root of the audit log", answer["root"])])
    output.print_hint("start the node; remove node.db.moved, or the tables on the server, when it runs")
