"""A database of the office: the node reads one view and writes one inbox table. See README.md."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from adapters.kit.contract import NewBench, in_folders
from adapters.kit.kind import Kind, Settings
from adapters.sql.adapter import SqlAdapter
from adapters.sql.database import Address
from adapters.sql.office_files import Files
from adapters.sql.setup import plan

__all__ = ["KIND", "Address", "SqlAdapter", "SqlSettings"]


class SqlSettings(Settings):
    """The address of the database, and the parts of it that are for the gateway."""

    url: str
    password_file: Path | None = None
    ca_file: Path | None = None
    mapping: Path
    view: str = "trm_outbox"
    ref_column: str = "ref"
    changed_column: str = "changed"
    inbox: str = "trm_inbox"
    file_view: str | None = None
    file_inbox: str | None = None

    def address(self) -> Address:
        """Return the address of the database."""
        return Address(url=self.url, password=self.password_file, ca=self.ca_file)

    def case_files(self) -> Sequence[Path]:
        """Return the file of an SQLite database."""
        return self.address().files

    def mapping_files(self) -> Sequence[Path]:
        """Return the mapping file that reads the rows of the view."""
        return (self.mapping,)


def _make(settings: SqlSettings) -> SqlAdapter:
    return SqlAdapter(
        settings.address(),
        mapping=settings.mapping,
        view=settings.view,
        ref=settings.ref_column,
        changed=settings.changed_column,
        inbox=settings.inbox,
        files=Files(view=settings.file_view, inbox=settings.file_inbox),
    )


def _stand_in(folder: Path) -> AbstractAsyncContextManager[NewBench]:
    from adapters.sql.bench import SqlBench, sqlite_office

    return in_folders(lambda own: SqlBench(sqlite_office(own)), folder)


KIND = Kind(
    name="sql",
    what="a PostgreSQL, MariaDB, MySQL or SQLite database",
    whom="for offices whose cases are in a database of their own",
    settings=SqlSettings,
    make=_make,
    stand_in=_stand_in,
    prepare=plan,
)
