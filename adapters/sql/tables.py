"""The two parts of the office's database that the adapter uses: the inbox table and the outbox view.

The scripts beside this file make the table. Where the two differ, `SqlAdapter.check` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnClause,
    ColumnElement,
    DateTime,
    FromClause,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    column,
    literal_column,
    table,
)

from adapters.sql.database import name_of

MESSAGE, NOTICE, SETTLED = "message", "notice", "settled"
NEW, ERASED = "new", "erased"


def inbox_table(name: str) -> Table:
    """Define the inbox: one row for each message, each piece of news, and each record that was read out of the view."""
    schema, short = name_of(name, "inbox")
    return Table(
        short,
        MetaData(),
        Column("item_key", String(160), primary_key=True),
        Column("kind", String(10), nullable=False),
        Column("type", String(100), nullable=False),
        Column("record", String(100)),
        Column("attempt", Integer),
        Column("version", String(100)),
        Column("message_id", String(64)),
        Column("conversation", String(64)),
        Column("in_reply_to", String(64)),
        Column("sender_name", String(200)),
        Column("received_at", DateTime(timezone=True), nullable=False),
        Column("state", String(10), nullable=False),
        Column("document", Text),
        schema=schema,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The outbox view with the two columns that steer its reading; all other columns are content."""

    name: str
    stamp: str
    source: FromClause
    ref: ColumnElement[Any]
    changed: ColumnElement[Any]
    all: ColumnElement[Any]


def outbox_view(name: str, ref: str, changed: str) -> View:
    """Define the view `name` with its columns `ref` and `changed`."""
    schema, short = name_of(name, "view")
    steering: list[ColumnClause[Any]] = [
        column(name_of(ref, "ref_column")[1]),
        column(name_of(changed, "changed_column")[1]),
    ]
    source = table(short, *steering, schema=schema).alias("v")
    return View(
        name=short,
        stamp=changed,
        source=source,
        ref=source.c[ref],
        changed=source.c[changed],
        all=literal_column("v.*"),
    )
