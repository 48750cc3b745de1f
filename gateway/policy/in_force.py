"""The corridor policy in force: the fold of what administrators completed about this node (docs/policy.md).

A policy is a change like those of trust, with the whole file in its body, so that every version ever adopted is kept
with the signatures of who approved it, and what is signed are the bytes that people read. `gateway.policy.comparison`
says what a new one may be, `PoliciesInForce` holds what counts now.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from gateway.changes import rules as trust
from gateway.changes import store as rows
from gateway.changes.completed import completed
from gateway.changes.rules import NODE, Action, Completed
from gateway.changes.store import ChangeRow
from gateway.database import journal
from gateway.database.audit_entries import leaf
from gateway.database.engine import Store
from gateway.errors import Code, Finding, RefusedError
from gateway.foundation.ids import NodeId
from gateway.policy.comparison import check_next
from gateway.ports import Json
from keys.documents.change import Change, change_hash
from keys.primitives.encoding import number, sha256_hex, text
from schemas.region_pack.policies import CorridorPolicy, canonical_bytes, read_policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """One adopted policy. `policy` is None where the file can not be applied, and `faults` then say why; `since` is
    when it took effect, Unix seconds.
    """

    change: str
    name: str
    version: int
    digest: str
    file: str
    since: int
    policy: CorridorPolicy | None
    faults: tuple[Finding, ...] = ()


class PoliciesInForce:
    """The policies that were adopted, by the time from which each counts; `refresh` after every move that touched
    one.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reading = asyncio.Lock()
        self._changes: Sequence[Completed] = ()
        self._adopted: Mapping[str, Adopted] = {}

    async def refresh(self) -> None:
        """Read what was adopted again. One after the other: what was read before never replaces what was adopted."""
        async with self._reading:
            self._changes, intact = await self._store.read(lambda c: (completed(c, NODE), _intact(c)))
            self._adopted = {one.hash: adopted(one) if one.hash in intact else altered(one) for one in self._changes}

    def in_force(self, now: int) -> Adopted | None:
        """Find what counts now, None where no policy has been adopted yet: then nothing leaves."""
        found = trust.in_force(self._changes, now)
        return None if found is None else self._adopted[found.hash]

    def at(self, now: int) -> CorridorPolicy | None:
        """The policy to be applied now. One that can not be applied is none: nothing leaves (nrm1 12.11)."""
        found = self.in_force(now)
        return None if found is None else found.policy

    def waiting(self, now: int) -> Sequence[Adopted]:
        """List what was completed and waits for its time, in its order."""
        found = trust.in_force(self._changes, now)
        held = [one.hash for one in self._changes].index(found.hash) + 1 if found else 0
        return [self._adopted[one.hash] for one in self._changes[held:]]


def adopted(change: Completed) -> Adopted:
    """A completed change of the policy, read."""
    policy, faults = _read(text(change.body["file"]))
    return Adopted(
        change=change.hash,
        name=text(change.body["name"]),
        version=number(change.body["version"]),
        digest=text(change.body["digest"]),
        file=text(change.body["file"]),
        since=change.effective,
        policy=policy,
        faults=faults,
    )


def altered(change: Completed) -> Adopted:
    """A completed change of the policy whose bytes are not those that were approved: nothing of it counts."""
    fault = Finding(place="policy#", rule="altered", hint="its bytes are not those that were approved")
    return replace(adopted(change), policy=None, faults=(fault,))


def _intact(connection: Connection) -> set[str]:
    return {row.hash for row in rows.changes_of(connection, NODE) if change_hash(row.payload) == row.hash}


def _read(file: str) -> tuple[CorridorPolicy | None, tuple[Finding, ...]]:
    try:
        return read_policy(file.encode()), ()
    except RefusedError as error:
        return None, tuple(error.findings)


def digest(file: bytes) -> str:
    """What stands for the bytes of a policy file, in the form that `sha256sum` prints."""
    return f"sha256:{sha256_hex(file)}"


def body_of(policy: CorridorPolicy) -> dict[str, Json]:
    """The body of a change that adopts this policy."""
    file = canonical_bytes(policy)
    return {"name": policy.name, "version": policy.version, "digest": digest(file), "file": file.decode()}


# --- as changes --------------------------------------------------------------------------------------------------


def begin(connection: Connection, node: NodeId, policy: CorridorPolicy, now: int) -> None:
    """The policy of a new node, in the transaction that makes it: like the first administrators, nobody approves it."""
    change = Change(node=node, subject=NODE, prev=None, at=now, action=str(Action.POLICY_BEGIN), body=body_of(policy))
    rows.add_change(
        connection,
        ChangeRow(
            hash=change.hash, subject=NODE, seq=1, payload=change.encode(), state=rows.DONE, at=now, effective=now
        ),
    )
    journal.append_leaf(
        connection,
        leaf(now, "change.completed", change=change.hash, action=change.action, subject=NODE, effective=now),
    )
    take_effect(connection, change, now, now)


def check(connection: Connection, change: Change, now: int) -> None:
    """Return if a change adopts a policy that may follow those before it.

    Raises:
        RefusedError: invalid, with the faults of the file; conflict.
    """
    if change.subject != NODE or change.action == Action.POLICY_BEGIN:
        raise RefusedError(Code.INVALID, "the subject of this change does not fit its action; nothing was changed")
    policy = read_policy(text(change.body["file"]).encode())
    if dict(change.body) != body_of(policy):
        raise RefusedError(Code.INVALID, "the change does not match the policy in it; nothing was changed")
    before = completed(connection, NODE)
    held = trust.in_force(before, now)
    check_next(
        policy,
        held=None if held is None else adopted(held).policy,
        earlier=[(text(one.body["name"]), number(one.body["version"])) for one in before],
        narrowing=change.action == Action.POLICY_NARROW,
    )


def take_effect(connection: Connection, change: Change, effective: int, now: int) -> None:
    """The policy counts from now on, unless its time has not come."""
    if not trust.waits(change.action, effective, now):
        journal.append_leaf(connection, leaf(now, "policy.adopted", change=change.hash, digest=change.body["digest"]))
