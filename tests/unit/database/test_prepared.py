"""Statements that the driver runs itself: the same rows, types and transaction as through SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, Insert, bindparam, create_engine, delete, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from support import rows
from support.databases import fresh_postgresql

from gateway.database.kinds.sqlite_file import SqliteFile
from gateway.database.migrating import migrate
from gateway.database.prepared import Prepared
from gateway.database.rows import values_of
from gateway.database.tables import conversation, event, message, metadata
from gateway.messages.store import messages
from gateway.messages.store.messages import MessageRow

BY_REF = Prepared(select(message).where(message.c.ref.in_(bindparam("refs", expanding=True))).order_by(message.c.ref))
ADD_EVENT = Prepared(insert(event), columns=("at", "kind", "ref", "state"))


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The database of a node, and one on another server, whose driver writes values in another style."""
    if request.param == "sqlite":
        made = SqliteFile(tmp_path_factory.mktemp("prepared") / "node.db").open_engine(writes=True)
        migrate(made)
    else:
        made = create_engine(fresh_postgresql())
        metadata.create_all(made, tables=[conversation, message, event])
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """One that writes, on empty tables."""
    with engine.connect() as connection:
        with connection.begin():
            connection.execute(delete(message))
            connection.execute(delete(event))
        yield connection


def numbered(*refs: int) -> list[MessageRow]:
    """Messages with these numbers; odd ones are out of order."""
    return [rows.message(ref, out_of_order=ref % 2 == 1, consent=b"\x00\xff" if ref % 2 else None) for ref in refs]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 33])
def test_a_list_of_any_length_finds_what_it_names(connection, count: int):
    """Lists are filled up to a power of two: what is found is what was asked for, once each."""
    with connection.begin():
        messages.add(connection, numbered(*range(1, 40)))
        found = BY_REF.made(MessageRow, connection, refs=[*range(1, count + 1)])
    assert found == numbered(*range(1, count + 1))


def test_an_empty_list_finds_nothing(connection):
    """As `in ()` of SQLAlchemy does."""
    with connection.begin():
        messages.add(connection, numbered(1))
        assert BY_REF.rows(connection, refs=[]) == []


def test_rows_have_the_types_that_sqlalchemy_gives(connection):
    """Booleans and bytes and nothing in their place."""
    with connection.begin():
        messages.add(connection, numbered(1, 2))
        through = [tuple(row) for row in connection.execute(select(message).order_by(message.c.ref))]
        assert BY_REF.rows(connection, refs=[1, 2]) == through
    assert [type(value) for value in through[0]] == [type(value) for value in BY_REF.rows(connection, refs=[1])[0]]


def test_it_runs_in_the_callers_transaction(connection):
    """What is rolled back was never there."""
    transaction = connection.begin()
    ADD_EVENT.run(connection, [{"at": 1, "kind": "message", "ref": 1, "state": "queued"}])
    assert len(connection.execute(select(event)).all()) == 1
    transaction.rollback()
    assert connection.execute(select(event)).all() == []


def test_values_fixed_in_the_statement_stay(connection):
    """A constant of the statement needs no value, in a query and in a write."""
    late = Prepared(select(message.c.ref).where(message.c.out_of_order.is_(True), message.c.state == "queued"))
    mark = Prepared(update(message).where(message.c.ref == bindparam("which")).values(state="queued", size=7))
    with connection.begin():
        messages.add(connection, [rows.message(1, out_of_order=True, state="handed_over")])
        assert late.scalars(connection) == []
        mark.run(connection, [{"which": 1}])
        assert late.scalars(connection) == [1]
        assert connection.scalar(select(message.c.size)) == 7


def test_nothing_to_write_writes_nothing(connection):
    """An empty list of rows is no statement."""
    forget = Prepared(delete(message).where(message.c.ref == bindparam("which")))
    with connection.begin():
        messages.add(connection, numbered(1))
        forget.run(connection, [])
        assert connection.scalar(select(message.c.ref)) == 1


def test_rows_are_written_like_their_values(connection):
    """Members of a row find their columns by name, in whatever order both stand."""
    add = Prepared(insert(message))
    with connection.begin():
        assert add.add(connection, numbered(1, 2)) == add.run(connection, map(values_of, numbered(3, 4))) == 2
        assert add.add(connection, iter(())) == 0
        assert BY_REF.made(MessageRow, connection, refs=[1, 2, 3, 4]) == numbered(1, 2, 3, 4)
        with pytest.raises(AttributeError):
            add.add(connection, [object()])


def test_a_value_left_out_is_an_error(connection):
    """No column becomes empty because somebody forgot it."""
    with connection.begin(), pytest.raises(KeyError):
        ADD_EVENT.run(connection, [{"at": 1, "kind": "message", "ref": 1}])


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_rows_that_are_written_together_are_all_there_in_their_order(connection, count: int):
    """On PostgreSQL several go in one statement: numbers that the database gives follow the order all the same."""
    events = [{"at": at, "kind": "message", "ref": at, "state": None} for at in range(count)]
    with connection.begin():
        assert ADD_EVENT.run(connection, events) == count
        assert connection.scalars(select(event.c.at).order_by(event.c.seq)).all() == [*range(count)]


def test_inserts_of_several_rows_are_for_postgresql_alone(connection):
    """SQLite is in this process, where a statement costs no way. What replaces rows has to say that they are apart, and
    a value that is of no row stands alone.
    """
    new = upsert(event)
    given, kept = (new.on_conflict_do_update(index_elements=["seq"], set_={"at": at}) for at in (new.excluded.at, 1))

    def rows_of(statement: Insert, *, apart: bool = False) -> list[int]:
        made = Prepared(statement, columns=("at", "kind"), apart=apart)
        return [text.count("(%s") for text in made._for(connection.dialect).of_size(0).several]

    assert rows_of(insert(event)) == rows_of(given, apart=True)
    assert rows_of(insert(event)) == ([2, 4, 8, 16] if connection.dialect.name == "postgresql" else [])
    assert rows_of(given) == rows_of(kept, apart=True) == []


def test_one_that_is_there_does_not_keep_the_others_away(connection):
    """Where the statement says so; the number that comes back is of those that were written."""
    keep = Prepared(upsert(message).on_conflict_do_nothing(index_elements=["ref"]))
    with connection.begin():
        messages.add(connection, numbered(2))
        assert keep.add(connection, numbered(1, 2, 3, 3)) == 2
        assert BY_REF.made(MessageRow, connection, refs=[1, 2, 3]) == numbered(1, 2, 3)


def test_a_write_meets_every_member_of_its_list(connection):
    """Once for all of them; one that is not there is met by nothing, and an empty list is no statement."""
    forget = Prepared(delete(message).where(message.c.ref.in_(bindparam("refs", expanding=True))))
    with connection.begin():
        messages.add(connection, numbered(1, 2, 3))
        assert forget.run_listed(connection, refs=[]) == 0
        assert forget.run_listed(connection, refs=[1, 3, 9]) == 2
        assert connection.scalars(select(message.c.ref)).all() == [2]
