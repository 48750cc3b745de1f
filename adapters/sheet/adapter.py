"""The line list behind the port: read one workbook or CSV file, show the results in a second one beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Concatenate, ParamSpec, TypeVar

from adapters.kit.files import PRIVATE, Folder, world
from adapters.kit.setup.needs import Need, faults_of
from adapters.kit.threads import in_thread
from adapters.sheet import htcds
from adapters.sheet.checks import look_at, read_configured
from adapters.sheet.records import Row
from adapters.sheet.results.ledger import Journal, Ledger
from adapters.sheet.results.workbook import render_workbook
from adapters.sheet.source import Column, LineList, Signature
from adapters.sheet.table import Limits
from adapters.sheet.words import ENGLISH, load_words
from gateway.errors import Code, Finding, RefusedError
from gateway.ports import Delivery, Description, Erasure, LocalRecord, Notice, NoticeKind

P = ParamSpec("P")
T = TypeVar("T")

RESULTS = "trm-results.xlsx"
AT_ONCE = 500
"""Records of one pull. The other rows stay as they were read, so that a long list is in memory once."""


class SheetAdapter:
    """A line list at `source`: .xlsx, .xlsm, .ods, or .csv.

    `marks` says for each mark column, by its label, which mapping file makes the draft of a row marked there. `key` is
    the label of the column that names a row. `results` is the workbook to write, by default `trm-results.xlsx` beside
    the source; its journal lies beside it, under the same name with `.db`. `ids` are labels of text columns in which
    a leading zero counts. `sheet`, `delimiter` and `encoding` are found where they are not given. `language` is that
    of the office: the results are written in it. Making one touches no file of the office.
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
        encoding: str | None = None,
        ids: Collection[str] = htcds.IDS,
        limits: Limits | None = None,
        file_mode: int = PRIVATE,
        language: str = ENGLISH,
    ) -> None:
        if not marks:
            raise RefusedError(Code.INVALID, "a sheet needs at least one mark column with its mapping")
        if file_mode not in {0o600, 0o640}:
            raise RefusedError(Code.INVALID, "file_mode is 0600 or 0640")
        self._list = LineList(
            source,
            marks=marks,
            key=key,
            sheet=sheet,
            delimiter=delimiter,
            encoding=encoding,
            ids=ids,
            limits=limits or Limits(),
        )
        self._results = source.with_name(RESULTS) if results is None else results
        self._mode = file_mode
        self._words = load_words(language)
        self._lock = Lock()
        self._journal = Journal(self._results.with_suffix(".db"), file_mode)
        self._shown = -1
        self._states: dict[str, str] = {}
        self._rest: Iterator[Row] | None = None
        self._seen: Signature | None = None
        self._idle: Signature | None = None
        if self._results == source:
            raise RefusedError(Code.INVALID, "the results cannot take the place of the line list")

    def describe(self) -> Description:
        """Describe the adapter; erasing removes the rows from the result workbook and the item from the journal."""
        return Description(
            kind=self.kind,
            version="1",
            target=str(self._list.source),
            can_pull=True,
            can_push=True,
            erasure=Erasure.ERASED,
        )

    async def check(self) -> Sequence[Finding]:
        """Check that the files can be read and written, and that the columns that steer the reading are there."""
        return faults_of(await self.needs())

    async def needs(self) -> Sequence[Need]:
        """Look at the list, its mapping files, and the place of the results."""
        return await in_thread(self._lock, look_at, self._list, self._results, self._journal)

    async def columns(self) -> Sequence[Column]:
        """List the columns as the adapter understands them, for a person to check before the first row is marked."""
        return await self._read(self._list.columns)

    async def pull(self) -> Sequence[LocalRecord]:
        """Return marked rows that are not settled, or were changed since they were refused, some at a time.

        Once these are settled the next pull goes on behind them, without reading a file anew that is the same still.
        Raises RefusedError with findings where the file as a whole cannot be used.
        """
        return await self._work(self._pull)

    async def marked(self) -> Sequence[LocalRecord]:
        """Return every marked row, settled or not, for a person who tries a mapping out; none of them is settled."""
        return await self._read(lambda: [_record(row.base, row) for row in self._list.marked_rows()])

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Record the outcome of reading a row, and show it once no other row waits for its own."""
        await self.settle_all([(record, notice)])

    async def settle_all(self, outcomes: Sequence[tuple[LocalRecord, Notice]]) -> None:
        """Record the outcomes of reading several rows, durable together."""
        await self._work(self._settle, outcomes)
        for record, _ in outcomes:
            self._states.pop(record.ref, None)
        self._idle = None
        if not self._states and self._rest is None:
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

    async def _work(self, work: Callable[Concatenate[Ledger, P], T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Do a piece of work on the ledger, alone among all processes."""

        def work_alone() -> T:
            with self._journal.open() as ledger:
                return work(ledger, *args, **kwargs)

        return await self._read(work_alone)

    async def _read(self, work: Callable[[], T]) -> T:
        with world("the line list or its results"):
            return await in_thread(self._lock, read_configured, work)

    async def _show(self) -> None:
        """Bring the workbook up to date. Of many callers that wait, the first writes for all that came before it."""
        await self._work(self._render)

    def _render(self, ledger: Ledger) -> None:
        now = ledger.changes()
        if self._shown == now:
            return
        with Folder(self._results.parent) as folder:
            folder.write(self._results.name, render_workbook(ledger, self._words), self._mode)
        self._shown = now

    # --- reading -------------------------------------------------------------------------------------------------

    def _pull(self, ledger: Ledger) -> list[LocalRecord]:
        signature = self._list.signature()
        from_top = self._rest is None or bool(self._states) or signature != self._seen
        if from_top:
            if ledger.changes():
                self._render(ledger)
            if signature == self._idle:
                return []
            self._rest, self._seen = self._list.marked_rows(), signature
        records = self._next_due(ledger)
        if from_top:
            self._idle = None if records else signature
        elif not records:
            self._render(ledger)
        return records

    def _next_due(self, ledger: Ledger) -> list[LocalRecord]:
        """Take the next rows that are due; with the last of them the list leaves the memory."""
        rest = self._rest or iter(())
        due = list(islice(((ref, row) for row in rest if (ref := self._ref(ledger, row)) is not None), AT_ONCE))
        if len(due) < AT_ONCE:
            self._rest = None
        self._states = {ref: self._state(row) for ref, row in due}
        return [_record(ref, row) for ref, row in due]

    def _ref(self, ledger: Ledger, row: Row) -> str | None:
        """Return the ref under which a row is due, None if nothing is due.

        A row that became a draft stays one, whatever is typed into it later. Only when a person has put that draft
        aside and the row has changed since is it due again, under a new ref, for the node knows the old one.
        """
        attempt = 1
        while True:
            ref = row.base if attempt == 1 else f"{row.base}:{attempt}"
            settled = ledger.settled(ref)
            if settled is None:
                return ref
            if settled.kind is not NoticeKind.DRAFTED:
                return None if settled.state == self._state(row) else ref
            then = settled.state.partition(".")[0]
            if not ledger.is_closed(ref) or then in {"", row.state}:
                return None
            attempt += 1

    def _state(self, row: Row) -> str:
        """Return the state of a row: a refused row is due again when the row, the mapping file or the language changes,
        the last two from the next start on; a draft put aside only when the row does.
        """
        return f"{row.state}.{row.layout.fingerprint}.{self._words.language}"

    # --- writing -------------------------------------------------------------------------------------------------

    def _settle(self, ledger: Ledger, outcomes: Sequence[tuple[LocalRecord, Notice]]) -> None:
        for record, notice in outcomes:
            named = {finding.place for finding in notice.findings}
            columns = {place: label for label, place in record.places.items() if place in named}
            ledger.settle(record.ref, self._states.get(record.ref, ""), notice, columns)

    def _push(self, ledger: Ledger, item: Delivery | Notice) -> None:
        if not item.key:
            raise RefusedError(Code.INVALID, "an item needs an idempotency key")
        ledger.add(item)
        self._idle = None

    def _status(self, ledger: Ledger, local_id: str) -> str:
        if not ledger.knows(local_id):
            raise RefusedError(Code.NOT_FOUND, "nothing with this local id was handed over here")
        return "listed" if ledger.has(local_id) else "erased"

    def _erase(self, ledger: Ledger, local_id: str) -> None:
        if self._status(ledger, local_id) == "listed":
            ledger.erase(local_id, ledger.message_of(local_id))

    def _erase_record(self, ledger: Ledger, ref: str) -> Erasure:
        # What is noted of a row that is still there keeps it from being read anew.
        if self._list.has_row(ref):
            return Erasure.NOT_SUPPORTED
        if not ledger.forget(ref):
            raise RefusedError(Code.NOT_FOUND, "no such row in the line list")
        return Erasure.ERASED


def _record(ref: str, row: Row) -> LocalRecord:
    return LocalRecord(ref=ref, fields=row.fields, mapping=row.layout.name, places=row.places, faults=row.faults)
