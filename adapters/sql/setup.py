"""What a database of the office needs: the script for its administrator, a view to try it with, and a mapping file.

`trm adapter check` looks at the real database with the account of the gateway, need by need; nothing is changed there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, DateTime, Executable, String, Table, Text, func, inspect, literal, select
from sqlalchemy import delete as delete_from
from sqlalchemy import insert as insert_into
from sqlalchemy import update as update_rows
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeEngine

from adapters.kit.mapping import columns_read
from adapters.kit.setup.needs import Need, met, missing
from adapters.kit.setup.plan import MAPPING, Asked, Plan, quoted, starter_mapping, starter_record
from adapters.sql.cells import BAD_REF, ref_of
from adapters.sql.database import Address, number_of, symbol_of
from adapters.sql.office_files import OfficeFiles
from adapters.sql.tables import View

HERE: Final = Path(__file__).parent
INBOX: Final = "inbox.sql"
TRY: Final = "try-view.sql"
_SCRIPTS: Final = {
    "postgresql": "postgresql.sql",
    "mariadb": "mariadb.sql",
    "mysql": "mariadb.sql",
    "sqlite": "sqlite.sql",
}
_ACCOUNT: Final = "trm_adapter"
NOT_REACHED: Final = (
    "nothing answers there, or it does not take the account: look at the address and the name of the database, at the "
    "password in its file, whether the account is locked, and on another machine at the certificate (ca_file)"
)
_NEVER: Final = literal(1) == 0
_NO_RIGHT: Final = frozenset({"42501", "1142", "1143", "1044"})
"""PostgreSQL, then MariaDB and MySQL: the account lacks a right. Whatever else is wrong, the thing is not there."""


async def plan(asked: Asked) -> Plan:
    """Plan the script that makes the inbox with its rights, a view of one invented row, and a mapping file for it."""
    given = asked.given
    address = Address(url=asked.setting("url"))
    dialect = address.dialect
    password = {} if dialect == "sqlite" or "password_file" in given else {"password_file": asked.path("password")}
    return Plan(
        files={
            INBOX: (HERE / _SCRIPTS[dialect]).read_text(encoding="utf-8"),
            TRY: _try_view(dialect, asked),
            MAPPING: starter_mapping(asked.recipient),
        },
        settings={**password, **({} if "mapping" in given else {"mapping": asked.path(MAPPING)})},
        steps=[
            *_administrator(address, asked, given.get("password_file", asked.path("password"))),
            *_afterwards(address, asked),
        ],
    )


def _administrator(address: Address, asked: Asked, password: str) -> Iterator[str]:
    """Say how the administrator of the database runs the scripts, and sets the password."""
    scripts = [asked.path(INBOX), asked.path(TRY)]
    match address.dialect:
        case "sqlite":
            file = quoted(address.files[0])
            yield f"make the database, closed to others: (umask 077 && touch {file})"
            yield from (f"sqlite3 -bail {file} < {quoted(script)}" for script in scripts)
        case "postgresql":
            name = quoted(address.database)
            # From the shell's hands: the account of the administrator may not open files that are closed to others.
            yield from (f"psql -v ON_ERROR_STOP=1 -d {name} < {quoted(script)}" for script in scripts)
            yield f"set the password: psql -d {name} -c '\\password {_ACCOUNT}'"
            yield _write_password(password)
        case _:
            name = quoted(address.database)
            if not address.is_here:
                yield (
                    "an account is one of the machine from which it comes: write the name of the machine of the node, "
                    f"as the database knows it, in place of localhost in {INBOX} and {TRY}, and below"
                )
            yield from (f"mariadb {name} < {quoted(script)}" for script in scripts)
            yield (
                "set the password, which unlocks the account; type at the prompt of mariadb, so that no other program "
                f"sees it: ALTER USER {_ACCOUNT}@localhost IDENTIFIED BY '...' ACCOUNT UNLOCK;"
            )
            yield _write_password(password)


def _write_password(file: str) -> str:
    return f"write it into a file too, and end with Ctrl-D: install -m 600 /dev/stdin {quoted(file)}"


def _afterwards(address: Address, asked: Asked) -> Iterator[str]:
    yield asked.check
    yield f"{asked.into_node(asked.folder, *address.files)}; the row of the view becomes a draft"
    yield f"then write your own view in place of the one of {TRY}, and its columns into {asked.path(MAPPING)}"


def _try_view(dialect: str, asked: Asked) -> str:
    """Write a view of one invented row, with the columns that the mapping to start from reads."""
    quote = "`" if dialect in {"mariadb", "mysql"} else '"'
    stamp = {"postgresql": "timestamptz '2025-06-01 00:00:00Z'", "sqlite": "1"}.get(dialect, "timestamp('2025-06-01')")
    cells = [f"'{value}' AS {quote}{name}{quote}" for name, value in starter_record(asked.today).items()]
    # No name that a row of the office could have: what was read once under a name is not read again under it.
    columns = ",\n    ".join(["'sample-1' AS ref", f"{stamp} AS changed", *cells])
    account = f"{_ACCOUNT}@localhost" if quote == "`" else _ACCOUNT
    grant = "" if dialect == "sqlite" else f"GRANT SELECT ON trm_outbox TO {account};\n"
    # A view that is there stays: PostgreSQL and MySQL 8 have no IF NOT EXISTS here, and end with an error that says so.
    made = "CREATE VIEW IF NOT EXISTS" if dialect in {"mariadb", "sqlite"} else "CREATE VIEW"
    remark = (
        "-- A view of one invented record, to try the connection with: run it after the script of the inbox. Then put\n"
    )
    remark += (
        "-- your own view in its place: DROP VIEW trm_outbox; CREATE VIEW trm_outbox AS SELECT ... FROM your tables.\n"
    )
    return f"{remark}\n{made} trm_outbox AS SELECT\n    {columns};\n{grant}"


# --- looking ---------------------------------------------------------------------------------------------------------


def look_at_file(address: Address) -> Iterator[Need]:
    """Look at who may open an SQLite database: it knows no accounts, so the rights of its file are all there is."""
    for file in address.files:
        if file.exists() and file.stat().st_mode & 0o007:
            hint = "whoever may open the file may read and change all of it"
            yield missing("database", "open_to_others", hint, f"chmod o-rwx {quoted(file)}")


def look_at_view(connection: Connection, view: View, mapping: Path, dialect: str) -> Iterator[Need]:
    """Look at the view: there, readable, with its steering columns and those of the mapping, one row for each ref."""
    place = f"view {view.name}"
    names = _try(connection, select(view.all).select_from(view.source).where(_NEVER))
    if isinstance(names, str):
        hint = "make the view with its columns; the script of trm adapter prepare sql has one to try"
        grant = _grant(connection, "SELECT", view.name)
        yield _no_access(place, names, missing(place, "missing_view", hint, TRY), grant)
        return
    known = {name.casefold() for name in names}
    steering = [str(column.key) for column in (view.ref, view.changed) if str(column.key).casefold() not in known]
    for name in steering:
        yield missing(f"{place}, column {name}", "missing_column", "every row needs it: see adapters/sql")
    if steering:
        return
    yield met(place)
    for labels in columns_read(mapping):
        if not known.intersection(label.casefold() for label in labels):
            hint = "the mapping file reads it; add it to the view, or take it out of the file"
            yield missing(f"{place}, column {labels[0]}", "missing_column", hint)
    yield from _look_at_refs(connection, view, place)


def _look_at_refs(connection: Connection, view: View, place: str) -> Iterator[Need]:
    twice = select(view.ref).select_from(view.source).group_by(view.ref).having(func.count() > 1).limit(1)
    if connection.execute(twice).first() is not None:
        yield missing(place, "ref_twice", "the view must have one row for each ref")
    some = select(view.ref).select_from(view.source).limit(1000)
    if any(ref_of(ref) is None for ref in connection.scalars(some)):
        yield missing(place, "bad_ref", BAD_REF)


def look_at_inbox(connection: Connection, table: Table, dialect: str) -> Iterator[Need]:
    """Look at the inbox: there, with every column of its type, and the rights of the account, neither less nor more."""
    place = f"table {table.name}"
    there = _try(connection, select(literal(1)).select_from(table).where(_NEVER))
    if isinstance(there, str):
        lacking = missing(place, "missing_inbox", "run the script of this kind of database", INBOX)
        yield _no_access(place, there, lacking, _grant(connection, "SELECT", table.name))
        return
    columns = {each["name"]: each["type"] for each in inspect(connection).get_columns(table.name, schema=table.schema)}
    faults = [need for column in table.columns for need in _look_at_column(columns, column, place, dialect)]
    yield from faults
    if faults:
        return
    yield met(place)
    nothing = select(*table.columns).where(_NEVER)
    inserts = insert_into(table).from_select(list(table.columns), nothing)
    changes = update_rows(table).where(_NEVER).values(state="")
    if all(_is_allowed(connection, statement) for statement in (inserts, changes)):
        yield met(f"{place}, right to insert and update")
    else:
        command = _grant(connection, "INSERT, UPDATE", table.name)
        yield missing(place, "not_writable", "grant INSERT and UPDATE on it", command)
    if dialect != "sqlite" and _is_allowed(connection, delete_from(table).where(_NEVER)):
        hint = "the account can delete rows, and with them the memory of what was handed over; see the script"
        yield missing(place, "too_many_rights", hint, _revoke(connection, "DELETE", table.name))


def look_at_files(connection: Connection, files: OfficeFiles) -> Iterator[Need]:
    """Look at the view and the table of files, where the settings name them."""
    for fault in files.check(lambda statement: _is_allowed(connection, statement)):
        command = INBOX if fault.rule == "missing_inbox" else ""
        yield missing(fault.place, fault.rule, fault.hint, command)


def _look_at_column(
    columns: Mapping[str, TypeEngine[Any]], column: Column[Any], place: str, dialect: str
) -> Iterator[Need]:
    found = columns.get(column.name)
    where = f"{place}, column {column.name}"
    if found is None:
        yield missing(where, "missing_column", "compare the table with the script of this kind of database", INBOX)
    elif dialect != "sqlite" and (hint := _difference(found, column.type)):
        yield missing(where, "wrong_type", hint, INBOX)


def _difference(found: TypeEngine[Any], wanted: TypeEngine[Any]) -> str:
    """Say how a type differs from the one of the script, in a way that loses something; nothing where it does not."""
    same = f"it has to be {wanted}".lower()
    if isinstance(wanted, DateTime):
        return "" if isinstance(found, DateTime) else same
    if not isinstance(found, _family(wanted)):
        return same
    room, needed = getattr(found, "length", None), getattr(wanted, "length", None)
    if isinstance(wanted, String) and room is not None and (needed is None or room < needed) and room < _LONG:
        return f"it holds {room} characters; {same}"
    return ""


_LONG: Final = 1 << 24
"""Characters that every document has room in."""


def _family(wanted: TypeEngine[Any]) -> type[TypeEngine[Any]]:
    return String if isinstance(wanted, String | Text) else type(wanted)


def _no_access(place: str, fault: str, lacking: Need, grant: str) -> Need:
    """Tell whether something is not there, or may not be read."""
    if fault in _NO_RIGHT:
        return missing(place, "not_readable", "the account has no right to read it", grant)
    return lacking


def _try(connection: Connection, statement: Executable) -> Sequence[str] | str:
    """Execute a statement that finds no row: the names of its columns, or the number of the fault."""
    connection.rollback()
    try:
        names = [*connection.execute(statement).keys()]
    except DBAPIError as exc:
        connection.rollback()
        if exc.connection_invalidated:
            raise
        return str(number_of(exc) or symbol_of(exc))
    connection.rollback()
    return names


def _is_allowed(connection: Connection, statement: Executable) -> bool:
    """Whether the database permits the statement, which touches no row and is undone."""
    connection.rollback()
    try:
        connection.execute(statement)
    except DBAPIError as exc:
        connection.rollback()
        if exc.connection_invalidated:
            raise
        return False
    connection.rollback()
    return True


def _grant(connection: Connection, rights: str, name: str) -> str:
    return "" if connection.dialect.name == "sqlite" else f"GRANT {rights} ON {name} TO {_account(connection)};"


def _revoke(connection: Connection, rights: str, name: str) -> str:
    return f"REVOKE {rights} ON {name} FROM {_account(connection)};"


def _account(connection: Connection) -> str:
    """Name the account as the server knows it: MariaDB and MySQL by the machine that it comes from, too."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    name = str(connection.scalar(select(func.current_user())))
    connection.rollback()
    if connection.dialect.name == "postgresql":
        return quote(name)
    user, _, host = name.rpartition("@")
    return f"{quote(user)}@{quote(host)}"
