"""A database whose tables are not those of this program is refused in words, and stays as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from support.tables import table

from gateway.database import meta
from gateway.database.engine import Store
from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.migrating import try_steps
from gateway.database.table_fingerprint import STORED, compute_fingerprint, differences, expected_tables
from gateway.errors import Code, RefusedError


def made(path: Path) -> Path:
    """A new database, closed."""
    Store(SqliteFile(path)).close()
    return path


def spoil(path: Path, *statements: str) -> None:
    """Change a database by hand."""
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def content(path: Path) -> list[str]:
    """All that a database holds, as statements."""
    with closing(sqlite3.connect(path)) as connection:
        return [*connection.iterdump()]


def refusal(path: Path) -> RefusedError:
    """What opening it ends with; it holds afterwards what it held before."""
    before = content(path)
    with pytest.raises(RefusedError) as caught:
        Store(SqliteFile(path))
    assert content(path) == before
    return caught.value


async def test_a_new_database_carries_the_fingerprint_of_its_tables(tmp_path: Path) -> None:
    """What is stored is the hash of what is there, and what is there is what the queries are written for."""
    store = Store(SqliteFile(tmp_path / "node.db"))
    stored = await store.read(lambda c: meta.get_meta(c, STORED))
    store.close()
    found = try_steps(tmp_path / "node.db")
    assert found == expected_tables()
    assert stored == compute_fingerprint(found).encode()


def test_a_database_without_a_fingerprint_gets_one(tmp_path: Path) -> None:
    """A folder of a release that wrote none opens where its tables are right."""
    path = made(tmp_path / "node.db")
    spoil(path, f"delete from meta where key = '{STORED}'")
    made(path)
    assert any(f"'{STORED}'" in line for line in content(path))


CHANGES: Sequence[tuple[str, str, tuple[str, str]]] = (
    ("a table is gone", "drop table reminder", ("table reminder", "missing")),
    ("an index is gone", "drop index outbox_peer", ("index outbox_peer", "missing")),
    (
        "an index of other columns",
        "drop index outbox_peer; create index outbox_peer on outbox (ref)",
        ("index outbox_peer", "different"),
    ),
    ("a column more", "alter table alarm add column colour text", ("table alarm", "different")),
    ("a column fewer", "alter table alarm drop column proof", ("table alarm", "different")),
    ("a table more", "create table spare (id integer)", ("table spare", "unknown")),
)


@table("what, statements, finding", CHANGES)
def test_tables_that_were_changed_are_named(
    what: str, statements: str, finding: tuple[str, str], tmp_path: Path
) -> None:
    """Each change of a table or an index is found, named and refused; the way out is the backup."""
    path = made(tmp_path / f"{what}.db")
    spoil(path, *statements.split(";"))
    error = refusal(path)
    assert error.code is Code.INVALID and "changed since" in error.what and "backup" in error.hint
    assert finding in [(found.place, found.rule) for found in error.findings]


def test_tables_of_another_version_are_refused(tmp_path: Path) -> None:
    """A whole folder of a program with other tables under the same revision names the version as the way out."""
    path = made(tmp_path / "node.db")
    spoil(path, "drop table reminder", "drop table request_onward")
    written = compute_fingerprint(try_steps(path))
    for stored in (f"update meta set value = cast('{written}' as blob) where key = '{STORED}'", "delete from meta"):
        spoil(path, stored)
        error = refusal(path)
        assert "another version" in error.what and "start the version" in error.hint


def test_a_later_revision_is_refused(tmp_path: Path) -> None:
    """A folder that a newer program has opened is not run on by an older one."""
    path = made(tmp_path / "node.db")
    spoil(path, "update alembic_version set version_num = '9999'")
    assert [(found.place, found.rule) for found in refusal(path).findings] == [("revision 9999", "unknown")]


def test_a_step_that_meets_other_tables_changes_nothing(tmp_path: Path) -> None:
    """Tables without the revision that made them, as a broken copy has them, are refused and not made twice."""
    path = made(tmp_path / "node.db")
    spoil(path, "drop table alembic_version")
    assert [found.rule for found in refusal(path).findings] == ["different"]


def test_equal_tables_do_not_differ() -> None:
    """The comparison of a description with itself finds nothing, and with nothing finds everything missing."""
    tables = expected_tables()
    assert differences(tables, tables) == []
    assert {rule for _, rule in differences({}, tables)} == {"missing"}
