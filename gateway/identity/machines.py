"""How the keys of a node are changed, on one machine or on several (nrm1 13.5).

Every change of keys goes through ``change_keys``. Where the node has one machine it is made at once. Where it has
several, the database says whose change comes first:

    1  what the others have done is followed
    2  the key service proposes the change: a step that is sealed for whoever stands where it stands
    3  the step is added behind the one that it follows, in one transaction with what belongs to the change
    4  where another step came first, back to 1; the change may then be done already
    5  the step is followed like everybody else's, and it is written down how far this machine has come

A crash after 3 leaves a step that is followed at the next start; a database that fails before leaves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from gateway.database import journal, meta
from gateway.database.audit_entries import Leaf, leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError
from gateway.identity import machine_store as machines
from gateway.identity.machine_store import KnownStep, Machine
from gateway.identity.node_keys import NodeKeys
from gateway.ports import Clock
from keys.keystore.key_changes import KeyChange
from keys.keystore.steps import Step

T = TypeVar("T")
GENERATION = "keystore_gen"
"""The fact of the database that says which generation of the key store was used last, where there is one machine."""
_JOIN = "trm keys invite on a machine that runs, then trm keys join here; docs/keys.md, Several machines"


class _OvertakenError(Exception):
    """Another step came first; takes back what the transaction has done."""


def no_entries(_result: object) -> Sequence[Leaf]:
    """Nothing is written into the audit log of it."""
    return ()


def nothing_more(_connection: Connection) -> None:
    """Nothing else belongs into the transaction."""


async def change_keys(
    store: Store,
    keys: NodeKeys,
    change: KeyChange[T],
    *,
    clock: Clock,
    entries: Callable[[T], Sequence[Leaf]] = no_entries,
    within: Callable[[Connection], None] = nothing_more,
) -> T:
    """Make a change of the keys and return what came of it, or what came of it elsewhere where it is done already.
    `entries` are what the audit log says of it. `within` has to hold before the change counts: it runs in the
    transaction by which other machines learn of it, or in one before; what it raises ends the change.

    Raises:
        RefusedError: what the change and the key service raise; forbidden on a machine that is not one of this node's.
        TransientError: nothing was changed, or it is not known here yet that it was: repeat it.
    """
    if not keys.step:
        if within is not nothing_more:
            await store.move(within)
        result = keys.change(change)
        if told := entries(result):
            await store.move(lambda c: journal.append_leaves(c, told))
        return result
    while True:
        await follow_steps(store, keys, clock)
        step, result = keys.propose(change)
        if step is None:
            return result
        try:
            await store.move(partial(_add, step=step, keys=keys, entries=entries(result), within=within))
        except _OvertakenError:
            continue
        await follow_steps(store, keys, clock)
        return result


def _add(
    connection: Connection,
    *,
    step: Step,
    keys: NodeKeys,
    entries: Sequence[Leaf],
    within: Callable[[Connection], None],
) -> None:
    if not machines.is_known(connection, keys.machine):
        raise _not_ours()
    within(connection)
    if not machines.add_step(connection, step):
        raise _OvertakenError
    journal.append_leaves(connection, entries)


async def follow_steps(store: Store, keys: NodeKeys, clock: Clock) -> bool:
    """Follow what other machines have done to the keys; returns whether there was something. Nothing where the node has
    one machine.

    Raises:
        RefusedError: conflict or undecryptable where this machine cannot follow, forbidden where it is not one of this
            node's any more; its key store stays as it is.
        TransientError: the database, the disk or the place of the secret is away.
    """
    if not keys.step:
        return False
    followed = False
    while True:
        asked = keys.step
        known = await store.read(partial(machines.read_steps, after=asked))
        if keys.step != asked:  # another task of this process has followed meanwhile
            continue
        steps = _find_next(known, keys)
        if not steps:
            break
        keys.follow(steps)
        followed = True
    if followed:
        await note_generation(store, keys, clock)
    return followed


def _find_next(known: Sequence[KnownStep], keys: NodeKeys) -> list[Step]:
    if not known or known[0].gen != keys.step or known[0].mark != keys.mark:
        raise RefusedError(
            Code.CONFLICT,
            "the database does not know the keyring of this machine; nothing was changed",
            hint=f"if the database was put back to an earlier state, docs/keys.md says what to do; else {_JOIN}",
        )
    steps: list[Step] = []
    for place, step in enumerate(known[1:], keys.step + 1):
        if step.gen != place or step.sealed is None:
            raise RefusedError(
                Code.CONFLICT,
                "the steps that this machine would have to follow are gone; nothing was changed",
                hint=_JOIN,
            )
        steps.append(Step(n=step.gen, before=step.before, mark=step.mark, sealed=step.sealed))
    return steps


async def note_generation(store: Store, keys: NodeKeys, clock: Clock) -> None:
    """Note which generation of the key store is in use, so that an older file of it is refused at a start, and forget
    the steps that every machine has followed.

    Raises:
        RefusedError: forbidden, on a machine that is not one of this node's.
    """
    await store.move(partial(record_generation, keys=keys, at=clock.now()))


def record_generation(connection: Connection, keys: NodeKeys, *, at: int) -> None:
    """As ``note_generation``, in the caller's transaction."""
    if not keys.step:
        meta.set_meta(connection, GENERATION, str(keys.gen).encode())
        return
    if not machines.note_machine(connection, keys, keys.gen, at=at):
        raise _not_ours()
    machines.forget_followed(connection, now=at)


def read_generation(connection: Connection) -> int:
    """The generation below which no key store is opened; where there may be several machines, ``settle_machine`` says
    which one is too old.
    """
    several = bool(machines.list_machines(connection))
    return 1 if several else int(meta.get_meta(connection, GENERATION) or b"1")


async def settle_machine(store: Store, keys: NodeKeys, *, host: str, clock: Clock) -> None:
    """At a start, find out where this machine stands and follow what it missed. A node whose rows are on a server may
    have several machines from its first start on.

    Raises:
        RefusedError: rollback for a key store that is older than the one used last here; forbidden for one that is not
            of this node's machines; as ``follow_steps``. Nothing was changed.
    """

    def query(c: Connection) -> tuple[bool, list[Machine], int]:
        return c.dialect.name == "postgresql", machines.list_machines(c), machines.newest_step(c)

    shared, known, newest = await store.read(query)
    if not keys.step and known:
        raise _not_ours()
    if not keys.step and not shared:
        return
    keys.link()
    if not known:
        await store.move(partial(_begin, keys=keys, host=host, at=clock.now()))
        return
    own = next((machine for machine in known if machine.id == keys.machine), None)
    if own is None:
        raise _not_ours()
    if keys.gen < own.gen:
        raise RefusedError(Code.ROLLBACK, "the key store is older than the one used last on this machine")
    if keys.step > newest and len(known) == 1:
        await store.move(partial(machines.begin_steps, keys=keys))
    await follow_steps(store, keys, clock)
    await note_generation(store, keys, clock)


def _begin(connection: Connection, *, keys: NodeKeys, host: str, at: int) -> None:
    machines.begin_steps(connection, keys)
    add_machine(connection, keys, host=host, at=at)


def add_machine(connection: Connection, keys: NodeKeys, *, host: str, at: int) -> None:
    """Note that this machine has the keys from now on."""
    machines.add_machine(
        connection,
        Machine(
            id=keys.machine,
            host=host,
            gen=keys.gen,
            step=keys.step,
            epoch=min((keys.epoch, *keys.old_epochs)),
            since=at,
            seen=at,
        ),
    )
    journal.append_leaf(connection, leaf(at, "machine.joined", machine=keys.machine))


def retire_machine(connection: Connection, machine: str, *, at: int, actor: str | None) -> tuple[Machine, bool]:
    """Take a machine off and return it, and whether it had not followed the newest change. `actor` is the keyed hash of
    who did it, None on a node that is stopped.

    Raises:
        RefusedError: not_found.
    """
    known = {one.id: one for one in machines.list_machines(connection)}
    if machine not in known:
        raise RefusedError(Code.NOT_FOUND, "no machine of this node has this id", hint="trm keys machines lists them")
    behind = known[machine] in machines.find_behind(connection)
    machines.remove_machine(connection, machine)
    machines.forget_followed(connection, now=at)
    entry = leaf(at, "machine.retired", machine=machine)
    if actor is not None:
        entry = leaf(at, "machine.retired", machine=machine, actor=actor)
    journal.append_leaf(connection, entry)
    return known[machine], behind


def _not_ours() -> RefusedError:
    return RefusedError(
        Code.FORBIDDEN,
        "this machine is none of those that have the keys of this node: it was retired, or never joined; "
        "nothing was changed",
        hint=_JOIN,
    )
