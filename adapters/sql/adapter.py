"""The office's database behind the port: work in a thread, one piece at a time, errors translated once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

from sqlalchemy import Connection, Executable, String, cast, delete, func, insert, literal, select, update
from sqlalchemy.exc import DBAPIError

from adapters.kit.mapping import name_and_edition
from adapters.kit.threads import in_thread
from adapters.sql import inbox
from adapters.sql.cells import BAD_REF, ref_of
from adapters.sql.database import STATEMENT_SECONDS, Address, translate_errors, translated
from adapters.sql.office_files import Files, OfficeFiles
from adapters.sql.outbox import Outbox
from adapters.sql.tables import inbox_table, outbox_view
from gateway.errors import Code, Finding, GatewayError, RefusedError, TransientError
from gateway.ports import Delivery, Description, Erasure, LocalRecord, Notice

P = ParamSpec("P")
T = TypeVar("T")


NO_FILES = Files()


class SqlAdapter:
    """A database at `address`: rows of `view` become drafts by the file `mapping`, `inbox` takes what comes in, `files`
    those of both.

    `ref` and `changed` are the columns of the view that name a row and say when it was changed last. `patience` is how
    long, in seconds, an answer may take. Making one connects to nothing.
    """

    kind = "sql"

    def __init__(
        self,
        address: Address,
        *,
        mapping: Path,
        view: str = "trm_outbox",
        ref: str = "ref",
        changed: str = "changed",
        inbox: str = "trm_inbox",
        files: Files = NO_FILES,
        batch: int = 100,
        patience: int = STATEMENT_SECONDS,
    ) -> None:
        self._address = address
        self._engine = address.engine(patience)
        self._view = outbox_view(view, ref, changed)
        self._inbox = inbox_table(inbox)
        self._mapping = mapping
        self._outbox = Outbox(self._engine, self._view, self._inbox, batch=batch)
        self._lock = Lock()
        self._files = OfficeFiles(files, self._engine, self._lock)
        self._versions: dict[str, str] = {}

    def describe(self) -> Description:
        """Describe the adapter; erasing empties the row, and cannot reach the office's own copies and backups."""
        return Description(
            kind=self.kind,
            version="1",
            target=self._address.shown,
            can_pull=True,
            can_push=True,
            erasure=Erasure.ERASED,
            takes_files=self._files.are_taken,
            gives_files=self._files.are_given,
        )

    async def check(self) -> Sequence[Finding]:
        """Check that view and inbox can be used as needed, and that the account can do no more."""
        return await in_thread(self._lock, self._check)

    async def pull(self) -> Sequence[LocalRecord]:
        """Return the rows of the view that are not settled, or were changed since they were refused."""
        return await self._work(self._pull)

    async def settle(self, record: LocalRecord, notice: Notice) -> None:
        """Record in the inbox the outcome of reading a row."""
        await self._work(self._settle, record.ref, notice)

    async def push(self, item: Delivery | Notice) -> str:
        """Insert an item into the inbox, once for each key; the key is the local id. Its files come before it."""
        if isinstance(item, Delivery) and self._brings_files(item) and not await self._work(self._knows, item.key):
            await self._files.put(item)
        (outcome,) = await self._work(self._put_all, [item])
        if isinstance(outcome, RefusedError):
            raise outcome
        return outcome

    async def push_all(self, items: Sequence[Delivery | Notice]) -> Sequence[str | RefusedError | TransientError]:
        """Insert several items, those without files between two others in one transaction: when the database fails
        meanwhile, none of them is there.
        """
        outcomes: list[str | RefusedError | TransientError] = []
        try:
            for with_files, run in [(of, [*run]) for of, run in groupby(items, self._brings_files)]:
                if not with_files:
                    outcomes += await self._work(self._put_all, run)
                    continue
                for item in run:
                    try:
                        outcomes.append(await self.push(item))
                    except RefusedError as error:
                        outcomes.append(error)
        except TransientError as error:
            outcomes.append(error)
        return outcomes

    def _brings_files(self, item: Delivery | Notice) -> bool:
        return self._files.are_taken and isinstance(item, Delivery) and bool(item.attachments)

    def _knows(self, key: str) -> bool:
        with self._engine.begin() as connection:
            return inbox.knows(connection, self._inbox, key)

    async def status(self, local_id: str) -> str:
        """Return the state of a row of the inbox: `new`, `erased`, or the office's own word."""
        return await self._work(self._one, inbox.read_status, local_id)

    async def erase(self, local_id: str) -> Erasure:
        """Empty a row of the inbox, and the pieces of its files."""
        return await self._work(self._erase, local_id)

    async def erase_record(self, ref: str) -> Erasure:
        """Look for the row in the view, which the account may only read: `not_supported` while the office has it there.
        Then empty what the inbox says of it.
        """
        return await self._work(self._erase_record, ref)

    async def _work(self, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await in_thread(self._lock, translated, work, *args, **kwargs)

    def _pull(self) -> list[LocalRecord]:
        found = self._outbox.due(*name_and_edition(self._mapping))
        self._versions = {due.record.ref: due.version for due in found}
        records = [due.record for due in found]
        return self._files.give_to(records)

    def _settle(self, ref: str, notice: Notice) -> None:
        with self._engine.begin() as connection:
            inbox.record_reading(connection, self._inbox, ref, self._versions.get(ref), notice)

    def _put_all(self, items: Sequence[Delivery | Notice]) -> list[str | RefusedError]:
        with self._engine.begin() as connection:
            return inbox.put_all(connection, self._inbox, items)

    def _one(self, work: Callable[..., T], local_id: str) -> T:
        with self._engine.begin() as connection:
            return work(connection, self._inbox, local_id)

    def _erase(self, local_id: str) -> Erasure:
        had_files = self._files.empty(local_id)
        try:
            return self._one(inbox.erase_row, local_id)
        except RefusedError:
            if had_files:  # of a hand-over that never came to its row
                return Erasure.ERASED
            raise

    def _erase_record(self, ref: str) -> Erasure:
        view, (record, _) = self._view, inbox.split_ref(ref)
        named = select(view.ref).select_from(view.source).where(cast(view.ref, String(100)) == record).limit(1)
        with self._engine.begin() as connection:
            # The note of a row that is still there keeps it from being read anew.
            if connection.execute(named).first() is not None:
                return Erasure.NOT_SUPPORTED
            if not inbox.forget_record(connection, self._inbox, ref):
                raise RefusedError(Code.NOT_FOUND, "no such record in the view")
        self._versions.pop(ref, None)
        return Erasure.ERASED

    # --- checking ------------------------------------------------------------------------------------------------

    def _check(self) -> list[Finding]:
        try:
            with translate_errors(), self._engine.connect() as connection:
                found = [*self._check_view(connection), *self._check_inbox(connection)]
                return found + self._files.check(lambda statement: _allowed(connection, statement))
        except GatewayError as exc:
            return [Finding(place="database", rule="not_reachable", hint=f"{exc.what}: {exc.hint}")]

    def _check_view(self, connection: Connection) -> list[Finding]:
        view, place = self._view, f"view {self._view.name}"
        if not _allowed(connection, select(view.ref, view.changed).select_from(view.source).where(literal(1) == 0)):
            return [
                Finding(place=place, rule="missing_view", hint="make the view, with its columns, and the right to read")
            ]
        findings = []
        twice = select(view.ref).select_from(view.source).group_by(view.ref).having(func.count() > 1).limit(1)
        if connection.execute(twice).first() is not None:
            findings.append(Finding(place=place, rule="ref_twice", hint="the view must have one row for each ref"))
        some = select(view.ref).select_from(view.source).limit(1000)
        if any(ref_of(ref) is None for ref in connection.scalars(some)):
            findings.append(Finding(place=place, rule="bad_ref", hint=BAD_REF))
        return findings

    def _check_inbox(self, connection: Connection) -> list[Finding]:
        table, place = self._inbox, f"table {self._inbox.name}"
        never = literal(1) == 0
        nothing = select(*table.columns).where(never)
        if not _allowed(connection, nothing):
            return [Finding(place=place, rule="missing_inbox", hint="run the script of this kind of database")]
        findings = []
        may_write = (
            insert(table).from_select(list(table.columns), nothing),
            update(table).where(never).values(state=""),
        )
        if not all(_allowed(connection, statement) for statement in may_write):
            findings.append(Finding(place=place, rule="not_writable", hint="grant INSERT and UPDATE on it"))
        if self._address.dialect != "sqlite" and _allowed(connection, delete(table).where(never)):
            hint = "the account can delete rows, and with them the memory of what was handed over; see the script"
            findings.append(Finding(place=place, rule="too_many_rights", hint=hint))
        return findings


def _allowed(connection: Connection, statement: Executable) -> bool:
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
