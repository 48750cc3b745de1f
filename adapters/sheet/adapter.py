"""The line list behind the port: read one workbook or CSV file, show the results in a second one beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

from adapters.kit.files import PRIVATE, Folder, NotPlainError, TooLargeError, read_plain, world
from adapters.kit.threads import in_thread
from adapters.sheet import htcds
from adapters.sheet.checks import check_results, missing_column, read_configured
from adapters.sheet.headings import Heading, find_heading, normalise_label
from adapters.sheet.layout import LIMIT, Layout, read_layout
from adapters.sheet.ledger import Journal, push_line, settle_line
from adapters.sheet.read import read_table
from adapters.sheet.records import Row, has_row, missing_columns, rows_of
from adapters.sheet.results import render_workbook
from adapters.sheet.table import Limits, Table, UnreadableError
from adapters.sheet.words import ENGLISH, load_words
from gateway.errors import Code, Finding, RefusedError, TransientError
from gateway.ports import Delivery, Description, Erasure, LocalRecord, Notice, NoticeKind

P = ParamSpec("P")
T = TypeVar("T")

RESULTS = "trm-results.xlsx"

Signature = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column as a person checks it: where it is, its label, and the mappings that read it as which kind."""

    place: str
    label: str
    read_by: Mapping[str, str]


class SheetAdapter:
    """A line list at `source`: .xlsx, .xlsm, .ods, or .csv in UTF-8.

    `marks` says for each mark column, by its label, which mapping file makes the draft of a row marked there. `key` is
    the label of the column that names a row. `results` is the workbook to write, by default `trm-results.xlsx` beside
    the source; its journal lies beside it, under the same name with `.jsonl`. `ids` are labels of text columns in which
    a leading zero counts. `sheet` and `delimiter` are found where they are not given. `language` is that of the office:
    the results are written in it. Making one touches no file of the office.
    """

    kind = "sheet"

    def __init__(
        self,
        source: Path,
        *,
        marks: Mapping[str, Path],
        key: str = htcds.KEY,
        results: Path | None = None,
        sheet: str | None = None,
        delimiter: str | None = None,
        ids: Collection[str] = htcds.IDS,
        limits: Limits | None = None,
        file_mode: int = PRIVATE,
        language: str = ENGLISH,
    ) -> None:
        if not marks:
            raise RefusedError(Code.INVALID, "a sheet needs at least one mark column with its mapping")
        if file_mode not in {0o600, 0o640}:
            raise RefusedError(Code.INVALID, "file_mode is 0600 or 0640")
        self._source = source
        self._marks = {normalise_label(label): path for label, path in marks.items()}
        self._key = normalise_label(key)
        self._results = source.with_name(RESULTS) if results is None else results
        self._sheet = sheet
        self._delimiter = delimiter
        self._ids = frozenset(map(normalise_label, ids))
        self._limits = limits or Limits()
        self._mode = file_mode
        self._words = load_words(language)
        self._lock = Lock()
        self._journal = Journal(self._results.with_suffix(".jsonl"), file_mode)
        self._shown = -1
        self._states: dict[str, str] = {}
        self._idle: Signature | None = None
        if self._results == source:
            raise RefusedError(Code.INVALID, "the results cannot take the place of the line list")

    def describe(self) -> Description:
        """Describe the adapter; erasing removes the rows from the result workbook and the item from the journal."""
        return Description(
            kind=self.kind, version="1", target=str(self._source), can_pull=True, can_push=True, erasure=Erasure.ERASED
        )

    async def check(self) -> Sequence[Finding]:
        """Check that the files can be read and written, and that the columns that steer the reading are there."""
        return await in_thread(self._lock, self._check)

    async def columns(self) -> Sequence[Column]:
        """List the columns as the adapter understands them, for a person to check before the first row is marked."""
        return await self._work(self._columns)

    async def pull(self) -> Sequence[LocalRecord]:
        """Return the marked rows that are not settled, or were changed since they were refused.

        Raises RefusedError with findings where the file as a whole cannot be used.
        """
        return await self._work(self._pull)

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Record the outcome of reading a row, and show it once no other row of that pull waits for its own."""
        await self._work(self._settle, record, notice)
        if not self._states:
            await self._show()

    async def push(self, item: Delivery | Notice) -> str:
        """Add an item to the journal and the workbook, once for each key; the key is the local id."""
        await self._work(self._push, item)
        await self._show()
        return item.key

    async def status(self, local_id: str) -> str:
        """Return `listed` or `erased`."""
        return await self._work(self._status, local_id)

    async def erase(self, local_id: str) -> Erasure:
        """Remove an item from journal and workbook. A copy that a person made elsewhere is not reached."""
        await self._work(self._erase, local_id)
        await self._show()
        return Erasure.ERASED

    async def erase_record(self, ref: str) -> Erasure:
        """Look for the row in the line list, which is only read here: `not_supported` while the office has it there.
        Then remove what journal and workbook say of it.
        """
        answer = await self._work(self._erase_record, ref)
        await self._show()
        return answer

    async def _work(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        with world("the line list or its results"):
            return await in_thread(self._lock, read_configured, work, *args, **kwargs)

    async def _show(self) -> None:
        """Bring the workbook up to date. Of many callers that wait, the first writes for all that came before it."""
        await self._work(self._render)

    def _render(self) -> None:
        ledger = self._journal.ledger()
        if self._shown == ledger.version:
            return
        with Folder(self._results.parent) as folder:
            folder.write(self._results.name, render_workbook(ledger, self._words), self._mode)
        self._shown = ledger.version

    # --- reading -------------------------------------------------------------------------------------------------

    def _pull(self) -> list[LocalRecord]:
        if self._journal.ledger().version:
            self._render()
        signature = self._signature()
        if signature == self._idle:
            return []
        table, heading, marks = self._open()
        missing = missing_columns(heading, marks, self._key)
        if self._key in missing or len(missing) == len(marks):
            raise self._refused([missing_column(label) for label in missing])
        self._states.clear()
        records = [
            self._record(row, ref)
            for row in rows_of(table, heading, marks, self._key)
            if (ref := self._ref(row)) is not None
        ]
        self._idle = None if records else signature
        return records

    def _ref(self, row: Row) -> str | None:
        """Return the ref under which a row is due, None if nothing is due.

        A row that became a draft stays one, whatever is typed into it later. Only when a person has put that draft
        aside and the row has changed since is it due again, under a new ref, for the node knows the old one.
        """
        ledger = self._journal.ledger()
        attempt = 1
        while True:
            ref = row.base if attempt == 1 else f"{row.base}:{attempt}"
            settled = ledger.settled.get(ref)
            if settled is None:
                return ref
            if settled.notice.kind is not NoticeKind.DRAFTED:
                return None if settled.state == self._state(row) else ref
            then = settled.state.partition(".")[0]
            if ref not in ledger.closed or then in {"", row.state}:
                return None
            attempt += 1

    def _record(self, row: Row, ref: str) -> LocalRecord:
        self._states[ref] = self._state(row)
        return LocalRecord(ref=ref, fields=row.fields, mapping=row.layout.name, places=row.places, faults=row.faults)

    def _state(self, row: Row) -> str:
        """Return the state of a row: a refused row is due again when the row, the mapping file or the language changes,
        a draft put aside only when the row does.
        """
        return f"{row.state}.{row.layout.fingerprint}.{self._words.language}"

    def _open(self) -> tuple[Table, Heading, Mapping[str, Layout]]:
        marks = {label: read_layout(read_plain(path, LIMIT), self._ids) for label, path in self._marks.items()}
        known = frozenset({self._key, *marks}).union(*(layout.known for layout in marks.values()))
        before = self._signature()
        try:
            data = read_plain(self._source, self._limits.file_bytes)
            table = read_table(
                data,
                self._source.suffix.lower(),
                known,
                sheet=self._sheet,
                delimiter=self._delimiter,
                limits=self._limits,
            )
        except TooLargeError as exc:
            finding = Finding(place="", rule="file_too_large", hint=f"at most {self._limits.file_bytes >> 20} MiB")
            raise self._refused([finding]) from exc
        except UnreadableError as exc:
            if self._signature() != before:
                raise TransientError(Code.ADAPTER_BUSY, "the line list is being saved") from exc
            raise self._refused([exc.finding]) from exc
        heading = find_heading(table.rows, known)
        if heading is None:
            raise RuntimeError("a table without a heading came out of read_table")
        return table, heading, marks

    def _refused(self, findings: Sequence[Finding]) -> RefusedError:
        what = f"the line list cannot be used: {', '.join(finding.rule for finding in findings)}"
        return RefusedError(Code.ADAPTER_REFUSED, what, hint=findings[0].hint, findings=findings)

    def _signature(self) -> Signature:
        """Return a value that changes when the line list or a mapping file is saved."""
        stats = [path.stat() for path in (self._source, *self._marks.values())]
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)

    def _columns(self) -> list[Column]:
        table, heading, marks = self._open()
        return [
            Column(
                place=table.column_place(column),
                label=label,
                read_by={
                    layout.name: str(layout.columns[normalise_label(label)])
                    for layout in marks.values()
                    if normalise_label(label) in layout.columns
                },
            )
            for column, label in heading.labels.items()
        ]

    # --- writing -------------------------------------------------------------------------------------------------

    def _settle(self, record: LocalRecord, notice: Notice) -> None:
        ref = record.ref
        state = self._states.get(ref, "")
        settled = self._journal.ledger().settled.get(ref)
        if settled is None or (settled.notice, settled.state) != (notice, state):
            named = {finding.place for finding in notice.findings}
            columns = {place: label for label, place in record.places.items() if place in named}
            self._journal.add(settle_line(ref, state, notice, columns))
        self._states.pop(ref, None)
        self._idle = None

    def _push(self, item: Delivery | Notice) -> None:
        if not item.key:
            raise RefusedError(Code.INVALID, "an item needs an idempotency key")
        if not self._journal.ledger().knows(item.key):
            self._journal.add(push_line(item))
            self._idle = None

    def _status(self, local_id: str) -> str:
        ledger = self._journal.ledger()
        if not ledger.knows(local_id):
            raise RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")
        return "listed" if local_id in ledger.items else "erased"

    def _erase(self, local_id: str) -> None:
        if self._status(local_id) == "listed":
            item = self._journal.ledger().items[local_id]
            self._journal.forget(local_id, item.message_id or "")

    def _erase_record(self, ref: str) -> Erasure:
        table, heading, _ = self._open()
        # What is noted of a row that is still there keeps it from being read anew.
        if has_row(table, heading, self._key, ref):
            return Erasure.NOT_SUPPORTED
        if not self._journal.forget_record(ref):
            raise RefusedError(Code.NOT_FOUND, "no such row in the line list")
        return Erasure.ERASED

    def _check(self) -> list[Finding]:
        return [*check_results(self._results, self._journal), *self._check_source()]

    def _check_source(self) -> list[Finding]:
        try:
            table, heading, marks = self._open()
        except OSError:
            return [Finding(place="line list or mapping", rule="not_readable", hint="look at its path and rights")]
        except (NotPlainError, TooLargeError):
            return [Finding(place="line list or mapping", rule="not_a_file", hint="a plain file belongs there")]
        except RefusedError as exc:
            return list(exc.findings) or [Finding(place="mapping", rule=str(exc.code), hint=exc.what)]
        findings = [missing_column(label) for label in missing_columns(heading, marks, self._key)]
        known = frozenset({self._key, *marks}).union(*(layout.known for layout in marks.values()))
        return findings + [
            Finding(place=table.column_place(column), rule="unread_column", hint="map it, or list it under ignored")
            for column, label in heading.labels.items()
            if normalise_label(label) not in known
        ]
