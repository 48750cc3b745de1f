"""Files that go into the office's database and come out of it, in a thread and one piece at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from sqlalchemy import Engine, Executable

from adapters.kit.threads import in_thread
from adapters.sql.database import translated
from adapters.sql.files import (
    LARGEST,
    FileRow,
    empty_pieces,
    file_view,
    list_files,
    piece_table,
    put_piece,
    read_piece,
    use_of_view,
    uses_of_pieces,
)
from adapters.sql.inbox import split_ref
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import PIECE, Delivery, LocalFile, LocalRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The names of the view that has files of records, and of the table that takes files of messages; None where the
    office has none.
    """

    view: str | None = None
    inbox: str | None = None


class OfficeFiles:
    """The files behind `engine`; `lock` is held for each piece of work."""

    def __init__(self, names: Files, engine: Engine, lock: Lock) -> None:
        self._view = None if names.view is None else file_view(names.view)
        self._pieces = None if names.inbox is None else piece_table(names.inbox)
        self._engine = engine
        self._lock = lock

    @property
    def are_taken(self) -> bool:
        """Whether there is a table for files of messages."""
        return self._pieces is not None

    @property
    def are_given(self) -> bool:
        """Whether there is a view of files of records."""
        return self._view is not None

    async def put(self, item: Delivery) -> None:
        """Write the pieces of each file; none keeps its content where one file does not open to its end."""
        try:
            for one in item.attachments:
                number = 0
                async for data in one.read():
                    for at in range(0, len(data), PIECE):
                        piece = data[at : at + PIECE]
                        await in_thread(self._lock, translated, self._put, item.key, one.part, number, piece)
                        number += 1
        except RefusedError:
            await in_thread(self._lock, translated, self.empty, item.key)
            raise

    def _put(self, key: str, part: int, number: int, data: bytes) -> None:
        if self._pieces is not None:
            with self._engine.begin() as connection:
                put_piece(connection, self._pieces, key, part, number, data)

    def empty(self, key: str) -> bool:
        """Empty the pieces of an item; whether any had content."""
        if self._pieces is None:
            return False
        with self._engine.begin() as connection:
            return empty_pieces(connection, self._pieces, key)

    def give_to(self, records: Sequence[LocalRecord]) -> list[LocalRecord]:
        """Return the records with their files."""
        if self._view is None or not records:
            return [*records]
        refs = [split_ref(record.ref)[0] for record in records]
        with self._engine.connect() as connection:
            connection.execution_options(trm_reading=True)
            rows = list_files(connection, self._view, refs)
        return [self._with_files(record, ref, rows.get(ref, ())) for record, ref in zip(records, refs, strict=True)]

    def _with_files(self, record: LocalRecord, ref: str, rows: Sequence[FileRow]) -> LocalRecord:
        if record.faults or not rows:
            return record
        faults = [
            Finding(place=_place(ref, row), rule=rule, hint=hint)
            for number, row in enumerate(rows)
            for wrong, rule, hint in (
                (row.part != number, "file_number", "files are numbered from 0 on, each once"),
                (not row.whole, "file_pieces", "its pieces are numbered from 0 on, each once"),
                (not row.size, "file_empty", "it has no byte"),
                (row.largest > LARGEST, "too_large", f"a piece has at most {LARGEST} bytes; give it in pieces"),
            )
            if wrong
        ]
        if faults:
            return replace(record, fields={}, faults=tuple(faults))
        return replace(record, files=tuple(self._file(ref, row) for row in rows))

    def _file(self, ref: str, row: FileRow) -> LocalFile:
        async def read() -> AsyncIterator[bytes]:
            await in_thread(self._lock, translated, self._look, ref, row)
            for piece in range(row.pieces):
                data = await in_thread(self._lock, translated, self._read, ref, row, piece)
                for at in range(0, len(data), PIECE):
                    yield data[at : at + PIECE]
            await in_thread(self._lock, translated, self._look, ref, row)

        return LocalFile(place=_place(ref, row), size=row.size, doc_kind=row.kind, read=read)

    def _look(self, ref: str, row: FileRow) -> None:
        """Check that a file has its number, kind, pieces and size still."""
        with self._engine.connect() as connection:
            connection.execution_options(trm_reading=True)
            if self._view is None or row not in list_files(connection, self._view, [ref]).get(ref, ()):
                raise _changed()

    def _read(self, ref: str, row: FileRow, piece: int) -> bytes:
        with self._engine.connect() as connection:
            connection.execution_options(trm_reading=True)
            data = None if self._view is None else read_piece(connection, self._view, ref, row.part, piece)
        if data is None:
            raise _changed()
        return data

    def check(self, allowed: Callable[[Executable], bool]) -> list[Finding]:
        """Check that view and table can be used; `allowed` tries a statement that touches no row."""
        findings = []
        if self._view is not None and not allowed(use_of_view(self._view)):
            hint = "make it with ref, part, piece, doc_kind and data, and grant the right to read it"
            findings.append(Finding(place="file_view", rule="missing_view", hint=hint))
        if self._pieces is not None and not all(map(allowed, uses_of_pieces(self._pieces))):
            hint = "run the script of this kind of database: the account reads, inserts and updates there"
            findings.append(Finding(place="file_inbox", rule="missing_inbox", hint=hint))
        return findings


def _place(ref: str, row: FileRow) -> str:
    return f"file {row.part} of row {ref}"


def _changed() -> RefusedError:
    hint = "rows that are ready stay as they are until they are settled"
    return RefusedError(Code.CHANGED_MEANWHILE, "a file of a row was changed or taken away", hint=hint)
