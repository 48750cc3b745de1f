"""The steps of the tables (`migrations/versions`), in the order in which they are applied.

Workers of a node on a server are upgraded one after another, so the tables change in two steps. A revision that
*expands* adds what the version before does not look at, and leaves room for what that version writes: it is applied
when the first worker of the new version starts. One that *contracts* takes away what only the version before needs; it
says `contracts = True` in its file and waits until a person lets it (`trm database contract`). A file has one process,
for which both are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, inspect, text

from gateway.errors import Code, Finding, RefusedError

if TYPE_CHECKING:
    from alembic.script import Script, ScriptDirectory

_OURS = "gateway.database:migrations/versions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One revision: what it is for, whether it takes something away, and what does it."""

    revision: str
    about: str
    contracts: bool
    upgrade: Callable[[], None]


class UnknownRevisionError(Exception):
    """The database is at a revision that this program does not know."""


class Revisions:
    """The revisions that this program knows. Alembic is imported only when they are asked for: a node that is up to
    date does not carry it in memory.
    """

    def __init__(self, also: Path | None = None) -> None:
        """`also` is a folder of revisions that follow those of this version."""
        self._places = [_OURS, *([] if also is None else [str(also)])]

    def after(self, before: str | None) -> Sequence[Step]:
        """The steps that a database at this revision has not taken, None for an empty one. Raises
        UnknownRevisionError.
        """
        script = self._read()
        if before is not None and before not in {one.revision for one in script.walk_revisions()}:
            raise UnknownRevisionError
        return [_as_step(one) for one in reversed(list(script.iterate_revisions("heads", before or "base")))]

    def apply(self, connection: Connection, steps: Sequence[Step]) -> None:
        """Take steps, in the transaction of the caller."""
        from alembic.migration import MigrationContext
        from alembic.operations import Operations

        script = self._read()
        context = MigrationContext.configure(connection, opts={"render_as_batch": True})
        for step in steps:
            with Operations.context(context):
                step.upgrade()
            context.stamp(script, step.revision)

    def _read(self) -> ScriptDirectory:
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        config = Config()
        config.set_main_option("script_location", "gateway.database:migrations")
        config.set_main_option("path_separator", "newline")
        config.set_main_option("version_locations", "\n".join(self._places))
        return ScriptDirectory.from_config(config)


def _as_step(script: Script) -> Step:
    return Step(
        revision=script.revision,
        about=script.doc,
        contracts=getattr(script.module, "contracts", False),
        upgrade=script.module.upgrade,
    )


def split_steps(steps: Sequence[Step]) -> tuple[Sequence[Step], Sequence[Step]]:
    """Those that a worker takes when it starts, and those that wait for a person.

    Raises:
        RefusedError: conflict, where one that would be taken comes behind one that waits; nothing was started.
    """
    expanding = list(takewhile(lambda step: not step.contracts, steps))
    waiting = steps[len(expanding) :]
    if behind := [step for step in waiting if not step.contracts]:
        raise RefusedError(
            Code.CONFLICT,
            "the upgrade before this one was not finished; nothing was started or changed",
            hint="trm database contract finishes it; then start this version",
            findings=[Finding(place=f"revision {step.revision}", rule="behind one that waits") for step in behind],
        )
    return expanding, waiting


def revision(connection: Connection) -> str | None:
    """The schema revision of the database, None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.scalar(text("select version_num from alembic_version"))
    return found
