"""An upgrade of workers on a server in two steps: what a made-up revision takes away stays until no worker of the
version before is left.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine, create_engine, insert, text, update
from support.databases import fresh_postgresql
from support.ports import free_port

from gateway.administration.contract_database import RECENT, contract_database, find_contraction
from gateway.administration.move_database import name_database
from gateway.cli.administration.database import database_commands
from gateway.database.functions import database_ms
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.database.migrating import migrate
from gateway.database.migrations import HEAD
from gateway.database.revisions import Revisions
from gateway.database.tables import worker
from gateway.errors import Code, RefusedError
from gateway.foundation.config import DatabaseSection

SETTINGS = """
[node]
name = "FR"
country = "FR"

[federation]
listen = "127.0.0.1:0"

[[units]]
id = "focal-point"
name = "National focal point"
kind = "public_authority"
roles = ["national_focal_point"]
"""
CONTRACTING = """
\"\"\"Take away the column of the version before.\"\"\"

from alembic import op

revision = "9001"
down_revision = "{head}"
contracts = True


def upgrade() -> None:
    op.drop_column("alarm", "of_before")
"""
EXPANDING = """
\"\"\"Add what the version after needs.\"\"\"

from alembic import op

revision = "9002"
down_revision = "9001"


def upgrade() -> None:
    op.execute("create table of_after (id integer primary key)")
"""


@pytest.fixture
def made_up(tmp_path: Path) -> Path:
    """Where revisions of a next version are: one that takes a column away."""
    place = tmp_path / "revisions"
    place.mkdir()
    (place / "r9001.py").write_text(CONTRACTING.format(head=HEAD), encoding="utf-8")
    return place


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A node folder whose rows are on a server, with the column that the version before writes."""
    found = tmp_path / "node"
    found.mkdir()
    (found / "node.toml").write_text(SETTINGS, encoding="utf-8")
    server = fresh_postgresql()
    engine = PostgresServer(server, found / "node.db").open_engine(writes=True)
    migrate(engine, new=True)
    with engine.begin() as connection:
        connection.execute(text("alter table alarm add column of_before text"))
    engine.dispose()
    url = server.set(drivername="postgresql").render_as_string().replace("%2F", "/")
    name_database(found, DatabaseSection(url=url))
    return found


@pytest.fixture
def change(folder: Path) -> Callable[..., None]:
    """Writes into the database."""

    def run(*statements: object) -> None:
        engine = plain(folder)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(statement)
        engine.dispose()

    return run


def plain(folder: Path) -> Engine:
    """A connection as an administrator has."""
    line = (folder / "node.toml").read_text(encoding="utf-8").split('url = "')[1].split('"')[0]
    return create_engine(line.replace("postgresql://", "postgresql+psycopg://"))


def columns(folder: Path) -> set[str]:
    """The columns of the table that changes."""
    engine = plain(folder)
    with engine.connect() as connection:
        found = set(
            connection.scalars(text("select column_name from information_schema.columns where table_name = 'alarm'"))
        )
    engine.dispose()
    return found


def start(folder: Path, revisions: Revisions) -> None:
    """Bring the tables to a version, as a worker does that starts."""
    engine = plain(folder)
    try:
        migrate(engine, revisions=revisions)
    finally:
        engine.dispose()


def a_worker(version: str, *, away: int = 0) -> object:
    """A worker that was seen so many milliseconds ago."""
    at = database_ms() - away
    return insert(worker).values(id="w1", place=1, host="machine-1", version=version, since=at, seen=at, off=0)


def test_it_waits_for_the_workers_of_before(folder: Path, made_up: Path, change: Callable[..., None]) -> None:
    """A start leaves the column; so does the verb, while a worker of before is there and for ten minutes more."""
    revisions = Revisions(made_up)
    start(folder, revisions)
    assert "of_before" in columns(folder)
    assert find_contraction(folder, revisions=revisions).revision == HEAD

    change(a_worker("0.0.9"))
    found = find_contraction(folder, revisions=revisions)
    assert [step.revision for step in found.steps] == ["9001"]
    assert found.steps[0].about == "Take away the column of the version before."
    with pytest.raises(RefusedError) as caught:
        contract_database(folder, revisions=revisions)
    assert caught.value.code is Code.CONFLICT
    assert [(one.place, one.rule) for one in caught.value.findings] == [("worker machine-1", "version 0.0.9")]
    assert "of_before" in columns(folder)

    change(update(worker).values(seen=database_ms() - RECENT + 60_000))
    with pytest.raises(RefusedError):
        contract_database(folder, revisions=revisions)
    change(update(worker).values(seen=database_ms() - RECENT - 1))
    assert [step.revision for step in contract_database(folder, revisions=revisions).steps] == ["9001"]
    assert "of_before" not in columns(folder)
    assert find_contraction(folder, revisions=revisions).steps == []
    start(folder, revisions)


def test_the_next_version_does_not_start_before(folder: Path, made_up: Path) -> None:
    """Its tables come behind what waits: the upgrade of before is finished first."""
    (made_up / "r9002.py").write_text(EXPANDING, encoding="utf-8")
    revisions = Revisions(made_up)
    with pytest.raises(RefusedError) as caught:
        start(folder, revisions)
    assert caught.value.code is Code.CONFLICT and "trm database contract" in (caught.value.hint or "")
    assert "of_before" in columns(folder)
    assert [step.revision for step in contract_database(folder, revisions=revisions).steps] == ["9001"]


def test_only_what_waits_may_be_there_too(folder: Path, made_up: Path, change: Callable[..., None]) -> None:
    """A column too many is one of before; one too few is none that this version could do without."""
    with pytest.raises(RefusedError):
        start(folder, Revisions())
    change(text("alter table alarm drop column dismissed cascade"))
    with pytest.raises(RefusedError):
        start(folder, Revisions(made_up))


def test_people_are_told(folder: Path, change: Callable[..., None]) -> None:
    """Where the rows are, what waits there, and that a server that is away does not answer."""
    change(text("alter table alarm drop column of_before"))
    run = partial(CliRunner().invoke, database_commands)
    told = run(["status", "--node", str(folder)]).output
    assert "postgresql://" in told and HEAD in told
    assert "nothing" in run(["contract", "--dry-run", "--node", str(folder)]).output
    found = json.loads(run(["contract", "--node", str(folder), "--json"]).output)
    assert found == {"revision": HEAD, "waits": [], "others": [], "done": True}
    name_database(folder, DatabaseSection(url=f"postgresql://trm@127.0.0.1:{free_port()}/trm"))
    assert "does not answer" in run(["status", "--node", str(folder)]).output


def test_rows_in_a_file_wait_for_nothing(tmp_path: Path) -> None:
    """The verb says so, and changes nothing."""
    (tmp_path / "node.toml").write_text(SETTINGS, encoding="utf-8")
    assert contract_database(tmp_path).steps == () and find_contraction(tmp_path).revision is None
