"""Queries of the machines that have the keys of this node, and of the steps by which keys go from one to the others
(nrm1 13.5). There are rows only where the node has, or could have, several machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, exists, func, insert, literal, select, union_all, update
from sqlalchemy.dialects.postgresql import insert as insert_or_leave

from gateway.database.content import open_epochs
from gateway.database.tables import key_invitation, key_machine, keystore_step
from keys.keystore.service import KeyService
from keys.keystore.steps import Step

MOST = 100
"""Steps that are followed in one go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine that has the keys: `gen` of its key store file, the last `step` that it has followed, the oldest
    storage `epoch` whose key it has, `since` when, and when it was `seen` last; Unix seconds.
    """

    id: str
    host: str
    gen: int
    step: int
    epoch: int
    since: int
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownStep:
    """A step as the database has it; `sealed` is None where every machine has followed it."""

    gen: int
    before: bytes
    mark: bytes
    sealed: bytes | None


# --- machines -----------------------------------------------------------------------------------------------------


def list_machines(connection: Connection) -> list[Machine]:
    """Every machine that has the keys, the first one first."""
    query = select(key_machine).order_by(key_machine.c.since, key_machine.c.id)
    return [Machine(**row._mapping) for row in connection.execute(query)]


def add_machine(connection: Connection, machine: Machine) -> None:
    """Add a machine."""
    connection.execute(insert(key_machine).values(**{name: getattr(machine, name) for name in Machine.__slots__}))


def note_machine(connection: Connection, keys: KeyService, gen: int, *, at: int) -> bool:
    """Note how far this machine has come; False where it is not one of this node's any more."""
    query = update(key_machine).where(key_machine.c.id == keys.machine)
    return bool(connection.execute(query.values(gen=gen, step=keys.step, epoch=_oldest(keys), seen=at)).rowcount)


def is_known(connection: Connection, machine: str) -> bool:
    """Whether a machine is one of this node's."""
    return connection.scalar(select(exists().where(key_machine.c.id == machine))) is True


def remove_machine(connection: Connection, machine: str) -> bool:
    """Take a machine off; False where there is none of this id."""
    return bool(connection.execute(delete(key_machine).where(key_machine.c.id == machine)).rowcount)


def find_oldest_epoch(connection: Connection, keys: KeyService) -> int:
    """The oldest storage epoch whose key is still there, on this machine or another: what names an older one opens
    nowhere.
    """
    elsewhere = connection.scalar(select(func.min(key_machine.c.epoch)).where(key_machine.c.id != keys.machine))
    return min(_oldest(keys), _oldest(keys) if elsewhere is None else elsewhere)


def find_behind(connection: Connection) -> list[Machine]:
    """The machines that have not followed the newest step: what was destroyed by it is still there."""
    newest = connection.scalar(select(func.max(keystore_step.c.gen)))
    return [machine for machine in list_machines(connection) if machine.step < (newest or 0)]


def _oldest(keys: KeyService) -> int:
    return min((keys.epoch, *keys.old_epochs))


# --- steps --------------------------------------------------------------------------------------------------------


def begin_steps(connection: Connection, keys: KeyService) -> None:
    """Begin the line of steps at where this machine stands; it is the only one."""
    connection.execute(delete(keystore_step))
    connection.execute(insert(keystore_step).values(gen=keys.step, before=b"", mark=keys.mark, sealed=None))


def add_step(connection: Connection, step: Step) -> bool:
    """Add a step behind the one that it follows; False where another one came first. The database decides: of two
    machines that add one number at the same time one waits for the other, and then meets its row.
    """
    follows = exists().where(keystore_step.c.gen == step.n - 1, keystore_step.c.mark == step.before)
    row = select(literal(step.n), literal(step.before), literal(step.mark), literal(step.sealed)).where(follows)
    query = insert_or_leave(keystore_step).from_select(["gen", "before", "mark", "sealed"], row)
    return connection.execute(query.on_conflict_do_nothing().returning(keystore_step.c.gen)).first() is not None


def read_steps(connection: Connection, after: int) -> Sequence[KnownStep]:
    """The step `after`, where it is known, and the next ones."""
    query = select(keystore_step).where(keystore_step.c.gen >= after).order_by(keystore_step.c.gen).limit(MOST + 1)
    return [KnownStep(**row._mapping) for row in connection.execute(query)]


def newest_step(connection: Connection) -> int:
    """The number of the newest step, 0 for none."""
    return connection.scalar(select(func.max(keystore_step.c.gen))) or 0


def forget_followed(connection: Connection, *, now: int) -> None:
    """Forget the steps that every machine has followed: what they closed opens nowhere any more. The number and the
    mark of the last of them stay, for what comes next follows it. For a machine that is invited they are kept.
    """
    steps = union_all(
        select(key_machine.c.step), select(key_invitation.c.step).where(key_invitation.c.until > now)
    ).subquery()
    lowest = connection.scalar(select(func.min(steps.c.step)))
    if lowest is not None:
        connection.execute(delete(keystore_step).where(keystore_step.c.gen < lowest))
        last = update(keystore_step).where(keystore_step.c.gen == lowest, keystore_step.c.sealed.is_not(None))
        connection.execute(last.values(sealed=None))


# --- invitations --------------------------------------------------------------------------------------------------


def add_invitation(connection: Connection, id: bytes, half: bytes, *, step: int, until: int, now: int) -> None:
    """Add an invitation that counts until `until` and hands over the keys as they are at `step` or later, and forget
    those whose time is over.
    """
    connection.execute(delete(key_invitation).where(key_invitation.c.until <= now))
    connection.execute(insert(key_invitation).values(id=id, half=half, step=step, until=until))


def find_invitation(connection: Connection, id: bytes, *, now: int) -> bytes | None:
    """The half of the key of an invitation that still counts."""
    return connection.scalar(
        select(key_invitation.c.half).where(key_invitation.c.id == id, key_invitation.c.until > now)
    )


def use_invitation(connection: Connection, id: bytes, *, now: int) -> bool:
    """Use an invitation up; False where it counts no more."""
    query = delete(key_invitation).where(key_invitation.c.id == id, key_invitation.c.until > now)
    return bool(connection.execute(query).rowcount)


def begin_alone(connection: Connection) -> None:
    """Forget all machines, steps, invitations and closed epochs: the keys come from a backup, are on no machine of
    before, and their newest epoch may be one that was closed since.
    """
    open_epochs(connection)
    for table in (keystore_step, key_machine, key_invitation):
        connection.execute(delete(table))
