"""The connection to the database, and the meaning of its driver's errors.

The driver is chosen by the first word of the address. A server on another machine is reached over TLS with its name
verified, always. A connection lives for one piece of work: nothing is pooled that could be stale or stay open.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError

from adapters.kit.secret import read_secret
from gateway.errors import Code, RefusedError, TransientError

P = ParamSpec("P")
T = TypeVar("T")

CONNECT_SECONDS = 10
STATEMENT_SECONDS = 30
DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "mariadb": "mariadb+pymysql",
    "mysql": "mysql+pymysql",
    "sqlite": "sqlite+pysqlite",
}
_SOCKETS = {"postgresql": "host", "mariadb": "unix_socket", "mysql": "unix_socket"}
"""The one further word an address may have: where the socket of a server on this machine is."""
_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_ABOUT_THE_ITEM = frozenset({1366, 3819, 4025})
"""Numbers of MariaDB and MySQL for a text that a column cannot hold and a rule of the table; they come as trouble."""
_NAME = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_]{0,62}\.)?[A-Za-z_][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """The address of a database and its TLS settings; making one checks it, and connects to nothing."""

    url: str
    password: Path | None = None
    ca: Path | None = None

    def __post_init__(self) -> None:
        url = _parsed(self.url)
        socket = _SOCKETS.get(url.drivername)
        if url.drivername not in DRIVERS:
            raise _invalid("the address of the database begins with " + ", ".join(f"{name}://" for name in DRIVERS))
        if url.password is not None:
            raise _invalid("the address of the database holds a password", "name a file with password_file")
        if set(url.query) - ({socket} if socket else set()):
            raise _invalid("the address of the database has options", f"only {socket or 'none'}")
        if not url.database:
            raise _invalid("the address of the database names no database")

    @property
    def dialect(self) -> str:
        """The first word of the address."""
        return _parsed(self.url).drivername

    @property
    def database(self) -> str:
        """The name of the database, or the path of the file."""
        return _parsed(self.url).database or ""

    @property
    def files(self) -> tuple[Path, ...]:
        """The file that an SQLite database is."""
        return (Path(self.database),) if self.dialect == "sqlite" else ()

    @property
    def shown(self) -> str:
        """The address for people, without the account."""
        url = _parsed(self.url)
        return URL.create(url.drivername, None, None, url.host, url.port, url.database, url.query).render_as_string()

    def engine(self, patience: int = STATEMENT_SECONDS) -> Engine:
        """Make an engine that opens a connection for each piece of work and waits `patience` seconds for an answer.

        SQL and its values stay out of its errors.
        """
        try:
            engine = create_engine(
                self._driver_url(),
                poolclass=NullPool,
                # Errors are logged, and the parameters are case data.
                hide_parameters=True,
                connect_args=self._args(patience),
                **self._level(),
            )
        except (NoSuchModuleError, ImportError) as exc:
            hint = "install trm-gateway[postgres] or trm-gateway[mysql]"
            raise _invalid("the driver of this database is not installed", hint) from exc
        if self.dialect == "sqlite":
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        elif self.password is not None:
            file = self.password
            event.listen(
                engine,
                "do_connect",
                lambda dialect, record, args, named: named.update(password=read_secret(file, "the password file")),
            )
        return engine

    def _driver_url(self) -> URL:
        url = _parsed(self.url)
        if self.dialect == "sqlite":  # "rw": a missing file is an error and not a new, empty database
            return URL.create("sqlite+pysqlite", database=f"file:{url.database}", query={"mode": "rw", "uri": "true"})
        return url.set(drivername=DRIVERS[url.drivername])

    def _level(self) -> dict[str, Any]:
        """Choose the isolation level: a statement sees all commits before it; SQLite has nothing else."""
        return {} if self.dialect == "sqlite" else {"isolation_level": "READ COMMITTED"}

    def _args(self, patience: int) -> dict[str, Any]:
        match self.dialect:
            case "sqlite":
                return {"timeout": patience}
            case "postgresql":
                limit = f"-c statement_timeout={patience}s -c synchronous_commit=on -c TimeZone=UTC"
                return {"connect_timeout": CONNECT_SECONDS, "options": limit, **self._postgresql_tls()}
            case _:
                # Strict, or MariaDB shortens what is too long and says so to nobody.
                first = "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), time_zone = '+00:00'"
                limits = {"read_timeout": patience, "write_timeout": patience}
                return {
                    "connect_timeout": CONNECT_SECONDS,
                    "charset": "utf8mb4",
                    "init_command": first,
                    **limits,
                    **self._mariadb_tls(),
                }

    def _postgresql_tls(self) -> dict[str, Any]:
        if self.is_here:
            return {}
        # libpq's default, prefer, would fall back to plain text when somebody on the way asks for it.
        return {"sslmode": "verify-full", "sslrootcert": "system" if self.ca is None else str(self.ca)}

    def _mariadb_tls(self) -> dict[str, Any]:
        if self.is_here:
            return {}
        import ssl

        return {"ssl": ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))}

    @property
    def is_here(self) -> bool:
        """Whether the database is on this machine."""
        url = _parsed(self.url)
        return bool(url.query) or (url.host or "localhost") in _HERE


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate what a driver raises into one of our errors.

    Errors about the item itself (too long, a character that the column cannot hold, a rule of the table) are for a
    person; all others, missing rights included, may be mended and are tried again. The driver's words may repeat a row,
    so they are not kept as the cause.
    """
    try:
        yield
    except DBAPIError as exc:
        if isinstance(exc, DataError | IntegrityError) or number_of(exc) in _ABOUT_THE_ITEM:
            what = f"the database does not take this item ({symbol_of(exc)})"
            raise RefusedError(Code.ADAPTER_REFUSED, what, hint="compare the inbox table with its script") from None
        hint = "look at the server, the rights of the account, the view and the inbox table"
        raise TransientError(
            Code.ADAPTER_BUSY, f"the database cannot be used now ({symbol_of(exc)})", hint=hint
        ) from None
    except SQLAlchemyError as exc:
        raise TransientError(Code.ADAPTER_BUSY, f"the database cannot be used now ({type(exc).__name__})") from None


def translated(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `work` and translate what it raises."""
    with translate_errors():
        return work(*args, **kwargs)


def name_of(text: str, what: str) -> tuple[str | None, str]:
    """Split `schema.table` or `table` into schema and name; raises RefusedError for anything else."""
    if _NAME.fullmatch(text) is None:
        raise _invalid(f"{what} is not the name of a table or column")
    schema, _, name = text.rpartition(".")
    return schema or None, name


def symbol_of(exc: DBAPIError) -> str:
    """Return the part of an error that is safe to show: SQLSTATE or number of the server, else the driver's class."""
    state = getattr(exc.orig, "sqlstate", None)
    return state if isinstance(state, str) else str(number_of(exc) or type(exc.orig).__name__)


def number_of(exc: DBAPIError) -> int | None:
    """Return the number of an error of MariaDB or MySQL; PostgreSQL has none."""
    first = exc.orig.args[0] if exc.orig is not None and exc.orig.args else None
    return first if isinstance(first, int) else None


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except ArgumentError:
        raise _invalid("the address of the database cannot be read") from None  # the cause repeats it, password and all


def _invalid(what: str, hint: str = "") -> RefusedError:
    return RefusedError(Code.INVALID, what, hint=hint)


def _prepare_sqlite(connection: Any, record: object) -> None:
    """Leave transactions to us; make commits durable and overwrite deleted content."""
    connection.isolation_level = None
    for pragma in ("synchronous = FULL", "secure_delete = ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("trm_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
