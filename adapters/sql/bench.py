"""The database of an office under the control of a test: SQLite here, other servers where a test provides them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import URL

from adapters.kit.contract import MARKER, Trouble
from adapters.sql.adapter import SqlAdapter
from adapters.sql.database import Address
from adapters.sql.office_files import Files

HERE = Path(__file__).parent
SAMPLE = HERE / "sample.yaml"
FILES = Files(view="trm_outbox_file", inbox="trm_inbox_file")

_CASES = """CREATE TABLE cases (
  id integer PRIMARY KEY, changed_at {}, number varchar(40), summary varchar(2000), gender varchar(40), amount {}
)"""
_TYPES = {
    "sqlite": ("integer", "real"),
    "postgresql": ("timestamptz", "numeric"),
    "mariadb": ("datetime", "decimal(9, 2)"),
}
_VIEW = """CREATE VIEW trm_outbox AS
  SELECT id AS ref, changed_at AS changed, number AS case_number, summary, gender, amount FROM cases"""
_FILES = "CREATE TABLE case_files (case_id integer, part integer, piece integer, kind varchar(40), data {})"
_FILE_VIEW = """CREATE VIEW trm_outbox_file AS
  SELECT case_id AS ref, part, piece, kind AS doc_kind, data FROM case_files"""
_BLOBS = {"sqlite": "blob", "postgresql": "bytea", "mariadb": "longblob"}
_STAMPS = {
    "sqlite": "{}",
    "postgresql": "timestamptz '2025-06-01 00:00:00+02' + interval '{} seconds'",
    "mariadb": "timestamp('2025-06-01') + interval {} second",
}


@dataclass(frozen=True)
class Office:
    """A database with the table `cases` of the office, the view over it, and the inbox."""

    kind: str
    admin: URL
    address: Address

    def run(self, *statements: str, **values: object) -> list[Any]:
        """Execute the statements as an administrator; return the rows of the last one."""
        engine = create_engine(self.admin, poolclass=NullPool)
        with engine.begin() as connection:
            for statement in statements[:-1]:
                connection.exec_driver_sql(statement)
            result = connection.execute(text(statements[-1]), values)
            return list(result.all()) if result.returns_rows else []

    def make_inbox(self) -> None:
        """Create the inbox and the account, by the script of this kind."""
        for statement in _statements((HERE / f"{self.kind}.sql").read_text()):
            self.run(statement.replace(":", "\\:"))

    def make(self) -> None:
        """Create the inbox, the table of the office, and the view."""
        self.make_inbox()
        self.run(_CASES.format(*_TYPES[self.kind]), _VIEW)
        self.run(_FILES.format(_BLOBS[self.kind]), _FILE_VIEW)
        self.grant("trm_outbox", "trm_outbox_file")

    def grant(self, *views: str) -> None:
        """Grant the right to read these views, where there are rights."""
        if self.kind != "sqlite":
            account = "trm_adapter@localhost" if self.kind == "mariadb" else "trm_adapter"
            self.run(*(f"GRANT SELECT ON {view} TO {account}" for view in views))

    def adapter(self, **more: Any) -> SqlAdapter:
        """Return a new adapter over this database."""
        return SqlAdapter(self.address, **{"mapping": SAMPLE, "files": FILES, **more})

    def case(
        self, number: int, summary: str, *, gender: str = "Female", amount: object = None, stamp: int | None = None
    ) -> None:
        """Write a case of the office, or write it anew."""
        self.run(f"DELETE FROM cases WHERE id = {number}")  # noqa: S608 (a whole number of the bench)
        when = _STAMPS[self.kind].format(number if stamp is None else stamp)
        self.run(
            f"INSERT INTO cases VALUES ({number}, {when}, 'AL-{number}', :summary, :gender, :amount)",  # noqa: S608 (numbers; words are bound)
            summary=summary,
            gender=gender,
            amount=amount,
        )

    def inbox(self, columns: str = "*", where: str = "1 = 1", **values: object) -> list[Any]:
        """Return rows of the inbox."""
        return self.run(f"SELECT {columns} FROM trm_inbox WHERE {where} ORDER BY item_key", **values)  # noqa: S608 (words of the callers; values are bound)


def sqlite_office(folder: Path) -> Office:
    """Make an office whose database is a file in `folder`."""
    file = folder / "exchange.db"
    file.touch(mode=0o600)
    office = Office("sqlite", URL.create("sqlite", database=str(file)), Address(url=f"sqlite:///{file}"))
    office.make()
    return office


class SqlBench:
    """An office for the cases of the contract."""

    troubles: Sequence[Trouble] = (
        Trouble.AWAY,
        Trouble.SLOW,
        Trouble.EQUAL_STAMPS,
        Trouble.CLOCK_AHEAD,
        Trouble.CLOCK_BEHIND,
        Trouble.UNMAPPED_CODE,
    )

    def __init__(self, office: Office) -> None:
        self.office = office
        self.cases = 0
        self._stamp: int | None = None
        self._shift = 0
        self._gender = "Female"
        self._patience: dict[str, int] = {}

    @contextmanager
    def trouble(self, kind: Trouble) -> Iterator[None]:
        """Cause a trouble that a database in a file can have; those about records apply to every kind of database."""
        match kind:
            case Trouble.EQUAL_STAMPS:
                self._stamp = 1000
            case Trouble.CLOCK_AHEAD | Trouble.CLOCK_BEHIND:
                self._shift = 93600 if kind is Trouble.CLOCK_AHEAD else -93600
            case Trouble.UNMAPPED_CODE:
                self._gender = "of another list"
            case Trouble.SLOW:
                with self._locked():
                    yield
                return
            case _:
                with self._away():
                    yield
                return
        try:
            yield
        finally:
            self._stamp, self._shift, self._gender = None, 0, "Female"

    @contextmanager
    def _away(self) -> Iterator[None]:
        file = Path(str(self.office.admin.database))
        elsewhere = file.rename(file.with_suffix(".away"))
        try:
            yield
        finally:
            elsewhere.rename(file)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        import sqlite3

        self._patience = {"patience": 1}
        with closing(sqlite3.connect(str(self.office.admin.database), isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE").close()
            yield
        self._patience = {}

    def settings(self) -> Mapping[str, str | int | bool]:
        names = {"file_view": str(FILES.view), "file_inbox": str(FILES.inbox)}
        return {"url": self.office.address.url, "mapping": str(SAMPLE), **names}

    def adapter(self) -> SqlAdapter:
        return self.office.adapter(**self._patience)

    def offer(self, name: str) -> None:
        self._case(name)

    def offer_file(self, name: str, data: bytes) -> None:
        self._case(name)
        for piece, at in enumerate(range(0, len(data), 1 << 20)):
            self.office.run(
                "INSERT INTO case_files VALUES (:case, 0, :piece, 'court_document', :data)",
                case=self.cases,
                piece=piece,
                data=data[at : at + (1 << 20)],
            )

    def offer_bad(self, name: str) -> None:
        self._case(MARKER, amount=1.5)

    def _case(self, summary: str, amount: object = None) -> None:
        self.cases += 1
        stamp = self.cases + 100_000 + self._shift if self._stamp is None else self._stamp
        self.office.case(self.cases, summary, gender=self._gender, amount=amount, stamp=stamp)

    def received(self) -> list[str]:
        return [row[0] for row in self.office.inbox("message_id", "kind = 'message' AND state <> 'erased'")]

    def received_files(self) -> list[bytes]:
        shown = {row[0] for row in self.office.inbox("item_key", "state <> 'erased'")}
        rows = self.office.run("SELECT item_key, part, piece, data FROM trm_inbox_file")
        found: dict[tuple[str, int], bytes] = {}
        for key, part, _, data in sorted(row for row in rows if row[0] in shown and row[3] is not None):
            found[key, part] = found.get((key, part), b"") + bytes(data)
        return [*found.values()]

    def noticed(self) -> list[str]:
        return [row[0] for row in self.office.inbox("type", "kind <> 'message'")]

    def shows(self, text: str) -> bool:
        return any(text in str(cell) for row in self.office.inbox() for cell in row)

    def holds(self, text: str) -> bool:
        rows = [*self.office.run("SELECT * FROM cases"), *self.office.run("SELECT * FROM trm_inbox_file")]
        files = [bytes(data) for (data,) in self.office.run("SELECT data FROM case_files WHERE data IS NOT NULL")]
        return self.shows(text) or any(text in str(row) for row in rows) or any(text.encode() in data for data in files)


def _statements(lines: str) -> Sequence[str]:
    """Split a script into statements; a semicolon at the end of a line ends one, except within $$."""
    found, part = [], ""
    for line in lines.splitlines():
        bare = line.split("--")[0].rstrip()
        part += bare + "\n"
        if bare.endswith(";") and part.count("$$") % 2 == 0:
            found.append(part.strip().removesuffix(";"))
            part = ""
    return found
