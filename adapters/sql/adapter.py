"""The office's database behind the port: work in a thread, one piece at a time, errors translated once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

from sqlalchemy import String, cast, select

from adapters.kit.mapping import MappingFile
from adapters.kit.setup.local import look_at_mapping, look_at_secret
from adapters.kit.setup.needs import Need, faults_of, met, missing
from adapters.kit.threads import in_thread
from adapters.sql import inbox, setup
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
        self._mapping = MappingFile(mapping)
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
        return faults_of(await self.needs())

    async def needs(self) -> Sequence[Need]:
        """Look at the mapping file, the database, the view and the inbox, with the rights of the account there."""
        here = [await look_at_mapping(self._lock, self._mapping)]
        if self._address.password is not None:
            here.append(await look_at_secret(self._lock, self._address.password, "password file"))
        return here if faults_of(here) else [*here, *await in_thread(self._lock, self._look)]

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
        found = self._outbox.due(*self._mapping.name_and_edition())
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

    def _look(self) -> list[Need]:
        dialect = self._address.dialect
        try:
            with translate_errors():
                connection = self._engine.connect()
        except GatewayError as exc:
            return [missing("database", "not_reachable", f"{exc.what}: {setup.NOT_REACHED}")]
        try:
            with translate_errors(), connection:
                return [
                    *([*setup.look_at_file(self._address)] or [met("database")]),
                    *setup.look_at_view(connection, self._view, self._mapping.path, dialect),
                    *setup.look_at_inbox(connection, self._inbox, dialect),
                    *setup.look_at_files(connection, self._files),
                ]
        except GatewayError as exc:
            return [missing("database", "not_usable", f"{exc.what}: {exc.hint}")]
