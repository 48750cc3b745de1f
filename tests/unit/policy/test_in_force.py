"""The corridor policy that counts: what was adopted when, and what may be adopted next."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from sqlalchemy import Connection
from support.policies import open_on, policy

from gateway.changes import store as rows
from gateway.changes.rules import NODE, Action, Completed
from gateway.changes.store import DONE, ChangeRow
from gateway.database import journal
from gateway.database.engine import Store
from gateway.errors import Code, RefusedError
from gateway.foundation.ids import NodeId
from gateway.policy import in_force
from gateway.policy.in_force import Adopted, PoliciesInForce, adopted, altered, body_of, digest
from keys.documents.change import Change
from keys.primitives.encoding import sha256_hex
from schemas.region_pack.policies import CorridorPolicy, canonical_bytes, read_policy

OWN = NodeId("n1" + "a" * 32)
WAY = ("FR", "AL")
FIRST, WIDE, NARROW = (
    read_policy(canonical_bytes(made))
    for made in (policy(WAY, before=["routing"]), open_on(WAY, name="wide"), policy(name="narrow"))
)
NOW = 1_000


def change(new: CorridorPolicy, action: Action = Action.POLICY_NARROW, **changed: Any) -> Change:
    """A change that adopts a policy."""
    usual: dict[str, Any] = {"node": OWN, "subject": NODE, "prev": None, "at": NOW, "body": body_of(new)}
    return Change(action=str(action), **{**usual, **changed})


def complete(connection: Connection, asked: Change, seq: int, effective: int) -> None:
    """The change has its place."""
    row = ChangeRow(
        hash=asked.hash, subject=NODE, seq=seq, payload=asked.encode(), state=DONE, at=NOW, effective=effective
    )
    rows.add_change(connection, row)


def one(new: CorridorPolicy, asked: Change, since: int) -> Adopted:
    """The policy as adopted by this change."""
    file = canonical_bytes(new)
    return Adopted(
        change=asked.hash,
        name=new.name,
        version=new.version,
        digest=digest(file),
        file=file.decode(),
        since=since,
        policy=new,
    )


def test_a_policy_is_adopted_with_its_file():
    """The bytes that people read are what counts, and their digest is that of `sha256sum`."""
    asked = change(WIDE)
    completed = Completed(hash=asked.hash, action=Action.POLICY_NARROW, body=asked.body, effective=7)
    assert adopted(completed) == one(WIDE, asked, 7)
    assert digest(b"abc") == f"sha256:{sha256_hex(b'abc')}"
    assert body_of(WIDE) == {
        "name": "wide",
        "version": 1,
        "digest": digest(canonical_bytes(WIDE)),
        "file": canonical_bytes(WIDE).decode(),
    }


def test_a_policy_that_cannot_be_applied_says_why():
    """A file that no longer reads, or whose bytes were altered, opens nothing and keeps its name."""
    asked = change(WIDE, body=body_of(WIDE) | {"file": "{}"})
    completed = Completed(hash=asked.hash, action=Action.POLICY_NARROW, body=asked.body, effective=7)
    unread = adopted(completed)
    assert (unread.name, unread.policy, bool(unread.faults)) == ("wide", None, True)
    good = Completed(hash="h", action=Action.POLICY_NARROW, body=body_of(WIDE), effective=7)
    spoilt = altered(good)
    (fault,) = spoilt.faults
    assert (spoilt.name, spoilt.policy, fault.place, fault.rule) == ("wide", None, "policy#", "altered")
    assert fault.hint == "its bytes are not those that were approved"


# --- what counts now ---------------------------------------------------------------------------------------------


async def test_a_node_without_a_policy_lets_nothing_leave(store: Store):
    """There is none to be applied, and none that waits."""
    policies = PoliciesInForce(store)
    await policies.refresh()
    assert (policies.in_force(NOW), policies.at(NOW), policies.waiting(NOW)) == (None, None, [])


async def test_the_last_policy_whose_time_has_come_counts(store: Store):
    """What lets more leave waits for its day; what was adopted after it and lets less leave overtakes it."""
    wide, less = change(WIDE, Action.POLICY_WIDEN), change(NARROW)
    begun = change(FIRST, Action.POLICY_BEGIN)

    def move(connection: Connection) -> None:
        complete(connection, begun, 1, NOW)
        complete(connection, wide, 2, NOW + 100)

    policies = PoliciesInForce(store)
    await store.move(move)
    assert policies.at(NOW) is None
    await policies.refresh()
    assert (policies.at(NOW + 99), policies.waiting(NOW + 99)) == (FIRST, [one(WIDE, wide, NOW + 100)])
    assert policies.in_force(NOW + 100) == one(WIDE, wide, NOW + 100)
    assert policies.waiting(NOW + 100) == []
    await store.move(lambda c: complete(c, less, 3, NOW + 50))
    await policies.refresh()
    assert (policies.at(NOW + 100), policies.waiting(NOW + 50)) == (NARROW, [])


async def test_everything_waits_where_nothing_counts_yet(store: Store):
    """A first policy whose time has not come lets nothing leave until then."""
    wide = change(WIDE, Action.POLICY_WIDEN)
    await store.move(lambda c: complete(c, wide, 1, NOW + 100))
    policies = PoliciesInForce(store)
    await policies.refresh()
    assert (policies.at(NOW), policies.waiting(NOW)) == (None, [one(WIDE, wide, NOW + 100)])


async def test_an_altered_file_is_not_applied(store: Store):
    """Its bytes do not make the hash that was signed."""
    asked = change(WIDE)
    forged = change(WIDE, at=NOW + 1)

    def move(connection: Connection) -> None:
        row = ChangeRow(
            hash=asked.hash, subject=NODE, seq=1, payload=forged.encode(), state=DONE, at=NOW, effective=NOW
        )
        rows.add_change(connection, row)

    await store.move(move)
    policies = PoliciesInForce(store)
    await policies.refresh()
    found = policies.in_force(NOW)
    assert found is not None
    assert (found.name, found.policy, [fault.rule for fault in found.faults]) == ("wide", None, ["altered"])
    assert policies.at(NOW) is None


# --- as changes --------------------------------------------------------------------------------------------------


def leaves(connection: Connection) -> list[Any]:
    """What the log says, without numbers."""
    return [{k: v for k, v in orjson.loads(leaf).items() if k != "seq"} for _, leaf in journal.leaves(connection)]


def test_a_node_begins_with_a_policy(connection: Connection):
    """It is recorded like what people adopt, though nobody approved it, and counts at once."""
    in_force.begin(connection, OWN, FIRST, NOW)
    asked = change(FIRST, Action.POLICY_BEGIN)
    assert rows.changes_of(connection, NODE) == [
        ChangeRow(hash=asked.hash, subject=NODE, seq=1, payload=asked.encode(), state=DONE, at=NOW, effective=NOW)
    ]
    about = {"at": NOW, "change": asked.hash}
    assert leaves(connection) == [
        about | {"ev": "change.completed", "action": "policy.begin", "subject": NODE, "effective": NOW},
        about | {"ev": "policy.adopted", "digest": digest(canonical_bytes(FIRST))},
    ]


def test_a_policy_that_waits_is_not_adopted_yet(connection: Connection):
    """The log says so when its time has come."""
    wide = change(WIDE, Action.POLICY_WIDEN)
    in_force.take_effect(connection, wide, NOW + 1, NOW)
    assert leaves(connection) == []
    in_force.take_effect(connection, wide, NOW, NOW)
    assert [leaf["ev"] for leaf in leaves(connection)] == ["policy.adopted"]


def test_what_may_be_adopted_next(connection: Connection):
    """Less by a narrowing, more by a widening, and never a version that was there."""
    in_force.begin(connection, OWN, FIRST, NOW)
    in_force.check(connection, change(NARROW), NOW)
    in_force.check(connection, change(WIDE, Action.POLICY_WIDEN), NOW)
    for asked, code in (
        (change(WIDE), Code.INVALID),
        (change(FIRST), Code.CONFLICT),
        (change(NARROW, Action.POLICY_BEGIN), Code.INVALID),
        (change(NARROW, subject="n1" + "b" * 32), Code.INVALID),
        (change(NARROW, body=body_of(NARROW) | {"version": 2}), Code.INVALID),
    ):
        with pytest.raises(RefusedError) as caught:
            in_force.check(connection, asked, NOW)
        assert caught.value.code is code


def test_what_waits_is_not_what_a_narrowing_is_compared_with(connection: Connection):
    """Until its day a wider policy opens nothing, so it can not make another one a narrowing."""
    in_force.begin(connection, OWN, NARROW, NOW)
    complete(connection, change(WIDE, Action.POLICY_WIDEN), 2, NOW + 100)
    with pytest.raises(RefusedError, match="lets more leave"):
        in_force.check(connection, change(FIRST), NOW + 99)
    in_force.check(connection, change(FIRST), NOW + 100)


def test_a_node_without_a_policy_narrows_nothing(connection: Connection):
    """Whatever its first policy opens is more than before."""
    with pytest.raises(RefusedError, match="lets more leave"):
        in_force.check(connection, change(FIRST), NOW)
    in_force.check(connection, change(FIRST, Action.POLICY_WIDEN), NOW)
