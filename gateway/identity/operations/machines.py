"""The machines of this node: who has its keys, who may get them, who has them no more (nrm1 13.5)."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from gateway.database import journal
from gateway.database.audit_entries import Actor, leaf
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError, RemoteError
from gateway.foundation.chores import HOUR
from gateway.identity import machine_store as machines
from gateway.identity.machines import retire_machine
from gateway.identity.node_keys import NodeKeys
from gateway.identity.operations.models import Invite, Invited, Machines, OneMachine, Retired
from gateway.operations.actors import pseudonym
from gateway.operations.models import Nothing
from gateway.operations.registry import About, operation
from gateway.operations.roles import LOOKS, RUNS, Caller
from gateway.ports import Clock, OperationResult
from keys.primitives.encoding import unb64u


class MachineOperations:
    """Operations on the machines that have the keys of this node."""

    def __init__(self, *, store: Store, keys: NodeKeys, clock: Clock, actor: Actor) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock
        self._actor = actor

    @operation(
        "keys.machines", "machines that have the keys of this node", roles=LOOKS, about=About.NODE, answer=Machines
    )
    async def list_machines(self, _asked: Nothing) -> OperationResult:
        """Every machine that has the keys, since when, and whether it has followed the newest change of them."""
        known = await self._store.read(machines.list_machines)
        behind = {machine.id for machine in await self._store.read(machines.find_behind)}
        return OperationResult(
            value={
                "machines": [
                    {
                        "machine": machine.id,
                        "host": machine.host,
                        "since": machine.since,
                        "seen": machine.seen,
                        "behind": machine.id in behind,
                        "here": machine.id == self._keys.machine,
                    }
                    for machine in known
                ]
            }
        )

    @operation("keys.invite", "let one more machine get the keys", roles=RUNS, about=About.NODE, answer=Invited)
    async def invite(self, asked: Invite, caller: Caller) -> OperationResult:
        """Keep one half of the key of an invitation for an hour. It opens nothing without the file and its code."""
        if not self._keys.step:
            raise RefusedError(
                Code.CONFLICT,
                "the rows of this node are in its folder, so its keys are on this machine alone; nothing was made",
                hint="trm database move brings the rows to a server that several machines reach: docs/database.md",
            )
        try:
            id, half = unb64u(asked.invitation), unb64u(asked.half)
        except RemoteError as error:
            raise RefusedError(error.code, "this is no invitation; nothing was made") from error
        now, actor = self._clock.now(), pseudonym(caller.actor, self._actor)

        def move(connection: Connection) -> None:
            known = [machine.step for machine in machines.list_machines(connection)]
            step = min(known, default=self._keys.step)
            machines.add_invitation(connection, id, half, step=step, until=now + HOUR, now=now)
            journal.append_leaf(connection, leaf(now, "machine.invited", actor=actor, until=now + HOUR))

        await self._store.move(move)
        return OperationResult(value={"until": now + HOUR})

    @operation("keys.retire", "take off a machine that is lost", roles=RUNS, about=About.NODE, answer=Retired)
    async def retire(self, asked: OneMachine, caller: Caller) -> OperationResult:
        """Take a machine off. It changes nothing any more, and nothing waits for it; its disk opens what it held."""
        if asked.machine == self._keys.machine:
            raise RefusedError(
                Code.INVALID,
                "this is the machine that answers; nothing was changed",
                hint="stop it, and retire it from another one",
            )
        now, actor = self._clock.now(), pseudonym(caller.actor, self._actor)
        gone, behind = await self._store.move(partial(retire_machine, machine=asked.machine, at=now, actor=actor))
        return OperationResult(value={"machine": gone.id, "host": gone.host, "behind": behind})
