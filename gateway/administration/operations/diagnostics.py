"""What only the node can say for a diagnostics file: rows of its tables, their revision, its newest log lines."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import Connection, func, select

from gateway.database.engine import Store
from gateway.database.migrations import HEAD
from gateway.database.tables import metadata
from gateway.foundation.logs import list_recent_lines
from gateway.operations.models import Answer, Count, Nothing, Object
from gateway.operations.registry import About, operation
from gateway.operations.roles import RUNS
from gateway.ports import Json, OperationResult


class TableSize(Answer):
    """One table."""

    table: str
    rows: Count


class Diagnostics(Answer):
    """Figures about the database and the process."""

    revision: str = Field(description="of the tables")
    tables: list[TableSize]
    log: list[Object] = Field(description="newest lines of this process, each by code and figures alone")


class DiagnosticsOperations:
    """The operation that `trm diagnostics` asks besides others."""

    def __init__(self, *, store: Store) -> None:
        self._store = store

    @operation(
        "node.diagnostics",
        "rows of each table, revision, newest log lines by code",
        roles=RUNS,
        about=About.NODE,
        answer=Diagnostics,
    )
    async def collect(self, _asked: Nothing) -> OperationResult:
        """Count the rows of every table, and give the newest log lines of this process: no content, no name, no id."""

        def count(connection: Connection) -> list[Json]:
            sizes = {
                name: connection.scalar(select(func.count()).select_from(t)) for name, t in metadata.tables.items()
            }
            return [{"table": name, "rows": rows} for name, rows in sorted(sizes.items())]

        tables = await self._store.read(count)
        return OperationResult(value={"revision": HEAD, "tables": tables, "log": [*map(dict, list_recent_lines())]})
